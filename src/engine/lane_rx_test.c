/* Frames of a transport made by hand: which are counted on a port, and when there are enough. */
#include "engine/lane_rx.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "base/endian.h"
#include "core/clock.h"
#include "plugin/catalog.h"

#define FRAMES 64u

struct frame {
	uint8_t b[60];
	uint16_t flags;
	uint64_t t_ns;
};

/* Gives its frames in one burst, then nothing. */
struct sp_queue {
	struct frame frame[FRAMES];
	uint32_t n;
};

static int rx_burst(struct sp_queue *q, struct sp_batch *b)
{
	b->n = q->n;
	for (uint32_t i = 0; i < q->n; i++)
		b->m[i] = (struct sp_msg){ .data = q->frame[i].b,
					   .len = sizeof q->frame[i].b,
					   .t_ns = q->frame[i].t_ns,
					   .ep = SP_NO_FLOW,
					   .stamp_off = SP_NO_STAMP,
					   .flags = q->frame[i].flags };
	q->n = 0;
	return (int)b->n;
}

static void rx_release(struct sp_queue *q, struct sp_batch *b)
{
	(void)q;
	b->n = 0;
}

static const struct sp_transport_ops ops = { .rx_burst = rx_burst, .rx_release = rx_release };

struct rx {
	struct sp_mem_test mem;
	struct sp_clock *clock;
	struct sp_env env;
	struct sp_queue q;
	struct sp_lane_port port;
	struct sp_rx_session session;
	struct sp_verifier v;
	struct sp_rx_limits limits;
	struct sp_lane l;
};

static void begin(struct rx *x)
{
	memset(x, 0, sizeof *x);
	sp_mem_test_init(&x->mem, UINT64_MAX);
	x->env = (struct sp_env){ .mem = &x->mem.mem };
	x->port = (struct sp_lane_port){
		.ops = &ops, .q = &x->q, .caps = { .bits = SP_T_FRAME }, .rx = true
	};
	x->limits = (struct sp_rx_limits){ UINT64_MAX, UINT64_MAX };
	assert_int_equal(sp_verifier_init(&x->v, &x->mem.mem, NULL, &x->session,
					  sp_catalog_stamp(&sp_catalog, "native"),
					  sp_catalog_stamp(&sp_catalog, "short"), 16, 4, 1),
			 0);
	assert_int_equal(sp_verifier_frames(&x->v), 0);
	assert_int_equal(sp_lane_init(&x->l, &x->env), 0);
	x->l.ports = &x->port;
	x->l.n_ports = 1;
	x->l.verifier = &x->v;
	x->l.limits = &x->limits;
}

static void end(struct rx *x)
{
	sp_lane_fini(&x->l);
	sp_verifier_fini(&x->v);
	assert_int_equal(x->mem.live, 0);
}

/* IPv4 to 10.0.0.2 with 20 bytes behind its header, all 0 but the port numbers. */
static struct frame *add(struct rx *x, uint8_t proto, uint16_t dport)
{
	struct frame *f = &x->q.frame[x->q.n++];

	*f = (struct frame){ .b = { [12] = 8,
				    [14] = 0x45,
				    [17] = 40,
				    [22] = 64,
				    [23] = proto,
				    [26] = 10,
				    [29] = 1,
				    [30] = 10,
				    [33] = 2 } };
	sp_put_be16(f->b + 24, 0x66d4 - proto); /* its checksum */
	sp_put_be16(f->b + 34, 1000);
	sp_put_be16(f->b + 36, dport);
	if (proto == SP_PROTO_UDP)
		sp_put_be16(f->b + 38, 20);
	if (proto == SP_PROTO_TCP)
		f->b[46] = 0x50;
	return f;
}

static uint64_t take(struct rx *x)
{
	uint64_t before = x->l.received;

	while (sp_lane_rx(&x->l))
		;
	return x->l.received - before;
}

static uint64_t corrupted(const struct rx *x)
{
	uint64_t n = 0;

	for (uint32_t i = 0; i < x->v.own.used; i++)
		n += x->v.own.rx[i].corrupted;
	return n;
}

static void test_anything_counts(void **state)
{
	struct rx x;

	(void)state;
	begin(&x);
	add(&x, SP_PROTO_UDP, 8000);
	add(&x, SP_PROTO_TCP, 8000);
	add(&x, 200, 0);
	add(&x, SP_PROTO_UDP, 8000)->b[12] = 0x12; /* no IP */
	add(&x, SP_PROTO_UDP, 8000)->b[17] = 200;  /* longer than the frame */
	assert_int_equal(take(&x), 5);
	assert_int_equal(x.port.ignored, 0);
	assert_int_equal(x.v.own.used, 5); /* the last one has no ports that one could trust */
	assert_int_equal(corrupted(&x), 0);
	end(&x);
}

static void test_checksums(void **state)
{
	struct rx x;

	(void)state;
	begin(&x);
	x.port.checksum = true;
	add(&x, SP_PROTO_UDP, 8000);				/* has none */
	add(&x, SP_PROTO_TCP, 8000);				/* 0 is wrong */
	add(&x, SP_PROTO_TCP, 8000)->flags = SP_M_CSUM_PARTIAL; /* not filled yet */
	add(&x, SP_PROTO_TCP, 8000)->flags = SP_M_CSUM_OK;
	add(&x, SP_PROTO_UDP, 8000)->b[22]--; /* the header's own */
	add(&x, SP_PROTO_UDP, 8000)->b[17] = 200;
	add(&x, SP_PROTO_UDP, 8000)->b[17] = 200;
	x.q.frame[6].flags = SP_M_TRUNC; /* we did not take all of it */
	assert_int_equal(take(&x), 7);
	assert_int_equal(corrupted(&x), 3);
	end(&x);
}

static void test_numbers(void **state)
{
	struct rx x;

	(void)state;
	begin(&x);
	x.port.accept_first = 8000;
	x.port.accept_last = 8001;
	add(&x, SP_PROTO_UDP, 8000);
	add(&x, SP_PROTO_UDP, 8001);
	add(&x, SP_PROTO_UDP, 8002);
	add(&x, SP_PROTO_TCP, 8000);
	add(&x, SP_PROTO_UDP, 8000)->b[20] = 0x20; /* a fragment */
	assert_int_equal(take(&x), 2);
	assert_int_equal(x.port.ignored, 3);
	end(&x);
}

static void test_filter(void **state)
{
	struct sp_filter *f;
	struct sp_err err;
	struct rx x;

	(void)state;
	begin(&x);
	assert_int_equal(
		sp_filter_new(&f, "udp and dst port 8000", SP_EXIT_USAGE, &x.mem.mem, &err), 0);
	x.port.filter = f;
	add(&x, SP_PROTO_UDP, 8000);
	add(&x, SP_PROTO_UDP, 8002);
	add(&x, SP_PROTO_TCP, 8000);
	assert_int_equal(take(&x), 1);
	assert_int_equal(x.port.ignored, 2);
	sp_filter_free(f);
	end(&x);
}

static void test_contrail(void **state)
{
	static const uint8_t flags[] = { 0x18, 0x10, 0x02, 0x19 };
	struct rx x;

	(void)state;
	begin(&x);
	x.port.contrail = true;
	for (size_t i = 0; i < sizeof flags; i++)
		add(&x, SP_PROTO_TCP, 80)->b[47] = flags[i]; /* one */
	add(&x, SP_PROTO_TCP, 22)->b[47] = 0x18;
	add(&x, SP_PROTO_UDP, 80); /* two */
	add(&x, SP_PROTO_UDP, 80)->b[20] = 0x20;
	add(&x, SP_PROTO_UDP, 80)->b[21] = 9; /* three: the last fragment */
	add(&x, SP_PROTO_ICMP, 0)->b[34] = 8; /* four */
	add(&x, SP_PROTO_ICMP, 0)->b[34] = 0;
	add(&x, 200, 0);
	assert_int_equal(take(&x), 4);
	end(&x);
}

static void test_limits(void **state)
{
	struct rx x;

	(void)state;
	begin(&x);
	x.limits = (struct sp_rx_limits){ .left = 10, .until_ns = 100 };
	for (unsigned i = 0; i < 4; i++)
		add(&x, SP_PROTO_UDP, 8000)->t_ns = 97 + i;
	assert_int_equal(take(&x), 3); /* what came at the end's time is too late */
	for (unsigned i = 0; i < 20; i++)
		add(&x, SP_PROTO_UDP, 8000);
	assert_int_equal(take(&x), 7);
	assert_int_equal(x.limits.left, 0);
	add(&x, SP_PROTO_UDP, 8000);
	assert_int_equal(take(&x), 0);
	assert_int_equal(x.port.ignored, 15);
	end(&x);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_anything_counts), cmocka_unit_test(test_checksums),
		cmocka_unit_test(test_numbers),		cmocka_unit_test(test_filter),
		cmocka_unit_test(test_contrail),	cmocka_unit_test(test_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
