/* Generated flow records as three protocols: ipfix, netflow9, netflow5. */
#include <errno.h>
#include <stddef.h>

#include "base/str.h"
#include "core/clock.h"
#include "pkt/pattern.h"
#include "plugin/source.h"
#include "proto/ipfix/gen.h"

#define OFF(member) offsetof(struct sp_ipfix_gen_conf, member)
#define COMMON_ROWS                                                                                \
	{ "flows",    SP_OPT_U64,                                                                  \
	  OFF(flows), "0",                                                                         \
	  NULL,	      0,                                                                           \
	  1400,	      "records of a message; 0: as many as an Ethernet frame holds" },             \
		{ "cardinality",                                                                   \
		  SP_OPT_U64,                                                                      \
		  OFF(cardinality),                                                                \
		  "10000",                                                                         \
		  NULL,                                                                            \
		  1,                                                                               \
		  UINT64_C(1) << 40,                                                               \
		  "distinct 5-tuples; record n and record n + cardinality are of one" },           \
		{ "sources",                                                                       \
		  SP_OPT_TEXT,                                                                     \
		  OFF(sources),                                                                    \
		  "10.0.0.0/16",                                                                   \
		  NULL,                                                                            \
		  0,                                                                               \
		  0,                                                                               \
		  "prefix of the source addresses" },                                              \
		{ "destinations",                                                                  \
		  SP_OPT_TEXT,                                                                     \
		  OFF(destinations),                                                               \
		  "192.0.2.0/24",                                                                  \
		  NULL,                                                                            \
		  0,                                                                               \
		  0,                                                                               \
		  "prefix of the destination addresses, of the same family" },                     \
		{ "interfaces", SP_OPT_U64, OFF(interfaces), "8",                                  \
		  NULL,		1,	    65535,	     "numbers of interfaces, from 1 on" }, \
		{ "as_numbers",                                                                    \
		  SP_OPT_U64,                                                                      \
		  OFF(as_numbers),                                                                 \
		  "16",                                                                            \
		  NULL,                                                                            \
		  1,                                                                               \
		  1000,                                                                            \
		  "autonomous systems, from 64496 on" },                                           \
		{ "sampling",	 SP_OPT_U64,                                                       \
		  OFF(sampling), "1",                                                              \
		  NULL,		 1,                                                                \
		  UINT32_MAX,	 "interval that is said; 1: nothing is said of sampling" },        \
		{ "observation_domain",                                                            \
		  SP_OPT_U64,                                                                      \
		  OFF(domain),                                                                     \
		  "1",                                                                             \
		  NULL,                                                                            \
		  0,                                                                               \
		  UINT32_MAX,                                                                      \
		  "observation domain (v9: source id; v5: engine), the first of several" },        \
		{ "observation_domains",                                                           \
		  SP_OPT_U64,                                                                      \
		  OFF(domains),                                                                    \
		  "1",                                                                             \
		  NULL,                                                                            \
		  1,                                                                               \
		  65536,                                                                           \
		  "so many, by turns, each with its own sequence numbers" },                       \
	{                                                                                          \
		"uptime", SP_OPT_TIME, OFF(uptime_ns), "1h", NULL, 60000000000,                    \
			UINT64_C(4000000000000000), "of the exporter, at its first message"        \
	}

static const struct sp_opt with_templates[] = {
	COMMON_ROWS,
	{ "template_packets", SP_OPT_U64, OFF(template_packets), "20", NULL, 0, UINT32_MAX,
	  "templates (and sampling) go with every so many messages; 0: with the first only" },
	{ "template_time", SP_OPT_TIME, OFF(template_time_ns), "60s", NULL, 0, 0,
	  "templates go at least so often; 0: by the number of messages only" },
	{ .name = NULL },
};
static const struct sp_opt plain[] = { COMMON_ROWS, { .name = NULL } };

struct sp_source {
	const struct sp_mem *mem;
	struct sp_ipfix_gen gen;
	int64_t real_offset_ns; /* since 1970, of the clock's 0 */
	uint64_t uptime_ns, refresh_ns;
	uint64_t unit;
	uint64_t last_template_ns; /* 0: none yet, or nobody knows */
	bool begun;
	uint32_t id;
};

static int check(const void *conf, uint16_t version, struct sp_err *err)
{
	const struct sp_ipfix_gen_conf *c = conf;
	struct sp_ipfix_gen g;

	if (!c)
		return 0;
	if (c->domain + c->domains - 1 > UINT32_MAX)
		return sp_fail(err, -ERANGE, SP_EXIT_USAGE,
			       "observation_domain has 32 bits; %llu from %llu on are too many",
			       (unsigned long long)c->domains, (unsigned long long)c->domain);
	return sp_ipfix_gen_init(&g, c, version, 0, err);
}

static int check5(const void *conf, struct sp_err *err)
{
	return check(conf, 5, err);
}

static int check9(const void *conf, struct sp_err *err)
{
	return check(conf, 9, err);
}

static int check10(const void *conf, struct sp_err *err)
{
	return check(conf, 10, err);
}

static int gen_open(struct sp_source **out, const struct sp_source_args *args,
		    const struct sp_env *env, uint16_t version, struct sp_err *err)
{
	const struct sp_ipfix_gen_conf *c = args->conf;
	struct sp_source *s = sp_alloc(env->mem, sizeof *s);
	int rc;

	if (!s)
		return sp_fail(err, -ENOMEM, SP_EXIT_FAILED, "out of memory");
	*s = (struct sp_source){ .mem = env->mem,
				 .uptime_ns = c->uptime_ns,
				 .refresh_ns = version == 5 ? 0 : c->template_time_ns };
	rc = sp_ipfix_gen_init(&s->gen, c, version, args->seed, err);
	if (rc) {
		sp_free(env->mem, s);
		return rc;
	}
	s->real_offset_ns = sp_clock_real_offset(env->clock);
	s->id = sp_pattern_id(SP_PATTERN_ID, "flows", 5);
	*out = s;
	return 0;
}

static int open5(struct sp_source **out, const struct sp_source_args *args,
		 const struct sp_env *env, struct sp_err *err)
{
	return gen_open(out, args, env, 5, err);
}

static int open9(struct sp_source **out, const struct sp_source_args *args,
		 const struct sp_env *env, struct sp_err *err)
{
	return gen_open(out, args, env, 9, err);
}

static int open10(struct sp_source **out, const struct sp_source_args *args,
		  const struct sp_env *env, struct sp_err *err)
{
	return gen_open(out, args, env, 10, err);
}

static uint32_t gen_template_id(const struct sp_source *s)
{
	return s->id;
}

static uint32_t gen_len(const struct sp_source *s, uint32_t size)
{
	(void)size;
	return sp_ipfix_gen_longest(&s->gen);
}

/* Templates by number, or by time: then with the next message of each domain. */
static bool templates_due(struct sp_source *s, uint64_t t_ns)
{
	uint64_t domains = s->gen.domains;

	if (sp_ipfix_gen_templates_due(&s->gen, s->unit)) {
		s->last_template_ns = t_ns;
		return true;
	}
	if (!s->refresh_ns || t_ns < s->last_template_ns + s->refresh_ns)
		return false;
	/* The last domain of a turn ends it. */
	if (s->unit % domains == domains - 1)
		s->last_template_ns = t_ns;
	return true;
}

static void gen_fill(struct sp_source *s, struct sp_batch *b, uint32_t from)
{
	for (uint32_t i = from; i < b->n; i++, s->unit++) {
		struct sp_msg *m = &b->m[i];
		int64_t now_ns = (int64_t)m->t_ns + s->real_offset_ns;
		struct sp_wr w = sp_wr_of(m->data, sp_ipfix_gen_longest(&s->gen));

		if (!s->begun) {
			s->gen.boot_ns = now_ns - (int64_t)s->uptime_ns;
			s->begun = true;
		}
		sp_ipfix_gen_put(&s->gen, s->unit, now_ns, templates_due(s, m->t_ns), &w);
		m->len = (uint32_t)(w.p - m->data);
		m->stamp_off = SP_NO_STAMP;
	}
}

static uint64_t gen_unit(const struct sp_source *s)
{
	return s->unit;
}

/* Whether templates that were made have left is not known: they go again. */
static void gen_seek(struct sp_source *s, uint64_t unit)
{
	s->unit = unit;
	s->last_template_ns = 0;
}

static int gen_truth(const struct sp_source *s, uint64_t units, const struct sp_truth *t)
{
	return sp_ipfix_gen_truth(&s->gen, units, t);
}

static void gen_close(struct sp_source *s)
{
	sp_free(s->mem, s);
}

#define SOURCE(v, word, text, number, rows)                                                    \
	const struct sp_source_ops sp_source_##word = {                                        \
		.name = #word,                                                                 \
		.summary = text,                                                               \
		.abi = SP_PLUGIN_ABI,                                                          \
		.opts = rows,                                                                  \
		.conf_size = sizeof(struct sp_ipfix_gen_conf),                                 \
		.check = check##v,                                                             \
		.makes = SP_T_DATAGRAM,                                                        \
		.port = number,                                                                \
		.open = open##v,                                                               \
		.template_id = gen_template_id,                                                \
		.len = gen_len,                                                                \
		.fill = gen_fill,                                                              \
		.unit = gen_unit,                                                              \
		.seek = gen_seek,                                                              \
		.truth = gen_truth,                                                            \
		.close = gen_close,                                                            \
	}

SOURCE(10, ipfix, "flow records, IPFIX (RFC 7011)", 4739, with_templates);
SOURCE(9, netflow9, "flow records, NetFlow v9 (RFC 3954)", 9995, with_templates);
SOURCE(5, netflow5, "flow records, NetFlow v5", 2055, plain);
