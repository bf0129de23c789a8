#include "engine/verify_testing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "plugin/catalog.h"

void rx_begin(struct rx *x)
{
	*x = (struct rx){ .origin = START, .delay = 2 * MS };
	sp_mem_test_init(&x->mem, UINT64_MAX);
	x->ops = sp_catalog_stamp(&sp_catalog, "native");
	assert_int_equal(sp_flow_table_init(&x->granted, &x->mem.mem, 4), 0);
	assert_int_equal(sp_verifier_init(&x->v, &x->mem.mem, &x->granted, x->session, x->ops,
					  sp_catalog_stamp(&sp_catalog, "short"), 8, 4, 1),
			 0);
	/* One flow under control, whose clock is the receiver's. */
	sp_flow_grant(&x->granted, 1, 1, 1);
	x->session[1].clock_known = true;
}

void rx_end(struct rx *x)
{
	sp_verifier_fini(&x->v);
	sp_flow_table_fini(&x->granted, &x->mem.mem);
	assert_int_equal(x->mem.live, 0);
}

void rx_receive(struct rx *x, const struct packet *p)
{
	struct sp_flow_tx tx = { .head = x->ops->head(p->id, p->kind), .seq = p->seq };
	uint8_t data[64] = { 0 };
	struct sp_msg m = { .data = data, .len = p->len ? p->len : 64, .t_ns = p->due };
	struct sp_batch b = { .n = 1, .cap = 1, .m = &m };

	if (m.len >= x->ops->len) {
		m.stamp_off = (uint16_t)(m.len - x->ops->len);
		x->ops->put(&b, 0, &tx, p->due + p->late);
	}
	if (p->flip)
		data[m.len - p->flip] ^= 0xff;
	m.t_ns = p->at;
	m.stamp_off = SP_NO_STAMP;
	sp_verify_burst(&x->v, &b, 0, NULL);
}

struct packet rx_packet(const struct rx *x, uint32_t id, uint32_t seq)
{
	const int64_t since = (int32_t)(seq - x->zero);
	uint64_t due = x->origin + (uint64_t)(since * (int64_t)MS);

	return (struct packet){ .id = id, .seq = seq, .due = due, .at = due + x->delay };
}

void rx_in_time(struct rx *x, uint32_t id, uint32_t seq)
{
	struct packet p = rx_packet(x, id, seq);

	rx_receive(x, &p);
}

void rx_arrive_late(struct rx *x, uint32_t id, uint32_t seq, uint64_t by)
{
	struct packet p = rx_packet(x, id, seq);

	p.at += by;
	rx_receive(x, &p);
}

void rx_many(struct rx *x, uint32_t id, uint32_t from, uint32_t to)
{
	for (uint32_t seq = from; seq != to; seq++)
		rx_in_time(x, id, seq);
}

uint64_t rx_unique(const struct sp_flow_rx *f)
{
	return f->rx - f->duplicates - f->corrupted;
}

uint64_t rx_lost(const struct sp_flow_table *t)
{
	return t->rx[0].next - t->meta[0].base - rx_unique(&t->rx[0]) - t->rx[0].corrupted;
}
