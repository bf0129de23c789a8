#include "pkt/stations.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pkt/testing.h"

struct seen {
	char text[400];
	unsigned n, stop; /* stop: at this one; 0: never */
};

static int note(void *arg, const struct sp_addr *a)
{
	struct seen *s = arg;
	size_t len = strlen(s->text);
	char addr[64];

	snprintf(s->text + len, sizeof s->text - len, "%s%s", len ? " " : "",
		 sp_addr_format(addr, sizeof addr, a));
	return ++s->n == s->stop ? -7 : 0;
}

static int stations(const uint8_t *octets, uint32_t len, struct seen *s)
{
	struct sp_view v;

	s->n = 0;
	*s->text = '\0';
	(void)sp_view(octets, len, false, SP_CSUM_UNKNOWN, &v);
	return sp_stations(octets, len, &v, note, s);
}

/* A UDP packet whose IPv4 header has these options, a multiple of four octets. */
static void with_options(struct frame *f, const uint8_t *options, uint32_t n)
{
	struct frame head = { .len = 0 };

	frame_start(f, "x");
	frame_udp(f, false, 1, 2);
	frame_ip4(f, 17, 0);
	memcpy(head.b, f->b, 20);
	memmove(f->b, f->b + 20, f->len - 20);
	f->len -= 20;
	frame_front(f, options, n);
	head.b[0] = (uint8_t)(0x45 + n / 4);
	head.b[3] = (uint8_t)(head.b[3] + n);
	frame_front(f, head.b, 20);
	frame_ether(f, 0x0800);
}

static void with_route(struct frame *f, const uint8_t head[8], unsigned addresses)
{
	frame_start(f, "x");
	frame_udp(f, true, 1, 2);
	for (unsigned i = 0; i < addresses; i++)
		frame_front(f, (uint8_t[16]){ 0x2a, 0, [15] = (uint8_t)(addresses - i) }, 16);
	frame_front(f, head, 8);
	frame_ip6(f, 43);
	frame_ether(f, 0x86dd);
}

static void source_routes(void **state)
{
	static const uint8_t loose[12] = { 1, 131, 11, 4, 8, 8, 8, 8, 9, 9, 9, 9 };
	static const uint8_t strict[8] = { 137, 7, 8, 10, 0, 0, 3, 0 };
	static const uint8_t others[12] = { 7, 7, 4, 1, 2, 3, 4, 0, 131, 7, 4, 8 };
	static const uint8_t long_one[8] = { 131, 200, 4, 8, 8, 8, 8, 9 };
	static const uint8_t no_length[8] = { 131, 0, 4, 8, 8, 8, 8, 9 };
	struct frame f;
	struct seen s = { .stop = 0 };

	(void)state;
	frame_of_udp(&f, false);
	assert_int_equal(stations(f.b, f.len, &s), 0);
	assert_string_equal(s.text, "");
	with_options(&f, loose, sizeof loose);
	stations(f.b, f.len, &s);
	assert_string_equal(s.text, "8.8.8.8 9.9.9.9");
	s.stop = 1;
	assert_int_equal(stations(f.b, f.len, &s), -7);
	assert_string_equal(s.text, "8.8.8.8");
	s.stop = 0;
	with_options(&f, strict, sizeof strict);
	stations(f.b, f.len, &s);
	assert_string_equal(s.text, "10.0.0.3");
	with_options(&f, others, sizeof others); /* behind the end of options */
	stations(f.b, f.len, &s);
	assert_string_equal(s.text, "");
	with_options(&f, long_one, sizeof long_one);
	stations(f.b, f.len, &s);
	assert_string_equal(s.text, "");
	with_options(&f, no_length, sizeof no_length);
	stations(f.b, f.len, &s);
	assert_string_equal(s.text, "");
}

static void routing_headers(void **state)
{
	struct frame f;
	struct seen s = { .stop = 0 };

	(void)state;
	with_route(&f, (uint8_t[8]){ 17, 4, 0, 1 }, 2);
	stations(f.b, f.len, &s);
	assert_string_equal(s.text, "2a00::1 2a00::2");
	/* A segment list of one, and a TLV of sixteen octets behind it. */
	with_route(&f, (uint8_t[8]){ 17, 4, 4, 0, 0 }, 2);
	stations(f.b, f.len, &s);
	assert_string_equal(s.text, "2a00::1");
	with_route(&f, (uint8_t[8]){ 17, 4, 3, 1 }, 2);
	stations(f.b, f.len, &s);
	assert_string_equal(s.text, "");
}

/* Cut anywhere: no octet behind the end is read. */
static void cut(void **state)
{
	static const uint8_t loose[12] = { 1, 131, 11, 4, 8, 8, 8, 8, 9, 9, 9, 9 };
	struct seen s = { .stop = 0 };
	struct frame f[2];

	(void)state;
	with_options(&f[0], loose, sizeof loose);
	with_route(&f[1], (uint8_t[8]){ 17, 4, 0, 1 }, 2);
	for (unsigned i = 0; i < 2; i++)
		for (uint32_t n = 0; n <= f[i].len; n++) {
			uint8_t *exact = malloc(n + 1);

			memcpy(exact + 1, f[i].b, n);
			stations(exact + 1, n, &s);
			assert_in_range(s.n, 0, 2);
			free(exact);
		}
	assert_int_equal(s.n, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(source_routes),
		cmocka_unit_test(routing_headers),
		cmocka_unit_test(cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
