#include "capio/select.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "plugin/catalog.h"

/* eth / ip 10.0.0.1 > 10.0.0.2 ttl 7 / udp 1000 > 4789 / vxlan / eth / ip 192.0.2.1 > 192.0.2.2 ttl 9 /
 * tcp 2000 > 80 S */
static const uint8_t vxlan[] = {
	2, 0,	 0,  0,	 0,  1,	 2,  0, 0, 0,  0, 2, 8,	   0,	0x45, 0,  0,   90,  0,	1, 0,
	0, 7,	 17, 0,	 0,  10, 0,  0, 1, 10, 0, 0, 2,	   3,	232,  18, 181, 0,   70, 0, 0,
	8, 0,	 0,  0,	 0,  0,	 42, 0, 2, 0,  0, 0, 0,	   3,	2,    0,  0,   0,   0,	4, 8,
	0, 0x45, 0,  0,	 40, 0,	 1,  0, 0, 9,  6, 0, 0,	   192, 0,    2,  1,   192, 0,	2, 2,
	7, 208,	 0,  80, 0,  0,	 0,  1, 0, 0,  0, 0, 0x50, 2,	32,   0,  0,   0,   0,	0,
};

static void packet(struct sp_cap_packet *p, struct sp_cap_view *v)
{
	*p = (struct sp_cap_packet){ .number = 1,
				     .data = vxlan,
				     .len = sizeof vxlan,
				     .orig_len = sizeof vxlan,
				     .link = SP_LINK_ETHERNET };
	sp_cap_view(p, v);
}

static int takes(const char *text)
{
	struct sp_selector *w;
	struct sp_err err = { 0 };
	struct sp_cap_packet p;
	struct sp_cap_view v;
	int rc = sp_selector_new(&w, "--where", text, sp_catalog.hdr, NULL, sp_mem_system(),
				 &err);

	if (rc) {
		print_message("%s: %s\n", text, err.text);
		return rc;
	}
	packet(&p, &v);
	rc = sp_selector_takes(w, &p, &v);
	sp_selector_free(w);
	return rc;
}

static void any_header_counts(void **state)
{
	static const struct {
		const char *text;
		int takes;
	} cases[] = {
		{ "ip.src=10.0.0.1", 1 },
		{ "ip.src=192.0.2.1", 1 },
		{ "ip.src=192.0.2.0/30,ip.src=10.0.0.0/8", 1 },
		{ "ip.src=192.0.2.3", 0 },
		{ "ip.src!=192.0.2.1", 0 },
		{ "ip.src!=192.0.2.3", 1 },
		{ "tcp.dport=80", 1 },
		{ "tcp.dport=1..79|81", 0 },
		{ "tcp.flags=S", 1 },
		{ "vxlan.vni=42", 1 },
		{ "vxlan.vni=41,43", 0 },
		{ "udp.dport=4789,tcp.sport=1|2000", 1 },
		{ "udp.dport=4789,tcp.sport!=2000", 0 },
		{ "ip.ttl=9", 1 },
		{ "ip.ttl=7..8", 1 },
		{ "ip.ttl=8", 0 },
		{ "ip.version=6", 0 },
		{ "ipv6.hlim=7", 0 },
		{ "ipv6.hlim!=7", 1 },
		{ "eth.type=0x800", 1 },
		{ "ip.src=2001:db8::/32", 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		if (takes(cases[i].text) != cases[i].takes)
			fail_msg("%s", cases[i].text);
}

static void what_is_wrong_is_told(void **state)
{
	static const char *const wrong[] = {
		"",
		",",
		"ip",
		"ip.src",
		"ip=1",
		".src=1",
		"ip.src=",
		"ip.src=1.2.3.4|",
		"ip.src=1,,",
		"ip.ttl=256",
		"ip.ttl=9..7",
		"ip.src=1.2.3.4/33",
		"ip.options=1",
		"tcp.sport=..",
		"ip.src=a\033[2J",
		"ip.src==1.2.3.4",
	};

	(void)state;
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		struct sp_err err = { 0 };
		struct sp_selector *w;

		if (sp_selector_new(&w, "--where", wrong[i], sp_catalog.hdr, NULL,
				    sp_mem_system(), &err) != -EINVAL ||
		    err.exit != SP_EXIT_USAGE || strncmp(err.text, "--where:", 8) != 0 ||
		    strchr(err.text, '\033'))
			fail_msg("'%s': %s", wrong[i], err.text);
	}
}

/* What a replay asks: the outermost headers, without decoding. */
static void outermost_headers(void **state)
{
	struct sp_arena arena;
	struct sp_select s = { .arena = &arena };
	struct sp_err err = { 0 };
	struct sp_cap_packet p;
	struct sp_cap_view v;

	(void)state;
	sp_arena_init(&arena, sp_mem_system());
	packet(&p, &v);
	assert_true(sp_select_match(&s, &p, &v));
	assert_int_equal(sp_select_add(&s, sp_catalog.hdr, "ip", "src", "10.0.0.0/8", &err), 0);
	assert_int_equal(sp_select_add(&s, sp_catalog.hdr, "udp", "dport", "4000..5000", &err),
			 0);
	assert_true(sp_select_match(&s, &p, &v));
	assert_int_equal(sp_select_add_not(&s, sp_catalog.hdr, "ip", "ttl", "7", &err), 0);
	assert_false(sp_select_match(&s, &p, &v));
	assert_int_equal(sp_select_add(&s, sp_catalog.hdr, "vxlan", "vni", "42", &err),
			 -ENOENT);
	assert_non_null(strstr(err.text, "there are ip, tcp and udp"));
	sp_arena_fini(&arena);
}

static void survives_lack_of_memory(void **state)
{
	int rc = -ENOMEM;
	struct sp_cap_packet p;
	struct sp_cap_view v;

	(void)state;
	packet(&p, &v);
	for (uint64_t i = 0; rc < 0; i++) {
		struct sp_selector *w;
		struct sp_mem_test mem;
		struct sp_err err = { 0 };

		sp_mem_test_init(&mem, i);
		rc = sp_selector_new(&w, "--where", "ip.ttl=9,vxlan.vni=42", sp_catalog.hdr,
				     NULL, &mem.mem, &err);
		if (!rc) {
			rc = sp_selector_takes(w, &p, &v);
			sp_selector_free(w);
		}
		if (rc != 1 && rc != -ENOMEM)
			fail_msg("allocation %u: %d %s", (unsigned)i, rc, err.text);
		assert_int_equal(mem.live, 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(any_header_counts),
		cmocka_unit_test(what_is_wrong_is_told),
		cmocka_unit_test(outermost_headers),
		cmocka_unit_test(survives_lack_of_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
