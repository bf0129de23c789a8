#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "source/messages/store.h"
#include "source/messages/testing.h"

static int load(struct msg_store *s, const struct rig *r, const char *sections, const char *own,
		const char *to, const struct sp_mem *mem, struct sp_err *err)
{
	const char *path = r->path;
	struct msg_map_row map[] = { { .from = { .family = 4, .ip = { 192, 0, 2, 1 } } } };
	struct sp_arena arena;
	struct msg_sections all = { .arena = &arena };
	struct msg_load l = { .paths = &path,
			      .n_paths = 1,
			      .sections = &all,
			      .senders = { .map = map,
					   .n_map = to != NULL,
					   .mapped = to != NULL,
					   .rest = true,
					   .family = 4,
					   .only = true,
					   .target = "127.0.0.1" },
			      .most = 240,
			      .preload = true };
	int rc;

	if (to && *to)
		assert_int_equal(sp_addr_parse(to, &map[0].to), 0);
	*s = (struct msg_store){ 0 };
	sp_arena_init(&arena, mem);
	rc = sp_msg_sections_parse(&all, sections, &sp_catalog, err);
	l.own = sp_msg_section_find(&all, own);
	l.senders.tcp = !rc && all.at[l.own].tcp;
	if (!rc)
		rc = sp_msg_store_load(s, &l, mem, err);
	sp_arena_fini(&arena);
	return rc;
}

static void datagrams(void **state)
{
	struct msg_store s;
	struct sp_err err = { 0 };
	struct rig r;

	(void)state;
	rig_open(&r);
	put_udp(&r, 1, 5, "one", 6);
	put_udp(&r, 2, 5, "two", 0);
	put_udp(&r, 1, 5, "three", 0);
	put_udp(&r, 1, 6, "other", 0);
	put_udp(&r, 1, 5, "", 18);
	fclose(r.f);
	assert_int_equal(load(&s, &r, "udp_generic udp.dport=5", "udp_generic", "127.0.0.1",
			      sp_mem_system(), &err),
			 0);
	assert_int_equal(s.n, 3); /* the empty one is one, where nobody knows better */
	assert_memory_equal(s.units[0].data, "one", 3);
	assert_int_equal(s.units[0].len, 3);
	assert_int_equal(s.units[1].len, 5);
	assert_int_equal(s.units[1].t_ns - s.units[0].t_ns, 2 * (int64_t)SP_NS_PER_S);
	assert_int_equal(s.senders.n_sources, 1);
	assert_int_equal(s.senders.n_sessions, 1);
	assert_int_equal(s.captures[0].counts.packets, 5);
	assert_int_equal(s.captures[0].counts.filtered, 3);
	assert_int_equal(s.captures[0].counts.unknown_peer, 1);
	assert_int_equal(s.captures[0].counts.unknown_proto, 1);
	assert_int_equal(s.captures[0].last_ns - s.captures[0].first_ns,
			 4 * (int64_t)SP_NS_PER_S);
	sp_msg_store_free(&s);
	unlink(r.path);
}

/* Two exporters of one address are two sessions; so many that nobody counts them are not. */
static void exporters_of_one_address(void **state)
{
	struct msg_store s;
	struct sp_err err = { 0 };
	struct rig r;

	(void)state;
	rig_open(&r);
	for (int i = 0; i < 6; i++) {
		r.sport = (uint16_t)(1000 + i % 2);
		put_udp(&r, 1, 5, "one or the other", 0);
	}
	fclose(r.f);
	assert_int_equal(
		load(&s, &r, "udp_generic", "udp_generic", NULL, sp_mem_system(), &err), 0);
	assert_int_equal(s.senders.n_sources, 1);
	assert_int_equal(s.senders.n_sessions, 2);
	for (uint32_t i = 0; i < 6; i++)
		assert_int_equal(s.units[i].session, i % 2);
	sp_msg_store_free(&s);
	unlink(r.path);
	rig_open(&r);
	for (uint16_t i = 0; i < 1000; i++) {
		r.sport = (uint16_t)(1000 + i);
		put_udp(&r, 1, 5, "a port each", 0);
	}
	fclose(r.f);
	assert_int_equal(
		load(&s, &r, "udp_generic", "udp_generic", NULL, sp_mem_system(), &err), 0);
	assert_int_equal(s.senders.n_sessions, MSG_SESSIONS_MOST);
	assert_int_equal(s.units[MSG_SESSIONS_MOST - 1].session, MSG_SESSIONS_MOST - 1);
	assert_int_equal(s.units[MSG_SESSIONS_MOST].session, 0);
	sp_msg_store_free(&s);
	unlink(r.path);
}

/* pcapng of two interfaces of raw IP, whose clocks are as far apart as there are times. */
static void open_far_apart(struct rig *r)
{
	static const uint32_t head[] = { 0x0a0d0d0a, 28, 0x1a2b3c4d, 0x00010000, ~0u, ~0u, 28 };
	const int64_t offset = INT64_MIN / 2 / (int64_t)SP_NS_PER_S;

	rig_open(r);
	r->f = freopen(r->path, "wb", r->f);
	for (size_t i = 0; i < sizeof head / sizeof *head; i++)
		rig_be32(r->f, head[i]);
	for (unsigned i = 0; i < 2; i++) {
		const uint32_t options[] = { 1,
					     40,
					     101u << 16,
					     65535,
					     9u << 16 | 1,
					     9u << 24, /* nanoseconds */
					     14u << 16 | 8,
					     (uint32_t)((uint64_t)offset >> 32),
					     (uint32_t)offset,
					     40 };

		for (size_t k = 0; k < sizeof options / sizeof *options; k++)
			rig_be32(r->f, i && (k == 7 || k == 8) ? 0 : options[k]);
	}
}

static void put_far(struct rig *r, uint32_t interface, uint64_t t_ns)
{
	static const uint8_t ip[32] = {
		0x45, [3] = 32, [8] = 64, 17, [12] = 192, 0,  2, 1, 192, 0,   2,   99,
		0,    9,	0,	  5,  0,	  12, 0, 0, 'a', 'b', 'c', 'd'
	};
	const uint32_t block[] = {
		6,	   32 + sizeof ip, interface, (uint32_t)(t_ns >> 32), (uint32_t)t_ns,
		sizeof ip, sizeof ip
	};

	for (size_t i = 0; i < sizeof block / sizeof *block; i++)
		rig_be32(r->f, block[i]);
	fwrite(ip, 1, sizeof ip, r->f);
	rig_be32(r->f, 32 + sizeof ip);
}

/* Back and forth: what each is set by does not add up. */
static void times_far_apart(void **state)
{
	struct msg_store s;
	struct sp_err err = { 0 };
	struct rig r;

	(void)state;
	open_far_apart(&r);
	for (unsigned i = 0; i < 6; i++)
		put_far(&r, i % 2, i % 2 ? INT64_MAX / 2 : i);
	fclose(r.f);
	assert_int_equal(
		load(&s, &r, "udp_generic", "udp_generic", NULL, sp_mem_system(), &err), 0);
	assert_int_equal(s.n, 6);
	assert_int_equal(s.captures[0].counts.set, 5);
	assert_true(s.units[0].recorded_ns < -4 * INT64_C(1000000000000000000));
	for (unsigned i = 0; i < 6; i++) {
		assert_int_equal(s.units[i].t_ns, s.units[0].t_ns);
		assert_int_equal(s.units[i].recorded_ns > 0, i % 2);
	}
	sp_msg_store_free(&s);
	unlink(r.path);
}

static void too_long_datagrams(void **state)
{
	char text[242] = "";
	struct msg_store s;
	struct sp_err err = { 0 };
	struct rig r;

	(void)state;
	rig_open(&r);
	memset(text, 'x', sizeof text - 1);
	put_udp(&r, 1, 5, text, 0);
	put_udp(&r, 1, 5, "one", 0);
	put_udp(&r, 1, 5, text + 1, 0);
	fclose(r.f);
	assert_int_equal(
		load(&s, &r, "udp_generic", "udp_generic", NULL, sp_mem_system(), &err), 0);
	assert_int_equal(s.n, 2);
	assert_int_equal(s.longest, 240);
	assert_int_equal(s.captures[0].counts.too_long, 1);
	sp_msg_store_free(&s);
	unlink(r.path);
}

static void other_family(void **state)
{
	struct msg_store s;
	struct sp_err err = { 0 };
	struct rig r;

	(void)state;
	rig_open(&r);
	put_udp(&r, 1, 5, "one", 0);
	fclose(r.f);
	assert_int_equal(
		load(&s, &r, "udp_generic", "udp_generic", "::1", sp_mem_system(), &err),
		-EAFNOSUPPORT);
	assert_int_equal(err.exit, SP_EXIT_DATA);
	sp_msg_store_free(&s);
	unlink(r.path);
}

static void streams(void **state)
{
	struct msg_store s;
	struct sp_err err = { 0 };
	struct rig r;
	size_t octets = 0;

	(void)state;
	rig_open(&r);
	put_tcp(&r, 1, 20, 1, 2, "in the SYN", 0);
	put_tcp(&r, 1, 20, 12, 16, "", 6); /* a pure ACK, padded */
	put_tcp(&r, 1, 20, 12, 24, "second", 0);
	put_tcp(&r, 1, 20, 12, 24, "second", 0); /* once more */
	put_tcp(&r, 1, 21, 7, 2, "", 0);
	put_tcp(&r, 1, 21, 8, 24, "another session", 0);
	fclose(r.f);
	assert_int_equal(load(&s, &r, "tcp_generic tcp.dport=179", "tcp_generic", NULL,
			      sp_mem_system(), &err),
			 0);
	assert_int_equal(s.senders.n_sources, 1);
	assert_int_equal(s.senders.n_sessions, 2); /* two of one address stay apart */
	assert_int_equal(s.senders.sessions[1].rank, 1);
	for (uint32_t i = 0; i < s.n; i++)
		octets += s.units[i].len;
	assert_int_equal(octets,
			 strlen("in the SYN") + strlen("second") + strlen("another session"));
	assert_memory_equal(s.units[0].data, "in the SYN", 10);
	sp_msg_store_free(&s);
	unlink(r.path);
}

static uint32_t units_of(const struct msg_store *s, uint32_t session)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < s->n; i++)
		n += s->units[i].session == session;
	return n;
}

/* A session is one from its first unit on, and many are found as fast as few. */
static void many_streams(void **state)
{
	struct msg_store s;
	struct sp_err err = { 0 };
	struct rig r;

	(void)state;
	rig_open(&r);
	for (uint16_t i = 0; i < 500; i++)
		put_tcp(&r, 1, (uint16_t)(2000 + i), 1, 2, "", 0);
	for (uint16_t i = 0; i < 500; i += 2)
		put_tcp(&r, 1, (uint16_t)(2000 + i), 2, 24, "first", 0);
	for (uint16_t i = 0; i < 500; i += 2) {
		put_tcp(&r, 1, (uint16_t)(2000 + i), 7, 17, "last", 0);
		put_tcp(&r, 1, (uint16_t)(2000 + i), 90, 2, "", 0);
		put_tcp(&r, 1, (uint16_t)(2000 + i), 91, 24, "anew", 0);
	}
	fclose(r.f);
	assert_int_equal(load(&s, &r, "tcp_generic tcp.dport=179", "tcp_generic", NULL,
			      sp_mem_system(), &err),
			 0);
	assert_int_equal(s.senders.n_sessions, 250);
	assert_int_equal(s.n, 750);
	for (uint32_t i = 0; i < s.senders.n_sessions; i++) {
		assert_int_equal(units_of(&s, i), 3);
		assert_int_equal(s.senders.sessions[i].rank, i);
		assert_int_equal(s.senders.sessions[i].src.port, 2000 + 2 * i);
	}
	sp_msg_store_free(&s);
	unlink(r.path);
}

/* Whole messages only, those of one segment together. */
static void messages(void **state)
{
	static const uint8_t keepalive[19] = { 255, 255, 255, 255, 255, 255, 255, 255, 255, 255,
					       255, 255, 255, 255, 255, 255, 0,	  19,  4 };
	uint8_t tcp[20 + 45] = { [0] = 0, 20, 0, 179, [7] = 1, [12] = 0x50, [13] = 2 };
	struct msg_store s;
	struct sp_err err = { 0 };
	struct rig r;

	(void)state;
	rig_open(&r);
	memcpy(tcp + 20, keepalive, 19);
	memcpy(tcp + 39, keepalive, 19);
	memcpy(tcp + 58, keepalive, 7);
	put(&r, 1, 6, tcp, sizeof tcp, 0); /* two and a part */
	sp_put_be32(tcp + 4, 1 + 1 + 45);
	tcp[13] = 24;
	memcpy(tcp + 20, keepalive + 7, 12);
	memcpy(tcp + 32, "no message at all, none", 23);
	put(&r, 1, 6, tcp, 20 + 35, 0);
	fclose(r.f);
	assert_int_equal(load(&s, &r, "bgp tcp.dport=179", "bgp", NULL, sp_mem_system(), &err),
			 0);
	assert_int_equal(s.n, 2);
	assert_int_equal(s.units[0].len, 38);
	assert_int_equal(s.units[1].len, 19);
	assert_int_equal(s.captures[0].counts.broken, 23);
	sp_msg_store_free(&s);
	assert_int_equal(load(&s, &r, "bgp bgp_h.type=1|2", "bgp", NULL, sp_mem_system(), &err),
			 0);
	assert_int_equal(s.n, 0);
	sp_msg_store_free(&s);
	unlink(r.path);
}

static void wrong_sections(void **state)
{
	static const char *const texts[] = {
		"nothing",   "bgp tcp",		"bgp tcp.dport",
		"bgp x.y=1", "bgp tcp.dport=x", "bgp bgp_h.type=x"
	};

	(void)state;
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		struct sp_arena arena;
		struct msg_sections all = { .arena = &arena };
		struct sp_err err = { 0 };

		sp_arena_init(&arena, sp_mem_system());
		assert_true(sp_msg_sections_parse(&all, texts[i], &sp_catalog, &err) < 0);
		assert_int_equal(err.exit, SP_EXIT_DATA);
		sp_arena_fini(&arena);
	}
}

static void no_memory(void **state)
{
	struct sp_mem_test t;
	struct msg_store s;
	struct rig r;
	int rc = -ENOMEM;

	(void)state;
	rig_open(&r);
	put_tcp(&r, 1, 20, 1, 2, "first", 0);
	put_tcp(&r, 1, 20, 7, 24, "second", 0);
	fclose(r.f);
	for (uint64_t i = 0; rc; i++) {
		struct sp_err err = { 0 };

		sp_mem_test_init(&t, i);
		rc = load(&s, &r, "tcp_generic tcp.dport=179", "tcp_generic", "127.0.0.1",
			  &t.mem, &err);
		assert_true(rc == 0 || rc == -ENOMEM);
		if (rc == 0)
			assert_int_equal(s.n, 2);
		sp_msg_store_free(&s);
		assert_int_equal(t.live, 0);
	}
	unlink(r.path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(datagrams),
		cmocka_unit_test(other_family),
		cmocka_unit_test(streams),
		cmocka_unit_test(messages),
		cmocka_unit_test(wrong_sections),
		cmocka_unit_test(no_memory),
		cmocka_unit_test(many_streams),
		cmocka_unit_test(times_far_apart),
		cmocka_unit_test(too_long_datagrams),
		cmocka_unit_test(exporters_of_one_address),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
