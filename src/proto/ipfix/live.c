/* A message as if it were made now by another exporter. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/endian.h"
#include "proto/ipfix/message.h"

#define NS_PER_S      INT64_C(1000000000)
#define NS_PER_MS     INT64_C(1000000)

/* The exporter's clock and the capture's may differ by less: export times are whole seconds. */
#define SAME_CLOCK_NS (2 * NS_PER_S)
#define SAME_BOOT_NS  (5 * NS_PER_S)

enum {
	LAST_SWITCHED = 21, /* version 9: in ms of the exporter's uptime */
	FIRST_SWITCHED = 22,
	EXPORTER_IP4 = 130,
	EXPORTER_IP6 = 131,
	OBSERVATION_DOMAIN = 149,
	SUB_TEMPLATE_LIST = 292, /* RFC 6313 4.5.2 */
	SUB_TEMPLATE_MULTI_LIST = 293,
	BLOCK_HEAD = 4, /* of the latter: template, length */
	DEEPEST = 8,	/* lists in lists; what is deeper stays as it is */
};

/* How one message is changed. */
struct change {
	const struct sp_codec_live *live;
	const struct sp_ipfix_head *head;
	struct sp_ipfix_domain *domain;
	int64_t shift_ns;   /* to add to times since 1970 */
	uint32_t uptime_ms; /* to add to times since the exporter's start */
	uint32_t new_domain;
};

/* Times of an extracted capture are made up, so a shift by them leads nowhere: then, and when the
 * exporter's clock was wrong, what it is ahead is taken away again. Small differences are kept, so
 * that records keep their distance to each other from message to message. */
static int64_t shift_of(struct sp_ipfix *s, const struct sp_codec_live *live, int64_t export_ns)
{
	int64_t skew_ns = export_ns - ((int64_t)live->now_ns - live->shift_ns);

	if (!s->skewed && llabs(skew_ns) <= SAME_CLOCK_NS) {
		s->skewed = true; /* by nothing */
	} else if (!s->skewed || llabs(skew_ns - s->skew_ns) > SAME_CLOCK_NS) {
		s->skewed = true;
		s->skew_ns = skew_ns;
	}
	return live->shift_ns - s->skew_ns;
}

/* The exporter started once, so its uptime goes on with the time that really passes; ages of flows,
 * uptime less first and last, stay what they were. */
static uint32_t uptime_of(struct change *c, int64_t export_ns)
{
	int64_t up_ns = c->head->uptime_ms * NS_PER_MS, now_ns = (int64_t)c->live->now_ns;
	int64_t boot_ns = export_ns - up_ns;
	struct sp_ipfix_domain *d = c->domain;

	if (!d->booted || llabs(boot_ns - d->boot_ns) > SAME_BOOT_NS) {
		d->booted = true;
		d->boot_ns = boot_ns;
		d->boot_to_ns = now_ns - up_ns;
	}
	return (uint32_t)((now_ns - d->boot_to_ns) / NS_PER_MS) - c->head->uptime_ms;
}

static void add32(uint8_t *p, uint32_t v)
{
	sp_put_be32(p, sp_get_be32(p) + v);
}

static int64_t floor_div(int64_t a, int64_t b)
{
	return a / b - (a % b < 0);
}

/* 32.32 fixed point of seconds (RFC 5905). */
static uint64_t ntp_of(int64_t ns)
{
	int64_t s = floor_div(ns, NS_PER_S), rest = ns - s * NS_PER_S;

	return ((uint64_t)s << 32) + (((uint64_t)rest << 32) / (uint64_t)NS_PER_S);
}

static void retime_header(const struct change *c, uint8_t *p, int64_t export_ns)
{
	int64_t to_ns = export_ns + c->shift_ns;

	if (to_ns > (int64_t)c->live->now_ns)
		to_ns = (int64_t)c->live->now_ns;
	if (to_ns < 0)
		to_ns = 0;
	if (c->head->version == SP_IPFIX_V10) {
		sp_put_be32(p + 4, (uint32_t)(to_ns / NS_PER_S));
		return;
	}
	add32(p + 4, c->uptime_ms);
	sp_put_be32(p + 8, (uint32_t)(to_ns / NS_PER_S));
	if (c->head->version == SP_IPFIX_V5)
		sp_put_be32(p + 12, (uint32_t)(to_ns % NS_PER_S));
}

/* The exporter's name in numbers. Domains of one exporter stay apart. Those of two would meet if they
 * were only counted on (routers number domains by card, 65,536 apart, or one by one), so a step as
 * far from small multiples of anything as can be. */
static uint32_t domain_of(const struct sp_ipfix_head *h, uint32_t k)
{
	if (h->version == SP_IPFIX_V5)
		return (h->domain + k) & 0xffff;
	return h->domain + k * 0x9e3779b1u;
}

static void retime_field(const struct change *c, const struct sp_ipfix_field *f, uint8_t *p,
			 size_t len)
{
	bool relative = f->id == LAST_SWITCHED || f->id == FIRST_SWITCHED;

	if (relative && c->head->version == SP_IPFIX_V9 && len == 4)
		add32(p, c->uptime_ms);
	switch (sp_ipfix_kind(f->id)) {
	case SP_IPFIX_SECONDS:
		if (len == 4 && sp_get_be32(p))
			add32(p, (uint32_t)floor_div(c->shift_ns, NS_PER_S));
		break;
	case SP_IPFIX_MILLIS:
		if (len == 8 && sp_get_be64(p))
			sp_put_be64(p, sp_get_be64(p) +
					       (uint64_t)floor_div(c->shift_ns, NS_PER_MS));
		break;
	case SP_IPFIX_NTP:
		if (len == 8 && sp_get_be64(p))
			sp_put_be64(p, sp_get_be64(p) + ntp_of(c->shift_ns));
		break;
	default:
		break;
	}
}

static void renumber_field(const struct change *c, const struct sp_ipfix_field *f, uint8_t *p,
			   size_t len)
{
	const struct sp_addr *a = &c->live->address;

	if (f->id == OBSERVATION_DOMAIN && len == 4 && sp_get_be32(p) == c->head->domain)
		sp_put_be32(p, c->new_domain);
	if (f->id == EXPORTER_IP4 && len == 4 && a->family == 4)
		memcpy(p, a->ip, 4);
	if (f->id == EXPORTER_IP6 && len == 16 && a->family == 6)
		memcpy(p, a->ip, 16);
}

static void change_structure(struct sp_ipfix *, const struct change *, uint16_t element,
			     uint8_t *, size_t len, unsigned depth);

static void change_field(struct sp_ipfix *s, const struct change *c,
			 const struct sp_ipfix_field *f, uint8_t *p, size_t len, unsigned depth)
{
	if (f->pen)
		return;
	if (c->live->retime)
		retime_field(c, f, p, len);
	if (c->live->renumber)
		renumber_field(c, f, p, len);
	if (c->head->version == SP_IPFIX_V10 && depth < DEEPEST)
		change_structure(s, c, f->id, p, len, depth + 1);
}

static void change_record(struct sp_ipfix *s, const struct sp_ipfix_template *t,
			  const struct change *c, uint8_t *record, size_t len, unsigned depth)
{
	struct sp_rd r = sp_rd_of(record, len);
	const uint8_t *at;
	size_t n;

	for (uint16_t i = 0; i < t->n; i++) {
		const struct sp_ipfix_field *f = &s->field[t->first + i];

		if (!sp_ipfix_value(f, &r, &at, &n))
			return;
		if (i >= t->scopes || c->head->version != SP_IPFIX_V9)
			change_field(s, c, f, record + (at - record), n, depth);
	}
}

/* ---- structured data (RFC 6313) ---- */

static void change_records(struct sp_ipfix *s, const struct change *c, uint16_t template,
			   uint8_t *p, size_t len, unsigned depth)
{
	const struct sp_ipfix_template *t = sp_ipfix_find(s, (uint16_t)(c->domain - s->domain),
							  template);
	struct sp_rd r = sp_rd_of(p, len), record;
	const char *why = NULL;

	while (t && !t->withdrawn && sp_ipfix_record(s, t, &r, &record, &why))
		change_record(s, t, c, p + (record.p - p), sp_rd_left(&record), depth);
}

static void change_list(struct sp_ipfix *s, const struct change *c, uint8_t *p, size_t len,
			unsigned depth)
{
	struct sp_rd r = sp_rd_of(p, len);
	struct sp_ipfix_field f = { 0 };
	const uint8_t *at;
	size_t n;

	sp_rd_u8(&r);
	f.id = sp_rd_be16(&r);
	f.len = sp_rd_be16(&r);
	if (f.id & 0x8000)
		f.pen = sp_rd_be32(&r);
	while (!r.bad && f.len && sp_rd_left(&r) && sp_ipfix_value(&f, &r, &at, &n))
		change_field(s, c, &f, p + (at - p), n, depth);
}

/* Blocks of records, each with its template and its length. */
static void change_blocks(struct sp_ipfix *s, const struct change *c, uint8_t *p, size_t len,
			  unsigned depth)
{
	for (size_t at = 1, n; at + BLOCK_HEAD <= len; at += n) {
		n = sp_get_be16(p + at + 2);
		if (n < BLOCK_HEAD || n > len - at)
			return;
		change_records(s, c, sp_get_be16(p + at), p + at + BLOCK_HEAD, n - BLOCK_HEAD,
			       depth);
	}
}

static void change_structure(struct sp_ipfix *s, const struct change *c, uint16_t element,
			     uint8_t *p, size_t len, unsigned depth)
{
	if (element == SUB_TEMPLATE_LIST && len > 3)
		change_records(s, c, sp_get_be16(p + 1), p + 3, len - 3, depth);
	else if (element == SUB_TEMPLATE_MULTI_LIST)
		change_blocks(s, c, p, len, depth);
	else if (sp_ipfix_kind(element) == SP_IPFIX_LIST)
		change_list(s, c, p, len, depth);
}

/* ---- messages ---- */

/* Returns how many records there are; false in known: its template was not seen. */
static uint32_t change_data(struct sp_ipfix *s, const struct sp_ipfix_template *t,
			    const struct change *c, const struct sp_ipfix_set *set,
			    uint8_t *data)
{
	struct sp_rd r = sp_rd_of(set->p, set->len), record;
	const char *why = NULL;
	uint32_t n = 0;

	for (; sp_ipfix_record(s, t, &r, &record, &why); n++)
		change_record(s, t, c, data + (record.p - set->p), sp_rd_left(&record), 0);
	return n;
}

/* The sets of a message, and how many records they have; unknown: of some nobody can tell. */
static uint32_t change_sets(struct sp_ipfix *s, const struct change *c, uint8_t *p,
			    bool *unknown)
{
	struct sp_rd r = sp_rd_of(p + c->head->size, c->head->len - c->head->size);
	uint16_t domain = (uint16_t)(c->domain - s->domain);
	const struct sp_ipfix_template *t;
	struct sp_ipfix_set set;
	const char *why = NULL;
	uint32_t records = 0, n = 0;

	while (sp_ipfix_next(&r, &set, &why)) {
		if (sp_ipfix_defines(c->head, &set)) {
			sp_ipfix_learn(s, domain, c->head->version, &set, &n);
			continue;
		}
		t = set.id >= 256 ? sp_ipfix_find(s, domain, set.id) : NULL;
		if (t && !t->withdrawn)
			records += change_data(s, t, c, &set, p + (set.p - p));
		else
			*unknown = true;
	}
	return records;
}

static void change_v5(const struct change *c, uint8_t *p)
{
	for (uint16_t i = 0; c->live->retime && i < c->head->count; i++) {
		uint8_t *record = p + SP_IPFIX_V5_HEAD + (size_t)i * SP_IPFIX_V5_RECORD;

		add32(record + 24, c->uptime_ms);
		add32(record + 28, c->uptime_ms);
	}
}

/* Numbers of the sequence count what this exporter has sent: flows, messages, records. Where the
 * records of the last message could not be counted, the capture knows how many there were. */
static void renumber_header(const struct change *c, uint8_t *p, uint32_t units, bool unknown)
{
	const struct sp_ipfix_head *h = c->head;
	struct sp_ipfix_domain *d = c->domain;
	uint32_t gap = h->seq - d->recorded;

	if (d->guessing && gap < 65536)
		d->seq += gap;
	if (h->version == SP_IPFIX_V5) {
		sp_put_be32(p + 16, d->seq);
		sp_put_be16(p + 20, (uint16_t)c->new_domain);
	} else {
		sp_put_be32(p + (h->version == SP_IPFIX_V9 ? 12 : 8), d->seq);
		sp_put_be32(p + (h->version == SP_IPFIX_V9 ? 16 : 12), c->new_domain);
	}
	d->seq += units;
	d->recorded = h->seq + units;
	d->guessing = unknown && h->version == SP_IPFIX_V10;
}

/* Is the message cut into sets as it says? Else nothing in it can be trusted. */
static bool sound(const uint8_t *p, size_t len, const struct sp_ipfix_head *h)
{
	struct sp_ipfix_set set;
	const char *why = NULL;
	struct sp_rd r;

	if (h->len != len || h->len < h->size)
		return false;
	r = sp_rd_of(p + h->size, len - h->size);
	while (h->version != SP_IPFIX_V5 && sp_ipfix_next(&r, &set, &why))
		continue;
	return !why;
}

int sp_ipfix_rewrite(void *st, uint8_t *p, size_t len, const struct sp_codec_live *live)
{
	struct sp_ipfix *s = st;
	struct sp_ipfix_head h;
	struct change c = { .live = live, .head = &h };
	bool unknown = false;
	int64_t export_ns;
	uint16_t domain;
	uint32_t units;

	if (!sp_ipfix_head(p, len, &h) || !sound(p, len, &h))
		return -EBADMSG;
	s->messages++;
	domain = sp_ipfix_domain(s, h.version, h.domain); /* may move them all */
	c.domain = &s->domain[domain];
	c.new_domain = domain_of(&h, live->exporter);
	export_ns = h.seconds * NS_PER_S + (h.nanos < NS_PER_S ? h.nanos : 0);
	if (live->retime) {
		c.shift_ns = shift_of(s, live, export_ns);
		c.uptime_ms = uptime_of(&c, export_ns);
	}
	if (h.version == SP_IPFIX_V5) {
		change_v5(&c, p);
		units = h.count;
	} else {
		units = change_sets(s, &c, p, &unknown);
	}
	if (h.version == SP_IPFIX_V9)
		units = 1;
	if (live->retime)
		retime_header(&c, p, export_ns);
	if (live->renumber)
		renumber_header(&c, p, units, unknown);
	return 0;
}
