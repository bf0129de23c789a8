#include "scenario/conversation_plan.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "engine/plan_build.h"

struct making {
	struct sp_plan_build *b;
	struct sp_err *err;
	int rc; /* the first that failed */
};

static void set(struct making *m, const char *key, const char *value)
{
	if (!m->rc && value)
		m->rc = sp_plan_set(m->b, key, value, key, m->err);
}

static void set_number(struct making *m, const char *key, uint64_t v)
{
	char text[24];

	snprintf(text, sizeof text, "%" PRIu64, v);
	set(m, key, text);
}

static void add(struct making *m, enum sp_plan_item item)
{
	if (!m->rc)
		m->rc = sp_plan_add(m->b, item, NULL, m->err);
}

static void put_run(struct making *m)
{
	add(m, SP_PLAN_RUN);
	set(m, "name", "replay");
	/* What is late is played all the same. The server is somebody else's: nobody is asked whether
	 * it is spate's. */
	set(m, "catch_up", "all");
	set(m, "control", "false");
}

static void put_ports(struct making *m, const struct sp_conversation_stream *s, unsigned n)
{
	static const char *const transports[2][2] = { { "tcp", "tcp" }, { "udp", "udp-conn" } };

	for (unsigned udp = 0; udp < 2; udp++)
		for (unsigned i = 0; i < n; i++) {
			if (s[i].udp != (udp == 1))
				continue;
			add(m, SP_PLAN_PORT);
			set(m, "name", transports[udp][0]);
			set(m, "transport", transports[udp][1]);
			break;
		}
}

static void put_stream(struct making *m, const struct sp_conversation_stream *s,
		       const struct sp_conversation_how *how)
{
	const char *timeout = s->udp ? SP_CONVERSATION_TIMEOUT_UDP : SP_CONVERSATION_TIMEOUT;
	uint64_t at_once = s->at_once < s->conversations ? s->at_once : s->conversations;
	char name[32];

	snprintf(name, sizeof name, "%s-%u", s->udp ? "udp" : "tcp", s->port);
	add(m, SP_PLAN_STREAM);
	set(m, "name", name);
	set(m, "from", s->udp ? "udp" : "tcp");
	set(m, "protocol", "conversation");
	set(m, "host", how->host);
	set_number(m, "port", s->port);
	set_number(m, "connections", at_once);
	set_number(m, "count", s->conversations);
	if (s->starts) {
		set(m, "mode", "trace");
		set(m, "trace", s->starts);
	} else {
		set(m, "rate", "max");
	}
	set(m, "book", s->book);
	set(m, "compare", how->compare);
	set(m, "times", how->times);
	set(m, "await", how->await);
	set(m, "timeout", how->timeout ? how->timeout : timeout);
}

static void put_text(struct making *m, struct sp_str *out)
{
	struct sp_plan *plan;

	m->rc = sp_plan_seal(m->b, &plan, m->err);
	if (m->rc)
		return;
	sp_plan_text(plan, &sp_catalog, out);
	sp_plan_free(plan);
	if (out->failed)
		m->rc = sp_fail(m->err, -ENOMEM, SP_EXIT_FAILED, "out of memory");
}

int sp_conversation_plan(struct sp_str *out, const struct sp_conversation_stream *s, unsigned n,
			 const struct sp_conversation_how *how, struct sp_err *err)
{
	struct making m = { .err = err };

	if (sp_plan_build_new(&m.b, sp_mem_system(), &sp_catalog))
		return sp_fail(err, -ENOMEM, SP_EXIT_FAILED, "out of memory");
	put_run(&m);
	put_ports(&m, s, n);
	for (unsigned i = 0; i < n; i++)
		put_stream(&m, &s[i], how);
	if (!m.rc)
		put_text(&m, out);
	sp_plan_build_free(m.b);
	return m.rc;
}
