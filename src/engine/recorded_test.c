/* Recorded messages over connections in memory, in virtual time: a source and a protocol of this
 * test's own, and a peer that answers as it is told. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "engine/testing.h"
#include "plugin/catalog.h"

#define MS SP_NS_PER_MS
#define S  SP_NS_PER_S

/* ---- the protocol: length, type, octets; O opens, T defines, U waits, K fills, N ends ---- */

static ptrdiff_t toy_boundary(const uint8_t *p, size_t len)
{
	if (!len)
		return 0;
	return p[0] < 2 ? -EBADMSG : len < p[0] ? 0 : p[0];
}

static void *toy_open(const struct sp_mem *mem)
{
	const struct sp_mem **st = sp_alloc(mem, sizeof(struct sp_mem *));

	if (st)
		*st = mem;
	return st;
}

static void toy_close(void *st)
{
	sp_free(*(const struct sp_mem **)st, st);
}

static void toy_read(void *st, const uint8_t *p, size_t len, struct sp_codec_note *note)
{
	(void)st, (void)len;
	*note = (struct sp_codec_note){ .type = p[1] };
	note->flags = p[1] == 'O'   ? SP_CM_BEGINS
		      : p[1] == 'T' ? SP_CM_DEFINES | SP_CM_WAITS
		      : p[1] == 'K' ? SP_CM_FILLER | SP_CM_WAITS
				    : SP_CM_WAITS;
}

static void toy_sent(void *st, const uint8_t *p, size_t len, struct sp_codec_talk *t)
{
	(void)st, (void)len;
	if (p[1] == 'K')
		t->answer = false;
}

static size_t toy_got(void *st, const uint8_t *p, size_t len, struct sp_codec_talk *t)
{
	size_t at = 0;

	(void)st;
	while (at < len && toy_boundary(p + at, len - at) > 0) {
		const uint8_t *m = p + at;

		at += m[0];
		if (m[1] == 'O') {
			t->established = t->answer = true;
			t->hold_ns = m[2] * S;
			t->filler_ns = t->hold_ns / 3;
		} else if (m[1] == 'N') {
			t->over = true;
			t->code = m[2];
			t->reason = "the toy said no";
		}
	}
	return at;
}

static const uint8_t *toy_filler(size_t *len)
{
	*len = 2;
	return (const uint8_t *)"\2K";
}

static const uint8_t *toy_farewell(size_t *len)
{
	*len = 2;
	return (const uint8_t *)"\2N";
}

static const struct sp_codec_peer_ops toy_peer = { .state_size = 8,
						   .sent = toy_sent,
						   .got = toy_got,
						   .filler = toy_filler,
						   .farewell = toy_farewell };
static const struct sp_codec_ops toy = { .name = "toy",
					 .over = SP_CODEC_TCP,
					 .boundary = toy_boundary,
					 .open = toy_open,
					 .close = toy_close,
					 .read = toy_read,
					 .peer = &toy_peer };

/* ---- the source: what a script says ---- */

struct unit {
	uint64_t at_ns;
	uint32_t session;
	const char
		*bytes; /* whole messages; the type first: "O", "U1", ... separated by blanks */
};

struct play_conf {
	uint64_t script, sessions, generic;
	bool keep_open;
};
#define AT(member) offsetof(struct play_conf, member)
static const struct sp_opt play_opts[] = {
	{ "script", SP_OPT_U64, AT(script), "0", NULL, 0, 20, "which" },
	{ "sessions", SP_OPT_U64, AT(sessions), "1", NULL, 1, 9, "how many" },
	{ "keep_open", SP_OPT_BOOL, AT(keep_open), "no", NULL, 0, 0, "it stays" },
	{ "generic", SP_OPT_U64, AT(generic), "0", NULL, 0, 1, "1: nobody knows the messages" },
	{ 0 },
};
#undef AT

static const struct unit *const scripts[];

struct sp_source {
	const struct sp_mem *mem;
	struct play_conf conf;
	const struct unit *next, *fill;
	uint64_t t0_ns;
};

/* Octets of a unit: each word a message. */
static uint32_t encode(const char *text, uint8_t *out)
{
	uint32_t n = 0;

	while (*text) {
		size_t len = strcspn(text, " ");

		out[n] = (uint8_t)(len + 1);
		memcpy(out + n + 1, text, len);
		n += (uint32_t)len + 1;
		text += len + (text[len] == ' ');
	}
	return n;
}

static int play_open(struct sp_source **out, const struct sp_source_args *args,
		     const struct sp_env *env, struct sp_err *err)
{
	struct sp_source *s = sp_alloc(env->mem, sizeof *s);

	if (!s)
		return sp_fail(err, -ENOMEM, SP_EXIT_FAILED, "out of memory");
	s->mem = env->mem;
	s->conf = *(const struct play_conf *)args->conf;
	s->next = s->fill = scripts[s->conf.script];
	*out = s;
	return 0;
}

static uint32_t play_id(const struct sp_source *s)
{
	(void)s;
	return 77;
}

static uint32_t play_len(const struct sp_source *s, uint32_t size)
{
	(void)s;
	return size;
}

static void play_fill(struct sp_source *s, struct sp_batch *b, uint32_t from)
{
	for (uint32_t i = from; i < b->n; i++, s->fill++) {
		assert_int_equal(b->m[i].t_ns, s->t0_ns + s->fill->at_ns);
		assert_int_equal(b->m[i].len, encode(s->fill->bytes, b->m[i].data));
		b->m[i].ep = s->fill->session;
	}
}

static int play_next(void *st, uint64_t *due_ns, uint32_t *size)
{
	struct sp_source *s = st;
	uint8_t octets[256];

	if (!s->next->bytes) {
		*due_ns = SP_NEVER - 1;
		return !s->conf.keep_open;
	}
	*due_ns = s->t0_ns + s->next->at_ns;
	*size = encode(s->next->bytes, octets);
	s->next++;
	return 0;
}

static void play_begin(struct sp_source *s, uint64_t t0_ns)
{
	s->t0_ns = t0_ns;
}

static uint32_t play_sessions(const struct sp_source *s)
{
	return (uint32_t)s->conf.sessions;
}

static void play_session(const struct sp_source *s, uint32_t i, struct sp_source_session *out)
{
	*out = (struct sp_source_session){ .codec = s->conf.generic ? NULL : &toy };
	/* Two of one address. */
	out->local.addr = (struct sp_addr){ .family = 4,
					    .ip = { 10, 0, 0, (uint8_t)(1 + i / 2) } };
}

static void play_close(struct sp_source *s)
{
	sp_free(s->mem, s);
}

static const struct sp_schedule_ops play_schedule = { .next = play_next };
static const struct sp_source_ops play = { .name = "play",
					   .summary = "a script",
					   .abi = SP_PLUGIN_ABI,
					   .opts = play_opts,
					   .conf_size = sizeof(struct play_conf),
					   .makes = SP_T_CONN,
					   .open = play_open,
					   .template_id = play_id,
					   .len = play_len,
					   .fill = play_fill,
					   .schedule = &play_schedule,
					   .begin = play_begin,
					   .sessions = play_sessions,
					   .session = play_session,
					   .close = play_close };

/* ---- the peer: writes down what comes ---- */

#define CONNS 16u
static struct heard {
	char text[4096]; /* "O 0;K 100;" type, octets, and the millisecond */
	size_t len;
	bool eof, reset;
} heard[CONNS];
static unsigned n_heard;
static uint64_t base_ns; /* T0 */

struct peer_conf {
	uint64_t answer_ns; /* an O is answered after so long */
	uint64_t hold, no_after, close_after, hold_up_ns;
	bool mute;
};
#define AT(member) offsetof(struct peer_conf, member)
static const struct sp_opt peer_opts[] = {
	{ "answer", SP_OPT_TIME, AT(answer_ns), "0", NULL, 0, 0, "after so long" },
	{ "hold", SP_OPT_U64, AT(hold), "0", NULL, 0, 255, "seconds" },
	{ "no_after", SP_OPT_U64, AT(no_after), "0", NULL, 0, 0, "N after so many messages" },
	{ "close_after", SP_OPT_U64, AT(close_after), "0", NULL, 0, 0,
	  "the first connection is closed after so many" },
	{ "hold_up", SP_OPT_TIME, AT(hold_up_ns), "0", NULL, 0, 0,
	  "reads nothing for so long" },
	{ "mute", SP_OPT_BOOL, AT(mute), "no", NULL, 0, 0, "never answers" },
	{ 0 },
};
#undef AT

struct sp_proto {
	const struct sp_mem *mem;
	struct peer_conf conf;
};

struct peer {
	const struct sp_proto *p;
	struct heard *h;
	uint64_t answer_ns, wake_ns;
	unsigned n;
	uint8_t out[8];
	size_t out_len;
	bool close;
};

static int peer_open(struct sp_proto **out, const struct sp_proto_args *args,
		     const struct sp_mem *mem, struct sp_err *err)
{
	struct sp_proto *p = sp_alloc(mem, sizeof *p);

	if (!p)
		return sp_fail(err, -ENOMEM, SP_EXIT_FAILED, "out of memory");
	p->mem = mem;
	p->conf = *(const struct peer_conf *)args->conf;
	*out = p;
	return 0;
}

static void peer_close(struct sp_proto *p)
{
	sp_free(p->mem, p);
}

static void peer_wish(struct peer *e, struct sp_wish *w)
{
	sp_wish_clear(w);
	w->timer_ns = e->answer_ns < e->wake_ns ? e->answer_ns : e->wake_ns;
	if (e->wake_ns != SP_NEVER)
		w->flags = SP_WISH_HOLD;
	if (e->out_len)
		sp_wish_out(w, e->out, e->out_len);
	if (e->close)
		w->flags = SP_WISH_CLOSE;
}

static void peer_init(void *st, const struct sp_proto *p, uint64_t now_ns, struct sp_wish *w)
{
	struct peer *e = st;

	assert_true(n_heard < 100); /* of one run */
	*e = (struct peer){ .p = p, .h = &heard[n_heard++ % CONNS], .answer_ns = SP_NEVER };
	e->wake_ns = p->conf.hold_up_ns ? now_ns + p->conf.hold_up_ns : SP_NEVER;
	peer_wish(e, w);
}

static void peer_say(struct peer *e, char type, uint8_t octet)
{
	e->out[0] = 3;
	e->out[1] = (uint8_t)type;
	e->out[2] = octet;
	e->out_len = 3;
}

static void peer_hears(struct peer *e, const uint8_t *m, uint64_t now_ns)
{
	struct heard *h = e->h;

	h->len += (size_t)snprintf(h->text + h->len, sizeof h->text - h->len, "%.*s %u;",
				   m[0] - 1, (const char *)m + 1,
				   (unsigned)((now_ns - base_ns) / MS));
	e->n++;
	if (m[1] == 'O' && !e->p->conf.mute)
		e->answer_ns = now_ns + e->p->conf.answer_ns;
	if (e->n == e->p->conf.no_after)
		peer_say(e, 'N', 7);
	if (e->n == e->p->conf.close_after && h == heard)
		e->close = true;
}

static void peer_timer(void *st, uint64_t now_ns, struct sp_wish *w)
{
	struct peer *e = st;

	if (now_ns >= e->wake_ns)
		e->wake_ns = SP_NEVER;
	if (now_ns >= e->answer_ns) {
		e->answer_ns = SP_NEVER;
		peer_say(e, 'O', (uint8_t)e->p->conf.hold);
	}
	peer_wish(e, w);
}

static size_t peer_bytes(void *st, const uint8_t *p, size_t len, uint64_t now_ns,
			 struct sp_wish *w)
{
	struct peer *e = st;
	size_t at = 0;

	while (at < len && toy_boundary(p + at, len - at) > 0 && !e->close) {
		peer_hears(e, p + at, now_ns);
		at += p[at];
	}
	peer_timer(st, now_ns, w);
	return e->close ? len : at;
}

static void peer_wrote(void *st, size_t n, uint64_t now_ns, struct sp_wish *w)
{
	struct peer *e = st;

	(void)now_ns;
	e->out_len -= n; /* short enough to leave at once */
	peer_wish(e, w);
}

static void peer_eof(void *st, size_t left, uint64_t now_ns, struct sp_wish *w)
{
	struct peer *e = st;

	(void)left, (void)now_ns;
	e->h->eof = true;
	e->close = true;
	peer_wish(e, w);
}

static void peer_gone(void *st, enum sp_why why, const char *reason, uint64_t now_ns,
		      struct sp_wish *w)
{
	struct peer *e = st;

	(void)reason, (void)now_ns;
	e->h->reset = why == SP_WHY_RESET;
	sp_wish_clear(w);
}

static int peer_start(void *st, const struct sp_token *t, uint64_t now_ns, struct sp_wish *w)
{
	(void)st, (void)t, (void)now_ns, (void)w;
	return -EAGAIN;
}

static void peer_outcome(void *st, struct sp_txn *t)
{
	(void)st, (void)t;
}

static const struct sp_proto_ops peer = { .name = "toypeer",
					  .summary = "the far end",
					  .abi = SP_PLUGIN_ABI,
					  .opts = peer_opts,
					  .conf_size = sizeof(struct peer_conf),
					  .roles = 1u << SP_ROLE_SERVER,
					  .state_size = sizeof(struct peer),
					  .keep_max = 256,
					  .open = peer_open,
					  .close = peer_close,
					  .init = peer_init,
					  .start = peer_start,
					  .on_bytes = peer_bytes,
					  .on_wrote = peer_wrote,
					  .on_timer = peer_timer,
					  .on_eof = peer_eof,
					  .on_close = peer_gone,
					  .outcome = peer_outcome };

/* ---- a run ---- */

#define PORT "+run", "virtual=true", "+port", "name=p", "transport=loop-tcp", "port=5001"
#define PEER "+recv", "name=r", "from=p", "protocol=toypeer"
#define PLAY(n)                                                                                \
	"+stream", "name=s", "from=p", "protocol=play", "host=127.0.0.1", "port=5001",         \
		"script=" #n

static const struct sp_source_ops *const sources[] = { &play, NULL };
static const struct sp_proto_ops *const protos[] = { &peer, NULL };
static struct sp_catalog catalog;

static int execute(struct sim *s, const char *const *words, uint64_t fail_at,
		   uint64_t stop_after_ns)
{
	int rc;

	memset(heard, 0, sizeof heard);
	n_heard = 0;
	catalog = sp_catalog;
	catalog.source = sources;
	catalog.proto = protos;
	sim_start(s, fail_at);
	s->catalog = &catalog;
	s->stop_after_ns = stop_after_ns;
	rc = sim_build(s, words, 0);
	if (!rc)
		rc = sim_arm(s, &base_ns);
	while (!rc)
		rc = sp_run_step(s->run, 100);
	return rc < 0 ? rc : 0;
}

static const struct sp_measure *run(struct sim *s, const char *const *words,
				    uint64_t stop_after_ns)
{
	if (execute(s, words, UINT64_MAX, stop_after_ns))
		fail_msg("%s", s->err.text);
	assert_int_equal(s->violations, 0);
	return &sp_run_result(s->run)->total;
}

static const char *remark(const struct sim *s, const char *code)
{
	const struct sp_result *r = sp_run_result(s->run);

	for (size_t i = 0; i < r->n_remarks; i++)
		if (!strcmp(r->remarks[i].code, code))
			return r->remarks[i].text;
	return NULL;
}

static void says(const struct sim *s, const char *code, const char *part)
{
	const char *text = remark(s, code);

	if (!text || !strstr(text, part))
		fail_msg("%s: '%s' is not in: %s", code, part, text ? text : "nothing");
}

static void all_ended_well(unsigned n)
{
	assert_int_equal(n_heard, n);
	for (unsigned i = 0; i < n; i++) {
		assert_true(heard[i].eof);
		assert_false(heard[i].reset);
	}
}

static const struct unit two_sessions[] = { { 0, 0, "Ua" },
					    { 5 * MS, 1, "Ub" },
					    { 5 * MS, 0, "Uc Ud" },
					    { 9 * MS, 1, "Ue" },
					    { 20 * MS, 2, "Uf" },
					    { 30 * MS, 0, "Ug" },
					    { 0 } };
static const struct unit guarded[] = { { 0, 0, "O1" },	       { 1 * MS, 0, "T1" },
				       { 2 * MS, 0, "U2 U3" }, { 3 * MS, 0, "K" },
				       { 200 * MS, 0, "U4" },  { 0 } };
static const struct unit silent[] = { { 0, 0, "O1" }, { 10 * S, 0, "U1" }, { 0 } };
static const struct unit flood[] = { { 0, 0, "Uaaaaaaaaaaaaaaaaaaaaaaaaaaa" },
				     { 0, 0, "Ubbbbbbbbbbbbbbbbbbbbbbbbbbb" },
				     { 0, 0, "Uccccccccccccccccccccccccccc" },
				     { 0, 0, "Uddddddddddddddddddddddddddd" },
				     { 1 * MS, 1, "Uz" },
				     { 10 * S, 0, "Ue" },
				     { 0 } };
static const struct unit lost[] = { { 0, 0, "O1" },
				    { 10 * MS, 0, "T1" },
				    { 20 * MS, 0, "U1" },
				    { 30 * MS, 0, "U2" },
				    { 40 * MS, 0, "U3" },
				    { 2 * S, 0, "U4" },
				    { 0 } };
static const struct unit headless[] = { { 0, 0, "U1" }, { 10 * MS, 0, "U2" }, { 0 } };
static const struct unit twice[] = {
	{ 0, 0, "O1" }, { 10 * MS, 0, "U1" }, { 1 * S, 0, "O2" }, { 1 * S, 0, "U2" }, { 0 }
};
static const struct unit *const scripts[] = { two_sessions, guarded,  silent, flood,
					      lost,	    headless, twice };

/* Sessions are connections of their own, two of one address, too; each message at its time. */
static void sessions_stay_apart(void **state)
{
	static const char *const words[] = { PORT,	   PEER,	PLAY(0),
					     "sessions=3", "generic=1", NULL };
	const struct sp_measure *m;
	struct sim s;

	(void)state;
	m = run(&s, words, 0);
	all_ended_well(3);
	assert_string_equal(heard[0].text, "Ua 0;Uc 5;Ud 5;Ug 30;");
	assert_string_equal(heard[1].text, "Ub 5;Ue 9;");
	assert_string_equal(heard[2].text, "Uf 20;");
	assert_int_equal(COUNT(m, asked_packets), 6);
	assert_int_equal(COUNT(m, tx_packets), 6);
	assert_int_equal(COUNT(m, tx_bytes), 3 * 7);
	assert_int_equal(m->late.max, 0);
	assert_int_equal(sp_run_result(s.run)->exit_code, 0);
	sim_end(&s);
}

/* What waits leaves when the peer has answered, in order; what is due later is on time. */
static void a_guard_shifts_nothing_else(void **state)
{
	static const char *const words[] = { PORT, PEER, "answer=100ms", PLAY(1), NULL };
	const struct sp_measure *m;
	struct sim s;

	(void)state;
	m = run(&s, words, 0);
	all_ended_well(1);
	assert_string_equal(heard[0].text,
			    "O1 0;K 100;T1 100;U2 100;U3 100;K 100;U4 200;N 200;");
	assert_int_equal(COUNT(m, asked_packets), 5);
	assert_int_equal(COUNT(m, tx_packets), 5);
	assert_int_equal(m->late.max, 0);
	says(&s, "held", "3 units waited");
	says(&s, "held", "0.099 s");
	says(&s, "fillers", "1 messages");
	assert_int_equal(sp_run_result(s.run)->exit_code, 0);
	sim_end(&s);
}

static void fillers_keep_a_silent_session_awake(void **state)
{
	static const char *const words[] = { PORT, PEER, "hold=6", PLAY(2), NULL };
	static const char *const kept[] = {
		PORT, PEER, "hold=6", PLAY(2), "keep_open=yes", NULL
	};
	struct sim s;

	(void)state;
	run(&s, words, 0);
	all_ended_well(1);
	assert_string_equal(heard[0].text,
			    "O1 0;K 0;K 2000;K 4000;K 6000;K 8000;U1 10000;N 10000;");
	assert_int_equal(sp_run_result(s.run)->exit_code, 0);
	sim_end(&s);
	run(&s, kept, 16 * S);
	all_ended_well(1);
	assert_string_equal(heard[0].text, "O1 0;K 0;K 2000;K 4000;K 6000;K 8000;U1 10000;"
					   "K 12000;K 14000;K 16000;N 17000;");
	assert_int_equal(sp_run_result(s.run)->exit_code, SP_EXIT_INTR);
	sim_end(&s);
}

/* It is lateness of what comes behind it in its session, and of nobody else. */
static void a_full_socket_is_lateness(void **state)
{
	static const char *const words[] = { PORT,    "buffer=32",  PEER,	 "hold_up=5s",
					     PLAY(3), "sessions=2", "generic=1", NULL };
	const struct sp_measure *m;
	struct sim s;

	(void)state;
	m = run(&s, words, 0);
	all_ended_well(2);
	assert_string_equal(heard[0].text, "Uaaaaaaaaaaaaaaaaaaaaaaaaaaa 5000;"
					   "Ubbbbbbbbbbbbbbbbbbbbbbbbbbb 5000;"
					   "Uccccccccccccccccccccccccccc 5000;"
					   "Uddddddddddddddddddddddddddd 5000;Ue 10000;");
	assert_string_equal(heard[1].text, "Uz 5001;"); /* its peer slept, too; it had left */
	assert_int_equal(COUNT(m, tx_packets), 6);
	assert_true(m->late.max >= (int64_t)(4900 * MS) && m->late.max <= (int64_t)(5100 * MS));
	assert_true(m->late.p50 < (int64_t)(5 * S));
	sim_end(&s);
}

static void a_lost_session_begins_again(void **state)
{
	static const char *const words[] = {
		PORT, PEER, "close_after=4", PLAY(4), "reconnect=10s", NULL
	};
	static const char *const once[] = { PORT, PEER, "close_after=4", PLAY(4), NULL };
	const struct sp_measure *m;
	struct sim s;

	(void)state;
	m = run(&s, words, 0);
	assert_int_equal(n_heard, 2);
	assert_string_equal(heard[0].text, "O1 0;K 0;T1 10;U1 20;");
	assert_string_equal(heard[1].text, "O1 120;T1 120;K 120;U2 120;U3 120;U4 2000;N 2000;");
	assert_int_equal(COUNT(m, tx_packets), 6);
	assert_int_equal(COUNT(m, error_reset), 1);
	says(&s, "begun-again", "1 times");
	says(&s, "session-lost",
	     "of 10.0.0.1 was lost, and begun again (1 time): the peer closed");
	assert_int_equal(sp_run_result(s.run)->exit_code, 0);
	sim_end(&s);

	m = run(&s, once, 0);
	assert_int_equal(n_heard, 1);
	assert_int_equal(COUNT(m, asked_packets), 6);
	assert_int_equal(COUNT(m, tx_packets), 3);
	assert_int_equal(COUNT(m, tx_refused), 3);
	says(&s, "session-failed", "of 10.0.0.1 has failed");
	assert_int_equal(sp_run_result(s.run)->exit_code, SP_EXIT_UNMET);
	sim_end(&s);
}

static void nobody_there(void **state)
{
	static const char *const words[] = { PORT, "refuse=1", PEER, PLAY(4), NULL };
	static const char *const again[] = { PORT,    "refuse=1",     PEER,
					     PLAY(4), "reconnect=1s", NULL };
	const struct sp_measure *m;
	struct sim s;

	(void)state;
	m = run(&s, words, 0);
	assert_int_equal(COUNT(m, tx_refused), 6);
	assert_int_equal(COUNT(m, error_refused), 1);
	assert_int_equal(sp_run_result(s.run)->exit_code, SP_EXIT_UNAVAIL);
	sim_end(&s);
	m = run(&s, again, 0);
	assert_int_equal(COUNT(m, error_refused), 4); /* at 0, 100, 300, 700 ms */
	says(&s, "session-failed", "(4 times): the connection was refused");
	assert_int_equal(sp_run_result(s.run)->exit_code, SP_EXIT_UNAVAIL);
	sim_end(&s);
}

static void the_peer_may_end_it(void **state)
{
	static const char *const words[] = { PORT, PEER, "no_after=4", PLAY(4), NULL };
	const struct sp_measure *m;
	struct sim s;

	(void)state;
	m = run(&s, words, 0);
	says(&s, "session-failed", "the toy said no (code 0/7)");
	assert_int_equal(COUNT(m, error_status), 1);
	assert_int_equal(COUNT(m, tx_packets), 3);
	assert_int_equal(sp_run_result(s.run)->exit_code, SP_EXIT_UNMET);
	sim_end(&s);
}

static void no_answer_ever(void **state)
{
	static const char *const words[] = { PORT, PEER, "mute=yes", PLAY(4), NULL };
	const struct sp_measure *m;
	struct sim s;

	(void)state;
	m = run(&s, words, 0);
	assert_string_equal(heard[0].text, "O1 0;");
	assert_int_equal(COUNT(m, error_timeout), 1);
	assert_int_equal(COUNT(m, tx_packets), 1);
	says(&s, "session-failed", "did not answer");
	sim_end(&s);
}

static void a_session_without_an_opening(void **state)
{
	static const char *const words[] = { PORT, PEER, PLAY(5), NULL };
	const struct sp_measure *m;
	struct sim s;

	(void)state;
	m = run(&s, words, 0);
	assert_int_equal(COUNT(m, tx_packets), 0);
	assert_int_equal(COUNT(m, tx_refused), 2);
	says(&s, "session-failed", "no opening message");
	assert_int_equal(sp_run_result(s.run)->exit_code, SP_EXIT_UNMET);
	sim_end(&s);
}

/* A second opening is another connection's first message. */
static void an_opening_begins_a_connection(void **state)
{
	static const char *const words[] = { PORT, PEER, PLAY(6), NULL };
	const struct sp_measure *m;
	struct sim s;

	(void)state;
	m = run(&s, words, 0);
	all_ended_well(2);
	assert_string_equal(heard[0].text, "O1 0;K 0;U1 10;N 1000;");
	assert_string_equal(heard[1].text, "O2 1000;K 1000;U2 1000;N 1000;");
	assert_int_equal(COUNT(m, tx_packets), 4);
	assert_int_equal(COUNT(m, error_reset), 0);
	assert_int_equal(sp_run_result(s.run)->exit_code, 0);
	sim_end(&s);
}

static void a_stop_gives_up_what_waits(void **state)
{
	static const char *const words[] = { PORT, PEER, "mute=yes", PLAY(4), NULL };
	const struct sp_measure *m;
	struct sim s;

	(void)state;
	m = run(&s, words, 3 * S);
	all_ended_well(1);
	assert_string_equal(heard[0].text, "O1 0;N 4000;");
	assert_int_equal(COUNT(m, asked_packets), 6);
	assert_int_equal(COUNT(m, tx_packets), 1);
	assert_int_equal(COUNT(m, not_sent_late), 5);
	assert_int_equal(sp_run_result(s.run)->exit_code, SP_EXIT_INTR);
	sim_end(&s);
}

static void no_memory(void **state)
{
	static const char *const words[] = {
		PORT, PEER, "close_after=4", PLAY(4), "reconnect=10s", NULL
	};
	struct sim s;

	(void)state;
	for (uint64_t n = 0;; n++) {
		int rc = execute(&s, words, n, 0);
		bool done = s.mem.count <= n;

		if (done)
			assert_int_equal(rc, 0);
		sim_end(&s);
		if (done)
			break;
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sessions_stay_apart),
		cmocka_unit_test(a_guard_shifts_nothing_else),
		cmocka_unit_test(fillers_keep_a_silent_session_awake),
		cmocka_unit_test(a_full_socket_is_lateness),
		cmocka_unit_test(a_lost_session_begins_again),
		cmocka_unit_test(nobody_there),
		cmocka_unit_test(the_peer_may_end_it),
		cmocka_unit_test(no_answer_ever),
		cmocka_unit_test(a_session_without_an_opening),
		cmocka_unit_test(an_opening_begins_a_connection),
		cmocka_unit_test(a_stop_gives_up_what_waits),
		cmocka_unit_test(no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
