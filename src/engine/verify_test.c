/* Batches made by hand against the receiver's numbers: what each message has to change, and what
 * it must not. */
#include "engine/verify.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "base/endian.h"
#include "base/rng.h"
#include "core/clock.h"
#include "plugin/catalog.h"

#define ID    (SP_FLOW_OWN_ID + 7)
#define MS    SP_NS_PER_MS
#define START (100 * SP_NS_PER_S)

/* A receiver, and a sender of 1 packet a millisecond whose clock is the receiver's. */
struct rx {
	struct sp_mem_test mem;
	struct sp_flow_table granted;
	struct sp_rx_session session[2];
	struct sp_verifier v;
	const struct sp_stamp_ops *ops;
	uint64_t origin; /* the sender's time at its sequence zero */
	uint32_t zero;
	uint64_t delay;
};

static void begin(struct rx *x)
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

static void end(struct rx *x)
{
	sp_verifier_fini(&x->v);
	sp_flow_table_fini(&x->granted, &x->mem.mem);
	assert_int_equal(x->mem.live, 0);
}

struct packet {
	uint32_t id, seq;
	uint64_t due, late, at; /* times of the sender, of the receiver */
	uint8_t kind, flip;	/* flip: of which byte from the end, 0 none */
	uint32_t len;
};

static void receive(struct rx *x, const struct packet *p)
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

static struct packet packet(const struct rx *x, uint32_t id, uint32_t seq)
{
	const int64_t since = (int32_t)(seq - x->zero);
	uint64_t due = x->origin + (uint64_t)(since * (int64_t)MS);

	return (struct packet){ .id = id, .seq = seq, .due = due, .at = due + x->delay };
}

static void in_time(struct rx *x, uint32_t id, uint32_t seq)
{
	struct packet p = packet(x, id, seq);

	receive(x, &p);
}

/* seq arrives once more, or late, that much after its time. */
static void arrive_late(struct rx *x, uint32_t id, uint32_t seq, uint64_t by)
{
	struct packet p = packet(x, id, seq);

	p.at += by;
	receive(x, &p);
}

static void many(struct rx *x, uint32_t id, uint32_t from, uint32_t to)
{
	for (uint32_t seq = from; seq != to; seq++)
		in_time(x, id, seq);
}

static uint64_t unique(const struct sp_flow_rx *f)
{
	return f->rx - f->duplicates - f->corrupted;
}

static uint64_t lost(const struct sp_flow_table *t)
{
	return t->rx[0].next - t->meta[0].base - unique(&t->rx[0]) - t->rx[0].corrupted;
}

/* ---- time ---- */

/* With and without control, a copy of each packet half a gap later leaves no trace in times. */
static void check_copies(uint32_t id)
{
	const struct sp_flow_table *t;
	const struct sp_tally_rx *tally;
	struct rx x;

	begin(&x);
	t = id == 1 ? &x.granted : &x.v.own;
	for (uint32_t i = 0; i < 100; i++) {
		in_time(&x, id, i);
		arrive_late(&x, id, i, MS / 2);
	}
	tally = &x.v.tally[t->rx[0].tally];
	assert_int_equal(t->rx[0].duplicates, 100);
	assert_int_equal(unique(&t->rx[0]), 100);
	assert_int_equal(t->rx[0].reordered, 0);
	assert_int_equal(t->rx[0].jitter16, 0);
	assert_int_equal(tally->gap_error.n, 99);
	assert_int_equal(tally->gap_error.max, 0);
	assert_int_equal(t->meta[0].first_rx, START + x.delay);
	/* Rates are of all arrivals: so is the last one. */
	assert_int_equal(t->rx[0].last_rx, START + x.delay + 99 * MS + MS / 2);
	if (id == 1) {
		assert_int_equal(tally->delay.n, 100);
		assert_int_equal(t->rx[0].delay_min, x.delay);
		assert_int_equal(t->rx[0].delay_max, x.delay);
	}
	end(&x);
}

static void test_copies_leave_times_alone(void **state)
{
	(void)state;
	check_copies(1);
	check_copies(ID);
}

/* A late one is in the delays and in the jitter (RFC 3550: in order of arrival), not in the gaps
 * of those in order. */
static void test_a_late_one(void **state)
{
	const struct sp_flow_rx *f;
	struct rx x;

	(void)state;
	begin(&x);
	f = &x.granted.rx[0];
	many(&x, 1, 0, 5);
	many(&x, 1, 6, 8);
	arrive_late(&x, 1, 5, 5 * MS / 2);
	assert_int_equal(f->reordered, 1);
	assert_int_equal(f->gaps, 1);
	assert_int_equal(f->delay_max, x.delay + 5 * MS / 2);
	assert_int_equal(f->jitter16, 5 * MS / 2);
	many(&x, 1, 8, 9);
	/* A.8: J += |D| - (J + 8) / 16, J scaled by 16. */
	assert_int_equal(f->jitter16, 5 * MS - ((5 * MS / 2 + 8) >> 4));
	assert_int_equal(x.v.tally[1].gap_error.max, 0);
	assert_int_equal(lost(&x.granted), 0);
	end(&x);
}

/* The longest silence in which something was missed: not one in which nothing was sent, and not
 * one that ends with a late one. */
static void test_outage(void **state)
{
	struct packet p;
	struct rx x;

	(void)state;
	begin(&x);
	many(&x, 1, 0, 1000);
	assert_int_equal(x.granted.meta[0].outage_ns, 0);
	many(&x, 1, 1002, 1500); /* two are lost: three gaps */
	assert_int_equal(x.granted.meta[0].outage_ns, 3 * MS);
	many(&x, 1, 3500, 4000);
	assert_int_equal(x.granted.meta[0].outage_ns, 2001 * MS);
	for (uint32_t i = 4000; i < 4010; i++) { /* its sender rests */
		p = packet(&x, 1, i);
		p.due += 5 * SP_NS_PER_S;
		p.at += 5 * SP_NS_PER_S;
		receive(&x, &p);
	}
	assert_int_equal(x.granted.meta[0].outage_ns, 2001 * MS);
	end(&x);
}

/* The jitter is of what the path does: a sender that is late is not it. */
static void test_a_late_sender(void **state)
{
	struct packet p;
	struct rx x;

	(void)state;
	begin(&x);
	for (uint32_t i = 0; i < 50; i++) {
		p = packet(&x, 1, i);
		p.late = i % 3 * 256 * 1024;
		p.at += p.late;
		receive(&x, &p);
	}
	assert_int_equal(x.granted.rx[0].jitter16, 0);
	assert_int_equal(x.v.tally[1].delay_actual.max, x.delay);
	assert_int_equal(x.v.tally[1].gap_error.max, 2 * 256 * 1024);
	assert_int_equal(x.granted.meta[0].negative, 0);
	end(&x);
}

/* One packet every minute for two hours, over seven wraps of the 40 bits of due. */
static void check_wrap_of_due(uint32_t id, int64_t offset)
{
	const struct sp_flow_table *t;
	struct packet p;
	struct rx x;

	begin(&x);
	t = id == 1 ? &x.granted : &x.v.own;
	x.session[1].offset_ns = offset;
	for (uint32_t i = 0; i < 120; i++) {
		p = packet(&x, id, i);
		p.due += i * 60 * SP_NS_PER_S;
		p.at = p.due + (uint64_t)offset + x.delay;
		receive(&x, &p);
	}
	assert_int_equal(t->rx[0].jitter16, 0);
	assert_int_equal(x.v.tally[t->rx[0].tally].gap_error.max, 0);
	if (id == 1) {
		assert_int_equal(t->rx[0].delay_min, x.delay);
		assert_int_equal(t->rx[0].delay_max, x.delay);
	}
	end(&x);
}

static void test_wrap_of_due(void **state)
{
	(void)state;
	check_wrap_of_due(1, 0);
	check_wrap_of_due(1, -(int64_t)(50 * SP_NS_PER_S));
	check_wrap_of_due(1, INT64_C(1) << 60);
	check_wrap_of_due(ID, 77777777);
}

/* ---- sequence ---- */

static void test_wrap_of_seq(void **state)
{
	struct rx x;

	(void)state;
	begin(&x);
	x.zero = UINT32_MAX - 2000;
	many(&x, ID, UINT32_MAX - 2000, 3000);
	assert_int_equal(x.v.own.rx[0].rx, 5001);
	assert_int_equal(x.v.own.rx[0].duplicates, 0);
	assert_int_equal(x.v.own.rx[0].reordered, 0);
	assert_int_equal(lost(&x.v.own), 0);
	assert_int_equal(x.v.own.meta[0].restarts, 0);
	end(&x);
}

/* A flow may begin anywhere; what comes after but was sent before belongs to it. */
static void check_base(uint32_t seq)
{
	struct rx x;

	begin(&x);
	x.zero = seq;
	in_time(&x, ID, seq);
	arrive_late(&x, ID, seq - 3, 5 * MS);
	arrive_late(&x, ID, seq - 3, 6 * MS);
	arrive_late(&x, ID, seq - 2, 6 * MS);
	assert_int_equal(x.v.own.rx[0].reordered, 2);
	assert_int_equal(x.v.own.rx[0].duplicates, 1);
	assert_int_equal(lost(&x.v.own), 1);
	assert_int_equal(x.v.own.meta[0].too_old, 0);
	end(&x);
}

static void test_a_flow_begins_anywhere(void **state)
{
	(void)state;
	check_base(5);
	check_base(0);
	check_base(2);
	check_base(INT32_MAX);
	check_base(UINT32_MAX);
}

/* 1,024: exactly so many are looked up. */
static void check_window(uint32_t behind, bool missing, uint64_t duplicates, uint64_t too_old)
{
	const uint32_t newest = 5000, seq = newest - behind;
	const struct sp_flow_rx *f;
	struct rx x;

	begin(&x);
	f = &x.granted.rx[0];
	if (missing) {
		many(&x, 1, 0, seq);
		many(&x, 1, seq + 1, newest + 1);
	} else {
		many(&x, 1, 0, newest + 1);
	}
	arrive_late(&x, 1, seq, 10 * SP_NS_PER_S);
	assert_int_equal(f->duplicates, duplicates);
	assert_int_equal(f->reordered, !duplicates);
	assert_int_equal(x.granted.meta[0].too_old, too_old);
	assert_int_equal(lost(&x.granted), missing && duplicates);
	end(&x);
}

static void test_window(void **state)
{
	(void)state;
	check_window(1, false, 1, 0);
	check_window(1, true, 0, 0);
	check_window(1000, true, 0, 0);
	check_window(1023, true, 0, 0);
	check_window(1023, false, 1, 0);
	check_window(1024, true, 0, 1);
	check_window(1024, false, 1, 1);
	check_window(4000, true, 0, 1);
}

static void test_bursts_of_loss(void **state)
{
	struct rx x;

	(void)state;
	begin(&x);
	many(&x, 1, 2, 10);
	many(&x, 1, 11, 20);
	many(&x, 1, 25, 30);
	many(&x, 1, 2000, 2001);
	many(&x, 1, 2002, 2003);
	assert_int_equal(x.granted.rx[0].gaps, 5);
	assert_int_equal(lost(&x.granted), 2 + 1 + 5 + 1970 + 1);
	end(&x);
}

/* A damaged one fills no gap, but nothing old may take its place. */
static void test_old_copy_beside_a_damaged_one(void **state)
{
	struct packet p;
	struct rx x;

	(void)state;
	begin(&x);
	many(&x, 1, 0, 10);
	p = packet(&x, 1, 10);
	p.flip = 1;
	receive(&x, &p);
	many(&x, 1, 11, 3000);
	arrive_late(&x, 1, 5, 9 * SP_NS_PER_S);
	assert_int_equal(x.granted.rx[0].corrupted, 1);
	assert_int_equal(x.granted.rx[0].duplicates, 1);
	assert_int_equal(lost(&x.granted), 0);
	end(&x);
}

/* ---- whose damage ---- */

static void test_damage_and_strangers(void **state)
{
	struct packet p;
	struct rx x;

	(void)state;
	begin(&x);
	/* Nobody is known yet: a stranger's. */
	p = packet(&x, ID, 0);
	p.flip = 1;
	receive(&x, &p);
	assert_int_equal(x.v.own.used, 1);
	assert_false(x.v.own.meta[0].stamped);
	many(&x, 1, 0, 10);
	p = packet(&x, 1, 10);
	p.flip = 1; /* the check */
	receive(&x, &p);
	p.flip = 18; /* the magic */
	receive(&x, &p);
	p.flip = 15; /* the flow id */
	receive(&x, &p);
	assert_int_equal(x.granted.rx[0].corrupted, 3);
	assert_int_equal(x.granted.rx[0].rx, 13);
	/* Too short to have had a stamp. */
	p.flip = 0;
	p.len = 9;
	receive(&x, &p);
	assert_int_equal(x.granted.rx[0].corrupted, 3);
	assert_int_equal(x.v.own.rx[0].rx, 2);
	end(&x);
}

/* ---- a sender that begins again ---- */

/* The next life of the same sender, after a pause. */
static void again(struct rx *x, uint32_t sent, uint64_t pause)
{
	x->origin += sent * MS + pause;
}

static void check_restart(uint32_t first, uint32_t second, bool last, uint64_t pause)
{
	const struct sp_flow_rx *f;
	struct packet p;
	struct rx x;
	uint64_t tx;

	begin(&x);
	f = &x.v.own.rx[0];
	for (unsigned life = 0; life < 3; life++) {
		uint32_t n = life ? second : first;

		many(&x, ID, 0, n - 1);
		p = packet(&x, ID, n - 1);
		p.kind = last ? SP_STAMP_LAST : 0;
		receive(&x, &p);
		again(&x, n, pause);
	}
	assert_int_equal(x.v.own.used, 1);
	assert_int_equal(x.v.own.meta[0].restarts, 2);
	assert_int_equal(f->rx, first + 2 * second);
	assert_int_equal(f->duplicates, 0);
	assert_int_equal(f->reordered, 0);
	assert_int_equal(x.v.own.meta[0].too_old, 0);
	assert_int_equal(f->gaps, 0);
	assert_int_equal(lost(&x.v.own), 0);
	assert_int_equal(x.v.tally[f->tally].gap_error.max, 0);
	assert_int_equal(sp_flow_told(f, &x.v.own.meta[0], &tx), last);
	assert_int_equal(tx, first + 2 * second);
	end(&x);
}

static void test_a_sender_begins_again(void **state)
{
	(void)state;
	check_restart(100, 50, true, SP_NS_PER_S);
	check_restart(100, 50, false, SP_NS_PER_S);
	check_restart(100, 300, true, SP_NS_PER_MS);
	check_restart(1024, 1024, true, 60 * SP_NS_PER_S);
	check_restart(20000, 5000, true, 3 * SP_NS_PER_S);
	check_restart(20000, 30000, false, SP_NS_PER_S);
}

/* After a reboot of its host its times say nothing: then it takes longer to see. */
static void test_a_rebooted_sender(void **state)
{
	struct packet p;
	struct rx x;

	(void)state;
	begin(&x);
	x.origin = 200 * SP_NS_PER_S;
	many(&x, ID, 0, 5000);
	for (uint32_t i = 0; i < 5000; i++) {
		p = packet(&x, ID, i);
		p.due -= 195 * SP_NS_PER_S;
		p.at += 60 * SP_NS_PER_S;
		receive(&x, &p);
	}
	assert_int_equal(x.v.own.meta[0].restarts, 1);
	assert_int_equal(x.v.own.rx[0].duplicates, 0);
	assert_int_equal(x.v.own.meta[0].too_old, 0);
	assert_int_equal(lost(&x.v.own), 0);
	end(&x);
}

/* What is behind a new beginning has its place in the counts already. */
static void test_behind_a_new_beginning(void **state)
{
	struct rx x;

	(void)state;
	begin(&x);
	many(&x, ID, 0, 100);
	again(&x, 100, SP_NS_PER_S);
	many(&x, ID, 0, 50);
	arrive_late(&x, ID, (uint32_t)-5, 60 * MS);
	assert_int_equal(x.v.own.meta[0].restarts, 1);
	assert_int_equal(x.v.own.rx[0].duplicates, 1);
	assert_int_equal(lost(&x.v.own), 0);
	end(&x);
}

/* Formats without time. */
static void test_a_sender_without_times_begins_again(void **state)
{
	struct rx x;

	(void)state;
	begin(&x);
	x.ops = sp_catalog_stamp(&sp_catalog, "short");
	many(&x, ID, 0, 30000);
	many(&x, ID, 0, 2000);
	assert_int_equal(x.v.own.meta[0].restarts, 1);
	assert_int_equal(unique(&x.v.own.rx[0]), 32000);
	assert_int_equal(lost(&x.v.own), 0);
	end(&x);
}

/* Copies of all that was sent, however late and however regular, are no new beginning. */
static void test_copies_are_no_beginning(void **state)
{
	struct rx x;

	(void)state;
	begin(&x);
	many(&x, ID, 0, 5000);
	for (uint32_t i = 0; i < 5000; i++)
		arrive_late(&x, ID, i, 6 * SP_NS_PER_S);

	assert_int_equal(x.v.own.rx[0].rx, 10000);
	assert_int_equal(lost(&x.v.own), 0);
	assert_int_equal(x.v.own.meta[0].restarts, 0);
	assert_int_equal(x.v.own.rx[0].duplicates, 5000);
	end(&x);
}

/* One forged message moves nothing. */
static void test_one_alone_is_no_beginning(void **state)
{
	struct packet p;
	struct rx x;

	(void)state;
	begin(&x);
	many(&x, ID, 0, 5000);
	p = packet(&x, ID, 0);
	p.due += 60 * SP_NS_PER_S;
	p.at += 60 * SP_NS_PER_S;
	receive(&x, &p);
	many(&x, ID, 5000, 6000);
	assert_int_equal(x.v.own.meta[0].restarts, 0);
	assert_int_equal(x.v.own.rx[0].duplicates, 1);
	assert_int_equal(lost(&x.v.own), 0);
	end(&x);
}

/* ---- the last unit ---- */

/* The last says how many there were; only if the first was seen too. */
static void check_last(uint32_t first, uint32_t last_sent, uint32_t last_seen, bool told)
{
	struct packet p;
	struct rx x;
	uint64_t tx;

	begin(&x);
	for (uint32_t i = first; i <= last_seen; i += 2) {
		p = packet(&x, ID, i);
		p.kind = i == last_sent ? SP_STAMP_LAST : 0;
		receive(&x, &p);
	}
	assert_int_equal(sp_flow_told(&x.v.own.rx[0], &x.v.own.meta[0], &tx), told);
	if (told)
		assert_int_equal(tx, last_sent + 1);
	end(&x);
}

static void test_last_unit(void **state)
{
	(void)state;
	check_last(0, 100, 100, true);
	check_last(0, 100, 98, false);
	check_last(2, 100, 100, false);
	check_last(0, 0, 0, true);
	check_last(0, 3000, 3000, true);
}

/* Something newer than the last: it was none. */
static void test_more_after_the_last(void **state)
{
	struct packet p;
	struct rx x;
	uint64_t tx;

	(void)state;
	begin(&x);
	many(&x, ID, 0, 10);
	p = packet(&x, ID, 10);
	p.kind = SP_STAMP_LAST;
	receive(&x, &p);
	assert_true(sp_flow_told(&x.v.own.rx[0], &x.v.own.meta[0], &tx));
	many(&x, ID, 11, 12);
	assert_false(sp_flow_told(&x.v.own.rx[0], &x.v.own.meta[0], &tx));
	end(&x);
}

/* Over connections: whose a flow is, and that a place which was taken away is not counted into. */
static void test_flows_of_connections(void **state)
{
	const struct sp_addr a = { .family = 4, .ip = { 10, 0, 0, 1 } };
	const struct sp_addr b = { .family = 4, .ip = { 10, 0, 0, 2 } };
	struct sp_flow_rx *f, *g;
	struct sp_flow_meta *meta;
	struct rx x;

	(void)state;
	begin(&x);
	assert_false(sp_verifier_granted(&x.v, 0, &f, &meta));
	assert_false(sp_verifier_granted(&x.v, 2, &f, &meta));
	assert_false(sp_verifier_granted(&x.v, SP_FLOW_OWN_ID, &f, &meta));
	assert_false(sp_verifier_claim(&x.v, 2, 0, SP_UNIT_BYTE, &a, &f, &meta));
	assert_true(sp_verifier_claim(&x.v, 1, 0, SP_UNIT_BYTE, &a, &f, &meta));
	assert_int_equal(meta->unit, SP_UNIT_BYTE);
	assert_true(sp_addr_eq(&meta->from, &a));
	/* Another connection of the same host may go on with it, nobody else. */
	assert_true(sp_verifier_claim(&x.v, 1, 0, SP_UNIT_BYTE, &a, &g, &meta));
	assert_ptr_equal(f, g);
	assert_false(sp_verifier_claim(&x.v, 1, 0, SP_UNIT_MESSAGE, &a, &g, &meta));
	assert_false(sp_verifier_claim(&x.v, 1, 0, SP_UNIT_BYTE, &b, &g, &meta));
	assert_true(sp_verifier_granted(&x.v, 1, &g, &meta));
	assert_ptr_equal(f, g);
	sp_flow_withdraw(&x.granted, 0);
	assert_false(sp_verifier_granted(&x.v, 1, &g, &meta));
	sp_verifier_clear(&x.v, false, 0);
	/* The same place under a later id is another flow. */
	sp_flow_grant(&x.granted, 1 + x.granted.mask + 1, 1, 1);
	assert_false(sp_verifier_granted(&x.v, 1, &g, &meta));
	assert_true(sp_verifier_claim(&x.v, 1 + x.granted.mask + 1, 0, SP_UNIT_MESSAGE, &b, &g,
				      &meta));
	assert_ptr_equal(f, g);
	/* What nobody was granted: one flow a source and queue. */
	assert_true(sp_verifier_plain(&x.v, 0, 1, &f, &meta));
	assert_true(sp_verifier_plain(&x.v, 0, 1, &g, &meta));
	assert_ptr_equal(f, g);
	assert_true(sp_verifier_plain(&x.v, 0, 2, &g, &meta));
	assert_ptr_not_equal(f, g);
	end(&x);
}

/* ---- frames ---- */

/* A frame of UDP from 10.0.0.src:sport with so many bytes of payload, as the lane hands it over. */
static void frame_of(struct rx *x, uint8_t src, uint16_t sport, uint16_t flags,
		     const struct sp_stamp_ops *stamp, struct sp_flow_tx *tx)
{
	uint8_t f[14 + 20 + 8 + 40] = {
		[12] = 8, [14] = 0x45, [17] = 68, [22] = 64, [23] = 17
	};
	const struct sp_whole whole = { f, sizeof f };
	struct sp_msg m = { .data = f + 42, .len = 40, .t_ns = START, .flags = flags };
	struct sp_batch b = { .n = 1, .cap = 1, .m = &m };

	memcpy(f + 26, (uint8_t[]){ 10, 0, 0, src, 10, 0, 0, 99 }, 8);
	sp_put_be16(f + 34, sport);
	sp_put_be16(f + 36, 8000);
	sp_put_be16(f + 38, 48);
	if (stamp) {
		m.stamp_off = (uint16_t)(m.len - stamp->len);
		stamp->put(&b, 0, tx, START);
	}
	m.stamp_off = 42;
	m.ep = SP_NO_FLOW;
	m.t_ns = START;
	sp_verify_burst(&x->v, &b, 0, &whole);
}

static void test_flows_by_5_tuple(void **state)
{
	struct rx x;

	(void)state;
	begin(&x);
	assert_int_equal(sp_verifier_frames(&x.v), 0);
	for (unsigned i = 0; i < 30; i++)
		frame_of(&x, 1, (uint16_t)(1000 + i % 3), i < 2 ? SP_M_CSUM_BAD : 0, NULL,
			 NULL);
	frame_of(&x, 2, 1000, 0, NULL, NULL);
	assert_int_equal(x.v.own.used, 4);
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(x.v.own.rx[i].rx, 10);
		assert_int_equal(x.v.own.rx[i].rx_bytes, 10 * 82);
		assert_int_equal(x.v.own.rx[i].corrupted, i < 2);
		assert_int_equal(x.v.tuple[i].src.port, 1000 + i);
		assert_int_equal(x.v.tuple[i].dst.port, 8000);
		assert_int_equal(x.v.tuple[i].proto, 17);
	}
	assert_int_equal(x.v.tuple[3].src.addr.ip[3], 2);
	assert_int_equal(x.v.nameless, 0);
	/* Eight have room; the rest is counted together. */
	for (unsigned i = 0; i < 20; i++)
		frame_of(&x, 3, (uint16_t)(2000 + i), 0, NULL, NULL);
	assert_int_equal(x.v.own.used, 8);
	assert_int_equal(x.v.untracked, 16);
	/* A place is used again, and found by its new key alone. */
	sp_flow_withdraw(&x.v.own, 1);
	sp_verifier_clear(&x.v, true, 1);
	frame_of(&x, 3, 2010, 0, NULL, NULL);
	frame_of(&x, 3, 2010, 0, NULL, NULL);
	assert_int_equal(x.v.own.rx[1].rx, 2);
	assert_int_equal(x.v.tuple[1].src.port, 2010);
	frame_of(&x, 1, 1002, 0, NULL, NULL);
	assert_int_equal(x.v.own.rx[2].rx, 11);
	end(&x);
}

/* A sender whose source address varies says so: its flow is the key. */
static void test_varying_sources(void **state)
{
	struct sp_flow_tx tx;
	struct rx x;

	(void)state;
	begin(&x);
	assert_int_equal(sp_verifier_frames(&x.v), 0);
	tx = (struct sp_flow_tx){ .head = x.ops->head(ID, SP_STAMP_VARIES) };
	for (unsigned i = 0; i < 50; i++)
		frame_of(&x, (uint8_t)i, (uint16_t)(1000 + i), 0, x.ops, &tx);
	assert_int_equal(x.v.own.used, 1);
	assert_int_equal(x.v.own.rx[0].rx, 50);
	assert_int_equal(x.v.own.rx[0].next - x.v.own.meta[0].base, 50);
	assert_int_equal(x.v.own.rx[0].reordered, 0);
	end(&x);
}

static void test_tuple_words(void **state)
{
	struct sp_tuple t = { .ether_type = 0x0806 };

	(void)state;
	assert_string_equal(sp_tuple_word(&t), "arp");
	t.ether_type = 0x1234;
	assert_string_equal(sp_tuple_word(&t), "ethernet");
	t.src.addr.family = 6;
	t.proto = 58;
	assert_string_equal(sp_tuple_word(&t), "icmpv6");
	t.proto = 201;
	assert_string_equal(sp_tuple_word(&t), "ip");
}

/* ---- runs that were verified below ---- */

static void untimed(struct rx *x, uint32_t id, uint32_t seq, uint32_t run)
{
	struct sp_flow_tx tx = { .head = x->ops->head(id, 0), .seq = seq };
	uint8_t data[64] = { 0 };
	struct sp_msg m = { .data = data,
			    .len = sizeof data,
			    .stamp_off = (uint16_t)(sizeof data - x->ops->len),
			    .t_ns = START };
	struct sp_batch b = { .n = 1, .cap = 1, .m = &m };

	x->ops->put(&b, 0, &tx, m.t_ns);
	m.t_ns += (uint32_t)(seq + (run ? run - 1 : 0) - x->zero) * MS;
	m.flags = (uint16_t)(SP_M_UNTIMED | (run ? SP_M_RUN : 0));
	m.flow = run;
	m.stamp_off = SP_NO_STAMP;
	sp_verify_burst(&x->v, &b, 0, NULL);
}

/* Runs, gaps, late ones and copies: the same counts as message by message. */
static void test_runs(void **state)
{
	struct sp_rng g;

	(void)state;
	sp_rng_init(&g, 3, "runs");
	for (unsigned round = 0; round < 20; round++) {
		const struct sp_flow_rx *f, *each;
		uint32_t seq = (uint32_t)sp_rng_u64(&g), n;
		struct rx x, y;

		begin(&x);
		begin(&y);
		x.zero = y.zero = seq - 1000;
		untimed(&x, ID, seq, 0);
		untimed(&y, ID, seq++, 0);
		for (unsigned i = 0; i < 60; i++) {
			n = 1 + (uint32_t)(sp_rng_u64(&g) % (i % 5 ? 40 : 4000));
			untimed(&x, ID, seq, n);
			for (uint32_t k = 0; k < n; k++)
				untimed(&y, ID, seq + k, 0);
			seq += n;
			if (sp_rng_u64(&g) & 1)
				seq += (uint32_t)(sp_rng_u64(&g) % 1500);
			n = seq - (uint32_t)(sp_rng_u64(&g) % 900);
			untimed(&x, ID, n, 0);
			untimed(&y, ID, n, 0);
			if (n == seq)
				seq++;
		}
		f = &x.v.own.rx[0];
		each = &y.v.own.rx[0];
		assert_int_equal(f->rx, each->rx);
		assert_int_equal(f->rx_bytes, each->rx_bytes);
		assert_int_equal(f->next, each->next);
		assert_int_equal(f->duplicates, each->duplicates);
		assert_int_equal(f->reordered, each->reordered);
		assert_int_equal(f->gaps, each->gaps);
		assert_int_equal(f->last_rx, each->last_rx);
		assert_memory_equal(f->win, each->win, sizeof f->win);
		assert_int_equal(x.v.own.meta[0].base, y.v.own.meta[0].base);
		assert_int_equal(x.v.own.meta[0].too_old, y.v.own.meta[0].too_old);
		assert_false(x.v.own.meta[0].has_time);
		assert_int_equal(x.v.tally[f->tally].gap_error.n, 0);
		end(&x);
		end(&y);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_copies_leave_times_alone),
		cmocka_unit_test(test_a_late_one),
		cmocka_unit_test(test_outage),
		cmocka_unit_test(test_a_late_sender),
		cmocka_unit_test(test_wrap_of_due),
		cmocka_unit_test(test_wrap_of_seq),
		cmocka_unit_test(test_a_flow_begins_anywhere),
		cmocka_unit_test(test_window),
		cmocka_unit_test(test_bursts_of_loss),
		cmocka_unit_test(test_old_copy_beside_a_damaged_one),
		cmocka_unit_test(test_damage_and_strangers),
		cmocka_unit_test(test_a_sender_begins_again),
		cmocka_unit_test(test_a_rebooted_sender),
		cmocka_unit_test(test_behind_a_new_beginning),
		cmocka_unit_test(test_a_sender_without_times_begins_again),
		cmocka_unit_test(test_copies_are_no_beginning),
		cmocka_unit_test(test_one_alone_is_no_beginning),
		cmocka_unit_test(test_last_unit),
		cmocka_unit_test(test_more_after_the_last),
		cmocka_unit_test(test_flows_of_connections),
		cmocka_unit_test(test_flows_by_5_tuple),
		cmocka_unit_test(test_varying_sources),
		cmocka_unit_test(test_tuple_words),
		cmocka_unit_test(test_runs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
