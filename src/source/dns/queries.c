#include "source/dns/queries.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "base/endian.h"
#include "base/file.h"
#include "base/lines.h"
#include "base/str.h"
#include "base/units.h"
#include "pkt/dns_name.h"

#define HEADER	   12u
#define OPT_LEN	   11u
#define QUERY_MAX  (HEADER + SP_DNS_NAME_MAX + 4u + OPT_LEN)
#define FILE_MAX   (64u << 20)
#define CLASS_IN   1u
#define TYPE_OPT   41u
#define FLAG_RD	   0x0100u
#define FLAG_DO	   0x8000u
#define EDNS_BYTES 1232u /* what the DNS flag day of 2020 settled on */

static const struct {
	const char *name;
	uint16_t code;
} types[] = {
	{ "A", 1 },	 { "NS", 2 },	 { "CNAME", 5 },  { "SOA", 6 },	  { "PTR", 12 },
	{ "HINFO", 13 }, { "MX", 15 },	 { "TXT", 16 },	  { "AAAA", 28 }, { "SRV", 33 },
	{ "NAPTR", 35 }, { "DS", 43 },	 { "RRSIG", 46 }, { "NSEC", 47 }, { "DNSKEY", 48 },
	{ "TLSA", 52 },	 { "SVCB", 64 }, { "HTTPS", 65 }, { "ANY", 255 }, { "CAA", 257 },
};

static int type_of(const char *word, uint16_t *code)
{
	uint64_t n;

	for (size_t i = 0; i < sizeof types / sizeof *types; i++)
		if (sp_str_ieq(word, types[i].name)) {
			*code = types[i].code;
			return 0;
		}
	if (strncasecmp(word, "TYPE", 4) != 0 || sp_parse_u64(word + 4, &n) || n > UINT16_MAX)
		return -EINVAL;
	*code = (uint16_t)n;
	return 0;
}

/* One query into out; its length, or -errno with a sentence about the name or type. */
static int make(const struct sp_dns_conf *c, const char *name, const char *type,
		uint8_t out[QUERY_MAX], struct sp_err *err)
{
	bool edns = c->edns || c->dnssec;
	char shown[100];
	uint16_t code;
	int len;

	if (type_of(type, &code)) {
		sp_str_printable(shown, sizeof shown, type);
		return sp_fail(err, -EINVAL, SP_EXIT_USAGE,
			       "dns: '%s' is no type of record; such as A, AAAA, MX, TYPE65",
			       shown);
	}
	memset(out, 0, HEADER);
	sp_put_be16(out + 2, c->rd ? FLAG_RD : 0);
	sp_put_be16(out + 4, 1);
	sp_put_be16(out + 10, edns);
	len = sp_dns_name_put(out + HEADER, name);
	if (len < 0) {
		sp_str_printable(shown, sizeof shown, name);
		return sp_fail(err, len, SP_EXIT_USAGE, "dns: '%s' is no name: %s", shown,
			       len == -ENAMETOOLONG
				       ? "a label has at most 63 octets, a name 255"
				       : "it has an empty label or a bad escape");
	}
	len += (int)HEADER;
	sp_put_be16(out + len, code);
	sp_put_be16(out + len + 2, CLASS_IN);
	len += 4;
	if (!edns)
		return len;
	memset(out + len, 0, OPT_LEN);
	sp_put_be16(out + len + 1, TYPE_OPT);
	sp_put_be16(out + len + 3, EDNS_BYTES);
	sp_put_be16(out + len + 7, c->dnssec ? FLAG_DO : 0);
	return len + (int)OPT_LEN;
}

/* A larger copy of an array; the old one is freed. NULL: no memory, the old one stays. */
static void *larger(const struct sp_mem *mem, void *old, size_t used, size_t count, size_t size)
{
	void *more = sp_alloc_array(mem, count, size);

	if (!more)
		return NULL;
	if (used)
		memcpy(more, old, used * size);
	sp_free(mem, old);
	return more;
}

/* Room for one more; twice as much when there is none left. */
static int grow(struct sp_dns_queries *q)
{
	if (q->n == q->cap) {
		uint32_t cap = q->cap ? q->cap * 2 : 16;
		void *more = larger(q->mem, q->query, q->n, cap, sizeof *q->query);

		if (!more)
			return -ENOMEM;
		q->query = more;
		q->cap = cap;
	}
	if (q->room - q->used < QUERY_MAX) {
		uint32_t room = q->room ? q->room * 2 : 16 * QUERY_MAX;
		void *more = larger(q->mem, q->bytes, q->used, room, 1);

		if (!more)
			return -ENOMEM;
		q->bytes = more;
		q->room = room;
	}
	return 0;
}

/* q NULL: only looked at. */
static int add(struct sp_dns_queries *q, const struct sp_dns_conf *c, const char *name,
	       const char *type, struct sp_err *err)
{
	uint8_t scratch[QUERY_MAX];
	int len;

	if (!q) {
		len = make(c, name, type, scratch, err);
		return len < 0 ? len : 0;
	}
	if (grow(q))
		return sp_fail(err, -ENOMEM, SP_EXIT_FAILED, "dns: not enough memory");
	len = make(c, name, type, q->bytes + q->used, err);
	if (len < 0)
		return len;
	q->query[q->n++] = (struct sp_dns_query){ q->used, (uint16_t)len };
	q->used += (uint32_t)len;
	if ((uint32_t)len > q->longest)
		q->longest = (uint32_t)len;
	return 0;
}

/* "a.example,b.example" */
static int add_list(struct sp_dns_queries *q, const struct sp_dns_conf *c, struct sp_err *err)
{
	char name[SP_DNS_TEXT_MAX];

	for (const char *at = c->domain;;) {
		size_t len = strcspn(at, ",");
		int rc;

		/* What is cut here is above any limit. */
		sp_strlcpy(name, at, len < sizeof name ? len + 1 : sizeof name);
		rc = add(q, c, name, c->qtype, err);
		if (rc || !at[len])
			return rc;
		at += len + 1;
	}
}

static int add_file(struct sp_dns_queries *q, const struct sp_dns_conf *c, struct sp_err *err)
{
	char name[SP_DNS_TEXT_MAX], type[32];
	struct sp_line line;
	struct sp_str text;
	int rc, more = 0;

	sp_str_init(&text, q->mem);
	rc = sp_file_read(&text, c->domains, FILE_MAX, err);
	sp_line_init(&line, text.text, text.len, c->domains, NULL);
	while (!rc && (more = sp_line_next(&line, err)) > 0) {
		sp_line_word(&line, name, sizeof name);
		sp_line_word(&line, type, sizeof type);
		if (!*name)
			continue;
		rc = add(q, c, name, *type ? type : c->qtype, err);
		if (rc && rc != -ENOMEM) {
			err->exit = SP_EXIT_DATA;
			sp_err_prefix(err, "%s:%u", c->domains, line.number);
		}
	}
	sp_str_fini(&text);
	rc = rc ? rc : more;
	if (!rc && !q->n)
		rc = sp_fail(err, -EINVAL, SP_EXIT_DATA, "%s: there is no name in it",
			     c->domains);
	return rc;
}

int sp_dns_queries_make(struct sp_dns_queries *q, const struct sp_dns_conf *c,
			struct sp_err *err)
{
	return c->domains && *c->domains ? add_file(q, c, err) : add_list(q, c, err);
}

int sp_dns_queries_check(const struct sp_dns_conf *c, struct sp_err *err)
{
	return add_list(NULL, c, err);
}

void sp_dns_queries_free(struct sp_dns_queries *q)
{
	sp_free(q->mem, q->bytes);
	sp_free(q->mem, q->query);
}
