/* What every table of a header must be, for the code that reads them to be right. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "pkt/field.h"
#include "plugin/catalog.h"

static void check_fields(const struct sp_field *fields, unsigned depth);

static bool has_field(const struct sp_field *fields, const char *name, size_t len)
{
	for (; fields->name; fields++)
		if (strlen(fields->name) == len && strncmp(fields->name, name, len) == 0)
			return true;
	return false;
}

/* Every condition begins with a field of the same table. */
static void check_when(const struct sp_field *fields, const char *when)
{
	while (when && *when) {
		size_t len = strcspn(when, "=&!");

		assert_true(when[len] && has_field(fields, when, len));
		when += strcspn(when, ";");
		when += *when == ';';
	}
}

static void check_default(const struct sp_field *f)
{
	sp_u128 v;
	uint8_t wire[SP_NAME_MAX];

	if (!f->dflt)
		return;
	if (f->type == SP_F_NAME)
		assert_true(sp_name_encode(f->dflt, strlen(f->dflt), wire) > 0);
	else
		assert_int_equal(sp_field_scalar(f, f->dflt, strlen(f->dflt), &v), 0);
}

static void check_items(const struct sp_items *l, unsigned depth)
{
	assert_non_null(l->what);
	for (const struct sp_item *k = l->kinds; k->name; k++) {
		assert_true(l->type_bytes || k == l->kinds);
		assert_true(l->type_bytes || k->fields);
		assert_true(!l->type_bytes || k->help);
		assert_true(!k->bare || !k->fields);
		for (const struct sp_item *other = l->kinds; other < k; other++) {
			assert_int_not_equal(other->type, k->type);
			assert_string_not_equal(other->name, k->name);
		}
		if (k->fields)
			check_fields(k->fields, depth + 1);
	}
}

static void check_fields(const struct sp_field *fields, unsigned depth)
{
	assert_true(depth < 4);
	assert_true(sp_fields_count(fields) <= SP_FIELDS_MAX);
	for (const struct sp_field *f = fields; f->name; f++) {
		bool variable = f->type == SP_F_BYTES || f->type == SP_F_NAME ||
				f->type == SP_F_ITEMS;

		assert_non_null(f->help);
		assert_true((f->bits == 0) == variable);
		assert_true(f->type != SP_F_IP4 || f->bits == 32);
		assert_true(f->type != SP_F_IP6 || f->bits == 128);
		assert_true(f->type != SP_F_MAC || f->bits == 48);
		assert_true(f->bits <= 64 || f->bits == 128);
		assert_true((f->type == SP_F_ITEMS) == (f->items != NULL));
		assert_true((f->type == SP_F_FLAGS) == (f->letters != NULL));
		assert_true(!f->of || has_field(fields, f->of, strlen(f->of)));
		check_when(fields, f->when);
		check_default(f);
		if (f->items)
			check_items(f->items, depth);
	}
}

static void every_field_is_sound(void **state)
{
	(void)state;
	for (const struct sp_hdr_ops *const *h = sp_catalog.hdr; *h; h++)
		check_fields((*h)->fields, 0);
}

static void every_next_header_exists(void **state)
{
	(void)state;
	for (const struct sp_hdr_ops *const *h = sp_catalog.hdr; *h; h++) {
		assert_true(!(*h)->next || (*h)->next_field);
		assert_true(!(*h)->next_field || has_field((*h)->fields, (*h)->next_field,
							   strlen((*h)->next_field)));
		for (const struct sp_next *row = (*h)->next; row && row->hdr; row++)
			assert_non_null(sp_hdr_find(sp_catalog.hdr, row->hdr));
		assert_true(!(*h)->other || sp_hdr_find(sp_catalog.hdr, (*h)->other));
	}
}

static void names_and_aliases_are_of_one_header_each(void **state)
{
	(void)state;
	for (const struct sp_hdr_ops *const *h = sp_catalog.hdr; *h; h++) {
		assert_ptr_equal(sp_hdr_find(sp_catalog.hdr, (*h)->name), *h);
		for (const struct sp_hdr_alias *a = (*h)->aliases; a && a->name; a++)
			assert_ptr_equal(sp_hdr_find(sp_catalog.hdr, a->name), *h);
	}
}

/* Each header, and each by its aliases, can be made without a word more, and is whole octets. */
static void every_header_has_defaults(void **state)
{
	uint8_t buf[512];
	char text[64];
	size_t len;

	(void)state;
	for (const struct sp_hdr_ops *const *h = sp_catalog.hdr; *h; h++) {
		const struct sp_hdr_alias self = { .name = (*h)->name }, *a = &self;

		do {
			struct sp_err err = { 0 };
			struct sp_packet *p;

			snprintf(text, sizeof text, "%s()/\"data\"", a->name);
			assert_int_equal(sp_packet_parse(&p, text, NULL, sp_catalog.hdr,
							 sp_mem_system(), &err),
					 0);
			assert_int_equal(sp_packet_encode(p, buf, sizeof buf, &len, &err), 0);
			assert_true(len >= 4);
			assert_memory_equal(buf + ((*h)->trailer ? 0 : len - 4), "data", 4);
			sp_packet_free(p);
			a = a == &self ? (*h)->aliases : a + 1;
		} while (a && a->name);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_field_is_sound),
		cmocka_unit_test(every_next_header_exists),
		cmocka_unit_test(names_and_aliases_are_of_one_header_each),
		cmocka_unit_test(every_header_has_defaults),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
