/* Conversations out of packets that the input describes, played: records of a kind, a length, and so
 * many octets of payload. Answered as it was recorded each is equal; answered by any octets it ends
 * all the same, and the counts add up. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/endian.h"
#include "capio/pcap_write.h"
#include "capture/conversations.h"
#include "capture/conversations_result.h"
#include "capture/extract_frame.h"
#include "core/clock.h"
#include "plugin/catalog.h"
#include "plugin/proto.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#define TURNS 100000u
#define FLAGS (14u + 20u + 13u) /* TCP's, in a frame of IPv4 */
#define CUT   16u

/* Bits of a kind: 0 the client, 1 the server's number, 2 the server speaks, 3 TCP, 4 the segment before
 * it is missing (TCP) or it was cut (UDP), 5 and above the time since the one before. */
static void put(struct sp_pcap_writer *w, struct sp_extract_tcp tcp[8], int64_t t, uint8_t kind,
		const uint8_t *data, uint32_t len)
{
	struct sp_endpoint end[2] = {
		{ .addr = { .family = 4, .ip = { 10, 0, 0, 1 } },
		  .port = (uint16_t)(40000 + (kind & 1)) },
		{ .addr = { .family = 4, .ip = { 10, 9, 9, 9 } },
		  .port = kind & 2 ? 53 : 5353 },
	};
	bool answer = kind & 4;
	struct sp_extract_tcp *s = &tcp[kind & 7];
	uint8_t buf[SP_EXTRACT_HEADERS + 256], *at = buf + SP_EXTRACT_HEADERS, *frame;
	uint32_t cut = 0;

	memcpy(at, data, len);
	if (kind & 8) {
		bool first = !s->begun;

		s->seq += kind & 16 ? 7 : 0;
		frame = sp_extract_tcp_frame(buf, &end[answer], &end[!answer], s, len);
		if (first && answer)
			frame[FLAGS] |= 0x10; /* a SYN that acknowledges one */
	} else {
		frame = sp_extract_udp_frame(buf, &end[answer], &end[!answer], len);
		cut = kind & 16 && len > CUT ? CUT : 0;
	}
	if (sp_pcap_writer_put_cut(w, 0, t, frame, (uint32_t)(at + len - frame) - cut,
				   (uint32_t)(at + len - frame)))
		abort();
}

static void write_capture(const char *path, const uint8_t *data, size_t len)
{
	static const struct sp_pcap_link link = { SP_LINKTYPE_ETHERNET, NULL };
	struct sp_extract_tcp tcp[8] = { { 0 } };
	struct sp_pcap_writer *w;
	struct sp_err err = { 0 };
	int64_t t = 1000000000;

	if (sp_pcap_writer_open(&w, path, &link, sp_mem_system(), &err))
		abort();
	for (size_t at = 0; at + 2 <= len; at += 2 + data[at + 1]) {
		if (at + 2 + data[at + 1] > len)
			break;
		t += (int64_t)(data[at] >> 5) * 1000000;
		put(w, tcp, t, data[at], data + at + 2, data[at + 1]);
	}
	if (sp_pcap_writer_close(w))
		abort();
}

/* A machine, and who answers it. */
struct play {
	const struct sp_proto_ops *ops;
	void *st;
	struct sp_book *b;
	const struct sp_book_conversation *c;
	struct sp_wish w;
	uint64_t now_ns;
	uint32_t said, heard; /* steps that are behind */
	const uint8_t *any;   /* octets to answer with; NULL: the recorded ones */
	size_t n_any;
};

static void answer_recorded(struct play *p)
{
	const struct sp_book_step *s = &sp_book_steps(p->b)[p->c->first + p->heard++];
	uint8_t *bytes = malloc(s->len + 2);
	const uint8_t *from = sp_book_octets(p->b) + s->at;
	size_t head = p->b->datagrams ? 2 : 0;

	sp_put_be16(bytes, (uint16_t)s->len);
	if (s->len)
		memcpy(bytes + head, from, s->len);
	if (p->ops->on_bytes(p->st, bytes, head + s->len, p->now_ns, &p->w) != head + s->len)
		abort();
	free(bytes);
}

/* Steps of the server that are due: those before the client's next. */
static bool answers(struct play *p)
{
	const struct sp_book_step *s = &sp_book_steps(p->b)[p->c->first];
	size_t n;

	if (p->any) {
		n = p->n_any ? p->ops->on_bytes(p->st, p->any, p->n_any, p->now_ns, &p->w) : 0;
		p->any += n;
		p->n_any -= n;
		return n > 0;
	}
	while (p->heard < p->said && !s[p->heard].by_server)
		p->heard++;
	if (p->heard >= p->said)
		return false;
	answer_recorded(p);
	return true;
}

static void go_on(struct play *p)
{
	const struct sp_book_step *s = &sp_book_steps(p->b)[p->c->first];

	while (p->said < p->c->steps && s[p->said].by_server)
		p->said++;
}

static void say(struct play *p)
{
	size_t n = 0;

	for (unsigned i = 0; i < p->w.n_out; i++)
		n += p->w.out[i].iov_len;
	p->said++;
	go_on(p);
	p->ops->on_wrote(p->st, n, p->now_ns, &p->w);
}

static void play_one(struct play *p)
{
	static const struct sp_token token = { SP_NS_PER_S, 0 };
	struct sp_txn t;
	unsigned turns = 0;

	if (p->ops->start(p->st, &token, p->now_ns, &p->w))
		abort();
	p->said = p->heard = 0;
	go_on(p);
	while (!p->w.done && turns++ < TURNS) {
		if (p->w.n_out)
			say(p);
		else if (!answers(p)) {
			if (p->w.timer_ns == SP_NEVER)
				abort();
			p->now_ns = p->w.timer_ns > p->now_ns ? p->w.timer_ns : p->now_ns;
			p->ops->on_timer(p->st, p->now_ns, &p->w);
		}
	}
	if (!p->w.done)
		abort();
	p->ops->outcome(p->st, &t);
}

static void check(const struct play *p)
{
	const struct sp_book_conversation *c = p->c;

	if (!p->any && c->state != SP_BOOK_EQUAL)
		abort();
	if (c->state <= SP_BOOK_PLAYS || c->state > SP_BOOK_FAILED)
		abort();
	if (p->b->datagrams &&
	    c->alike + c->differing + c->missing != sp_conversation_answers(p->b, c))
		abort();
	if (c->n_shown > SP_BOOK_SHOWN ||
	    (c->differ_step < c->steps &&
	     c->differ_off > sp_book_steps(p->b)[c->first + c->differ_step].len))
		abort();
}

static void play_book(const struct sp_book *made, const uint8_t *any, size_t n_any)
{
	const struct sp_proto_ops *ops = sp_catalog_proto(&sp_catalog, "conversation");
	struct sp_proto_args args = { .role = SP_ROLE_CLIENT };
	struct play p = { .ops = ops, .now_ns = SP_NS_PER_S, .any = any, .n_any = n_any };
	struct sp_err err = { 0 };
	struct sp_arena arena;
	struct sp_proto *proto;
	char path[40];
	void *conf = calloc(1, ops->conf_size);
	int fd = memfd_create("book", MFD_CLOEXEC);

	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	sp_arena_init(&arena, sp_mem_system());
	if (write(fd, made, made->size) != (ssize_t)made->size ||
	    sp_opts_default(ops->opts, conf, &arena, &err) ||
	    sp_opts_set(ops->opts, conf, "book", path, "book", &arena, &err))
		abort();
	args.conf = conf;
	if (ops->open(&proto, &args, sp_mem_system(), &err))
		abort();
	p.b = mmap(NULL, made->size, PROT_READ, MAP_SHARED, fd, 0);
	p.st = calloc(1, ops->state_size);
	for (uint32_t i = 0; i < made->conversations; i++) {
		p.c = &sp_book_conversations(p.b)[i];
		ops->init(p.st, proto, p.now_ns, &p.w);
		play_one(&p);
		check(&p);
	}
	free(p.st);
	munmap(p.b, made->size);
	ops->close(proto);
	close(fd);
	sp_arena_fini(&arena);
	free(conf);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const struct sp_conversations_conf conf = { .tcp = true, .udp = true };
	struct sp_conversations all;
	struct sp_err err = { 0 };
	char path[40];
	int fd;

	fd = memfd_create("packets", MFD_CLOEXEC);
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	write_capture(path, data, len);
	if (sp_conversations_read(&all, path, &conf, sp_mem_system(), &err) == 0) {
		for (uint32_t i = 0; i < all.n; i++) {
			play_book(all.books[i].book, NULL, 0);
			play_book(all.books[i].book, data, len);
		}
		sp_conversations_free(&all, sp_mem_system());
	} else if (err.exit != SP_EXIT_DATA) {
		abort();
	}
	close(fd);
	return 0;
}
