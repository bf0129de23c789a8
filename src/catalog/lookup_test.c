#include "plugin/catalog.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const struct sp_transport_ops ta = { .name = "a" }, tab = { .name = "ab" };
static const struct sp_stamp_ops sa = { .name = "a" };
static const struct sp_transport_ops *const transports[] = { &ta, &tab, NULL };
static const struct sp_stamp_ops *const stamps[] = { &sa, NULL };
static const struct sp_source_ops *const no_source[] = { NULL };
static const struct sp_dist_ops *const no_dist[] = { NULL };
static const struct sp_catalog few = {
	.transport = transports, .stamp = stamps, .source = no_source, .dist = no_dist
};

static void finds_by_whole_name(void **state)
{
	(void)state;
	assert_ptr_equal(sp_catalog_transport(&few, "a"), &ta);
	assert_ptr_equal(sp_catalog_transport(&few, "ab"), &tab);
	assert_ptr_equal(sp_catalog_stamp(&few, "a"), &sa);
	assert_null(sp_catalog_transport(&few, "abc"));
	assert_null(sp_catalog_transport(&few, "A"));
	assert_null(sp_catalog_transport(&few, ""));
}

static void empty_kinds_have_nothing(void **state)
{
	(void)state;
	assert_null(sp_catalog_source(&few, "a"));
	assert_null(sp_catalog_dist(&few, "a"));
}

/* Every row of every table: a name, a sentence, the right ABI, found by its own name. */
#define CHECK_KIND(kind)                                                                       \
	for (const struct sp_##kind##_ops *const *p = sp_catalog.kind; *p; p++) {              \
		assert_int_equal((*p)->abi, SP_PLUGIN_ABI);                                    \
		assert_non_null((*p)->summary);                                                \
		assert_true(strlen((*p)->name) < 32);                                          \
		assert_ptr_equal(sp_catalog_##kind(&sp_catalog, (*p)->name), *p);              \
		assert_true(!(*p)->opts || !(*p)->opts->name || (*p)->conf_size > 0);          \
	}

static void this_build_is_sound(void **state)
{
	(void)state;
	CHECK_KIND(transport)
	CHECK_KIND(source)
	CHECK_KIND(payload)
	CHECK_KIND(dist)
	CHECK_KIND(stamp)
	CHECK_KIND(wrap)
	CHECK_KIND(proto)
	CHECK_KIND(hdr)
}

static void this_build_has_the_basic_ones(void **state)
{
	(void)state;
	assert_non_null(sp_catalog_transport(&sp_catalog, "loop"));
	assert_non_null(sp_catalog_transport(&sp_catalog, "null"));
	assert_non_null(sp_catalog_transport(&sp_catalog, "pcap"));
	assert_non_null(sp_catalog_source(&sp_catalog, "payload"));
	assert_non_null(sp_catalog_source(&sp_catalog, "packet"));
	assert_non_null(sp_catalog_payload(&sp_catalog, "text"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_by_whole_name),
		cmocka_unit_test(empty_kinds_have_nothing),
		cmocka_unit_test(this_build_is_sound),
		cmocka_unit_test(this_build_has_the_basic_ones),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
