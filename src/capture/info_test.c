#include "capture/info.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "capture/endpoint_set.h"
#include "capture/toy_codec_test.h"

static struct sp_addr address(const char *text)
{
	struct sp_addr a;

	assert_int_equal(sp_addr_parse(text, &a), 0);
	return a;
}

static const struct sp_endpoint collector = { .addr = { .family = 4, .ip = { 10, 9, 9, 9 } },
					      .port = 777 };

static void say(struct sp_info *info, const char *source, const char *message)
{
	struct sp_codec_note note = { 0 };
	struct sp_endpoint a = { .addr = address(source), .port = 7 };

	assert_int_equal(sp_info_message(info, &toy_codec, &a, &collector,
					 (const uint8_t *)message, strlen(message), &note),
			 0);
	assert_int_equal(note.type, message[2]);
}

static void test_sections(void **state)
{
	struct sp_info *info;
	struct sp_str out;
	struct sp_json js;

	(void)state;
	assert_int_equal(sp_info_new(&info, sp_mem_system()), 0);
	assert_int_equal(sp_info_section(info, NULL, "NOTHING Information"), 0);
	assert_int_equal(sp_info_section(info, NULL, "NOTHING Information"), 0);
	say(info, "2001:db8::1", "TYB\004");
	say(info, "192.0.2.1", "TYB\004");
	say(info, "2001:db8::1", "TYx\005y");
	assert_int_equal(sp_info_sessions(info), 2);
	assert_int_equal(sp_info_left_out(info), 0);
	sp_str_init(&out, sp_mem_system());
	sp_json_init(&js, &out, 0);
	sp_json_open(&js, NULL, '{');
	sp_info_json(info, &js);
	sp_json_close(&js, '}');
	assert_string_equal(out.text, "{\"NOTHING Information\":null,\"TOY Information\":"
				      "{\"2001:db8::1\":{\"messages\":2},\"192.0.2.1\":"
				      "{\"messages\":1}}}");
	sp_str_fini(&out);
	sp_info_free(info);
}

/* Two routers behind one address, or one that has two connections, do not mix. */
static void test_sessions(void **state)
{
	static const struct {
		uint16_t from, to;
		const char *message;
	} said[] = {
		{ 40, 777, "TYB\004" }, { 41, 777, "TYB\004" }, { 40, 777, "TYx\004" },
		{ 41, 778, "TYx\004" }, { 41, 777, "TYx\004" }, { 41, 777, "TYx\004" },
	};
	struct sp_endpoint src = { .addr = address("10.0.0.1") }, dst = collector;
	struct sp_info *info;
	struct sp_str out;
	struct sp_json js;

	(void)state;
	assert_int_equal(sp_info_new(&info, sp_mem_system()), 0);
	for (size_t i = 0; i < sizeof said / sizeof *said; i++) {
		src.port = said[i].from;
		dst.port = said[i].to;
		assert_int_equal(sp_info_message(info, &toy_codec, &src, &dst,
						 (const uint8_t *)said[i].message, 4, NULL),
				 0);
	}
	assert_int_equal(sp_info_sessions(info), 3);
	sp_str_init(&out, sp_mem_system());
	sp_json_init(&js, &out, 0);
	sp_json_open(&js, NULL, '{');
	sp_info_json(info, &js);
	sp_json_close(&js, '}');
	assert_string_equal(out.text, "{\"TOY Information\":{\"10.0.0.1\":{\"messages\":2},"
				      "\"10.0.0.1:41\":{\"messages\":3},"
				      "\"10.0.0.1:41 to 10.9.9.9:778\":{\"messages\":1}}}");
	sp_str_fini(&out);
	sp_info_free(info);
}

static void test_too_many(void **state)
{
	struct sp_endpoint a = { .addr = address("10.0.0.0"), .port = 7 };
	struct sp_info *info;

	(void)state;
	assert_int_equal(sp_info_new(&info, sp_mem_system()), 0);
	for (unsigned i = 0; i < SP_INFO_SESSIONS + 5; i++) {
		a.addr.ip[1] = (uint8_t)(i >> 16);
		a.addr.ip[2] = (uint8_t)(i >> 8);
		a.addr.ip[3] = (uint8_t)i;
		assert_int_equal(sp_info_message(info, &toy_codec, &a, &collector,
						 (const uint8_t *)"TYB\004", 4, NULL),
				 0);
	}
	assert_int_equal(sp_info_sessions(info), SP_INFO_SESSIONS);
	assert_int_equal(sp_info_left_out(info), 5);
	sp_info_free(info);
}

struct big {
	const struct sp_mem *mem;
	void *more;
};

static void *big_open(const struct sp_mem *mem)
{
	struct big *b = sp_alloc(mem, 100000);

	if (b)
		b->mem = mem;
	return b;
}

static void big_read(void *st, const uint8_t *m, size_t len, struct sp_codec_note *n)
{
	struct big *b = st;

	(void)len, (void)n;
	if (!b->more && m[2] == 'D')
		b->more = sp_alloc(b->mem, 100000);
}

static void big_close(void *st)
{
	struct big *b = st;

	sp_free(b->mem, b->more);
	sp_free(b->mem, b);
}

/* What codecs keep of all sources together is bounded, when they come and when they grow. */
static void test_too_much(void **state)
{
	static const struct sp_codec_ops big = {
		.title = "BIG", .open = big_open, .read = big_read, .close = big_close
	};
	static const char *const words[] = { "TYB\004", "TYD\004" };
	uint32_t fit = SP_INFO_BYTES / 100016;
	struct sp_endpoint a = { .addr = address("10.0.0.0"), .port = 7 };
	struct sp_info *info;

	(void)state;
	for (unsigned w = 0; w < 2; w++) {
		assert_int_equal(sp_info_new(&info, sp_mem_system()), 0);
		for (unsigned i = 0; i < fit + 9; i++) {
			a.addr.ip[3] = (uint8_t)i;
			assert_int_equal(sp_info_message(info, &big, &a, &collector,
							 (const uint8_t *)words[w], 4, NULL),
					 0);
		}
		assert_int_equal(sp_info_sessions(info), w ? fit / 2 + fit % 2 : fit);
		assert_int_equal(sp_info_left_out(info), w ? fit / 2 + 9 : 9);
		sp_info_free(info);
	}
}

static int talk(struct sp_info *info)
{
	struct sp_endpoint a = { .addr = address("10.0.0.0"), .port = 7 };
	int rc = sp_info_section(info, NULL, "NOTHING Information");

	for (unsigned i = 0; i < 40 && !rc; i++) {
		a.addr.ip[3] = (uint8_t)i;
		rc = sp_info_message(info, &toy_codec, &a, &collector,
				     (const uint8_t *)"TYB\004", 4, NULL);
	}
	return rc;
}

static void test_no_memory(void **state)
{
	struct sp_mem_test t;
	struct sp_info *info;
	bool done = false;

	(void)state;
	for (uint64_t n = 0; !done; n++) {
		sp_mem_test_init(&t, n);
		if (sp_info_new(&info, &t.mem) == 0) {
			int rc = talk(info);

			assert_true(rc == 0 || rc == -ENOMEM);
			done = rc == 0;
			sp_info_free(info);
		}
		assert_int_equal(t.live, 0);
	}
}

static void test_set(void **state)
{
	struct sp_endpoint_set s;
	struct sp_endpoint e = { .addr = address("192.0.2.9") };
	bool added;

	(void)state;
	sp_endpoint_set_init(&s, sp_mem_system());
	assert_int_equal(sp_endpoint_set_find(&s, &e), -ENOENT);
	for (unsigned round = 0; round < 2; round++)
		for (unsigned i = 0; i < 1000; i++) {
			e.port = (uint16_t)i;
			assert_int_equal(sp_endpoint_set_add(&s, &e, &added), i);
			assert_int_equal(added, round == 0);
			assert_int_equal(sp_endpoint_set_find(&s, &e), i);
		}
	assert_int_equal(s.n, 1000);
	sp_endpoint_set_fini(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sections),  cmocka_unit_test(test_sessions),
		cmocka_unit_test(test_too_many),  cmocka_unit_test(test_too_much),
		cmocka_unit_test(test_no_memory), cmocka_unit_test(test_set),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
