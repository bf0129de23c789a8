/* Extraction with a protocol that nobody has: what goes in is written packet for packet, what comes
 * out is read back. */
#include "capture/extract.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "capio/pcap_write.h"
#include "capture/extract_frame.h"
#include "capture/toy_codec_test.h"

#define MS    1000000ull
#define START (SP_EXTRACT_EPOCH_NS + 5000000000)

struct rig {
	char folder[64], in[80], out[80];
	const char *input;
	struct sp_pcap_writer *w;
	int64_t t;
	struct sp_extract_conf conf;
	struct sp_extract_part part[2];
	struct sp_extract_result result;
	struct sp_err err;
	char remarks[4096];
	/* What came out. */
	unsigned n;
	int64_t time[64];
	char text[64][256]; /* "10.0.0.1:5 TYB.TYx." of each: payload with lengths as dots */
	uint8_t flags[64];
	uint32_t seq[64];
};

static void remark(void *arg, const char *text)
{
	struct rig *r = arg;

	strcat(r->remarks, text);
	strcat(r->remarks, "\n");
}

static int setup(void **state)
{
	static const struct sp_pcap_link link = { SP_LINKTYPE_ETHERNET, NULL };
	struct rig *r = calloc(1, sizeof *r);

	strcpy(r->folder, "/tmp/spate-extract-XXXXXX");
	assert_non_null(mkdtemp(r->folder));
	snprintf(r->in, sizeof r->in, "%s/in.pcap", r->folder);
	snprintf(r->out, sizeof r->out, "%s/out", r->folder);
	assert_int_equal(sp_pcap_writer_open(&r->w, r->in, &link, sp_mem_system(), &r->err), 0);
	r->t = 1000000000;
	sp_extract_defaults(&r->conf);
	r->input = r->in;
	r->conf.inputs = &r->input;
	r->conf.n_inputs = 1;
	r->conf.folder = r->out;
	r->conf.parts = r->part;
	r->conf.n_parts = 1;
	r->conf.remark = remark;
	r->conf.remark_arg = r;
	r->part[0] = (struct sp_extract_part){ .section = "toy",
					       .codec = &toy_codec,
					       .over = SP_CODEC_TCP };
	*state = r;
	return 0;
}

static int teardown(void **state)
{
	static const char *const names[] = { "out/traffic.pcap", "out/traffic-reproducer.yml",
					     "out/traffic-info.json", "in.pcap" };
	struct rig *r = *state;
	char path[160];

	for (unsigned i = 0; i < sizeof names / sizeof *names; i++) {
		snprintf(path, sizeof path, "%s/%s", r->folder, names[i]);
		unlink(path);
	}
	rmdir(r->out);
	rmdir(r->folder);
	free(r);
	return 0;
}

static struct sp_endpoint at(const char *text, uint16_t port)
{
	struct sp_endpoint e = { .port = port };

	assert_int_equal(sp_addr_parse(text, &e.addr), 0);
	return e;
}

/* "TYx." -> its message: the dot is the length, which ends with the next T or the text. */
static uint32_t message_bytes(const char *text, uint8_t *out)
{
	uint32_t n = (uint32_t)strlen(text);

	memcpy(out, text, n);
	for (uint32_t i = 0, from = 0; i <= n; i++)
		if (i == n || (i > from && text[i] == 'T' && text[i + 1] == 'Y')) {
			if (i - from > 3 && text[from + 3] == '.')
				out[from + 3] = (uint8_t)(i - from);
			from = i;
		}
	return n;
}

static void put(struct rig *r, const uint8_t *frame, size_t len)
{
	assert_int_equal(sp_pcap_writer_put(r->w, r->t += 1000, frame, (uint32_t)len), 0);
}

static void udp(struct rig *r, const char *src, uint16_t sport, const char *text)
{
	struct sp_endpoint a = at(src, sport), b = at("10.9.9.9", 777);
	uint8_t buf[SP_EXTRACT_HEADERS + 512], *frame;
	uint32_t n = message_bytes(text, buf + SP_EXTRACT_HEADERS);

	frame = sp_extract_udp_frame(buf, &a, &b, n);
	put(r, frame, (size_t)(buf + SP_EXTRACT_HEADERS + n - frame));
}

struct side {
	struct sp_endpoint src, dst;
	struct sp_extract_tcp tcp;
};

static struct side side(const char *src, uint16_t sport, const char *dst, uint16_t dport)
{
	return (struct side){ at(src, sport), at(dst, dport), { .seq = 1000 } };
}

static void tcp(struct rig *r, struct side *s, const char *text)
{
	uint8_t buf[SP_EXTRACT_HEADERS + 512], *frame;
	uint32_t n = message_bytes(text, buf + SP_EXTRACT_HEADERS);

	frame = sp_extract_tcp_frame(buf, &s->src, &s->dst, &s->tcp, n);
	put(r, frame, (size_t)(buf + SP_EXTRACT_HEADERS + n - frame));
}

static void read_out(struct rig *r, const char *path)
{
	struct sp_cap_packet pkt;
	struct sp_cap_view view;
	struct sp_cap *cap;

	r->n = 0;
	assert_int_equal(sp_cap_open(&cap, path, sp_mem_system(), &r->err), 0);
	while (sp_cap_next(cap, &pkt, &r->err) > 0) {
		char *text = r->text[r->n];
		size_t n;

		sp_cap_view(&pkt, &view);
		assert_null(view.odd);
		sp_endpoint_format(text, 72, &view.v.src);
		n = strlen(text);
		text[n++] = ' ';
		for (uint32_t i = 0; i < view.v.payload_len; i++) {
			uint8_t c = pkt.data[view.v.payload_off + i];

			text[n++] = c < ' ' ? '.' : (char)c;
		}
		text[n] = '\0';
		r->time[r->n] = pkt.t_ns;
		r->flags[r->n] = view.v.tcp_flags;
		r->seq[r->n++] = view.seq;
	}
	sp_cap_close(cap);
}

static int extract(struct rig *r)
{
	char path[160];
	int rc;

	if (r->w)
		assert_int_equal(sp_pcap_writer_close(r->w), 0);
	r->w = NULL;
	rc = sp_extract(&r->conf, sp_mem_system(), &r->result, &r->err);
	r->n = 0;
	snprintf(path, sizeof path, "%s/traffic.pcap", r->out);
	if (rc != 0 && r->result.packets == 0) {
		assert_int_equal(access(path, F_OK), -1);
		return rc;
	}
	read_out(r, path);
	assert_int_equal(r->n, r->result.packets);
	return rc;
}

static void came(const struct rig *r, unsigned i, int64_t t, const char *text)
{
	assert_true(i < r->n);
	assert_string_equal(r->text[i], text);
	assert_int_equal(r->time[i], t);
}

static char *file_text(struct rig *r, const char *name)
{
	struct sp_str s;
	char path[160], *text;

	snprintf(path, sizeof path, "%s/%s", r->out, name);
	sp_str_init(&s, sp_mem_system());
	assert_int_equal(sp_file_read(&s, path, 1 << 20, &r->err), 0);
	text = strdup(s.text);
	sp_str_fini(&s);
	return text;
}

static void test_session(void **state)
{
	struct rig *r = *state;
	struct side a = side("10.0.0.1", 5000, "10.9.9.9", 777);
	char *text;

	tcp(r, &a, "");
	tcp(r, &a, "TYB.TYx.1");
	tcp(r, &a, "TYx.2TYx.");
	tcp(r, &a, "");
	assert_int_equal(extract(r), 0);
	assert_string_equal(r->remarks, "");
	assert_int_equal(r->n, 2);
	came(r, 0, START, "10.0.0.1:5000 TYB.");
	/* The last message has no body: its text is "TYx.", as it was cut by nothing. */
	came(r, 1, START + (int64_t)MS, "10.0.0.1:5000 TYx.1TYx.2TYx.");
	assert_int_equal(r->flags[0], 2);
	assert_int_equal(r->flags[1], 24);
	assert_int_equal(r->seq[0], 0);
	assert_int_equal(r->seq[1], 5);
	assert_int_equal(r->result.messages, 4);
	assert_int_equal(r->result.sessions, 1);
	text = file_text(r, "traffic-info.json");
	assert_string_equal(text, "{\n   \"TOY Information\": {\n      \"10.0.0.1\": {\n"
				  "         \"messages\": 4\n      }\n   }\n}\n");
	free(text);
}

static void test_waits(void **state)
{
	struct rig *r = *state;
	struct side a = side("10.0.0.1", 5000, "10.9.9.9", 777);
	int64_t s = 1000000000;

	tcp(r, &a, "");
	tcp(r, &a, "TYO.TYK.TYx.TYP.1TYP.2TYx.TYx.TYE.");
	assert_int_equal(extract(r), 0);
	assert_int_equal(r->n, 6);
	came(r, 0, START, "10.0.0.1:5000 TYO.");
	came(r, 1, START + s + (int64_t)MS, "10.0.0.1:5000 TYK.");
	came(r, 2, START + s + 2 * (int64_t)MS, "10.0.0.1:5000 TYx.");
	came(r, 3, START + 6 * s + 3 * (int64_t)MS, "10.0.0.1:5000 TYP.1TYP.2");
	came(r, 4, START + 6 * s + 4 * (int64_t)MS, "10.0.0.1:5000 TYx.TYx.");
	came(r, 5, START + 6 * s + 5 * (int64_t)MS, "10.0.0.1:5000 TYE.");
}

static void test_one_message_a_segment(void **state)
{
	struct rig *r = *state;
	struct side a = side("2001:db8::1", 5000, "2001:db8::9", 777);

	r->conf.tcp_payload_size = 1;
	r->conf.initial_delay_ns = 0;
	r->conf.inter_packet_delay_ns = 1000000000;
	tcp(r, &a, "");
	tcp(r, &a, "TYB.TYx.TYx.");
	assert_int_equal(extract(r), 0);
	assert_int_equal(r->n, 3);
	came(r, 2, SP_EXTRACT_EPOCH_NS + 2000000000, "[2001:db8::1]:5000 TYx.");
}

static bool no_x(const void *arg, const uint8_t *m, size_t len)
{
	(void)arg, (void)len;
	return m[2] != 'x';
}

static int from_one(const void *arg, const struct sp_cap_packet *pkt,
		    const struct sp_cap_view *v)
{
	(void)arg, (void)pkt;
	return v->v.src.addr.ip[3] == 1;
}

static void test_selectors(void **state)
{
	struct rig *r = *state;
	struct side a = side("10.0.0.1", 5000, "10.9.9.9", 777);
	struct side b = side("10.0.0.2", 5000, "10.9.9.9", 777);

	r->part[0].keeps = no_x;
	r->part[0].wants = from_one;
	tcp(r, &a, "");
	tcp(r, &b, "");
	tcp(r, &b, "TYB.TYy.");
	tcp(r, &a, "TYB.TYx.TYy.");
	assert_int_equal(extract(r), 0);
	assert_int_equal(r->n, 2);
	came(r, 0, START, "10.0.0.1:5000 TYB.");
	came(r, 1, START + (int64_t)MS, "10.0.0.1:5000 TYy.");
}

/* A session is one direction of one connection; whole ones follow each other, in the order in which
 * they were first seen; a port that is used again gets another number. */
static void test_sessions(void **state)
{
	struct rig *r = *state;
	struct side a = side("10.0.0.1", 5000, "10.9.9.9", 777);
	struct side b = side("10.0.0.1", 5001, "10.9.9.9", 777), c = a;

	c.tcp.seq = 900000;
	tcp(r, &a, "");
	tcp(r, &b, "");
	tcp(r, &b, "TYB.b");
	tcp(r, &a, "TYB.a");
	tcp(r, &b, "TYx.b");
	tcp(r, &a, "TYx.a");
	tcp(r, &c, "");
	tcp(r, &c, "TYB.c");
	assert_int_equal(extract(r), 0);
	assert_int_equal(r->n, 5);
	came(r, 0, START, "10.0.0.1:5000 TYB.a");
	came(r, 1, START + (int64_t)MS, "10.0.0.1:5000 TYx.a");
	came(r, 2, START + 2 * (int64_t)MS, "10.0.0.1:5001 TYB.b");
	came(r, 3, START + 3 * (int64_t)MS, "10.0.0.1:5001 TYx.b");
	came(r, 4, START + 4 * (int64_t)MS, "10.0.0.1:49152 TYB.c");
	assert_int_equal(r->result.sessions, 3);
}

/* Without its beginning it is left out, and named; nothing at all is an error. */
static void test_headless(void **state)
{
	struct rig *r = *state;
	struct side a = side("10.0.0.1", 5000, "10.9.9.9", 777);

	tcp(r, &a, "");
	tcp(r, &a, "TYx.TYy.");
	assert_int_equal(extract(r), -ENODATA);
	assert_int_equal(r->err.exit, SP_EXIT_DATA);
	assert_int_equal(r->result.left_out, 1);
	assert_non_null(strstr(r->remarks, "10.0.0.1:5000 -> 10.9.9.9:777 does not begin"));
	assert_int_equal(access(r->out, F_OK), -1);
}

/* It begins where the first message that can begin one is, behind whatever was there. */
static void test_late_beginning(void **state)
{
	struct rig *r = *state;
	struct side a = side("10.0.0.1", 5000, "10.9.9.9", 777);

	a.tcp.begun = true; /* no SYN */
	tcp(r, &a, "rest of somethingTY");
	tcp(r, &a, "TYx.TYy.");
	tcp(r, &a, "TYB.TYz.");
	assert_int_equal(extract(r), 0);
	assert_int_equal(r->n, 2);
	came(r, 0, START, "10.0.0.1:5000 TYB.");
	came(r, 1, START + (int64_t)MS, "10.0.0.1:5000 TYz.");
	assert_string_equal(r->remarks, "");
}

static void test_gap(void **state)
{
	struct rig *r = *state;
	struct side a = side("10.0.0.1", 5000, "10.9.9.9", 777);

	tcp(r, &a, "");
	tcp(r, &a, "TYB.TYx.TY");
	a.tcp.seq += 100;
	tcp(r, &a, "TYz.TYz.");
	assert_int_equal(extract(r), 0);
	assert_int_equal(r->n, 2);
	came(r, 1, START + (int64_t)MS, "10.0.0.1:5000 TYx.");
	assert_non_null(strstr(r->remarks, "lacks a part of it (100 octets)"));
}

static void test_disorder(void **state)
{
	struct rig *r = *state;
	struct side a = side("10.0.0.1", 5000, "10.9.9.9", 777), was;

	tcp(r, &a, "");
	was = a;
	tcp(r, &a, "TYB.");
	tcp(r, &was, "TYB."); /* again */
	was = a;
	a.tcp.seq += 4;
	tcp(r, &a, "TYy.");
	tcp(r, &was, "TYx.");
	tcp(r, &a, "TYz.half");
	a.tcp.seq -= 4;
	assert_int_equal(extract(r), 0);
	assert_int_equal(r->n, 4);
	came(r, 1, START + (int64_t)MS, "10.0.0.1:5000 TYx.");
	came(r, 2, START + 2 * (int64_t)MS, "10.0.0.1:5000 TYy.");
	came(r, 3, START + 3 * (int64_t)MS, "10.0.0.1:5000 TYz.half");
}

static void test_no_message(void **state)
{
	struct rig *r = *state;
	struct side a = side("10.0.0.1", 5000, "10.9.9.9", 777);

	tcp(r, &a, "");
	tcp(r, &a, "TYB.TYx.");
	tcp(r, &a, "something else");
	tcp(r, &a, "TYx.TYx.");
	assert_int_equal(extract(r), 0);
	assert_int_equal(r->n, 2);
	assert_non_null(strstr(r->remarks, "this is no message"));
}

static void test_datagrams(void **state)
{
	struct rig *r = *state;

	r->part[0].over = SP_CODEC_UDP;
	udp(r, "10.0.0.1", 40, "TYU.before");
	udp(r, "10.0.0.2", 40, "TYx.");
	udp(r, "10.0.0.1", 40, "TYD.");
	udp(r, "10.0.0.2", 40, "TYU.other source");
	udp(r, "10.0.0.1", 41, "TYU.after");
	udp(r, "10.0.0.1", 41, "no message");
	assert_int_equal(extract(r), 0);
	assert_int_equal(r->n, 3);
	came(r, 0, START, "10.0.0.2:40 TYx.");
	came(r, 1, START + (int64_t)MS, "10.0.0.1:40 TYD.");
	came(r, 2, START + 2 * (int64_t)MS, "10.0.0.1:41 TYU.after");
	assert_int_equal(r->result.sessions, 2);
	assert_non_null(strstr(r->remarks, "1 datagrams are no messages"));
	assert_non_null(strstr(r->remarks, "2 messages hold data whose template"));
}

/* Parts follow each other; a generic one is only retimed. */
static void test_parts(void **state)
{
	struct rig *r = *state;
	struct side a = side("10.0.0.1", 5000, "10.9.9.9", 777);
	char *text;

	r->conf.n_parts = 2;
	r->part[1] = (struct sp_extract_part){ .section = "udp_generic",
					       .over = SP_CODEC_UDP,
					       .collector_ip = "fd00::",
					       .collector_port = "99" };
	r->conf.file.map = &(const struct sp_extract_map){ at("10.0.0.9", 0).addr,
							   "127.0.0.1" };
	r->conf.file.n_map = 1;
	r->conf.file.keep_open = true;
	r->conf.file.so_sndbuf = "4096";
	r->conf.file.more = "extra: 1\n";
	udp(r, "10.0.0.3", 40, "anything");
	tcp(r, &a, "");
	tcp(r, &a, "TYB.");
	assert_int_equal(extract(r), 0);
	assert_int_equal(r->n, 2);
	came(r, 0, START, "10.0.0.1:5000 TYB.");
	came(r, 1, START + 1000000000, "10.0.0.3:40 anything");
	text = file_text(r, "traffic-reproducer.yml");
	assert_non_null(strstr(text, "/out/traffic.pcap\n"));
	assert_string_equal(
		strchr(text, '\n') + 1,
		"toy:\n  collector:\n    ip: <MISSING_PARAM>\n    port: <MISSING_PARAM>\n"
		"udp_generic:\n  collector:\n    ip: \"fd00::\"\n    port: 99\n"
		"time_factor: 1\nkeep_open: true\nno_sync: false\noptimize:\n"
		"  threading: false\n  preload: false\n  network:\n    so_sndbuf: 4096\n"
		"    so_rcvbuf: null\nnetwork:\n  interface: null\n  map:\n"
		"  - src_ip: 10.0.0.9\n    repro_ip: 127.0.0.1\n"
		"  - src_ip: 10.0.0.1\n    repro_ip: <MISSING_PARAM>\n"
		"  - src_ip: 10.0.0.3\n    repro_ip: <MISSING_PARAM>\nextra: 1\n");
	free(text);
	text = file_text(r, "traffic-info.json");
	assert_non_null(strstr(text, "\"UDP_GENERIC Information\": null"));
	free(text);
}

/* Who only opens and holds the session while the other one talks is a collector. */
static void test_guess(void **state)
{
	struct rig *r = *state;
	struct side a = side("10.0.0.1", 5000, "10.9.9.9", 777);
	struct side b = side("10.9.9.9", 777, "10.0.0.1", 5000);
	struct side web = side("10.0.0.7", 6000, "10.9.9.9", 80);

	r->part[0].guess = true;
	tcp(r, &a, "");
	tcp(r, &b, "");
	tcp(r, &web, "");
	tcp(r, &web, "GET / HTTP/1.1");
	tcp(r, &b, "TYB.TYK.");
	tcp(r, &a, "TYB.TYK.TYx.");
	assert_int_equal(extract(r), 0);
	assert_int_equal(r->n, 3);
	came(r, 2, START + 2 * (int64_t)MS, "10.0.0.1:5000 TYx.");
	assert_non_null(strstr(r->remarks, "10.9.9.9:777 only opens"));
	assert_null(strstr(r->remarks, "10.0.0.7"));
}

/* Messages that are longer than a segment are cut, shorter ones never. */
static void test_cut(void **state)
{
	struct rig *r = *state;
	struct side a = side("10.0.0.1", 5000, "10.9.9.9", 777);
	char m[260] = "TYx.";

	memset(m + 4, 'm', 216);
	r->conf.tcp_payload_size = 4000;
	tcp(r, &a, "");
	tcp(r, &a, "TYB.");
	for (unsigned i = 0; i < 10; i++)
		tcp(r, &a, m);
	r->conf.n_parts = 1;
	assert_int_equal(extract(r), 0);
	assert_int_equal(r->n, 3);
	assert_int_equal(r->seq[2] - r->seq[1], SP_EXTRACT_SEGMENT);
	assert_int_equal(r->time[2] - r->time[1], MS);
}

static void test_same_octets(void **state)
{
	struct rig *r = *state;
	struct side a = side("10.0.0.1", 5000, "10.9.9.9", 777);
	static const char *const names[] = { "traffic.pcap", "traffic-reproducer.yml",
					     "traffic-info.json" };
	struct sp_str first[3], again;
	char path[160];

	tcp(r, &a, "");
	tcp(r, &a, "TYB.TYx.TYP.");
	for (unsigned round = 0; round < 2; round++) {
		assert_int_equal(extract(r), 0);
		for (unsigned i = 0; i < 3; i++) {
			struct sp_str *s = round ? &again : &first[i];

			snprintf(path, sizeof path, "%s/%s", r->out, names[i]);
			sp_str_init(s, sp_mem_system());
			assert_int_equal(sp_file_read(s, path, 1 << 20, &r->err), 0);
			if (!round)
				continue;
			assert_int_equal(again.len, first[i].len);
			assert_memory_equal(again.text, first[i].text, again.len);
			sp_str_fini(&again);
			sp_str_fini(&first[i]);
		}
	}
}

/* The good part is written, and it is said that there was more. */
static void test_damage(void **state)
{
	struct rig *r = *state;
	struct side a = side("10.0.0.1", 5000, "10.9.9.9", 777);
	struct stat st;

	tcp(r, &a, "");
	tcp(r, &a, "TYB.TYx.");
	tcp(r, &a, "TYy.");
	assert_int_equal(sp_pcap_writer_close(r->w), 0);
	r->w = NULL;
	assert_int_equal(stat(r->in, &st), 0);
	assert_int_equal(truncate(r->in, st.st_size - 10), 0);
	assert_int_equal(extract(r), -EBADMSG);
	assert_int_equal(r->err.exit, SP_EXIT_DATA);
	assert_int_equal(r->n, 2);
	came(r, 1, START + (int64_t)MS, "10.0.0.1:5000 TYx.");
}

static void test_late_times(void **state)
{
	struct rig *r = *state;

	r->part[0].over = SP_CODEC_UDP;
	r->conf.inter_packet_delay_ns = UINT64_MAX / 2;
	for (unsigned i = 0; i < 5; i++)
		udp(r, "10.0.0.1", 40, "TYx.");
	assert_true(extract(r) < 0);
	assert_int_equal(r->err.exit, SP_EXIT_DATA);
	assert_non_null(strstr(r->err.text, "2106"));
}

static void test_no_memory(void **state)
{
	struct rig *r = *state;
	struct side a = side("10.0.0.1", 5000, "10.9.9.9", 777);
	struct side b = side("10.0.0.1", 5000, "10.9.9.9", 777);
	struct sp_mem_test t;
	int rc = -ENOMEM;

	b.tcp.seq = 77000;
	udp(r, "10.0.0.1", 40, "TYx.");
	tcp(r, &a, "");
	tcp(r, &a, "TYB.TYx.TY");
	tcp(r, &b, "");
	tcp(r, &b, "TYB.TYx.");
	assert_int_equal(sp_pcap_writer_close(r->w), 0);
	r->w = NULL;
	r->part[1] = r->part[0];
	r->part[1].over = SP_CODEC_UDP;
	r->conf.n_parts = 2;
	for (uint64_t n = 0; rc; n++) {
		r->err = (struct sp_err){ 0 };
		sp_mem_test_init(&t, n);
		rc = sp_extract(&r->conf, &t.mem, &r->result, &r->err);
		assert_int_equal(t.live, 0);
		assert_true(rc == 0 || rc == -ENOMEM);
		assert_true(n < 1000);
	}
}

static void test_folder(void **state)
{
	static const char *const of[][2] = {
		{ "a/b.pcap", "a/b" },
		{ "b.pcapng.gz", "b.pcapng" },
		{ "a.b/c", "a.b/c.extracted" },
		{ "a/.pcap", "a/.pcap.extracted" },
	};
	struct sp_str s;

	(void)state;
	for (unsigned i = 0; i < sizeof of / sizeof *of; i++) {
		sp_str_init(&s, sp_mem_system());
		assert_int_equal(sp_extract_folder(of[i][0], &s), 0);
		assert_string_equal(s.text, of[i][1]);
		sp_str_fini(&s);
	}
}

#define WITH_RIG(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_RIG(test_session),
		WITH_RIG(test_waits),
		WITH_RIG(test_one_message_a_segment),
		WITH_RIG(test_selectors),
		WITH_RIG(test_sessions),
		WITH_RIG(test_headless),
		WITH_RIG(test_late_beginning),
		WITH_RIG(test_gap),
		WITH_RIG(test_disorder),
		WITH_RIG(test_no_message),
		WITH_RIG(test_datagrams),
		WITH_RIG(test_parts),
		WITH_RIG(test_guess),
		WITH_RIG(test_cut),
		WITH_RIG(test_same_octets),
		WITH_RIG(test_damage),
		WITH_RIG(test_late_times),
		WITH_RIG(test_no_memory),
		cmocka_unit_test(test_folder),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
