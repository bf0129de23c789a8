/* Templates of one exporter: a ring of templates and a ring of their fields, both filled in the
 * same order, so that whatever comes the oldest make room for the newest. */
#include <string.h>

#include "proto/ipfix/message.h"

#define BUCKETS (sizeof(((struct sp_ipfix *)NULL)->bucket) / sizeof(uint16_t))

static uint16_t *bucket_of(struct sp_ipfix *s, uint16_t domain, uint16_t id)
{
	return &s->bucket[(id * 31u + domain * 17u) % BUCKETS];
}

static void unlink_template(struct sp_ipfix *s, uint32_t slot)
{
	struct sp_ipfix_template *t = &s->template[slot];
	uint16_t *at = bucket_of(s, t->domain, t->id);

	if (!t->used)
		return;
	while (*at != slot + 1)
		at = &s->template[*at - 1].next;
	*at = t->next;
	t->used = false;
}

static void drop_oldest(struct sp_ipfix *s)
{
	s->forgotten += s->template[s->oldest].used;
	unlink_template(s, s->oldest);
	s->oldest = (s->oldest + 1) % SP_IPFIX_TEMPLATES;
	s->n_templates--;
}

/* n fields in one piece, from which every older template was driven out. */
static uint32_t take_fields(struct sp_ipfix *s, uint32_t n)
{
	uint32_t from = s->field_head, to;
	bool wraps = from + n > SP_IPFIX_FIELDS;

	/* Fields lie in the order of templates: those of the oldest come next. */
	while (s->n_templates) {
		const struct sp_ipfix_template *t = &s->template[s->oldest];
		bool hit = wraps ? t->first >= from || t->first < n
				 : t->first >= from && t->first < from + n;

		if (!hit)
			break;
		drop_oldest(s);
	}
	if (wraps)
		from = 0;
	to = from + n;
	s->field_head = to;
	return from;
}

struct sp_ipfix_template *sp_ipfix_find(struct sp_ipfix *s, uint16_t domain, uint16_t id)
{
	for (uint16_t i = *bucket_of(s, domain, id); i; i = s->template[i - 1].next) {
		struct sp_ipfix_template *t = &s->template[i - 1];

		if (t->domain == domain && t->id == id)
			return t;
	}
	return NULL;
}

void sp_ipfix_keep(struct sp_ipfix *s, const struct sp_ipfix_template *new,
		   const struct sp_ipfix_field *f)
{
	struct sp_ipfix_template *old = sp_ipfix_find(s, new->domain, new->id), *t;
	uint64_t data_sets = old ? old->data_sets : 0;
	uint32_t slot, first;
	uint16_t *at;

	if (old && new->n <= old->n) {
		uint16_t next = old->next;

		first = old->first;
		*old = *new;
		old->first = first;
		old->next = next;
		old->data_sets = data_sets;
		old->used = true;
		memcpy(&s->field[first], f, new->n * sizeof *f);
		return;
	}
	if (old)
		unlink_template(s, (uint32_t)(old - s->template));
	if (s->n_templates == SP_IPFIX_TEMPLATES)
		drop_oldest(s);
	/* A template has one field's room at least, so that no two begin at the same place. */
	first = take_fields(s, new->n ? new->n : 1);
	slot = (s->oldest + s->n_templates++) % SP_IPFIX_TEMPLATES;
	t = &s->template[slot];
	*t = *new;
	t->used = true;
	t->first = first;
	t->data_sets = data_sets;
	at = bucket_of(s, t->domain, t->id);
	t->next = *at;
	*at = (uint16_t)(slot + 1);
	memcpy(&s->field[first], f, new->n * sizeof *f);
}

void sp_ipfix_withdraw(struct sp_ipfix *s, uint16_t domain, uint16_t id, bool options)
{
	for (uint32_t i = 0; i < s->n_templates; i++) {
		struct sp_ipfix_template *t =
			&s->template[(s->oldest + i) % SP_IPFIX_TEMPLATES];

		if (t->used && t->domain == domain && t->options == options &&
		    (id < 256 || t->id == id))
			t->withdrawn = true;
	}
}

static void forget_domain(struct sp_ipfix *s, uint16_t domain)
{
	for (uint32_t i = 0; i < s->n_templates; i++) {
		uint32_t slot = (s->oldest + i) % SP_IPFIX_TEMPLATES;

		if (s->template[slot].used && s->template[slot].domain == domain) {
			unlink_template(s, slot);
			s->forgotten++;
		}
	}
}

uint16_t sp_ipfix_domain(struct sp_ipfix *s, uint16_t version, uint32_t id)
{
	uint32_t at = 0;

	for (uint32_t i = 0; i < s->n_domains; i++) {
		if (s->domain[i].version == version && s->domain[i].id == id) {
			s->domain[i].used = s->messages;
			return (uint16_t)i;
		}
		if (s->domain[i].used < s->domain[at].used)
			at = i;
	}
	if (s->n_domains < SP_IPFIX_DOMAINS)
		at = s->n_domains++;
	else
		forget_domain(s, (uint16_t)at);
	s->domain[at] = (struct sp_ipfix_domain){ .version = version,
						  .id = id,
						  .used = s->messages };
	return (uint16_t)at;
}
