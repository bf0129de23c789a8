#include "engine/asks.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/endian.h"
#include "plugin/proto.h"

#define TIMEOUT_NS 1000000u
#define N	   4u

/* Two octets of key, one of status. */
static void put_key(struct sp_source *s, struct sp_msg *m, uint32_t key)
{
	(void)s;
	sp_put_be16(m->data, (uint16_t)key);
}

static bool get_key(const struct sp_source *s, const uint8_t *data, uint32_t len,
		    struct sp_answer *out)
{
	(void)s;
	if (len < 3)
		return false;
	*out = (struct sp_answer){ sp_get_be16(data), data[2], data[2] != 0 };
	return true;
}

static uint64_t timeout_ns(const struct sp_source *s)
{
	(void)s;
	return TIMEOUT_NS;
}

static const struct sp_ask_ops ops = {
	.key_bits = 8,
	.put_key = put_key,
	.get_key = get_key,
	.timeout_ns = timeout_ns,
	.unit = "question",
};

struct rig {
	struct sp_asks a;
	struct sp_tally_rtt rtt;
	uint8_t data[N][3];
	struct sp_msg m[N];
	struct sp_batch b;
};

static void begin(struct rig *r)
{
	static const struct sp_env env = { .seed = 7 };
	static struct sp_env with_mem;

	memset(r, 0, sizeof *r);
	with_mem = env;
	with_mem.mem = sp_mem_system();
	assert_int_equal(sp_asks_init(&r->a, &with_mem, &ops, NULL, 2, N), 0);
	sp_asks_stream(&r->a, 1, &r->rtt, 0);
	r->b = (struct sp_batch){ .n = N, .cap = N, .m = r->m };
	for (uint32_t i = 0; i < N; i++)
		r->m[i] = (struct sp_msg){
			.data = r->data[i], .len = 3, .flow = 1, .ep = 5, .t_ns = 100 + i
		};
}

static void ties_answers_to_units(void **state)
{
	struct rig r;

	(void)state;
	begin(&r);
	sp_asks_put(&r.a, NULL, &r.b);
	sp_asks_sent(&r.a, &r.b, 0, N, 200);
	assert_int_equal(r.a.stream[1].waiting, N);
	assert_int_equal(sp_asks_room(&r.a), 256 - N);
	for (uint32_t i = 0; i < N; i++)
		r.m[i].t_ns = 1000;
	r.data[3][2] = 9;
	r.m[2].ep = 6; /* somebody else */
	sp_asks_answers(&r.a, &r.b);
	assert_int_equal(r.a.stream[1].unique, 3);
	assert_int_equal(r.a.stream[1].rx_bytes, 9);
	assert_int_equal(r.a.stream[1].statuses.n, 2);
	assert_int_equal(r.a.stream[1].errors.by_why[SP_WHY_STATUS], 1);
	assert_int_equal(r.a.strange, 1);
	assert_int_equal(r.rtt.rtt.n, 3);
	assert_int_equal(r.rtt.rtt.max, 900);
	assert_int_equal(r.rtt.rtt_actual.max, 800);
	/* Once more, each of them: nobody waits but number 2. */
	r.m[2].ep = 5;
	sp_asks_answers(&r.a, &r.b);
	assert_int_equal(r.a.stream[1].unique, 4);
	assert_int_equal(r.a.strange, 4);
	assert_int_equal(r.a.stream[1].waiting, 0);
	assert_int_equal(sp_asks_next(&r.a), SP_NEVER);
	sp_asks_fini(&r.a);
}

static void gives_up_what_is_late(void **state)
{
	struct rig r;
	uint64_t now;

	(void)state;
	begin(&r);
	sp_asks_put(&r.a, NULL, &r.b);
	sp_asks_sent(&r.a, &r.b, 0, 3, 200);
	sp_asks_unsent(&r.a, 3);
	assert_int_equal(r.a.pending.n, 3);
	/* One comes, but too late. */
	r.b.n = 1;
	r.m[0].t_ns = 200 + TIMEOUT_NS + 1;
	sp_asks_answers(&r.a, &r.b);
	assert_int_equal(r.a.stream[1].unique, 0);
	assert_int_equal(r.a.stream[1].failed, 1);
	for (now = 200; now < 200 + TIMEOUT_NS && r.a.pending.n; now += TIMEOUT_NS / 100)
		sp_asks_turn(&r.a, now);
	assert_int_equal(r.a.pending.n, 2);
	for (; now < 200 + 2 * TIMEOUT_NS && r.a.pending.n; now += TIMEOUT_NS / 100)
		sp_asks_turn(&r.a, now);
	assert_int_equal(r.a.pending.n, 0);
	assert_int_equal(r.a.stream[1].failed, 3);
	assert_int_equal(r.a.stream[1].errors.by_why[SP_WHY_TIMEOUT], 3);
	sp_asks_fini(&r.a);
}

static void ends_with_what_is_open(void **state)
{
	struct rig r;

	(void)state;
	begin(&r);
	sp_asks_put(&r.a, NULL, &r.b);
	sp_asks_sent(&r.a, &r.b, 0, N, 200);
	sp_asks_end(&r.a);
	assert_int_equal(r.a.stream[1].failed, N);
	assert_int_equal(r.a.stream[1].waiting, 0);
	sp_asks_fini(&r.a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ties_answers_to_units),
		cmocka_unit_test(gives_up_what_is_late),
		cmocka_unit_test(ends_with_what_is_open),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
