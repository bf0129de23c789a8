/* Which sessions are written, in which order, from which port. */
#include <stdlib.h>

#include "capture/extract_impl.h"

#define FIRST_PORT 49152u /* of those for whoever asks (RFC 6335) */

static int by_stream(const void *a, const void *b)
{
	const struct sp_ext_session *const *s = a, *const *t = b;

	if ((*s)->stream != (*t)->stream)
		return (*s)->stream < (*t)->stream ? -1 : 1;
	return ((*s)->number > (*t)->number) - ((*s)->number < (*t)->number);
}

static int sort(struct sp_ext_part *p, const struct sp_mem *mem)
{
	struct sp_ext_session **of, *s;
	size_t n = 0, i = 0;

	for (s = p->sessions; s; s = s->next)
		n++;
	if (n < 2)
		return 0;
	of = sp_alloc_array(mem, n, sizeof *of);
	if (!of)
		return -1;
	for (s = p->sessions; s; s = s->next)
		of[i++] = s;
	qsort(of, n, sizeof *of, by_stream);
	p->sessions_end = &p->sessions;
	for (i = 0; i < n; i++) {
		*p->sessions_end = of[i];
		p->sessions_end = &of[i]->next;
	}
	*p->sessions_end = NULL;
	sp_free(mem, of);
	return 0;
}

/* Of a connection whose one side talks, the other that only opens, holds and closes it was the
 * collector: it is not replayed. */
static int leave_listeners(struct sp_ext_part *p, struct sp_endpoint_set *talks)
{
	struct sp_ext_session **at = &p->sessions, *s;
	char name[72];
	bool added;

	for (s = p->sessions; s; s = s->next)
		if (s->content && sp_endpoint_set_add(talks, &s->pair.src, &added) < 0)
			return -1;
	while ((s = *at)) {
		if (s->content || sp_endpoint_set_find(talks, &s->pair.dst) < 0) {
			at = &s->next;
			continue;
		}
		*at = s->next;
		sp_ext_remark(p->x,
			      "%s: %s only opens, holds or closes a session: it is taken for a "
			      "collector's side and left out",
			      p->conf->section,
			      sp_endpoint_format(name, sizeof name, &s->pair.src));
	}
	p->sessions_end = at;
	return 0;
}

/* Ports of all parts' sessions. */
struct ports {
	const struct sp_mem *mem;
	struct sp_endpoint_set used,
		addresses; /* addresses: that needed another port, port 0 */
	uint32_t *next;	   /* [cap], of each address: those below are used */
	uint32_t cap;
};

/* The place of an address's next port; NULL: no memory. */
static uint32_t *next_of(struct ports *o, const struct sp_addr *a)
{
	struct sp_endpoint e = { .addr = *a };
	uint32_t *more;
	bool added;
	int i = sp_endpoint_set_add(&o->addresses, &e, &added);

	if (i < 0)
		return NULL;
	if ((uint32_t)i >= o->cap) {
		more = sp_alloc_more(o->mem, o->next, &o->cap, 16, (uint32_t)i + 1, UINT32_MAX,
				     sizeof *more);
		if (!more)
			return NULL;
		sp_free(o->mem, o->next);
		o->next = more;
	}
	if (added)
		o->next[i] = FIRST_PORT;
	return &o->next[i];
}

/* A port of its own for e, the one that it has if that is free. 1, 0: there is none, -1: no memory. */
static int own_port(struct ports *o, struct sp_endpoint *e)
{
	uint32_t *next;
	bool added;

	if (sp_endpoint_set_add(&o->used, e, &added) < 0)
		return -1;
	if (added)
		return 1;
	next = next_of(o, &e->addr);
	if (!next)
		return -1;
	while (!added && *next < 65536) {
		e->port = (uint16_t)(*next)++;
		if (sp_endpoint_set_add(&o->used, e, &added) < 0)
			return -1;
	}
	return added;
}

/* Sessions that had the same port one after the other would be one to whoever replays them. */
static int part_ports(struct sp_ext_part *p, struct ports *o)
{
	struct sp_ext_session **at = &p->sessions, *s;
	uint64_t without = 0;
	char name[64];
	int rc;

	while ((s = *at)) {
		rc = own_port(o, &s->pair.src);
		if (rc < 0)
			return -1;
		if (rc) {
			at = &s->next;
			continue;
		}
		if (!without++)
			sp_addr_format(name, sizeof name, &s->pair.src.addr);
		*at = s->next;
	}
	p->sessions_end = at;
	if (without)
		sp_ext_remark(p->x,
			      "%s: for %llu sessions, the first of %s, there is no port left: "
			      "they are left out",
			      p->conf->section, (unsigned long long)without, name);
	return 0;
}

int sp_ext_order(struct sp_ext *x)
{
	struct ports ports = { .mem = x->mem };
	struct sp_endpoint_set talks;
	int rc = 0;

	sp_endpoint_set_init(&ports.used, x->mem);
	sp_endpoint_set_init(&ports.addresses, x->mem);
	for (unsigned i = 0; i < x->conf->n_parts && !rc; i++) {
		struct sp_ext_part *p = &x->part[i];

		rc = sort(p, x->mem);
		sp_endpoint_set_init(&talks, x->mem);
		if (!rc && p->conf->guess)
			rc = leave_listeners(p, &talks);
		sp_endpoint_set_fini(&talks);
		if (!rc)
			rc = part_ports(p, &ports);
	}
	sp_endpoint_set_fini(&ports.used);
	sp_endpoint_set_fini(&ports.addresses);
	sp_free(x->mem, ports.next);
	return rc;
}
