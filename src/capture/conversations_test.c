/* Conversations out of captures that are written packet by packet. */
#include "capture/conversations.h"

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

#include "capio/pcap_write.h"
#include "capture/extract_frame.h"

#define MS    INT64_C(1000000)
#define FLAGS (14u + 20u + 13u) /* TCP's, in a frame of IPv4 */

struct rig {
	struct sp_pcap_writer *w;
	int fd;
	char path[40];
	int64_t t;
	struct sp_extract_tcp tcp[8]; /* by the client's number and the side */
	struct sp_conversations all;
	struct sp_conversations_conf conf;
	struct sp_err err;
};

static void begin(struct rig *r)
{
	static const struct sp_pcap_link link = { SP_LINKTYPE_ETHERNET, NULL };

	*r = (struct rig){ .conf = { .tcp = true, .udp = true }, .t = 1000 * MS };
	r->fd = memfd_create("capture", 0);
	snprintf(r->path, sizeof r->path, "/proc/self/fd/%d", r->fd);
	assert_int_equal(sp_pcap_writer_open(&r->w, r->path, &link, sp_mem_system(), &r->err),
			 0);
}

static struct sp_endpoint client(unsigned i, bool v6)
{
	struct sp_endpoint e = { .port = (uint16_t)(40000 + i) };

	sp_addr_parse(v6 ? "2001:db8::1" : "10.0.0.1", &e.addr);
	return e;
}

static struct sp_endpoint server(uint16_t port, bool v6)
{
	struct sp_endpoint e = { .port = port };

	sp_addr_parse(v6 ? "2001:db8::2" : "10.0.0.2", &e.addr);
	return e;
}

static void put(struct rig *r, uint8_t *frame, const uint8_t *end, uint32_t cut)
{
	uint32_t n = (uint32_t)(end - frame);

	r->t += MS;
	assert_int_equal(sp_pcap_writer_put_cut(r->w, 0, r->t, frame, n - cut, n), 0);
}

static void udp(struct rig *r, struct sp_endpoint from, struct sp_endpoint to, const char *text,
		uint32_t cut)
{
	uint8_t buf[SP_EXTRACT_HEADERS + 256], *at = buf + SP_EXTRACT_HEADERS;
	uint32_t len = (uint32_t)strlen(text);

	memcpy(at, text, len);
	put(r, sp_extract_udp_frame(buf, &from, &to, len), at + len, cut);
}

/* The client's (number i) or the server's octets; missing: so many of them are not there. */
static void tcp(struct rig *r, unsigned i, uint16_t port, bool answer, const char *text,
		uint32_t missing)
{
	struct sp_endpoint a = client(i, false), b = server(port, false);
	struct sp_extract_tcp *s = &r->tcp[2 * i + answer];
	uint8_t buf[SP_EXTRACT_HEADERS + 256], *at = buf + SP_EXTRACT_HEADERS, *frame;
	uint32_t len = (uint32_t)strlen(text);
	bool first = !s->begun;

	memcpy(at, text, len);
	s->seq += missing;
	frame = sp_extract_tcp_frame(buf, answer ? &b : &a, answer ? &a : &b, s, len);
	if (first && answer)
		frame[FLAGS] |= 0x10;
	put(r, frame, at + len, 0);
}

static int read_all(struct rig *r, const struct sp_mem *mem)
{
	return sp_conversations_read(&r->all, r->path, &r->conf, mem, &r->err);
}

static void read_ok(struct rig *r)
{
	assert_int_equal(sp_pcap_writer_close(r->w), 0);
	if (read_all(r, sp_mem_system()))
		fail_msg("%s", r->err.text);
}

static void end(struct rig *r)
{
	sp_conversations_free(&r->all, sp_mem_system());
	close(r->fd);
}

/* "40001: >ask <answer" of each conversation of a book. */
static const char *text_of(const struct sp_conversation_book *cb)
{
	static char text[1000];
	struct sp_book *b = cb->book;

	*text = '\0';
	for (uint32_t k = 0; k < b->conversations; k++) {
		const struct sp_book_conversation *c = &sp_book_conversations(b)[k];
		size_t n = strlen(text);

		n += (size_t)snprintf(text + n, sizeof text - n, "%s%u:", k ? "; " : "",
				      c->client.port);
		for (uint32_t i = 0; i < c->steps; i++) {
			const struct sp_book_step *s = &sp_book_steps(b)[c->first + i];

			n += (size_t)snprintf(text + n, sizeof text - n, " %c%.*s",
					      s->by_server ? '<' : '>', (int)s->len,
					      (const char *)sp_book_octets(b) + s->at);
		}
	}
	return text;
}

static void datagrams(void **state)
{
	struct rig r;
	const struct sp_book_step *s;
	const struct sp_book_conversation *c;

	(void)state;
	for (unsigned v6 = 0; v6 < 2; v6++) {
		begin(&r);
		udp(&r, client(0, v6), server(53, v6), "a?", 0);
		udp(&r, client(1, v6), server(53, v6), "b?", 0);
		udp(&r, client(0, v6), server(53, v6), "a?", 0); /* once more: it was sent */
		udp(&r, server(53, v6), client(0, v6), "a=1", 0);
		udp(&r, server(53, v6), client(1, v6), "", 0);
		udp(&r, server(53, v6), client(0, v6), "a=1", 0);
		read_ok(&r);
		assert_int_equal(r.all.n, 1);
		assert_true(r.all.books[0].udp && r.all.books[0].book->datagrams);
		assert_int_equal(r.all.books[0].port, 53);
		assert_int_equal(r.all.books[0].at_once, 2);
		assert_string_equal(text_of(&r.all.books[0]),
				    "40000: >a? >a? <a=1 <a=1; 40001: >b? <");
		c = sp_book_conversations(r.all.books[0].book);
		s = sp_book_steps(r.all.books[0].book);
		assert_int_equal(c->packet, 1);
		assert_int_equal(c->server.addr.family, v6 ? 6 : 4);
		assert_int_equal(c->want, 6);
		assert_int_equal(c[1].start_ns, MS);
		assert_int_equal(s[1].pause_ns, 2 * MS);
		assert_int_equal(s[3].before, 1);
		assert_int_equal(s[3].t_ns, 5 * MS);
		assert_int_equal(s[3].packet, 6);
		end(&r);
	}
}

static void who_asks(void **state)
{
	struct rig r;

	(void)state;
	begin(&r);
	/* The answer to what was asked before the capture. */
	udp(&r, server(53, false), client(0, false), "early", 0);
	udp(&r, client(0, false), server(53, false), "a?", 0);
	udp(&r, server(53, false), client(0, false), "a=1", 0);
	/* Of two high numbers who speaks first asks. */
	udp(&r, server(9000, false), client(1, false), "x", 0);
	udp(&r, client(1, false), server(9000, false), "y", 0);
	/* Nothing but an answer. */
	udp(&r, server(123, false), client(2, false), "tick", 0);
	read_ok(&r);
	assert_int_equal(r.all.n, 2);
	assert_string_equal(text_of(&r.all.books[0]), "40000: >a? <a=1");
	assert_int_equal(r.all.books[1].port, 40001);
	assert_string_equal(text_of(&r.all.books[1]), "9000: >x <y");
	assert_int_equal(r.all.unasked, 2);
	assert_int_equal(r.all.silent, 1);
	end(&r);
}

static void left_out(void **state)
{
	struct sp_endpoint group = { .port = 5353 };
	struct rig r;

	(void)state;
	begin(&r);
	sp_addr_parse("224.0.0.251", &group.addr);
	udp(&r, client(0, false), group, "who?", 0);
	udp(&r, client(1, false), server(53, false), "a?", 0);
	udp(&r, server(53, false), client(1, false), "a=123456", 3); /* cut */
	tcp(&r, 0, 80, false, "GET", 0);
	tcp(&r, 0, 80, true, "OK", 0);
	tcp(&r, 1, 80, false, "GET", 0);
	tcp(&r, 1, 80, true, "O", 0);
	tcp(&r, 1, 80, true, "K", 5);
	r.tcp[4].begun = r.tcp[5].begun = true;
	tcp(&r, 2, 80, false, "in the middle", 0);
	read_ok(&r);
	assert_int_equal(r.all.n, 1);
	assert_string_equal(text_of(&r.all.books[0]), "40000: >GET <OK");
	assert_int_equal(r.all.groups, 1);
	assert_int_equal(r.all.holes, 2);
	assert_int_equal(r.all.begun_before, 1);
	end(&r);
}

static void choices(void **state)
{
	struct rig r;

	(void)state;
	begin(&r);
	tcp(&r, 0, 53, false, "t?", 0);
	tcp(&r, 0, 53, true, "t!", 0);
	udp(&r, client(1, false), server(53, false), "u?", 0);
	udp(&r, client(2, false), server(54, false), "v?", 0);
	read_ok(&r);
	assert_int_equal(r.all.n, 3);
	sp_conversations_free(&r.all, sp_mem_system());
	r.conf.udp = false;
	assert_int_equal(read_all(&r, sp_mem_system()), 0);
	assert_int_equal(r.all.n, 1);
	assert_string_equal(text_of(&r.all.books[0]), "40000: >t? <t!");
	assert_int_equal(r.all.others, 2);
	sp_conversations_free(&r.all, sp_mem_system());
	r.conf = (struct sp_conversations_conf){ .tcp = true, .udp = true, .port = 54 };
	assert_int_equal(read_all(&r, sp_mem_system()), 0);
	assert_string_equal(text_of(&r.all.books[0]), "40002: >v?");
	sp_conversations_free(&r.all, sp_mem_system());
	r.conf = (struct sp_conversations_conf){ .tcp = true, .udp = true, .one_book = true };
	assert_int_equal(read_all(&r, sp_mem_system()), 0);
	assert_int_equal(r.all.n, 2); /* never both in one */
	assert_string_equal(text_of(&r.all.books[1]), "40001: >u?; 40002: >v?");
	sp_conversations_free(&r.all, sp_mem_system());
	r.conf.port = 55;
	assert_int_equal(read_all(&r, sp_mem_system()), -ENOENT);
	assert_non_null(strstr(r.err.text, "3 were not asked for"));
	assert_int_equal(r.err.exit, SP_EXIT_DATA);
	end(&r);
}

/* What is before the damage is read, and the damage is told. */
static void damaged(void **state)
{
	struct rig r;

	(void)state;
	begin(&r);
	udp(&r, client(0, false), server(53, false), "a?", 0);
	udp(&r, server(53, false), client(0, false), "a=1", 0);
	assert_int_equal(sp_pcap_writer_close(r.w), 0);
	assert_int_equal(ftruncate(r.fd, lseek(r.fd, 0, SEEK_END) - 1), 0);
	assert_int_equal(read_all(&r, sp_mem_system()), 0);
	assert_string_equal(text_of(&r.all.books[0]), "40000: >a?");
	assert_non_null(strstr(r.all.damage, "packet 2 at byte"));
	sp_conversations_free(&r.all, sp_mem_system());
	/* The first packet already: there is nothing. */
	assert_int_equal(ftruncate(r.fd, 24 + 20), 0);
	assert_int_equal(read_all(&r, sp_mem_system()), -EBADMSG);
	assert_int_equal(r.err.exit, SP_EXIT_DATA);
	end(&r);
}

static void no_memory(void **state)
{
	struct sp_mem_test mem;
	struct rig r;
	int rc = -1;
	uint64_t n;

	(void)state;
	begin(&r);
	tcp(&r, 0, 80, false, "GET", 0);
	tcp(&r, 0, 80, true, "OK", 0);
	udp(&r, client(1, false), server(53, false), "u?", 0);
	read_ok(&r);
	sp_conversations_free(&r.all, sp_mem_system());
	for (n = 0; rc; n++) {
		sp_mem_test_init(&mem, n);
		rc = read_all(&r, &mem.mem);
		assert_true(!rc || rc == -ENOMEM);
		if (!rc)
			sp_conversations_free(&r.all, &mem.mem);
		assert_int_equal(mem.live, 0);
	}
	assert_true(n > 10);
	end(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(datagrams), cmocka_unit_test(who_asks),
		cmocka_unit_test(left_out),  cmocka_unit_test(choices),
		cmocka_unit_test(damaged),   cmocka_unit_test(no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
