/* What a message is: its templates are learnt, its records counted. */
#include "proto/ipfix/read.h"

#include <string.h>

#include "base/endian.h"

#define V5_MOST 30u /* records: what fits into a packet, and what routers send */

/* A list's head is semantic, element, length (RFC 6313 4.5.1); elements without length would never
 * end. */
static const char *check_list(const uint8_t *p, size_t len)
{
	struct sp_rd r = sp_rd_of(p, len);
	struct sp_ipfix_field f;
	const uint8_t *at;
	size_t n;

	if (!len)
		return "a list that is cut";
	sp_rd_u8(&r);
	f.id = sp_rd_be16(&r);
	f.len = sp_rd_be16(&r);
	if (f.id & 0x8000)
		sp_rd_be32(&r);
	if (r.bad)
		return "a list that is cut";
	if (!f.len)
		return "a list of elements without length";
	while (sp_rd_left(&r))
		if (!sp_ipfix_value(&f, &r, &at, &n))
			return "a list whose elements are cut";
	return NULL;
}

static const char *check_lists(const struct sp_ipfix *s, const struct sp_ipfix_template *t,
			       struct sp_rd record)
{
	const char *reason = NULL;
	const uint8_t *p;
	size_t len;

	for (uint16_t i = 0; i < t->n && !reason; i++) {
		const struct sp_ipfix_field *f = &s->field[t->first + i];

		if (!sp_ipfix_value(f, &record, &p, &len))
			break;
		if (!f->pen && sp_ipfix_kind(f->id) == SP_IPFIX_LIST)
			reason = check_list(p, len);
	}
	return reason;
}

static void read_records(struct sp_ipfix *s, const struct sp_ipfix_template *t,
			 const struct sp_ipfix_set *set, struct sp_ipfix_sum *sum)
{
	struct sp_rd r = sp_rd_of(set->p, set->len), record;

	while (sp_ipfix_record(s, t, &r, &record, &sum->reason)) {
		const char *why = t->lists ? check_lists(s, t, record) : NULL;

		sum->records++;
		if (!sum->reason)
			sum->reason = why;
	}
}

static void read_data(struct sp_ipfix *s, uint16_t domain, const struct sp_ipfix_set *set,
		      struct sp_ipfix_sum *sum)
{
	struct sp_ipfix_template *t = sp_ipfix_find(s, domain, set->id);

	if (!t || t->withdrawn) {
		sum->unknown++;
		if (t && !sum->reason)
			sum->reason = "data of a template that was withdrawn";
		return;
	}
	t->data_sets++;
	read_records(s, t, set, sum);
}

static void read_set(struct sp_ipfix *s, const struct sp_ipfix_head *h, uint16_t domain,
		     const struct sp_ipfix_set *set, struct sp_ipfix_sum *sum)
{
	const char *why = NULL;
	uint32_t n = 0;

	sum->sets++;
	if (sp_ipfix_defines(h, set)) {
		why = sp_ipfix_learn(s, domain, h->version, set, &n);
		sum->templates += n;
		sum->options |= set->id == 3;
	} else if (set->id < 256) {
		why = "a set of reserved number";
	} else {
		read_data(s, domain, set, sum);
	}
	if (!sum->reason)
		sum->reason = why;
}

/* Routers count records, some exporters sets, and some are wrong by a few; but nothing can hold more
 * than it has room for. */
static bool count_ok(const struct sp_ipfix_head *h, const struct sp_ipfix_sum *sum)
{
	uint32_t known = sum->templates + sum->records;
	uint32_t most = known > sum->sets ? known : sum->sets;

	if (sum->unknown)
		most = (uint32_t)((h->len - h->size) / 4);
	return h->count && h->count <= most;
}

void sp_ipfix_sets(struct sp_ipfix *s, const struct sp_ipfix_head *h, uint16_t domain,
		   const uint8_t *p, size_t len, struct sp_ipfix_sum *sum)
{
	struct sp_ipfix_set set;
	const char *why = NULL;
	struct sp_rd r;

	*sum = (struct sp_ipfix_sum){ 0 };
	if (h->len > len || h->len < h->size)
		sum->reason = "a length in the header that is not the message's";
	else if (h->len < len)
		sum->reason = "something after the message's end";
	r = sp_rd_of(p, h->len < len ? h->len : len);
	if (!sp_rd_take(&r, h->size))
		return;
	while (sp_ipfix_next(&r, &set, &why))
		read_set(s, h, domain, &set, sum);
	if (!sum->reason)
		sum->reason = why;
	if (!sum->reason && h->version == SP_IPFIX_V9 && !count_ok(h, sum))
		sum->reason = "a count of records that cannot be";
}

static void read_v5(struct sp_ipfix *s, const struct sp_ipfix_head *h, uint16_t domain,
		    size_t len, struct sp_codec_note *note)
{
	note->units = h->count;
	s->domain[domain].packets++;
	if (!h->count || h->count > V5_MOST)
		note->reason = "a number of records that is not 1 to 30";
	else if (h->len != len)
		note->reason = h->len < len ? "something after the message's end"
					    : "fewer records than it says";
}

void sp_ipfix_read(void *st, const uint8_t *p, size_t len, struct sp_codec_note *note)
{
	struct sp_ipfix *s = st;
	struct sp_ipfix_head h;
	struct sp_ipfix_sum sum;
	uint16_t domain;

	*note = (struct sp_codec_note){ .type = len < 2 ? 0 : sp_get_be16(p) };
	if (!sp_ipfix_head(p, len, &h)) {
		note->flags = SP_CM_ODD;
		note->reason = "not a header of NetFlow 5, 9 or IPFIX";
		return;
	}
	s->messages++;
	domain = sp_ipfix_domain(s, h.version, h.domain);
	note->domain = h.domain;
	note->seq = h.seq;
	if (h.version == SP_IPFIX_V5) {
		read_v5(s, &h, domain, len, note);
	} else {
		sp_ipfix_sets(s, &h, domain, p, len, &sum);
		note->units = h.version == SP_IPFIX_V9 ? 1 : sum.records;
		note->reason = sum.reason;
		note->flags |= sum.templates ? SP_CM_DEFINES : 0;
		note->flags |= sum.unknown ? SP_CM_UNKNOWN : 0;
	}
	if (note->reason)
		note->flags |= SP_CM_ODD;
}
