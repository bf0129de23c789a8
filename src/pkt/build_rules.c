/* What fills fields that nobody gave: the next header's number, lengths, checksums. */
#include <errno.h>
#include <string.h>

#include "pkt/build.h"

void sp_build_bits(uint8_t *octets, uint32_t bit, unsigned width, sp_u128 v)
{
	while (width) {
		unsigned room = 8 - bit % 8, take = width < room ? width : room;
		unsigned shift = room - take;
		uint8_t mask = (uint8_t)(((1u << take) - 1) << shift);
		uint8_t part = (uint8_t)((unsigned)(v >> (width - take)) << shift & mask);

		octets[bit / 8] = (uint8_t)((octets[bit / 8] & ~mask) | part);
		bit += take;
		width -= take;
	}
}

int sp_build_rule(struct sp_build *b, const struct sp_node *n, unsigned i, uint32_t bit,
		  int64_t octets)
{
	const struct sp_field *f = &n->fields[i];
	int64_t v = octets - f->less;

	v = v < 0 ? 0 : v / sp_field_unit(f);
	if (f->bits < 63 && v >> f->bits) {
		sp_fail(b->err, -EINVAL, SP_EXIT_USAGE,
			"%s: %s.%s holds at most %llu, and this would be %lld",
			b->packet->place, sp_node_name(n), f->name,
			(unsigned long long)sp_field_max(f), (long long)v);
		return -EINVAL;
	}
	sp_build_bits(b->octets, bit, f->bits, (sp_u128)v);
	return 0;
}

static const struct sp_next *next_row(const struct sp_hdr_ops *h, const char *name)
{
	for (const struct sp_next *row = h->next; row && row->hdr; row++)
		if (strcmp(row->hdr, name) == 0)
			return row;
	return NULL;
}

static int global_rule(struct sp_build *b, unsigned layer, unsigned i)
{
	const struct sp_node *n = &b->packet->node[layer];
	const struct sp_field *f = &n->fields[i];
	const struct sp_next *row = NULL;
	uint32_t bit = b->pos[layer][i], octets = b->content - b->start[layer];

	if (f->rule == SP_RULE_NEXT) {
		if (layer + 1 < b->packet->n)
			row = next_row(n->hdr, b->packet->node[layer + 1].hdr->name);
		if (row)
			sp_build_bits(b->octets, bit, f->bits, row->value);
		return 0;
	}
	if (f->rule != SP_RULE_LENGTH)
		return 0;
	b->length[b->n_lengths++] = (struct sp_length){
		.off = (uint16_t)(bit / 8),
		.less = (uint16_t)(b->start[layer] + f->less + b->len - b->content),
		.bytes = (uint8_t)(f->bits / 8),
		.unit = (uint8_t)sp_field_unit(f),
	};
	return sp_build_rule(b, n, i, bit, octets);
}

/* The octet behind which the address of that role stands; 0: this is no IP header. */
static uint32_t role_at(const struct sp_build *b, unsigned layer, enum sp_field_role role)
{
	const struct sp_node *n = &b->packet->node[layer];

	for (unsigned i = 0; i < n->n_fields; i++)
		if (n->fields[i].role == role && sp_node_has(n, i))
			return b->pos[layer][i] / 8 + 1;
	return 0;
}

/* False: nothing below has addresses. */
static bool pseudo(const struct sp_build *b, unsigned layer, struct sp_sum *s)
{
	const struct sp_node *n;
	const struct sp_next *row;
	unsigned ip = layer;
	uint32_t at;

	do {
		if (!ip--)
			return false;
	} while (b->packet->node[ip].hdr->extends);
	n = &b->packet->node[ip];
	row = next_row(n->hdr, b->packet->node[layer].hdr->name);
	at = role_at(b, ip, SP_ROLE_SRC);
	if (!at || !row)
		return false;
	s->src = (uint16_t)(at - 1);
	s->dst = (uint16_t)(role_at(b, ip, SP_ROLE_DST) - 1);
	s->addr_len = (uint8_t)(s->dst - s->src);
	s->proto = (uint8_t)row->value;
	for (; ip < layer; ip++)
		if (b->route[ip])
			s->dst = (uint16_t)b->route[ip];
	return true;
}

static void sum_rule(struct sp_build *b, unsigned layer, unsigned i)
{
	const struct sp_node *n = &b->packet->node[layer];
	const struct sp_field *f = &n->fields[i];
	struct sp_sum s = {
		.off = (uint16_t)(b->pos[layer][i] / 8),
		.from = (uint16_t)b->start[layer],
		.to = (uint16_t)(b->content < b->len ? b->content : 0),
	};

	if (f->rule < SP_RULE_SUM_HEADER || n->value[i].kind != SP_V_NONE || !sp_node_has(n, i))
		return;
	if (f->rule == SP_RULE_SUM_HEADER)
		s.to = (uint16_t)b->end[layer];
	if (f->rule == SP_RULE_SUM_CRC32C)
		s.kind = SP_SUM_CRC32C;
	if (f->rule == SP_RULE_SUM_UDP)
		s.kind = SP_SUM_UDP;
	if ((f->rule == SP_RULE_SUM_UDP || f->rule == SP_RULE_SUM_L4) && !pseudo(b, layer, &s))
		return;
	if (b->n_sums == SP_PACKET_HEADERS)
		return;
	b->sum[b->n_sums++] = s;
	sp_sum_fill(&s, b->octets, b->len);
}

int sp_build_rules(struct sp_build *b)
{
	const struct sp_packet *p = b->packet;

	for (unsigned k = 0; k < p->n; k++)
		for (unsigned i = 0; i < p->node[k].n_fields; i++)
			if (p->node[k].value[i].kind == SP_V_NONE &&
			    sp_node_has(&p->node[k], i) && global_rule(b, k, i))
				return -EINVAL;
	for (unsigned k = p->n; k-- > 0;)
		for (unsigned i = 0; i < p->node[k].n_fields; i++)
			sum_rule(b, k, i);
	return 0;
}
