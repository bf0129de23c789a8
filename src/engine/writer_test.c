/* Several receiving workers share the table of granted flows: each flow has one writer, and each
 * message is counted once, whoever else sends under its id and wherever that arrives. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>
#include <string.h>

#include "plugin/catalog.h"
#include "engine/verify.h"

enum { WORKERS = 3, FLOWS = 8, BATCH = 16, ROUNDS = 500 };

struct world {
	struct sp_flow_table granted;
	struct sp_rx_session session[1];
	struct sp_verifier v[WORKERS];
};

static void world_init(struct world *w)
{
	memset(w, 0, sizeof *w);
	assert_int_equal(sp_flow_table_init(&w->granted, sp_mem_system(), FLOWS), 0);
	for (uint32_t i = 0; i < WORKERS; i++) {
		assert_int_equal(
			sp_verifier_init(&w->v[i], sp_mem_system(), &w->granted, w->session,
					 sp_catalog_stamp(&sp_catalog, "native"),
					 sp_catalog_stamp(&sp_catalog, "short"), FLOWS, 4, 1),
			0);
		w->v[i].worker = i;
	}
	for (uint32_t i = 0; i < FLOWS; i++)
		sp_flow_grant(&w->granted, i + 1, 0, 0);
}

static void world_fini(struct world *w)
{
	for (uint32_t i = 0; i < WORKERS; i++)
		sp_verifier_fini(&w->v[i]);
	sp_flow_table_fini(&w->granted, sp_mem_system());
}

/* A sender of granted flow ids, whose messages all reach worker v. */
struct sender {
	struct sp_verifier *v;
	uint32_t ep;
	struct sp_flow_tx tx[FLOWS];
	uint8_t bytes[BATCH][64];
	struct sp_msg m[BATCH];
};

static void sender_init(struct sender *s, struct sp_verifier *v, uint32_t ep)
{
	memset(s, 0, sizeof *s);
	s->v = v;
	s->ep = ep;
	for (uint32_t i = 0; i < FLOWS; i++)
		s->tx[i].head = v->native->head(i + 1, 0);
}

/* A batch with each flow in turn, from flow first on. */
static void sender_batch(struct sender *s, uint32_t first)
{
	struct sp_batch b = { .n = BATCH, .cap = BATCH, .m = s->m };

	for (uint32_t i = 0; i < BATCH; i++)
		s->m[i] = (struct sp_msg){ .data = s->bytes[i],
					   .t_ns = 1000,
					   .len = sizeof s->bytes[i],
					   .ep = s->ep,
					   .flow = (first + i) % FLOWS,
					   .stamp_off = sizeof s->bytes[i] -
							s->v->native->len };
	s->v->native->put(&b, 0, s->tx, 1000);
	for (uint32_t i = 0; i < BATCH; i++)
		s->m[i].stamp_off = SP_NO_STAMP;
	sp_verify_burst(s->v, &b, 0, NULL);
}

static void expect_all_in_order(const struct sp_flow_table *t, uint32_t i, uint64_t rx)
{
	assert_int_equal(t->rx[i].rx, rx);
	assert_int_equal(t->rx[i].next - t->meta[i].base, rx);
	assert_int_equal(t->rx[i].duplicates + t->rx[i].reordered + t->rx[i].gaps +
				 t->rx[i].corrupted,
			 0);
}

/* The same endpoint number at another worker is another source: its messages are its own. */
static void test_ids_of_others_are_their_own(void **state)
{
	static struct sender a, b;
	struct world w;

	(void)state;
	world_init(&w);
	sender_init(&a, &w.v[0], 2);
	sender_init(&b, &w.v[1], 2);
	for (uint32_t i = 0; i < 10; i++) {
		sender_batch(&a, i);
		sender_batch(&b, i);
	}
	assert_int_equal(w.v[0].own.used, 0);
	assert_int_equal(w.v[1].own.used, FLOWS);
	for (uint32_t i = 0; i < FLOWS; i++) {
		assert_int_equal(w.granted.meta[i].owner, 1);
		assert_int_equal(w.granted.meta[i].ep, 2);
		expect_all_in_order(&w.granted, i, 10 * BATCH / FLOWS);
		expect_all_in_order(&w.v[1].own, i, 10 * BATCH / FLOWS);
	}
	world_fini(&w);
}

/* Damage is of the flow that it names only where that flow is this worker's. */
static void test_damage_stays_with_its_worker(void **state)
{
	static struct sender a, b;
	struct world w;
	struct sp_batch one = { .n = 1, .cap = 1, .m = b.m };

	(void)state;
	world_init(&w);
	sender_init(&a, &w.v[0], 1);
	sender_init(&b, &w.v[1], 1);
	sender_batch(&a, 0);
	sender_batch(&b, 0);
	b.bytes[0][63] ^= 1; /* the check of its flow 1 */
	b.m[0].stamp_off = SP_NO_STAMP;
	sp_verify_burst(&w.v[1], &one, 0, NULL);
	for (uint32_t i = 0; i < FLOWS; i++)
		assert_int_equal(w.granted.rx[i].corrupted, 0);
	assert_int_equal(w.v[1].own.rx[FLOWS - 1].corrupted, 1); /* its last good one */
	world_fini(&w);
}

static void *sender_main(void *arg)
{
	for (uint32_t i = 0; i < ROUNDS; i++)
		sender_batch(arg, i);
	return NULL;
}

/* All at once: whoever comes first to a flow keeps it. */
static void test_one_writer_a_flow(void **state)
{
	static struct sender s[WORKERS];
	const uint64_t each = ROUNDS * BATCH / FLOWS;
	uint32_t granted[WORKERS] = { 0 };
	pthread_t thread[WORKERS];
	struct world w;

	(void)state;
	world_init(&w);
	for (uint32_t i = 0; i < WORKERS; i++) {
		sender_init(&s[i], &w.v[i], 0);
		assert_int_equal(pthread_create(&thread[i], NULL, sender_main, &s[i]), 0);
	}
	for (uint32_t i = 0; i < WORKERS; i++)
		pthread_join(thread[i], NULL);
	for (uint32_t i = 0; i < FLOWS; i++) {
		assert_in_range(w.granted.meta[i].owner, 1, WORKERS);
		granted[w.granted.meta[i].owner - 1]++;
		expect_all_in_order(&w.granted, i, each);
	}
	for (uint32_t i = 0; i < WORKERS; i++) {
		assert_int_equal(w.v[i].own.used, FLOWS - granted[i]);
		for (uint32_t k = 0; k < w.v[i].own.used; k++)
			expect_all_in_order(&w.v[i].own, k, each);
		assert_int_equal(w.v[i].untracked, 0);
	}
	world_fini(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ids_of_others_are_their_own),
		cmocka_unit_test(test_damage_stays_with_its_worker),
		cmocka_unit_test(test_one_writer_a_flow),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
