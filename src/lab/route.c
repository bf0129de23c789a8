/* Breadth first from one node; only routers carry the search on. */
#include "lab/spec.h"

#include <string.h>

struct search {
	const struct sp_lab_spec *spec;
	unsigned from;
	uint8_t family;
	bool seen[SP_LAB_MAX_NODES];
	struct sp_lab_route first[SP_LAB_MAX_NODES]; /* eth and gateway of the first hop */
	unsigned queue[SP_LAB_MAX_NODES], n_queue;
	struct sp_lab_route *out;
	unsigned n_out;
};

static struct sp_lab_addr network_of(const struct sp_lab_addr *a)
{
	struct sp_lab_addr n = *a;
	unsigned bytes = a->addr.family == 4 ? 4 : 16;

	for (unsigned i = 0; i < bytes; i++) {
		unsigned keep = a->prefix > 8 * i ? a->prefix - 8 * i : 0;

		n.addr.ip[i] = (uint8_t)(n.addr.ip[i] & (keep >= 8 ? 0xff : 0xff00u >> keep));
	}
	return n;
}

static bool is_network(const struct sp_lab_addr *a, const struct sp_lab_addr *b)
{
	return a->prefix == b->prefix && sp_addr_eq(&a->addr, &b->addr);
}

static bool is_reached(const struct search *s, const struct sp_lab_addr *net)
{
	for (unsigned i = 0; i < s->n_out; i++)
		if (is_network(&s->out[i].to, net))
			return true;
	return false;
}

static bool is_on(const struct sp_lab_spec *spec, unsigned node, const struct sp_lab_addr *net)
{
	for (unsigned i = 0; i < 2 * spec->n_links; i++) {
		const struct sp_lab_end *e = &spec->link[i / 2].end[i % 2];

		for (unsigned k = 0; e->node == node && k < e->n_addr; k++) {
			struct sp_lab_addr n = network_of(&e->addr[k]);

			if (is_network(&n, net))
				return true;
		}
	}
	return false;
}

/* Everybody in the network of address a, which the search reached at end e. */
static void meet(struct search *s, const struct sp_lab_end *e, const struct sp_lab_addr *a)
{
	const struct sp_lab_spec *spec = s->spec;
	struct sp_lab_addr net = network_of(a);

	for (unsigned i = 0; i < 2 * spec->n_links; i++) {
		const struct sp_lab_end *o = &spec->link[i / 2].end[i % 2];

		if (o->net != e->net || s->seen[o->node])
			continue;
		for (unsigned k = 0; k < o->n_addr && !s->seen[o->node]; k++) {
			struct sp_lab_addr theirs = network_of(&o->addr[k]);

			if (!is_network(&theirs, &net))
				continue;
			s->seen[o->node] = true;
			s->first[o->node] =
				e->node == s->from
					? (struct sp_lab_route){ .gateway = o->addr[k].addr,
								 .eth = e->eth }
					: s->first[e->node];
			s->queue[s->n_queue++] = o->node;
		}
	}
}

static void visit(struct search *s, unsigned node)
{
	const struct sp_lab_spec *spec = s->spec;

	for (unsigned i = 0; i < 2 * spec->n_links; i++) {
		const struct sp_lab_end *e = &spec->link[i / 2].end[i % 2];

		for (unsigned k = 0; e->node == node && k < e->n_addr; k++) {
			struct sp_lab_addr net = network_of(&e->addr[k]);

			if (net.addr.family != s->family)
				continue;
			if (node != s->from && !is_reached(s, &net) &&
			    !is_on(spec, s->from, &net)) {
				s->out[s->n_out] = s->first[node];
				s->out[s->n_out++].to = net;
			}
			meet(s, e, &e->addr[k]);
		}
	}
}

unsigned sp_lab_routes(const struct sp_lab_spec *spec, unsigned node, struct sp_lab_route *out)
{
	struct search s = { .spec = spec, .from = node, .out = out };

	for (unsigned family = 4; family <= 6; family += 2) {
		s.family = (uint8_t)family;
		memset(s.seen, 0, sizeof s.seen);
		s.seen[node] = true;
		s.queue[0] = node;
		s.n_queue = 1;
		for (unsigned i = 0; i < s.n_queue; i++)
			if (s.queue[i] == node || spec->node[s.queue[i]].kind == SP_LAB_ROUTER)
				visit(&s, s.queue[i]);
	}
	return s.n_out;
}
