/* A message's header, its sets, and the records in them. */
#include "proto/ipfix/message.h"

#include "base/endian.h"

#define MIN_TEMPLATE 256u

static bool head_v5(struct sp_rd *r, struct sp_ipfix_head *h)
{
	h->count = sp_rd_be16(r);
	h->uptime_ms = sp_rd_be32(r);
	h->seconds = sp_rd_be32(r);
	h->nanos = sp_rd_be32(r);
	h->seq = sp_rd_be32(r);
	h->domain = sp_rd_be16(r);
	sp_rd_be16(r);
	h->size = SP_IPFIX_V5_HEAD;
	h->len = SP_IPFIX_V5_HEAD + (size_t)h->count * SP_IPFIX_V5_RECORD;
	return !r->bad;
}

static bool head_v9(struct sp_rd *r, size_t len, struct sp_ipfix_head *h)
{
	h->count = sp_rd_be16(r);
	h->uptime_ms = sp_rd_be32(r);
	h->seconds = sp_rd_be32(r);
	h->seq = sp_rd_be32(r);
	h->domain = sp_rd_be32(r);
	h->size = SP_IPFIX_V9_HEAD;
	h->len = len; /* it has no length of its own */
	return !r->bad;
}

static bool head_v10(struct sp_rd *r, struct sp_ipfix_head *h)
{
	h->len = sp_rd_be16(r);
	h->seconds = sp_rd_be32(r);
	h->seq = sp_rd_be32(r);
	h->domain = sp_rd_be32(r);
	h->size = SP_IPFIX_V10_HEAD;
	return !r->bad;
}

bool sp_ipfix_head(const uint8_t *p, size_t len, struct sp_ipfix_head *h)
{
	struct sp_rd r = sp_rd_of(p, len);

	*h = (struct sp_ipfix_head){ .version = sp_rd_be16(&r) };
	switch (h->version) {
	case SP_IPFIX_V5:
		return head_v5(&r, h);
	case SP_IPFIX_V9:
		return head_v9(&r, len, h);
	case SP_IPFIX_V10:
		return head_v10(&r, h);
	default:
		return false;
	}
}

bool sp_ipfix_next(struct sp_rd *r, struct sp_ipfix_set *set, const char **reason)
{
	size_t len;

	if (!sp_rd_left(r))
		return false;
	set->id = sp_rd_be16(r);
	len = sp_rd_be16(r);
	if (r->bad) {
		*reason = "a set whose header is cut";
		return false;
	}
	if (len < 4) {
		*reason = "a set that is shorter than its header";
		return false;
	}
	set->len = len - 4;
	set->p = sp_rd_take(r, set->len);
	if (!set->p)
		*reason = "a set that is longer than its place";
	return set->p;
}

bool sp_ipfix_defines(const struct sp_ipfix_head *h, const struct sp_ipfix_set *set)
{
	return h->version == SP_IPFIX_V9 ? set->id <= 1 : set->id == 2 || set->id == 3;
}

static bool kind_len_ok(enum sp_ipfix_kind kind, uint16_t len)
{
	switch (kind) {
	case SP_IPFIX_NUMBER:
		return len >= 1 && len <= 8;
	case SP_IPFIX_IP4:
	case SP_IPFIX_SECONDS:
		return len == 4;
	case SP_IPFIX_IP6:
		return len == 16;
	case SP_IPFIX_MAC:
		return len == 6;
	case SP_IPFIX_MILLIS:
	case SP_IPFIX_NTP:
		return len == 8;
	case SP_IPFIX_FLOAT:
		return len == 4 || len == 8;
	default:
		return true;
	}
}

/* In version 9 numbers above 128 are the makers' own, the sizes of octets vary, too. */
static const char *check_field(uint16_t version, const struct sp_ipfix_field *f, bool scope)
{
	if (version == SP_IPFIX_V9 && f->len == SP_IPFIX_VARIABLE)
		return "a field of 65,535 octets";
	if (!f->len)
		return "a field without length";
	if (f->pen || (scope && version == SP_IPFIX_V9))
		return NULL;
	return kind_len_ok(sp_ipfix_kind(f->id), f->len)
		       ? NULL
		       : "a field of a length that its kind cannot have";
}

/* The fields of t, from r to f; at most SP_IPFIX_FIELDS_EACH are written. */
static const char *read_fields(struct sp_rd *r, uint16_t version, struct sp_ipfix_template *t,
			       struct sp_ipfix_field *f)
{
	const char *reason = NULL, *why;

	for (uint16_t i = 0; i < t->n; i++) {
		struct sp_ipfix_field one = { .id = sp_rd_be16(r), .len = sp_rd_be16(r) };

		if (version == SP_IPFIX_V10 && one.id & 0x8000) {
			one.id &= 0x7fff;
			one.pen = sp_rd_be32(r);
		}
		if (r->bad)
			return "a template that is longer than its place";
		why = check_field(version, &one, i < t->scopes);
		if (!reason)
			reason = why;
		t->least += one.len != SP_IPFIX_VARIABLE ? one.len
			    : version == SP_IPFIX_V9	 ? 65536u
							 : 1u;
		if (!one.len)
			t->empty++;
		t->varies |= one.len == SP_IPFIX_VARIABLE;
		t->lists |= !one.pen && sp_ipfix_kind(one.id) == SP_IPFIX_LIST;
		if (i < SP_IPFIX_FIELDS_EACH)
			f[i] = one;
	}
	return reason;
}

/* The head of a template: id, counts. Version 9 has octets of options where IPFIX has counts. */
static const char *read_counts(struct sp_rd *r, uint16_t version, struct sp_ipfix_template *t)
{
	uint16_t scope_octets, option_octets;

	t->id = sp_rd_be16(r);
	if (t->options && version == SP_IPFIX_V9) {
		scope_octets = sp_rd_be16(r);
		option_octets = sp_rd_be16(r);
		if (scope_octets % 4 || option_octets % 4)
			return "an options template whose lengths are no multiple of four";
		t->scopes = scope_octets / 4;
		t->n = (uint16_t)(t->scopes + option_octets / 4);
	} else {
		t->n = sp_rd_be16(r);
		t->scopes = t->options && t->n ? sp_rd_be16(r) : 0;
	}
	if (r->bad)
		return "a template whose header is cut";
	return NULL;
}

static const char *check_counts(uint16_t version, const struct sp_ipfix_template *t)
{
	if (t->id < MIN_TEMPLATE)
		return "a template with a number below 256";
	if (!t->n)
		return "a template without fields";
	if (t->scopes > t->n)
		return "a template with more scopes than fields";
	if (t->options && !t->scopes && version == SP_IPFIX_V10)
		return "an options template without scope";
	return NULL;
}

/* IPFIX withdraws by a template without fields: one, or all when its number is the set's. */
static bool withdraws(uint16_t version, const struct sp_ipfix_template *t)
{
	return version == SP_IPFIX_V10 && !t->n && (t->id >= MIN_TEMPLATE || t->id == t->set);
}

/* One template; the fields of one that is too big are only looked at. */
static const char *learn_one(struct sp_ipfix *s, uint16_t version, struct sp_rd *r,
			     struct sp_ipfix_template *t)
{
	struct sp_ipfix_field f[SP_IPFIX_FIELDS_EACH];
	const char *reason = read_counts(r, version, t), *why;

	if (reason) {
		r->bad = true; /* where the next one begins is not known */
		return reason;
	}
	if (withdraws(version, t)) {
		sp_ipfix_withdraw(s, t->domain, t->id, t->options);
		return NULL;
	}
	reason = check_counts(version, t);
	why = read_fields(r, version, t, f);
	if (!reason)
		reason = why;
	if (!reason && t->least > 65535)
		reason = "a template of records that fit into no message";
	if (!reason && t->n > SP_IPFIX_FIELDS_EACH)
		reason = "a template of more fields than are kept";
	if (!r->bad && t->empty > SP_IPFIX_EMPTY_EACH)
		reason = "a template with so many fields without length that it is not used";
	/* A length that its kind cannot have says nothing against the record's. */
	if (!r->bad && t->id >= MIN_TEMPLATE && t->n && t->n <= SP_IPFIX_FIELDS_EACH &&
	    t->empty <= SP_IPFIX_EMPTY_EACH && t->scopes <= t->n && t->least <= 65535)
		sp_ipfix_keep(s, t, f);
	return reason;
}

const char *sp_ipfix_learn(struct sp_ipfix *s, uint16_t domain, uint16_t version,
			   const struct sp_ipfix_set *set, uint32_t *n)
{
	struct sp_rd r = sp_rd_of(set->p, set->len);
	const char *reason = NULL, *why;

	/* Less than four octets are padding. */
	while (!r.bad && sp_rd_left(&r) >= 4) {
		struct sp_ipfix_template t = { .domain = domain, .set = set->id };

		if (sp_get_be16(r.p) == 0)
			break; /* padding, too: no template has number 0 */
		t.options = set->id == 1 || set->id == 3;
		why = learn_one(s, version, &r, &t);
		if (!reason)
			reason = why;
		++*n;
	}
	if (!*n && !reason)
		reason = "a set without a template";
	return reason;
}

bool sp_ipfix_value(const struct sp_ipfix_field *f, struct sp_rd *r, const uint8_t **p,
		    size_t *len)
{
	*len = f->len;
	if (f->len == SP_IPFIX_VARIABLE) {
		*len = sp_rd_u8(r);
		if (*len == 255)
			*len = sp_rd_be16(r);
	}
	*p = sp_rd_take(r, *len);
	return *p != NULL;
}

static bool only_padding(struct sp_rd *r)
{
	while (sp_rd_left(r))
		if (sp_rd_u8(r))
			return false;
	return true;
}

bool sp_ipfix_record(const struct sp_ipfix *s, const struct sp_ipfix_template *t,
		     struct sp_rd *r, struct sp_rd *record, const char **reason)
{
	const uint8_t *from = r->p, *p;
	size_t len;

	if (!t->least) {
		*reason = "data of a template whose records have no length";
		return false;
	}
	if (sp_rd_left(r) < t->least) {
		if (!only_padding(r))
			*reason = "a record that is cut";
		return false;
	}
	if (!t->varies)
		sp_rd_take(r, t->least);
	for (uint16_t i = 0; t->varies && i < t->n; i++) {
		if (!sp_ipfix_value(&s->field[t->first + i], r, &p, &len)) {
			*reason = "a field that is longer than its place";
			return false;
		}
	}
	*record = sp_rd_of(from, (size_t)(r->p - from));
	return true;
}
