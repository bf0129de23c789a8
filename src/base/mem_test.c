#include "base/mem.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <malloc.h>
#include <stdio.h>
#include <string.h>

#include "base/rng.h"

static bool all_zero(const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (p[i])
			return false;
	return true;
}

static void test_aligned_and_zeroed(void **state)
{
	static const size_t sizes[] = {
		0, 1, 15, 16, 17, 1000, 131071, 131072, 200000, 3000000
	};
	const struct sp_mem *mem = sp_mem_system();

	(void)state;
	/* The second round gets memory that the first one soiled. */
	for (int round = 0; round < 2; round++) {
		for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
			for (size_t align = 0; align <= 65536; align = align ? align * 2 : 1) {
				char *p = mem->alloc(mem->arg, sizes[i], align);

				assert_non_null(p);
				assert_int_equal((uintptr_t)p % (align > 16 ? align : 16), 0);
				assert_true(all_zero(p, sizes[i]));
				memset(p, 0xa5, sizes[i]);
				mem->free(mem->arg, p);
			}
		}
	}
	mem->free(mem->arg, NULL);
	sp_free(mem, NULL);
}

static void test_impossible_sizes(void **state)
{
	const struct sp_mem *mem = sp_mem_system();

	(void)state;
	assert_null(mem->alloc(mem->arg, SIZE_MAX, 0));
	assert_null(mem->alloc(mem->arg, SIZE_MAX - 64, 64));
	assert_null(mem->alloc(mem->arg, 100, 48));
	assert_null(sp_alloc_array(mem, SIZE_MAX / 8, 16));
	assert_null(sp_alloc_array(mem, 16, SIZE_MAX / 8));
}

static long resident_pages(void)
{
	FILE *f = fopen("/proc/self/statm", "r");
	long all = 0, resident = -1;

	if (f) {
		if (fscanf(f, "%ld %ld", &all, &resident) != 2)
			resident = -1;
		fclose(f);
	}
	return resident;
}

/* A table for 100,000 flows costs what is used of it. */
static void test_big_blocks_are_lazy(void **state)
{
	const struct sp_mem *mem = sp_mem_system();
	long before, after;
	char *p;

	(void)state;
	mallopt(M_PERTURB, 0); /* MALLOC_PERTURB_ makes calloc write everywhere */
	before = resident_pages();
	p = sp_alloc_array(mem, 1 << 18, 1 << 10); /* 256 MiB */
	after = resident_pages();
	assert_non_null(p);
	assert_int_equal((uintptr_t)p % 64, 0);
	p[1 << 27] = 1;
	assert_int_equal(p[(1 << 28) - 1], 0);
	sp_free(mem, p);
	if (before >= 0)
		assert_true(after - before <
			    (64 << 20) / 4096); /* a sanitizer's shadow takes 32 MiB */
}

static void test_arena(void **state)
{
	struct sp_mem_test t;
	struct sp_arena a;
	struct sp_rng r;
	char *p[400];
	size_t n[400];

	(void)state;
	sp_mem_test_init(&t, UINT64_MAX);
	sp_arena_init(&a, &t.mem);
	sp_rng_init(&r, 3, "arena");
	for (size_t i = 0; i < 400; i++) {
		n[i] = sp_rng_below(&r, i % 40 ? 300 : 100000);
		p[i] = sp_arena_alloc(&a, n[i]);
		assert_non_null(p[i]);
		assert_int_equal((uintptr_t)p[i] % 16, 0);
		assert_true(all_zero(p[i], n[i]));
		memset(p[i], (int)(i & 0x7f) + 1, n[i]);
	}
	for (size_t i = 0; i < 400; i++)
		for (size_t k = 0; k < n[i]; k++)
			assert_int_equal(p[i][k], (char)((i & 0x7f) + 1));
	assert_true(t.live > 1 && t.live < 40);
	assert_string_equal(sp_arena_strdup(&a, "text"), "text");
	assert_string_equal(sp_arena_strdup(&a, ""), "");
	assert_string_equal(sp_arena_printf(&a, "%s-%d", "x", 7), "x-7");
	assert_int_equal(strlen(sp_arena_printf(&a, "%20000d", 1)), 20000);
	assert_null(sp_arena_alloc(&a, SIZE_MAX - 3));
	sp_arena_fini(&a);
	assert_int_equal(t.live, 0);
	sp_arena_fini(&a);
}

/* Small things keep filling the block behind which a big one was put. */
static void test_arena_keeps_its_head(void **state)
{
	struct sp_mem_test t;
	struct sp_arena a;
	char *one, *two;

	(void)state;
	sp_mem_test_init(&t, UINT64_MAX);
	sp_arena_init(&a, &t.mem);
	one = sp_arena_alloc(&a, 16);
	assert_non_null(sp_arena_alloc(&a, 1 << 20));
	two = sp_arena_alloc(&a, 16);
	assert_ptr_equal(one + 16, two);
	assert_int_equal(t.live, 2);
	sp_arena_fini(&a);
	assert_int_equal(t.live, 0);
}

static void test_failing_allocations(void **state)
{
	(void)state;
	for (uint64_t fail = 0; fail < 4; fail++) {
		struct sp_mem_test t;
		struct sp_arena a;
		unsigned got = 0;

		sp_mem_test_init(&t, fail);
		sp_arena_init(&a, &t.mem);
		got += sp_arena_alloc(&a, 100000) != NULL;
		got += sp_arena_strdup(&a, "abc") != NULL;
		got += sp_arena_printf(&a, "%70000d", 3) != NULL;
		sp_arena_fini(&a);
		assert_int_equal(got, fail < 3 ? 2 : 3);
		assert_int_equal(t.count, 3);
		assert_int_equal(t.live, 0);
	}
}

static void test_limit(void **state)
{
	struct sp_mem_test below;
	struct sp_mem_limit l;
	uint32_t cap = 0;
	uint16_t *a, *b;
	char *p;

	(void)state;
	sp_mem_test_init(&below, UINT64_MAX);
	sp_mem_limit_init(&l, &below.mem, 1000);
	a = sp_alloc_more(&l.mem, NULL, &cap, 4, 1, 100, sizeof *a);
	assert_non_null(a);
	assert_int_equal(cap, 4);
	a[3] = 7;
	b = sp_alloc_more(&l.mem, a, &cap, 4, 65, 100, sizeof *b);
	assert_non_null(b);
	assert_int_equal(cap, 100);
	assert_int_equal(b[3], 7);
	assert_int_equal(b[4], 0);
	assert_null(sp_alloc_more(&l.mem, b, &cap, 4, 101, 100, sizeof *b));
	assert_int_equal(cap, 100);
	assert_false(l.refused);
	/* Beyond the limit, and once it is free again within it. */
	assert_null(sp_alloc(&l.mem, 800));
	assert_true(l.refused);
	sp_free(&l.mem, a);
	sp_free(&l.mem, b);
	assert_int_equal(l.used, 0);
	p = l.mem.alloc(l.mem.arg, 800, 64);
	assert_non_null(p);
	assert_int_equal((uintptr_t)p % 64, 0);
	assert_true(all_zero(p, 800));
	sp_free(&l.mem, p);
	assert_null(sp_alloc(&l.mem, SIZE_MAX));
	l.mem.free(l.mem.arg, NULL);
	/* No memory below is no refusal. */
	l.refused = false;
	below.fail_at = below.count;
	assert_null(sp_alloc(&l.mem, 8));
	assert_false(l.refused);
	assert_int_equal(l.used, 0);
	assert_int_equal(below.live, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_aligned_and_zeroed),
		cmocka_unit_test(test_impossible_sizes),
		cmocka_unit_test(test_big_blocks_are_lazy),
		cmocka_unit_test(test_arena),
		cmocka_unit_test(test_arena_keeps_its_head),
		cmocka_unit_test(test_failing_allocations),
		cmocka_unit_test(test_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
