#include "capio/read.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <zlib.h>
#include <zstd.h>

/* A file that is put together piece by piece, in one byte order or the other. */
struct file {
	uint8_t bytes[1 << 16];
	size_t len;
	bool big;
};

static void put16(struct file *f, uint16_t v)
{
	v = f->big ? __builtin_bswap16(v) : v;
	memcpy(f->bytes + f->len, &v, sizeof v);
	f->len += sizeof v;
}

static void put32(struct file *f, uint32_t v)
{
	v = f->big ? __builtin_bswap32(v) : v;
	memcpy(f->bytes + f->len, &v, sizeof v);
	f->len += sizeof v;
}

static void put_data(struct file *f, size_t len)
{
	for (size_t i = 0; i < len; i++)
		f->bytes[f->len++] = (uint8_t)i;
}

static void pcap_header(struct file *f, uint32_t magic, uint32_t link)
{
	put32(f, magic);
	put16(f, 2);
	put16(f, 4);
	put32(f, 0);
	put32(f, 0);
	put32(f, 65535);
	put32(f, link);
}

static void pcap_packet(struct file *f, uint32_t sec, uint32_t frac, uint32_t len,
			uint32_t orig)
{
	put32(f, sec);
	put32(f, frac);
	put32(f, len);
	put32(f, orig);
	put_data(f, len);
}

/* Blocks: everything between the two lengths is the caller's. */
static size_t ng_begin(struct file *f, uint32_t type)
{
	put32(f, type);
	put32(f, 0);
	return f->len - 4;
}

static void ng_end(struct file *f, size_t at)
{
	size_t end, len;

	while (f->len % 4)
		f->bytes[f->len++] = 0;
	len = f->len - at + 8;
	end = f->len;
	f->len = at;
	put32(f, (uint32_t)len);
	f->len = end;
	put32(f, (uint32_t)len);
}

static void ng_section(struct file *f)
{
	size_t at = ng_begin(f, 0x0a0d0d0a);

	put32(f, 0x1a2b3c4d);
	put16(f, 1);
	put16(f, 0);
	put32(f, UINT32_MAX);
	put32(f, UINT32_MAX);
	ng_end(f, at);
}

/* resolution 0: not said */
static void ng_interface(struct file *f, uint16_t link, uint8_t resolution)
{
	size_t at = ng_begin(f, 1);

	put16(f, link);
	put16(f, 0);
	put32(f, 0);
	if (resolution) {
		put16(f, 9);
		put16(f, 1);
		f->bytes[f->len++] = resolution;
		f->len += 3;
	}
	ng_end(f, at);
}

static void ng_packet(struct file *f, uint32_t interface, uint64_t t, uint32_t len)
{
	size_t at = ng_begin(f, 6);

	put32(f, interface);
	put32(f, (uint32_t)(t >> 32));
	put32(f, (uint32_t)t);
	put32(f, len);
	put32(f, len);
	put_data(f, len);
	ng_end(f, at);
}

struct got {
	uint64_t n;
	int rc;
	struct sp_err err;
	struct sp_read_odd odd;
	struct sp_cap_packet p[8];
};

static const char *write_file(const void *bytes, size_t len)
{
	static char path[64];
	int fd;

	strcpy(path, "/tmp/spate-read-test-XXXXXX");
	fd = mkstemp(path);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, len), (ssize_t)len);
	close(fd);
	return path;
}

static void read_bytes(struct got *g, const void *bytes, size_t len)
{
	const char *path = write_file(bytes, len);
	struct sp_cap_packet p;
	struct sp_cap *c;

	memset(g, 0, sizeof *g);
	g->rc = sp_cap_open(&c, path, sp_mem_system(), &g->err);
	while (!g->rc && (g->rc = sp_cap_next(c, &p, &g->err)) == 1) {
		for (uint32_t i = 0; i < p.len; i++)
			assert_int_equal(p.data[i], (uint8_t)i);
		if (g->n < 8)
			g->p[g->n] = p;
		g->n++;
		g->rc = 0;
	}
	if (c)
		g->odd = *sp_cap_odd(c);
	sp_cap_close(c);
	unlink(path);
}

static void reads_classic_files(void **state)
{
	static const struct {
		uint32_t magic, frac;
		bool big;
	} rows[] = { { 0xa1b2c3d4, 500000, false },
		     { 0xa1b2c3d4, 500000, true },
		     { 0xa1b23c4d, 500000000, false },
		     { 0xa1b23c4d, 500000000, true } };
	struct got g;

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct file f = { .big = rows[i].big };

		pcap_header(&f, rows[i].magic, 0x24000001); /* 4 octets of FCS */
		pcap_packet(&f, 1700000000, rows[i].frac, 60, 60);
		pcap_packet(&f, 1700000001, 0, 20, 1500);
		read_bytes(&g, f.bytes, f.len);
		assert_int_equal(g.rc, 0);
		assert_int_equal(g.n, 2);
		assert_true(g.p[0].t_ns == 1700000000500000000);
		assert_int_equal(g.p[0].fcs_len, 4);
		assert_int_equal(g.p[0].link, SP_LINK_ETHERNET);
		assert_int_equal(g.p[0].offset, 24);
		assert_int_equal(g.p[1].number, 2);
		assert_int_equal(g.p[1].len, 20);
		assert_int_equal(g.p[1].orig_len, 1500);
	}
}

static void reads_pcapng(void **state)
{
	struct file f = { 0 };
	struct got g;
	size_t at;

	(void)state;
	ng_section(&f);
	ng_interface(&f, 1, 0);
	ng_interface(&f, 101, 9);
	ng_interface(&f, 276, 0x80 | 10);
	ng_packet(&f, 0, 1700000000000001, 61);
	at = ng_begin(&f, 0xbad);
	put_data(&f, 100);
	ng_end(&f, at);
	ng_packet(&f, 1, 1700000000000000002, 40);
	ng_packet(&f, 2, 1700000001ull << 10 | 512, 0);
	f.big = true;
	ng_section(&f);
	ng_interface(&f, 1, 0);
	at = ng_begin(&f, 3);
	put32(&f, 70);
	put_data(&f, 70);
	ng_end(&f, at);
	read_bytes(&g, f.bytes, f.len);
	assert_string_equal(g.err.text, "");
	assert_int_equal(g.n, 4);
	assert_true(g.p[0].t_ns == 1700000000000001000);
	assert_true(g.p[1].t_ns == 1700000000000000002);
	assert_true(g.p[2].t_ns == 1700000001500000000);
	assert_int_equal(g.p[1].link, SP_LINK_RAW);
	assert_int_equal(g.p[2].link, SP_LINK_SLL2);
	assert_int_equal(g.p[3].interface, 3);
	assert_int_equal(g.p[3].len, 70);
	assert_false(g.p[3].timed);
	assert_int_equal(g.odd.other_blocks, 1);
	assert_int_equal(g.odd.untimed, 1);
	assert_int_equal(g.odd.back_in_time, 1);
}

static void reads_what_is_compressed(void **state)
{
	static uint8_t out[1 << 16];
	struct file f = { 0 };
	z_stream z = { 0 };
	struct got g;
	size_t n;

	(void)state;
	pcap_header(&f, 0xa1b2c3d4, 1);
	for (int i = 0; i < 500; i++)
		pcap_packet(&f, (uint32_t)i, 0, 60, 60);
	assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, MAX_WBITS + 16, 8, 0), Z_OK);
	z.next_in = f.bytes;
	z.avail_in = (uInt)f.len;
	z.next_out = out;
	z.avail_out = sizeof out;
	assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
	n = z.total_out;
	deflateEnd(&z);
	read_bytes(&g, out, n);
	assert_int_equal(g.n, 500);
	assert_int_equal(g.rc, 0);
	read_bytes(&g, out, n - 20);
	assert_int_equal(g.rc, -EBADMSG);
	assert_int_equal(g.err.exit, SP_EXIT_DATA);
	assert_non_null(strstr(g.err.text, "gzip data are damaged or cut short"));

	n = ZSTD_compress(out, sizeof out, f.bytes, f.len, 3);
	assert_false(ZSTD_isError(n));
	read_bytes(&g, out, n);
	assert_int_equal(g.n, 500);
	out[n / 2] ^= 0xff;
	out[n / 2 + 1] ^= 0xff;
	read_bytes(&g, out, n - 4);
	assert_int_equal(g.rc, -EBADMSG);
}

static void names_the_place_of_damage(void **state)
{
	struct file f = { 0 };
	struct got g;
	size_t whole;

	(void)state;
	pcap_header(&f, 0xa1b2c3d4, 1);
	pcap_packet(&f, 1, 0, 60, 60);
	whole = f.len;
	pcap_packet(&f, 2, 0, 60, 60);
	read_bytes(&g, f.bytes, f.len - 1);
	assert_int_equal(g.n, 1);
	assert_int_equal(g.rc, -EBADMSG);
	assert_int_equal(g.err.exit, SP_EXIT_DATA);
	assert_non_null(
		strstr(g.err.text, "packet 2 at byte 100: the file ends in the middle"));
	f.len = whole;
	pcap_packet(&f, 2, 0, 0, 60);
	f.len -= 8;
	put32(&f, 256u << 20);
	put32(&f, 60);
	read_bytes(&g, f.bytes, f.len);
	assert_int_equal(g.n, 1);
	assert_non_null(strstr(g.err.text, "268435456 octets is not to be believed"));

	memset(&f, 0, sizeof f);
	ng_section(&f);
	ng_interface(&f, 1, 0);
	ng_packet(&f, 0, 1, 60);
	whole = f.len;
	ng_packet(&f, 7, 2, 60);
	read_bytes(&g, f.bytes, f.len);
	assert_int_equal(g.n, 1);
	assert_non_null(strstr(g.err.text, "from interface 7, and there are 1"));
	f.len = whole;
	ng_packet(&f, 0, 2, 60);
	f.bytes[f.len - 1] ^= 1;
	read_bytes(&g, f.bytes, f.len);
	assert_int_equal(g.n, 1);
	assert_non_null(strstr(g.err.text, "at its beginning"));
}

static void refuses_what_is_no_capture(void **state)
{
	struct file f = { 0 };
	struct got g;

	(void)state;
	read_bytes(&g, "", 0);
	assert_non_null(strstr(g.err.text, "is empty"));
	read_bytes(&g, "hello, world, this is a text", 28);
	assert_non_null(strstr(g.err.text, "this is no capture"));
	assert_int_equal(g.err.exit, SP_EXIT_DATA);
	pcap_header(&f, 0xa1b2c3d4, 147);
	read_bytes(&g, f.bytes, f.len);
	assert_non_null(strstr(g.err.text, "link type 147 is for private use"));
	memset(&f, 0, sizeof f);
	ng_section(&f);
	ng_interface(&f, 162, 0);
	read_bytes(&g, f.bytes, f.len);
	assert_non_null(strstr(g.err.text, "link type 162 is for private use"));
	memset(&f, 0, sizeof f);
	ng_section(&f);
	ng_interface(&f, 1, 0xff);
	ng_packet(&f, 0, 1, 1);
	read_bytes(&g, f.bytes, f.len);
	assert_int_equal(g.n, 0);
	assert_non_null(strstr(g.err.text, "2^-127 s"));
}

static void says_what_is_missing(void **state)
{
	struct sp_err err = { 0 };
	struct sp_cap *c;

	(void)state;
	assert_int_equal(sp_cap_open(&c, "/nowhere/x.pcap", sp_mem_system(), &err), -ENOENT);
	assert_int_equal(err.exit, SP_EXIT_NOINPUT);
	assert_int_equal(sp_cap_open(&c, "/tmp", sp_mem_system(), &err), -EISDIR);
	assert_null(c);
}

static void carries_odd_fractions(void **state)
{
	struct file f = { 0 };
	struct got g;

	(void)state;
	pcap_header(&f, 0xa1b2c3d4, 12);
	pcap_packet(&f, 5, 1000000, 30, 20);
	pcap_packet(&f, 1, 0, 30, 30);
	read_bytes(&g, f.bytes, f.len);
	assert_int_equal(g.n, 2);
	assert_true(g.p[0].t_ns == 6000000000);
	assert_int_equal(g.p[0].link, SP_LINK_RAW);
	assert_int_equal(g.p[0].orig_len, 30);
	assert_int_equal(g.odd.bad_fraction, 1);
	assert_int_equal(g.odd.above_original, 1);
	assert_int_equal(g.odd.back_in_time, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_classic_files),
		cmocka_unit_test(reads_pcapng),
		cmocka_unit_test(reads_what_is_compressed),
		cmocka_unit_test(names_the_place_of_damage),
		cmocka_unit_test(refuses_what_is_no_capture),
		cmocka_unit_test(says_what_is_missing),
		cmocka_unit_test(carries_odd_fractions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
