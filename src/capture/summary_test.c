#include "capture/summary.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/hex_test.h"
#include "capture/dns_check.h"
#include "capture/remarks.h"

#define MACS "020000000002020000000001"

/* A classic file of these packets, a millisecond from each other; its path. */
static int make_file(const char *const *hex, unsigned n, char path[40])
{
	uint32_t head[6] = { 0xa1b2c3d4, 2 | 4 << 16, 0, 0, 65535, 1 }, record[4] = { 1, 0 };
	int fd = memfd_create("capture", MFD_CLOEXEC);
	uint8_t octets[512];

	assert_true(fd >= 0);
	assert_int_equal(write(fd, head, sizeof head), sizeof head);
	for (unsigned i = 0; i < n; i++) {
		record[1] = i * 1000;
		record[2] = record[3] = bytes(hex[i], octets);
		assert_int_equal(write(fd, record, sizeof record), sizeof record);
		assert_int_equal(write(fd, octets, record[2]), record[2]);
	}
	snprintf(path, 40, "/proc/self/fd/%d", fd);
	return fd;
}

/* A BGP KEEPALIVE in two segments, a datagram, ARP. */
static const char *const some[] = {
	MACS "0800"
	     "450000280000000040060000c6120001c6120002"
	     "9c4000b3"
	     "000003e7"
	     "00000000"
	     "50020000"
	     "00000000",
	MACS "0800"
	     "450000300000000040060000c6120001c6120002"
	     "9c4000b3"
	     "000003e8"
	     "00000001"
	     "50180000"
	     "00000000"
	     "ffffffffffffffff",
	MACS "0800"
	     "450000330000000040060000c6120001c6120002"
	     "9c4000b3"
	     "000003f0"
	     "00000001"
	     "50180000"
	     "00000000"
	     "ffffffffffffffff"
	     "001304",
	MACS "0800"
	     "4500001d0000000040110000c6120001c6120002"
	     "03e807d0"
	     "00090000"
	     "21",
	MACS "0806"
	     "0001080006040001020000000001c6120001000000000000c6120002",
};

static void counts_and_sessions(void **state)
{
	static const struct sp_capsum_conf all;
	struct sp_err err = { 0 };
	struct sp_capsum *s;
	struct sp_str out;
	char path[40];
	int fd = make_file(some, 5, path);

	(void)state;
	sp_str_init(&out, sp_mem_system());
	assert_int_equal(sp_capsum_new(&s, &all, sp_mem_system(), &err), 0);
	assert_false(sp_capsum_opened(s));
	assert_int_equal(sp_capsum_read(s, path, &err), 0);
	assert_int_equal(sp_capsum_end(s, &err), 0);
	assert_true(sp_capsum_opened(s));
	sp_capsum_json(s, &out);
	assert_non_null(strstr(out.text, "\"packets\": 5,"));
	assert_non_null(strstr(out.text, "\"flows\": 2,"));
	assert_non_null(strstr(out.text, "\"duration_ns\": 4000000,"));
	assert_non_null(strstr(out.text, "\"pps\": 1000,"));
	assert_non_null(strstr(out.text, "\"tcp\": 3,"));
	assert_non_null(strstr(out.text, "\"arp\": 1"));
	assert_non_null(strstr(out.text, "\"remarks\": []"));
	assert_non_null(strstr(out.text, "\"keepalives_counter\": 1"));
	assert_non_null(strstr(out.text, "\"UDP_GENERIC Information\": null"));
	sp_str_clear(&out);
	sp_capsum_text(s, &out);
	assert_non_null(strstr(out.text, "\nprotocols   3 tcp, 1 arp, 1 udp\n"));
	assert_non_null(strstr(out.text, "\n      keepalives_counter: 1\n"));
	sp_capsum_free(s);
	sp_str_fini(&out);
	close(fd);
}

static void chosen_packets(void **state)
{
	static const struct {
		struct sp_capsum_conf conf;
		const char *want;
	} cases[] = {
		{ { .where = "arp.op=1" }, "\"packets\": 1," },
		{ { .where = "ip.src=198.18.0.0/24,tcp.flags=PA|S" }, "\"packets\": 3," },
		{ { .where = "udp.dport!=2000" }, "\"packets\": 4," },
		{ { .where = "udp.dport=1999..2001" }, "\"packets\": 1," },
		{ { .filter = "tcp port 179" }, "\"packets\": 3," },
		{ { .filter = "ip", .where = "tcp.seq=1008" }, "\"packets\": 1," },
		{ { .where = "vlan.vlan=1" }, "\"packets\": 0," },
	};
	char path[40];
	int fd = make_file(some, 5, path);

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct sp_err err = { 0 };
		struct sp_capsum *s;
		struct sp_str out;

		sp_str_init(&out, sp_mem_system());
		assert_int_equal(sp_capsum_new(&s, &cases[i].conf, sp_mem_system(), &err), 0);
		assert_int_equal(sp_capsum_read(s, path, &err), 0);
		assert_int_equal(sp_capsum_end(s, &err), 0);
		sp_capsum_json(s, &out);
		if (!strstr(out.text, cases[i].want))
			fail_msg("case %zu: no %s in %s", i, cases[i].want, out.text);
		sp_capsum_free(s);
		sp_str_fini(&out);
	}
	close(fd);
}

static int run_short_of_memory(struct sp_mem_test *mem, const char *path)
{
	static const struct sp_capsum_conf conf = { .filter = "ip", .where = "ip.ttl=64" };
	struct sp_err err = { 0 };
	struct sp_capsum *s;
	int rc = sp_capsum_new(&s, &conf, &mem->mem, &err);

	if (!rc)
		rc = sp_capsum_read(s, path, &err);
	if (!rc)
		rc = sp_capsum_end(s, &err);
	assert_true(!rc || (err.code == -ENOMEM && err.exit == SP_EXIT_FAILED));
	sp_capsum_free(s);
	return rc;
}

static void allocations_may_fail(void **state)
{
	int rc = -ENOMEM, fd;
	char path[40];

	(void)state;
	fd = make_file(some, 5, path);
	for (uint64_t i = 0; rc; i++) {
		struct sp_mem_test mem;

		sp_mem_test_init(&mem, i);
		rc = run_short_of_memory(&mem, path);
		assert_int_equal(mem.live, 0);
		assert_true(rc || i > 20);
	}
	close(fd);
}

static void line(void *arg, const char *text)
{
	sp_str_puts(arg, text);
	sp_str_puts(arg, "\n");
}

static void remarks(void **state)
{
	static struct sp_remarks r;
	static char one[] = "a.pcap", two[] = "b.pcap";
	char *const files[] = { one, two };
	static char what[SP_REMARKS_MOST + 5][4];
	struct sp_str out;

	(void)state;
	sp_str_init(&out, sp_mem_system());
	sp_remarks_init(&r, sp_mem_system());
	sp_remarks_note(&r, NULL, "odd", 0, 7);
	sp_remarks_note(&r, "bgp", "strange", 1, 2000);
	sp_remarks_note(&r, "bgp", "strange", 1, 2001);
	sp_remarks_say(&r, "%d of it", 3);
	sp_remarks_each(&r, NULL, sp_mem_system(), line, &out);
	assert_string_equal(
		out.text,
		"packet 7: odd\n2 times, first in packet 2,000: bgp: strange\n3 of it\n");
	sp_str_clear(&out);
	sp_remarks_each(&r, files, sp_mem_system(), line, &out);
	assert_non_null(strstr(out.text, "first in packet 2,000 of b.pcap: bgp"));
	for (unsigned i = 0; i < SP_REMARKS_MOST + 5; i++)
		sp_remarks_note(&r, NULL, what[i], 0, 1);
	sp_str_clear(&out);
	sp_remarks_each(&r, NULL, sp_mem_system(), line, &out);
	assert_non_null(strstr(out.text, "\n7 further packets are odd in other ways\n"));
	sp_remarks_fini(&r);
	sp_str_fini(&out);
}

static void check(const char *hex, const char *part)
{
	uint8_t octets[300];
	uint32_t n = bytes(hex, octets);
	const char *what = sp_dns_check(octets, n);

	if (!part ? what != NULL : !what || !strstr(what, part))
		fail_msg("'%s' of %s", what ? what : "nothing", hex);
}

static void dns(void **state)
{
	(void)state;
	check("000701000001000000000000"
	      "0161026c6200"
	      "00010001",
	      NULL);
	check("000781800001000100000000"
	      "0161026c6200"
	      "00010001"
	      "c00c"
	      "00010001"
	      "0000003c"
	      "0004"
	      "0a000001",
	      NULL);
	check("0007010000010000000000", "cut short");
	check("000701000001000000000000"
	      "c00c"
	      "00010001",
	      "points to itself");
	check("000701000001000000000000"
	      "c00e"
	      "0000",
	      "points to itself or onwards");
	check("000701000001000000000000"
	      "0561",
	      "beyond");
	check("000701000001000000000000"
	      "4161"
	      "00"
	      "00010001",
	      "unknown type");
	check("000701000001000000000000"
	      "0161026c6200"
	      "0001",
	      "record that is cut");
	check("000781800000000100000000"
	      "00"
	      "00010001"
	      "0000003c"
	      "0005"
	      "0a000001",
	      "longer");
	check("000701000000000000000000"
	      "ff",
	      "behind");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(counts_and_sessions),
		cmocka_unit_test(chosen_packets),
		cmocka_unit_test(allocations_may_fail),
		cmocka_unit_test(remarks),
		cmocka_unit_test(dns),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
