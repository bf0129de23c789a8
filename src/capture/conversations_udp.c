#include <errno.h>
#include <string.h>

#include "capture/conversations_impl.h"

#define SERVERS 1024u /* numbers below are those of servers */

/* The number of two endpoints, whichever of them sent. */
static int pair_of(struct conversations *r, const struct sp_endpoint *a,
		   const struct sp_endpoint *b, bool *added)
{
	int x = sp_endpoint_set_add(&r->ends, a, added);
	int y = x < 0 ? x : sp_endpoint_set_add(&r->ends, b, added);
	uint32_t key[2] = { (uint32_t)(x < y ? x : y), (uint32_t)(x < y ? y : x) };
	struct sp_endpoint both = { .addr.family = 6 };

	if (y < 0)
		return y;
	memcpy(both.addr.ip, key, sizeof key); /* as good as an address */
	return sp_endpoint_set_add(&r->pairs, &both, added);
}

static bool is_group(const struct sp_addr *a)
{
	enum sp_addr_class class = sp_addr_class(a);

	return class == SP_ADDR_MULTICAST || class == SP_ADDR_MULTICAST_OWN ||
	       class == SP_ADDR_BROADCAST;
}

static int begin(struct conversations *r, const struct sp_view *v, int64_t t_ns,
		 uint64_t packet, int pair)
{
	bool answer = v->src.port < SERVERS && v->dst.port >= SERVERS;
	struct talk *t;

	if (sp_conversations_room(r, &r->pair, (uint32_t)pair, &r->pair_cap, sizeof *r->pair))
		return -ENOMEM;
	t = sp_conversations_talk(r);
	if (!t)
		return -ENOMEM;
	t->client = answer ? v->dst : v->src;
	t->server = answer ? v->src : v->dst;
	t->packet = packet;
	t->start_ns = t->end_ns = t_ns;
	t->begun = t->udp = true;
	r->pair[pair] = r->talks - 1;
	return 0;
}

int sp_conversations_datagram(struct conversations *r, const struct sp_cap_view *c,
			      const uint8_t *payload, size_t len, int64_t t_ns, uint64_t packet)
{
	const struct sp_view *v = &c->v;
	struct talk *t;
	bool added, by_server;
	int pair, rc = 0;

	if (!v->l4_off || !v->src.port || !v->dst.port)
		return 0;
	if (is_group(&v->dst.addr)) {
		r->out->groups++;
		return 0;
	}
	pair = pair_of(r, &v->src, &v->dst, &added);
	if (pair == -E2BIG)
		return sp_conversations_too_much(r);
	if (pair >= 0 && added)
		rc = begin(r, v, t_ns, packet, pair);
	if (pair < 0 || rc)
		return pair < 0 ? pair : rc;
	t = &r->talk[r->pair[pair]];
	by_server = !sp_endpoint_eq(&v->src, &t->client);
	if (by_server && !t->spoke) {
		r->out->unasked++;
		return 0;
	}
	if (!t->spoke) {
		t->start_ns = t_ns;
		t->packet = packet;
	}
	t->end_ns = t_ns;
	t->hole |= c->payload_orig > len;
	if (t->hole)
		return 0;
	return sp_conversations_say(r, t,
				    (struct said){ .len = len,
						   .before = t->answers,
						   .t_ns = t_ns,
						   .end_ns = t_ns,
						   .packet = packet,
						   .by_server = by_server },
				    payload);
}
