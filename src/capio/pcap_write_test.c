#include "capio/pcap_write.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char path[80];
static const struct sp_pcap_link ethernet = { SP_LINKTYPE_ETHERNET, "eth0" };

static int make_path(void **state)
{
	int fd;

	(void)state;
	strcpy(path, "/tmp/spate-pcap-XXXXXX");
	fd = mkstemp(path);
	return fd < 0 ? -1 : close(fd);
}

static int remove_path(void **state)
{
	(void)state;
	return unlink(path);
}

static size_t read_file(uint8_t *buf, size_t cap)
{
	int fd = open(path, O_RDONLY);
	ssize_t n = read(fd, buf, cap);

	assert_true(fd >= 0 && n >= 0);
	close(fd);
	return (size_t)n;
}

static off_t file_size(void)
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	return st.st_size;
}

static struct sp_pcap_writer *writer(void)
{
	struct sp_pcap_writer *w = NULL;
	struct sp_err err = { .code = 0 };

	assert_int_equal(sp_pcap_writer_open(&w, path, &ethernet, sp_mem_system(), &err), 0);
	return w;
}

static void bytes_are_those_of_the_format(void **state)
{
	/* clang-format off */
	static const uint8_t want[] = {
		0x4d, 0x3c, 0xb2, 0xa1, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, /* magic, 2.4 */
		0, 0, 4, 0, 1, 0, 0, 0, /* 262144, Ethernet */
		1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 3, 0, 0, 0, 'a', 'b', 'c',
		0xff, 0xff, 0xff, 0xff, 0xff, 0xc9, 0x9a, 0x3b, 0, 0, 0, 0, 0, 0, 0, 0,
	};
	/* clang-format on */
	struct sp_pcap_writer *w = writer();
	uint8_t got[200];

	(void)state;
	assert_int_equal(sp_pcap_writer_put(w, 1000000002, "abc", 3), 0);
	assert_int_equal(sp_pcap_writer_put(w, 4294967295999999999, NULL, 0), 0);
	assert_int_equal(sp_pcap_writer_put(w, 4294967296000000000, "x", 1), -ERANGE);
	assert_int_equal(sp_pcap_writer_put(w, -1, "x", 1), -ERANGE);
	assert_int_equal(sp_pcap_writer_put(w, 0, "x", SP_PCAP_SNAPLEN + 1), -EMSGSIZE);
	assert_int_equal(sp_pcap_writer_packets(w), 2);
	assert_int_equal(sp_pcap_writer_close(w), 0);
	assert_int_equal(read_file(got, sizeof got), sizeof want);
	assert_memory_equal(got, want, sizeof want);
}

static void buffers_are_written_whole(void **state)
{
	struct sp_pcap_writer *w = writer();
	uint8_t *big = calloc(1, SP_PCAP_SNAPLEN);
	off_t want = 24;

	(void)state;
	assert_non_null(big);
	for (uint32_t i = 0; i < 40; i++) {
		uint32_t len = i % 4 == 3 ? SP_PCAP_SNAPLEN : 70000;

		assert_int_equal(sp_pcap_writer_put(w, i, big, len), 0);
		want += 16 + len;
	}
	assert_true(file_size() < want);
	assert_int_equal(sp_pcap_writer_flush(w), 0);
	assert_int_equal(file_size(), want);
	assert_int_equal(sp_pcap_writer_close(w), 0);
	assert_int_equal(file_size(), want);
	free(big);
}

/* A file size limit stands for a full disk. */
static int flush_within(struct sp_pcap_writer *w, rlim_t bytes)
{
	struct rlimit old, lim;
	int r;

	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	lim = old;
	lim.rlim_cur = bytes;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &lim), 0);
	r = sp_pcap_writer_flush(w);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	return r;
}

static void put_packets(struct sp_pcap_writer *w, uint32_t n)
{
	static const uint8_t data[84];

	for (uint32_t i = 0; i < n; i++)
		assert_int_equal(sp_pcap_writer_put(w, i, data, sizeof data), 0);
}

static void an_error_stays(void **state)
{
	struct sp_pcap_writer *w = writer();

	(void)state;
	put_packets(w, 30);
	assert_int_equal(sp_pcap_writer_flush(w), 0);
	put_packets(w, 2);
	assert_int_equal(flush_within(w, 1000), -EFBIG);
	assert_int_equal(sp_pcap_writer_packets(w), 30);
	assert_int_equal(sp_pcap_writer_lost(w), 2);
	assert_int_equal(sp_pcap_writer_put(w, 0, path, 20), -EFBIG);
	assert_int_equal(sp_pcap_writer_flush(w), -EFBIG);
	assert_int_equal(sp_pcap_writer_close(w), -EFBIG);
	assert_int_equal(file_size(), 24 + 30 * 100);
}

static void a_partial_write_is_cut_off(void **state)
{
	struct sp_pcap_writer *w = writer();

	(void)state;
	put_packets(w, 5);
	assert_int_equal(sp_pcap_writer_flush(w), 0);
	put_packets(w, 25);
	/* in the middle of the eleventh */
	assert_int_equal(flush_within(w, 24 + 10 * 100 + 50), -EFBIG);
	assert_int_equal(sp_pcap_writer_packets(w), 10);
	assert_int_equal(sp_pcap_writer_lost(w), 20);
	assert_int_equal(sp_pcap_writer_close(w), -EFBIG);
	assert_int_equal(file_size(), 24 + 10 * 100);
}

static void a_full_disk_is_known_at_once(void **state)
{
	struct sp_pcap_writer *w = NULL;
	struct sp_err err = { .code = 0 };

	(void)state;
	assert_int_equal(sp_pcap_writer_open(&w, "/dev/full", &ethernet, sp_mem_system(), &err),
			 -ENOSPC);
	assert_int_equal(err.exit, SP_EXIT_IO);
	assert_non_null(strstr(err.text, "/dev/full"));
	assert_int_equal(
		sp_pcap_writer_open(&w, "/nowhere/x", &ethernet, sp_mem_system(), &err),
		-ENOENT);
	assert_int_equal(sp_pcap_writer_close(NULL), 0);
}

static void survives_lack_of_memory(void **state)
{
	(void)state;
	for (uint64_t fail = 0; fail < 2; fail++) {
		struct sp_pcap_writer *w;
		struct sp_err err = { .code = 0 };
		struct sp_mem_test t;

		sp_mem_test_init(&t, fail);
		assert_int_equal(sp_pcap_writer_open(&w, path, &ethernet, &t.mem, &err),
				 -ENOMEM);
		assert_int_equal(t.live, 0);
	}
}

static struct sp_pcap_writer *ng_writer(void)
{
	char to[80];

	snprintf(to, sizeof to, "%.60s.pcapng", path);
	assert_int_equal(rename(path, to), 0);
	strcpy(path, to);
	return writer();
}

static uint32_t word_at(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof v);
	return v;
}

/* Each block says its length at both ends; types are those of the format. */
static void pcapng_is_a_chain_of_blocks(void **state)
{
	static const uint32_t types[] = { 0x0a0d0d0a, 1, 6, 6, 6, 5 };
	struct sp_pcap_writer *w = ng_writer();
	uint8_t b[1000];
	size_t len, off = 0, n = 0;

	(void)state;
	assert_int_equal(sp_pcap_writer_put(w, 1000000002, "abc", 3), 0);
	assert_int_equal(sp_pcap_writer_put(w, 4294967296000000000, "abcd", 4), 0); /* 2106 */
	assert_int_equal(sp_pcap_writer_put(w, 3, NULL, 0), 0);
	assert_int_equal(sp_pcap_writer_put(w, -1, "x", 1), -ERANGE);
	sp_pcap_writer_stats(w, 5, 2);
	assert_int_equal(sp_pcap_writer_close(w), 0);
	len = read_file(b, sizeof b);
	for (; off < len; off += word_at(b + off + 4), n++) {
		assert_true(n < sizeof types / sizeof *types);
		assert_int_equal(word_at(b + off), types[n]);
		assert_int_equal(word_at(b + off + 4) % 4, 0);
		assert_int_equal(word_at(b + off + word_at(b + off + 4) - 4),
				 word_at(b + off + 4));
		if (n == 2) {
			assert_int_equal(word_at(b + off + 16), 1000000002);
			assert_int_equal(word_at(b + off + 20), 3);
			assert_memory_equal(b + off + 28, "abc\0", 4);
		}
	}
	assert_int_equal(off, len);
	assert_int_equal(n, sizeof types / sizeof *types);
}

static void pcapng_is_cut_off_behind_a_block(void **state)
{
	struct sp_pcap_writer *w = ng_writer();
	off_t begin = file_size();

	(void)state;
	put_packets(w, 5); /* 116 bytes each */
	assert_int_equal(sp_pcap_writer_flush(w), 0);
	put_packets(w, 25);
	assert_int_equal(flush_within(w, (rlim_t)begin + 10 * 116 + 50), -EFBIG);
	assert_int_equal(sp_pcap_writer_packets(w), 10);
	assert_int_equal(sp_pcap_writer_lost(w), 20);
	sp_pcap_writer_stats(w, 30, 20);
	assert_int_equal(sp_pcap_writer_close(w), -EFBIG);
	assert_int_equal(file_size(), begin + 10 * 116);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, make_path, remove_path)
	const struct CMUnitTest tests[] = {
		T(bytes_are_those_of_the_format),
		T(buffers_are_written_whole),
		T(an_error_stays),
		T(a_partial_write_is_cut_off),
		T(a_full_disk_is_known_at_once),
		T(survives_lack_of_memory),
		T(pcapng_is_a_chain_of_blocks),
		T(pcapng_is_cut_off_behind_a_block),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
