/* A message without the data that nobody can read. */
#include <string.h>

#include "base/endian.h"
#include "proto/ipfix/message.h"

/* Records in a set of data, for the count in version 9's header. */
static uint32_t count_records(const struct sp_ipfix *s, const struct sp_ipfix_template *t,
			      const struct sp_ipfix_set *set)
{
	struct sp_rd r = sp_rd_of(set->p, set->len), record;
	const char *why = NULL;
	uint32_t n = 0;

	while (sp_ipfix_record(s, t, &r, &record, &why))
		n++;
	return n;
}

static const struct sp_ipfix_template *known(struct sp_ipfix *s, uint16_t domain,
					     const struct sp_ipfix_set *set)
{
	const struct sp_ipfix_template *t = sp_ipfix_find(s, domain, set->id);

	return t && !t->withdrawn ? t : NULL;
}

struct kept {
	uint32_t sets, dropped, records; /* records: templates, too; that are kept */
	bool options;			 /* an options template is there */
	size_t len;
};

static void keep_sets(struct sp_ipfix *s, const struct sp_ipfix_head *h, const uint8_t *p,
		      uint8_t *out, struct kept *k)
{
	struct sp_rd r = sp_rd_of(p + h->size, h->len - h->size);
	uint16_t domain = sp_ipfix_domain(s, h->version, h->domain);
	const struct sp_ipfix_template *t;
	struct sp_ipfix_set set;
	const char *why = NULL;

	k->len = h->size;
	while (sp_ipfix_next(&r, &set, &why)) {
		bool data = set.id >= 256;

		t = data ? known(s, domain, &set) : NULL;
		k->options |= h->version == SP_IPFIX_V10 && set.id == 3;
		if (data && !t) {
			k->dropped++;
			continue;
		}
		if (t)
			k->records += count_records(s, t, &set);
		else if (!data) /* once more: what was learnt stays as it is */
			sp_ipfix_learn(s, domain, h->version, &set, &k->records);
		memcpy(out + k->len, set.p - 4, set.len + 4);
		k->len += set.len + 4;
		k->sets++;
	}
}

/* What is taken away had its numbers: a record's, in the count of records, stays missing for the
 * collector, as it would be for one that could not read it. So the sequence stands as it is. */
size_t sp_ipfix_clean(void *st, const uint8_t *p, size_t len, uint8_t *out, size_t cap)
{
	struct sp_ipfix_head h;
	struct kept k = { 0 };

	if (cap < len)
		return 0;
	if (sp_ipfix_head(p, len, &h) && h.version != SP_IPFIX_V5 && h.len <= len &&
	    h.len >= h.size)
		keep_sets(st, &h, p, out, &k);
	if (!k.dropped || k.options) {
		memcpy(out, p, len);
		return len;
	}
	if (!k.sets)
		return 0;
	memcpy(out, p, h.size);
	if (h.version == SP_IPFIX_V10)
		sp_put_be16(out + 2, (uint16_t)k.len);
	else
		sp_put_be16(out + 2, (uint16_t)k.records);
	return k.len;
}
