#include <errno.h>
#include <string.h>

#include "base/endian.h"
#include "pkt/pattern.h"
#include "plugin/source.h"
#include "source/dns/queries.h"

#define HEADER	    12u
#define FLAG_QR	    0x8000u
#define RCODE	    0x000fu
#define DNS_PORT    53u

#define OFF(member) offsetof(struct sp_dns_conf, member)
static const struct sp_opt opts[] = {
	{ "domain", SP_OPT_TEXT, OFF(domain), "example.com", NULL, 0, 0,
	  "name that is asked for, or several with commas, by turns" },
	{ "domains", SP_OPT_PATH, OFF(domains), "", NULL, 0, 0,
	  "file of names, one a line, perhaps with its type (NAME TYPE); instead of domain" },
	{ "qtype", SP_OPT_TEXT, OFF(qtype), "A", NULL, 0, 0,
	  "type that is asked for: A, AAAA, NS, SOA, MX, TXT, CNAME, PTR, SRV, ANY, TYPEn, ..." },
	{ "rd", SP_OPT_BOOL, OFF(rd), "yes", NULL, 0, 0, "recursion desired" },
	{ "edns", SP_OPT_BOOL, OFF(edns), "no", NULL, 0, 0,
	  "EDNS, with room for answers of 1232 bytes" },
	{ "dnssec", SP_OPT_BOOL, OFF(dnssec), "no", NULL, 0, 0,
	  "EDNS that asks for signatures (DO)" },
	{ "timeout", SP_OPT_TIME, OFF(timeout_ns), "5s", NULL, 1, UINT64_C(3600000000000),
	  "how long an answer may take" },
	{ .name = NULL },
};

struct sp_source {
	struct sp_dns_queries queries;
	uint64_t timeout_ns;
	uint32_t next; /* the query of the next unit */
	uint32_t id;
};

static int check(const void *conf, struct sp_err *err)
{
	return conf ? sp_dns_queries_check(conf, err) : 0;
}

static void dns_close(struct sp_source *s)
{
	const struct sp_mem *mem = s->queries.mem;

	sp_dns_queries_free(&s->queries);
	sp_free(mem, s);
}

static int dns_open(struct sp_source **out, const struct sp_source_args *args,
		    const struct sp_env *env, struct sp_err *err)
{
	const struct sp_dns_conf *c = args->conf;
	struct sp_source *s = sp_alloc(env->mem, sizeof *s);
	int rc;

	if (!s)
		return sp_fail(err, -ENOMEM, SP_EXIT_FAILED, "dns: not enough memory");
	*s = (struct sp_source){ .queries.mem = env->mem, .timeout_ns = c->timeout_ns };
	rc = sp_dns_queries_make(&s->queries, c, err);
	if (rc) {
		dns_close(s);
		return rc;
	}
	s->id = sp_pattern_id(SP_PATTERN_ID, "dns", 3);
	s->id = sp_pattern_id(s->id, s->queries.bytes, s->queries.used);
	*out = s;
	return 0;
}

static uint32_t dns_template_id(const struct sp_source *s)
{
	return s->id;
}

static uint32_t dns_len(const struct sp_source *s, uint32_t size)
{
	(void)size;
	return s->queries.longest;
}

/* A slot that holds the only query there is needs a new id only. */
static void dns_fill(struct sp_source *s, struct sp_batch *b, uint32_t from)
{
	for (uint32_t i = from; i < b->n; i++) {
		const struct sp_dns_query *q = &s->queries.query[s->next];
		struct sp_msg *m = &b->m[i];

		if (!(m->flags & SP_M_HELD) || s->queries.n > 1)
			memcpy(m->data, s->queries.bytes + q->at, q->len);
		m->len = q->len;
		m->stamp_off = SP_NO_STAMP;
		s->next = s->next + 1 < s->queries.n ? s->next + 1 : 0;
	}
}

static void put_key(struct sp_source *s, struct sp_msg *m, uint32_t key)
{
	(void)s;
	sp_put_be16(m->data, (uint16_t)key);
}

static bool get_key(const struct sp_source *s, const uint8_t *data, uint32_t len,
		    struct sp_answer *out)
{
	uint16_t flags;

	(void)s;
	if (len < HEADER)
		return false;
	flags = sp_get_be16(data + 2);
	if (!(flags & FLAG_QR))
		return false;
	out->key = sp_get_be16(data);
	out->status = flags & RCODE;
	out->failed = out->status != 0;
	return true;
}

static uint64_t timeout_of(const struct sp_source *s)
{
	return s->timeout_ns;
}

static const char *code_name(uint32_t code)
{
	/* RFC 6895 2.3 */
	static const char *const names[] = { "NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN",
					     "NOTIMP",	"REFUSED", "YXDOMAIN", "YXRRSET",
					     "NXRRSET", "NOTAUTH", "NOTZONE" };

	return code < sizeof names / sizeof *names ? names[code] : NULL;
}

static const struct sp_ask_ops asks = {
	.key_bits = 16,
	.put_key = put_key,
	.get_key = get_key,
	.timeout_ns = timeout_of,
	.unit = "query",
	.status_name = code_name,
};

const struct sp_source_ops sp_source_dns = {
	.name = "dns",
	.summary = "queries of the domain name system",
	.abi = SP_PLUGIN_ABI,
	.opts = opts,
	.conf_size = sizeof(struct sp_dns_conf),
	.check = check,
	.makes = SP_T_DATAGRAM,
	.port = DNS_PORT,
	.asks = &asks,
	.open = dns_open,
	.template_id = dns_template_id,
	.len = dns_len,
	.fill = dns_fill,
	.close = dns_close,
};
