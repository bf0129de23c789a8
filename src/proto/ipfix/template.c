/* Templates of one exporter: a ring of templates and a ring of their fields, both filled in the
 * same order, so that whatever comes the oldest make room for the newest. */
#include <string.h>

#include "proto/ipfix/message.h"

#define FIRST_TEMPLATES 4u
#define FIRST_FIELDS	16u

static uint16_t *bucket_of(struct sp_ipfix *s, uint16_t domain, uint16_t id)
{
	return &s->bucket[(id * 31u + domain * 17u) % SP_IPFIX_BUCKETS];
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
	if (!s->bucket)
		return NULL;
	for (uint16_t i = *bucket_of(s, domain, id); i; i = s->template[i - 1].next) {
		struct sp_ipfix_template *t = &s->template[i - 1];

		if (t->domain == domain && t->id == id)
			return t;
	}
	return NULL;
}

/* Both rings are filled from their beginnings, so what is not yet in use is behind what is, and
 * they grow as they are filled for the first time. */
static bool have_templates(struct sp_ipfix *s, uint32_t need)
{
	struct sp_ipfix_template *more;

	if (!s->bucket)
		s->bucket = sp_alloc(s->mem, SP_IPFIX_BUCKETS * sizeof *s->bucket);
	if (!s->bucket)
		return false;
	if (need <= s->template_cap)
		return true;
	more = sp_alloc_more(s->mem, s->template, &s->template_cap, FIRST_TEMPLATES, need,
			     SP_IPFIX_TEMPLATES, sizeof *more);
	if (!more)
		return false;
	sp_free(s->mem, s->template);
	s->template = more;
	return true;
}

static bool have_fields(struct sp_ipfix *s, uint32_t need)
{
	struct sp_ipfix_field *more;

	if (need > SP_IPFIX_FIELDS || need <= s->field_cap)
		return true; /* or it begins again at 0 */
	more = sp_alloc_more(s->mem, s->field, &s->field_cap, FIRST_FIELDS, need,
			     SP_IPFIX_FIELDS, sizeof *more);
	if (!more)
		return false;
	sp_free(s->mem, s->field);
	s->field = more;
	return true;
}

/* Room for one more template of n fields, wherever it will lie. */
static bool have_room(struct sp_ipfix *s, uint32_t n)
{
	uint32_t slot = s->oldest + s->n_templates;

	return have_templates(s, slot < SP_IPFIX_TEMPLATES ? slot + 1 : SP_IPFIX_TEMPLATES) &&
	       have_fields(s, s->field_head + n);
}

void sp_ipfix_fini(struct sp_ipfix *s)
{
	if (s->domain != &s->first_domain)
		sp_free(s->mem, s->domain);
	sp_free(s->mem, s->bucket);
	sp_free(s->mem, s->template);
	sp_free(s->mem, s->field);
}

void sp_ipfix_keep(struct sp_ipfix *s, const struct sp_ipfix_template *new,
		   const struct sp_ipfix_field *f)
{
	struct sp_ipfix_template *old = sp_ipfix_find(s, new->domain, new->id), *t;
	uint64_t data_sets = old ? old->data_sets : 0;
	uint32_t slot, first, n = new->n ? new->n : 1;
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
	/* A template has one field's room at least, so that no two begin at the same place. */
	if (!have_room(s, n)) {
		s->forgotten++;
		return;
	}
	if (s->n_templates == SP_IPFIX_TEMPLATES)
		drop_oldest(s);
	first = take_fields(s, n);
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

static bool more_domains(struct sp_ipfix *s)
{
	struct sp_ipfix_domain *more = s->domain_cap == SP_IPFIX_DOMAINS
					       ? NULL
					       : sp_alloc_more(s->mem, s->domain,
							       &s->domain_cap, 1,
							       s->domain_cap + 1,
							       SP_IPFIX_DOMAINS, sizeof *more);

	if (!more)
		return false;
	if (s->domain != &s->first_domain)
		sp_free(s->mem, s->domain);
	s->domain = more;
	return true;
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
	if (s->n_domains < s->domain_cap || more_domains(s))
		at = s->n_domains++;
	else
		forget_domain(s, (uint16_t)at);
	s->domain[at] = (struct sp_ipfix_domain){ .version = version,
						  .id = id,
						  .used = s->messages };
	return (uint16_t)at;
}
