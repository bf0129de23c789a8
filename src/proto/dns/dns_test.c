/* The zone file, and answers by what was asked. */
#include "proto/dns/dns.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/endian.h"
#include "pkt/dns_name.h"

extern const struct sp_proto_ops sp_proto_dns;

static const char zone_text[] = "; a small zone\n"
				"$ORIGIN lab.test.\n"
				"$TTL 5m\n"
				"@\tIN SOA ns1 host\\.master ( 7 ; serial\n"
				"\t3600 900 1w 60 )\n"
				"\tNS ns1\n"
				"\t10 MX 10 mail\n"
				"ns1 A 10.0.0.5\n"
				"mail 60 IN A 10.0.0.6\n"
				"mail IN 60 AAAA fd00::6\n"
				"WWW CNAME web\n"
				"web CNAME mail.lab.test.\n"
				"out CNAME elsewhere.example.\n"
				"loop CNAME loop\n"
				"txt TXT \"a b\" \"c;d\" e\\059f \"\"\n"
				"deep.er A 10.0.0.8\n"
				"*.wild A 10.0.0.9\n"
				"below.wild TXT x\n"
				"other.test. SOA ns1 root 1 2 3 4 5\n";

static int parse(struct sp_proto *p, const char *text, const struct sp_mem *mem,
		 struct sp_err *err)
{
	*p = (struct sp_proto){ .mem = mem, .ttl = 60 };
	return sp_zone_parse(&p->zone, text, strlen(text), "z", mem, err);
}

static uint32_t make_query(uint8_t *q, const char *name, uint16_t type, uint16_t edns)
{
	static const uint8_t head[12] = { 0x12, 0x34, 1, 0, 0, 1 };
	uint32_t n = 12;
	int len;

	memcpy(q, head, sizeof head);
	len = sp_dns_name_put(q + n, name);
	assert_true(len > 0);
	n += (uint32_t)len;
	sp_put_be16(q + n, type);
	sp_put_be16(q + n + 2, 1);
	n += 4;
	if (!edns)
		return n;
	q[11] = 1;
	q[n] = 0;
	sp_put_be16(q + n + 1, SP_DNS_OPT);
	sp_put_be16(q + n + 3, edns);
	memset(q + n + 5, 0, 6);
	return n + 11;
}

/* "rcode aa tc: TYPE TYPE / TYPE": answers, then authority. */
static void outline(const uint8_t *m, uint32_t len, char *out, size_t cap)
{
	unsigned an = sp_get_be16(m + 6), ns = sp_get_be16(m + 8);
	char name[SP_DNS_TEXT_MAX];
	size_t at = 12, k;
	int n = sp_dns_name_get(name, m, len, at);

	assert_true(n > 0);
	at += (size_t)n + 4;
	k = (size_t)snprintf(out, cap, "%u%s%s:", m[3] & 15, m[2] & 4 ? " aa" : "",
			     m[2] & 2 ? " tc" : "");
	for (unsigned i = 0; i < an + ns; i++) {
		n = sp_dns_name_get(name, m, len, at);
		assert_true(n > 0);
		at += (size_t)n;
		assert_true(at + 10 <= len);
		k += (size_t)snprintf(out + k, cap - k, "%s %s %u", i == an ? " /" : "", name,
				      sp_get_be16(m + at));
		at += 10u + sp_get_be16(m + at + 8);
		assert_true(at <= len);
	}
	if (m[11])
		at += 11;
	assert_int_equal(at, len);
}

static void test_answers(void **state)
{
	static const struct {
		const char *name;
		uint16_t type;
		const char *want;
	} rows[] = {
		{ "mail.lab.test", 1, "0 aa: mail.lab.test. 1" },
		{ "MAIL.Lab.TEST", 28, "0 aa: MAIL.Lab.TEST. 28" },
		{ "mail.lab.test", 16, "0 aa: / lab.test. 6" },
		{ "www.lab.test", 1, "0 aa: www.lab.test. 5 web.lab.test. 5 mail.lab.test. 1" },
		{ "www.lab.test", 5, "0 aa: www.lab.test. 5" },
		{ "www.lab.test", 16, "0 aa: www.lab.test. 5 web.lab.test. 5 / lab.test. 6" },
		{ "out.lab.test", 1, "0 aa: out.lab.test. 5" },
		{ "none.lab.test", 1, "3 aa: / lab.test. 6" },
		{ "er.lab.test", 1, "0 aa: / lab.test. 6" },
		{ "a.b.wild.lab.test", 1, "0 aa: a.b.wild.lab.test. 1" },
		{ "a.below.wild.lab.test", 1, "3 aa: / lab.test. 6" },
		{ "wild.lab.test", 1, "0 aa: / lab.test. 6" },
		{ "lab.test", 255, "0 aa: lab.test. 6 lab.test. 2 lab.test. 15" },
		{ "x.other.test", 1, "3 aa: / other.test. 6" },
		{ "example", 1, "5:" },
		{ ".", 2, "5:" },
		{ "test", 1, "5:" },
	};
	struct sp_err err = { 0 };
	struct sp_proto p;

	(void)state;
	assert_int_equal(parse(&p, zone_text, sp_mem_system(), &err), 0);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		for (unsigned edns = 0; edns < 2; edns++) {
			uint8_t q[300], a[1500];
			uint32_t n = make_query(q, rows[i].name, rows[i].type, edns ? 1232 : 0);
			char got[400];

			n = sp_dns_answer(&p, q, n, a, sizeof a);
			assert_true(n > 0);
			outline(a, n, got, sizeof got);
			/* "test" is there for what is below it: no zone of ours, and no data. */
			if (strcmp(rows[i].name, "test") == 0)
				continue;
			if (strcmp(got, rows[i].want) != 0)
				fail_msg("%s %u: %s, not %s", rows[i].name, rows[i].type, got,
					 rows[i].want);
		}
	sp_zone_fini(&p.zone);
}

static void test_an_alias_of_itself_ends(void **state)
{
	struct sp_err err = { 0 };
	uint8_t q[300], a[1500];
	struct sp_proto p;
	char got[900];
	uint32_t n;

	(void)state;
	assert_int_equal(parse(&p, zone_text, sp_mem_system(), &err), 0);
	n = sp_dns_answer(&p, q, make_query(q, "loop.lab.test", 1, 0), a, sizeof a);
	assert_in_range(n, 12, 512);
	outline(a, n, got, sizeof got);
	sp_zone_fini(&p.zone);
}

static void test_texts(void **state)
{
	static const uint8_t want[] = "\3a b\3c;d\3e;f\0";
	struct sp_err err = { 0 };
	uint8_t q[300], a[1500];
	struct sp_proto p;
	uint32_t n;

	(void)state;
	assert_int_equal(parse(&p, zone_text, sp_mem_system(), &err), 0);
	n = sp_dns_answer(&p, q, make_query(q, "txt.lab.test", 16, 0), a, sizeof a);
	assert_memory_equal(a + n - 13, want, 13);
	/* host\.master: one label with a dot in it */
	n = sp_dns_answer(&p, q, make_query(q, "lab.test", 6, 0), a, sizeof a);
	assert_memory_equal(a + n - 20 - 10 - 12, "\13host.master", 12);
	sp_zone_fini(&p.zone);
}

static void test_synthetic(void **state)
{
	struct sp_err err = { 0 };
	uint8_t q[300], a[1500], b[1500];
	struct sp_proto p;
	uint32_t n;

	(void)state;
	assert_int_equal(parse(&p, zone_text, sp_mem_system(), &err), 0);
	assert_int_equal(sp_prefix_parse("10.200.0.0/16", &p.synth), 0);
	assert_int_equal(sp_prefix_parse("2001:db8::/32", &p.synth6), 0);
	n = sp_dns_answer(&p, q, make_query(q, "any.example", 1, 0), a, sizeof a);
	assert_memory_equal(a + n - 4, "\12\310", 2);
	assert_true(a[n - 1] || a[n - 2]);
	/* The same name, the same address; in any case. */
	assert_int_equal(sp_dns_answer(&p, q, make_query(q, "ANY.Example", 1, 0), b, sizeof b),
			 n);
	assert_memory_equal(a + n - 4, b + n - 4, 4);
	n = sp_dns_answer(&p, q, make_query(q, "any.example", 28, 0), a, sizeof a);
	assert_memory_equal(a + n - 16, "\40\1\15\270", 4);
	n = sp_dns_answer(&p, q, make_query(q, "any.example", 16, 0), a, sizeof a);
	assert_int_equal(sp_get_be16(a + 6), 0);
	assert_int_equal(a[3] & 15, 0);
	/* Zones come first. */
	n = sp_dns_answer(&p, q, make_query(q, "none.lab.test", 1, 0), a, sizeof a);
	assert_int_equal(a[3] & 15, 3);
	sp_zone_fini(&p.zone);
}

/* Every room from none on: the whole, or the question alone with TC, or nothing. */
static void test_room(void **state)
{
	struct sp_err err = { 0 };
	uint8_t q[300], full[600];
	struct sp_proto p;
	uint32_t len, whole;

	(void)state;
	assert_int_equal(parse(&p, zone_text, sp_mem_system(), &err), 0);
	len = make_query(q, "www.lab.test", 1, 1232);
	whole = sp_dns_answer(&p, q, len, full, sizeof full);
	assert_false(full[2] & 2);
	for (uint32_t cap = 0; cap < 200; cap++) {
		uint8_t *a = malloc(cap ? cap : 1);
		uint32_t n;

		assert_non_null(a);
		n = sp_dns_answer(&p, q, len, a, cap);
		assert_true(n <= cap);
		if (cap < len - 11)
			assert_int_equal(n, 0);
		else if (n == len - 11)
			assert_true(a[2] & 2);
		else
			assert_int_equal(n, whole);
		free(a);
	}
	sp_zone_fini(&p.zone);
}

static void test_what_is_no_query(void **state)
{
	struct sp_err err = { 0 };
	uint8_t q[300], a[600];
	struct sp_proto p;
	uint32_t len;

	(void)state;
	assert_int_equal(parse(&p, zone_text, sp_mem_system(), &err), 0);
	len = make_query(q, "mail.lab.test", 1, 1232);
	for (uint32_t n = 0; n < 12; n++)
		assert_int_equal(sp_dns_answer(&p, q, n, a, sizeof a), 0);
	for (uint32_t n = 12; n < len; n++) {
		assert_true(sp_dns_answer(&p, q, n, a, sizeof a) <= n);
		assert_int_equal(a[3] & 15, 1); /* FORMERR */
	}
	q[2] |= 0x80; /* an answer */
	assert_int_equal(sp_dns_answer(&p, q, len, a, sizeof a), 0);
	q[2] = 0x28; /* UPDATE */
	assert_int_equal(sp_dns_answer(&p, q, len, a, sizeof a), 12);
	assert_int_equal(a[3] & 15, 4);
	q[2] = 1;
	q[len - 13] = 3; /* class CH */
	sp_dns_answer(&p, q, len, a, sizeof a);
	q[12] = 0xc0; /* a pointer in the question */
	assert_int_equal(sp_dns_answer(&p, q, len, a, sizeof a), 12);
	assert_int_equal(a[3] & 15, 1);
	sp_zone_fini(&p.zone);
}

static void test_wrong_files(void **state)
{
	static const struct {
		const char *text, *want;
	} rows[] = {
		{ "a A 10.0.0.1\nb A 10.0.0.300\n", "z:2: " },
		{ "a A\n", "z:1: data is missing" },
		{ "a A 10.0.0.1 x\n", "z:1: something is left" },
		{ "a SRV 1 2 3 x\n", "z:1: types are" },
		{ "a\n", "z:1: a type is missing" },
		{ "\n A 10.0.0.1\n", "z:2: the first record has no name" },
		{ "a SOA ns host ( 1 2\n 3 4\n", "not closed" },
		{ "a TXT \"x\n", "not closed" },
		{ "a TXT", "z:1: data is missing" },
		{ "a MX 70000 b\n", "z:1: this is no data" },
		{ "a AAAA 10.0.0.1\n", "z:1: this is no data" },
		{ "a..b A 10.0.0.1\n", "z:1: this is no name" },
		{ "$ORIGIN\n", "z:1: a value" },
		{ "$INCLUDE x\n", "z:1: there is $ORIGIN" },
		{ "$TTL soon\n", "z:1: this is no time" },
		{ "a 99999999999 A 10.0.0.1\n", "z:1: types are" },
		{ "a CNAME b\na A 10.0.0.1\n", "a. is an alias" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct sp_err err = { 0 };
		struct sp_mem_test t;
		struct sp_proto p;

		sp_mem_test_init(&t, UINT64_MAX);
		if (parse(&p, rows[i].text, &t.mem, &err) != -EINVAL)
			fail_msg("'%s' was taken", rows[i].text);
		assert_int_equal(err.exit, SP_EXIT_DATA);
		if (!strstr(err.text, rows[i].want))
			fail_msg("'%s': %s", rows[i].text, err.text);
		assert_int_equal(t.live, 0);
	}
}

static void test_allocations_that_fail(void **state)
{
	int rc = -1;

	(void)state;
	for (uint64_t n = 0; rc && n < 100; n++) {
		struct sp_err err = { 0 };
		struct sp_mem_test t;
		struct sp_proto p;

		sp_mem_test_init(&t, n);
		rc = parse(&p, zone_text, &t.mem, &err);
		if (rc)
			assert_int_equal(rc, -ENOMEM);
		else
			sp_zone_fini(&p.zone);
		assert_int_equal(t.live, 0);
	}
	assert_int_equal(rc, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_answers),
		cmocka_unit_test(test_an_alias_of_itself_ends),
		cmocka_unit_test(test_texts),
		cmocka_unit_test(test_synthetic),
		cmocka_unit_test(test_room),
		cmocka_unit_test(test_what_is_no_query),
		cmocka_unit_test(test_wrong_files),
		cmocka_unit_test(test_allocations_that_fail),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
