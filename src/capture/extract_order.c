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

/* Sessions that had the same port one after the other would be one to whoever replays them. */
static int part_ports(struct sp_ext_part *p, struct sp_endpoint_set *used)
{
	bool added;

	for (struct sp_ext_session *s = p->sessions; s; s = s->next) {
		struct sp_endpoint e = s->pair.src;

		if (sp_endpoint_set_add(used, &e, &added) < 0)
			return -1;
		for (unsigned i = 0; !added && i < 65536 - FIRST_PORT; i++) {
			e.port = (uint16_t)(FIRST_PORT + i);
			if (sp_endpoint_set_add(used, &e, &added) < 0)
				return -1;
		}
		s->pair.src = e;
	}
	return 0;
}

int sp_ext_order(struct sp_ext *x)
{
	struct sp_endpoint_set used, talks;
	int rc = 0;

	sp_endpoint_set_init(&used, x->mem);
	for (unsigned i = 0; i < x->conf->n_parts && !rc; i++) {
		struct sp_ext_part *p = &x->part[i];

		rc = sort(p, x->mem);
		sp_endpoint_set_init(&talks, x->mem);
		if (!rc && p->conf->guess)
			rc = leave_listeners(p, &talks);
		sp_endpoint_set_fini(&talks);
		if (!rc)
			rc = part_ports(p, &used);
	}
	sp_endpoint_set_fini(&used);
	return rc;
}
