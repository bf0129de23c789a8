#include "ctl/agent_msg.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <jansson.h>

#include "ctl/agent_result.h"
#include "ctl/record.h"

#define ROW(member, kind)                                                                      \
	{                                                                                      \
#member, SP_RECORD_##kind, offsetof(struct sp_agent_msg, member), 0            \
	}

static const struct sp_record hello_rows[] = {
	ROW(protocol, INT), ROW(version, TEXT), ROW(mono_ns, COUNT), ROW(real_ns, I64), { 0 },
};
static const struct sp_record clock_rows[] = {
	ROW(t1, COUNT),
	ROW(t2, COUNT),
	ROW(t3, COUNT),
	{ 0 },
};
static const struct sp_record prepare_rows[] = { ROW(sha256, TEXT), ROW(truth, BOOL), { 0 } };
static const struct sp_record failed_rows[] = {
	ROW(to, TEXT),
	ROW(text, TEXT),
	ROW(exit, INT),
	{ 0 },
};
static const struct sp_record arm_rows[] = { ROW(t0_ns, COUNT), { 0 } };
static const struct sp_record command_rows[] = {
	ROW(action, TEXT), ROW(stream, TEXT), ROW(rate, TEXT), ROW(at_ns, COUNT), { 0 },
};
static const struct sp_record stop_rows[] = { ROW(interrupted, BOOL), { 0 } };
static const struct sp_record log_rows[] = { ROW(text, TEXT), ROW(level, INT), { 0 } };
static const struct sp_record no_rows[] = { { 0 } };

static const struct {
	const char *name;
	const struct sp_record *rows;
} types[] = {
	[SP_AGENT_HELLO] = { "hello", hello_rows },
	[SP_AGENT_CLOCK] = { "clock", clock_rows },
	[SP_AGENT_PREPARE] = { "prepare", prepare_rows },
	[SP_AGENT_READY] = { "ready", no_rows },
	[SP_AGENT_FAILED] = { "failed", failed_rows },
	[SP_AGENT_ARM] = { "arm", arm_rows },
	[SP_AGENT_ARMED] = { "armed", no_rows },
	[SP_AGENT_COMMAND] = { "command", command_rows },
	[SP_AGENT_STOP] = { "stop", stop_rows },
	[SP_AGENT_QUIT] = { "quit", no_rows },
	[SP_AGENT_SAMPLE] = { "sample", no_rows },
	[SP_AGENT_REMARK] = { "remark", no_rows },
	[SP_AGENT_LOG] = { "log", log_rows },
	[SP_AGENT_TRUTH] = { "truth", no_rows },
	[SP_AGENT_DONE] = { "done", no_rows },
};
#define N_TYPES (sizeof types / sizeof *types)

/* ---- writing ---- */

static void put_names(struct sp_json *j, const char *key, const struct sp_agent_names *n)
{
	sp_json_open(j, key, '[');
	for (unsigned i = 0; i < n->n; i++)
		sp_json_str(j, NULL, n->name[i]);
	sp_json_close(j, ']');
}

static void put_host(struct sp_json *j, const struct sp_ctl_host *h)
{
	char boot[33];

	if (!h->known)
		return;
	for (unsigned i = 0; i < sizeof h->boot; i++)
		snprintf(boot + 2 * i, 3, "%02x", h->boot[i]);
	sp_json_open(j, "host", '{');
	sp_json_str(j, "boot", boot);
	sp_json_u64(j, "timens", h->timens);
	sp_json_i64(j, "offset_s", h->offset_s);
	sp_json_i64(j, "offset_ns", h->offset_ns);
	sp_json_close(j, '}');
}

void sp_agent_msg_put(struct sp_str *out, const struct sp_agent_msg *m)
{
	struct sp_json j;

	sp_json_init(&j, out, 0);
	sp_json_open(&j, NULL, '{');
	sp_json_str(&j, "type", types[m->type].name);
	sp_record_put(&j, types[m->type].rows, m);
	if (m->type == SP_AGENT_HELLO) {
		put_names(&j, "features", &m->features);
		put_names(&j, "interfaces", &m->interfaces);
		put_host(&j, &m->host);
	} else if (m->type == SP_AGENT_PREPARE) {
		sp_json_str(&j, "plan", m->plan);
	} else if (m->type == SP_AGENT_TRUTH) {
		sp_json_str(&j, "text", m->text);
	} else if (m->type == SP_AGENT_READY) {
		put_names(&j, "listening", &m->listening);
	} else if (m->type == SP_AGENT_SAMPLE || m->type == SP_AGENT_DONE) {
		sp_json_open(&j, "result", '{');
		sp_agent_result_put(&j, &m->result, m->type == SP_AGENT_DONE);
		sp_json_close(&j, '}');
	} else if (m->type == SP_AGENT_REMARK) {
		sp_json_open(&j, "remark", '{');
		sp_agent_remark_put(&j, &m->remark);
		sp_json_close(&j, '}');
	}
	sp_json_close(&j, '}');
	sp_str_puts(out, "\n");
}

/* ---- reading ---- */

struct reading {
	struct sp_arena *arena;
	int64_t shift_ns;
	struct sp_agent_msg *m;
	struct sp_err *err;
};

static int bad(const struct reading *g, const char *member)
{
	return sp_fail(g->err, -EINVAL, SP_EXIT_DATA,
		       "message '%s': '%s' is not what it should "
		       "be",
		       types[g->m->type].name, member);
}

static int no_memory(const struct reading *g)
{
	return sp_fail(g->err, -ENOMEM, SP_EXIT_FAILED, "out of memory for a message");
}

static int get_names(const struct reading *g, const json_t *o, const char *key,
		     struct sp_agent_names *n)
{
	const json_t *list = json_object_get(o, key);
	char shown[256];

	if (list && !json_is_array(list))
		return bad(g, key);
	for (size_t i = 0; i < json_array_size(list) && n->n < SP_AGENT_NAMES; i++) {
		const char *text = json_string_value(json_array_get(list, i));

		if (!text)
			return bad(g, key);
		n->name[n->n] = sp_arena_strdup(g->arena,
						sp_str_printable(shown, sizeof shown, text));
		if (!n->name[n->n++])
			return no_memory(g);
	}
	return 0;
}

static bool read_boot(const char *text, uint8_t boot[16])
{
	if (!text || strlen(text) != 32)
		return false;
	for (unsigned i = 0; i < 32; i++) {
		unsigned c = (unsigned char)text[i];
		unsigned v = c >= '0' && c <= '9'   ? c - '0'
			     : c >= 'a' && c <= 'f' ? c - 'a' + 10
						    : 16;

		if (v > 15)
			return false;
		boot[i / 2] = (uint8_t)((unsigned)boot[i / 2] << 4 | v);
	}
	return true;
}

static int get_host(const struct reading *g, const json_t *o, struct sp_ctl_host *h)
{
	const json_t *v = json_object_get(o, "host");

	if (!v)
		return 0;
	if (!read_boot(json_string_value(json_object_get(v, "boot")), h->boot) ||
	    json_integer_value(json_object_get(v, "timens")) < 0)
		return bad(g, "host");
	h->known = true;
	h->timens = (uint64_t)json_integer_value(json_object_get(v, "timens"));
	h->offset_s = json_integer_value(json_object_get(v, "offset_s"));
	h->offset_ns = json_integer_value(json_object_get(v, "offset_ns"));
	return 0;
}

/* A text as it is, of any length. */
static int get_text(const struct reading *g, const json_t *o, const char *key, const char **out)
{
	const char *text = json_string_value(json_object_get(o, key));

	if (!text)
		return bad(g, key);
	*out = sp_arena_strdup(g->arena, text);
	return *out ? 0 : no_memory(g);
}

static int get_rest(const struct reading *g, const json_t *o)
{
	struct sp_agent_msg *m = g->m;
	int rc;

	switch (m->type) {
	case SP_AGENT_HELLO:
		rc = get_names(g, o, "features", &m->features);
		if (!rc)
			rc = get_names(g, o, "interfaces", &m->interfaces);
		return rc ? rc : get_host(g, o, &m->host);
	case SP_AGENT_PREPARE:
		return get_text(g, o, "plan", &m->plan);
	case SP_AGENT_TRUTH:
		return get_text(g, o, "text", &m->text);
	case SP_AGENT_READY:
		return get_names(g, o, "listening", &m->listening);
	case SP_AGENT_FAILED:
	case SP_AGENT_LOG:
		return m->text ? 0 : bad(g, "text");
	case SP_AGENT_COMMAND:
		return m->action && m->stream ? 0 : bad(g, m->action ? "stream" : "action");
	case SP_AGENT_SAMPLE:
	case SP_AGENT_DONE:
		return sp_agent_result_get(json_object_get(o, "result"), g->shift_ns, g->arena,
					   &m->result, g->err);
	case SP_AGENT_REMARK:
		return sp_agent_remark_get(json_object_get(o, "remark"), g->arena, &m->remark,
					   g->err);
	default:
		return 0;
	}
}

static int get_type(const struct reading *g, const json_t *o)
{
	const char *type = json_string_value(json_object_get(o, "type"));
	char shown[48];

	for (unsigned i = 0; type && i < N_TYPES; i++) {
		if (strcmp(types[i].name, type) == 0) {
			g->m->type = (enum sp_agent_type)i;
			return 0;
		}
	}
	return sp_fail(g->err, -EINVAL, SP_EXIT_DATA, "a message of no known type: '%s'",
		       type ? sp_str_printable(shown, sizeof shown, type) : "");
}

int sp_agent_msg_get(const char *line, size_t len, int64_t shift_ns, struct sp_arena *arena,
		     struct sp_agent_msg *m, struct sp_err *err)
{
	const struct reading g = { arena, shift_ns, m, err };
	const struct sp_record_reader r = { arena, 0 };
	const char *member = "type";
	json_error_t why;
	char shown[JSON_ERROR_TEXT_LENGTH];
	json_t *o = json_loadb(line, len, JSON_REJECT_DUPLICATES, &why);
	int rc;

	*m = (struct sp_agent_msg){ 0 };
	if (!o)
		return sp_fail(err, -EINVAL, SP_EXIT_DATA, "not a message: column %d: %s",
			       why.column, sp_str_printable(shown, sizeof shown, why.text));
	rc = get_type(&g, o);
	if (!rc) {
		rc = sp_record_get(&r, o, types[m->type].rows, m, &member);
		if (rc)
			rc = rc == -ENOMEM ? no_memory(&g) : bad(&g, member);
	}
	if (!rc)
		rc = get_rest(&g, o);
	json_decref(o);
	return rc;
}
