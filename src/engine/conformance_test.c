/* The same plans over every transport of the catalog: the same ledger. A new transport is tested by
 * being there. What it is asked for follows from what it has: virtual time (next_ns), frames
 * (link), a file (a setting of that name). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/opener.h"
#include "engine/run_impl.h"
#include "engine/testing.h"
#include "transport/netns_test.h"

#define WORDS_MAX 128
/* In real time a machine that stalls makes departures late; that is no fault of a transport. */
#define TRIES	  8

#define TO4	  "host=127.0.0.1", "port=5001"
#define TO6	  "host=::1", "port=5001"
#define S(name)	  "+stream", "name=" name, "from=tx"

/* Sizes are at least 80, so that they hold a frame's headers and a stamp; few packets at high rates,
 * as some transports live in real time. */
static const struct plan {
	const char *name;
	uint64_t packets, bytes; /* known from the plan alone; 0: as the others have it */
	bool unstamped;		 /* what arrives is counted and nothing more */
	bool packets_only;	 /* of datagrams and frames only */
	const char *words[40];
} plans[] = {
	{ .name = "count",
	  .packets = 200,
	  .bytes = 200 * 80,
	  .words = { S("a"), TO4, "rate=20kpps", "size=80", "count=200" } },
	{ .name = "duration",
	  .packets = 250,
	  .bytes = 250 * 200,
	  .words = { S("a"), TO4, "rate=25kpps", "size=200", "duration=10ms" } },
	{ .name = "bytes, in bit/s",
	  .packets = 100,
	  .bytes = 100 * 1400,
	  .words = { S("a"), TO4, "rate=100Mbit/s", "size=1400", "bytes=140000" } },
	{ .name = "the most restrictive limit",
	  .packets = 150,
	  .bytes = 150 * 128,
	  .words = { S("a"), TO4, "rate=30kpps", "size=128", "count=500", "bytes=19200",
		     "duration=1s" } },
	{ .name = "exponential, IPv6",
	  .packets = 300,
	  .bytes = 300 * 90,
	  .words = { S("a"), TO6, "rate=30kpps", "size=90", "count=300",
		     "departure=exponential" } },
	{ .name = "exponential for a time",
	  .words = { S("a"), TO4, "rate=30kpps", "size=333", "duration=10ms",
		     "departure=exponential" } },
	{ .name = "several streams and starts",
	  .packets = 50 + 40 + 30,
	  .bytes = 50 * 80 + 40 * 512 + 30 * 1400,
	  .words = { S("a"), TO4, "rate=10kpps", "size=80", "count=50", "start=3ms", S("b"),
		     TO6, "rate=8kpps", "size=512", "duration=5ms", S("c"), TO4, "rate=5kpps",
		     "size=1400", "count=30", "start=1ms" } },
	{ .name = "short stamps", /* over byte streams there is one kind */
	  .packets = 200,
	  .bytes = 200 * 80,
	  .packets_only = true,
	  .words = { S("a"), TO4, "rate=20kpps", "size=80", "count=120", "stamp=short", S("b"),
		     TO6, "rate=20kpps", "size=80", "count=80", "stamp=short" } },
	{ .name = "no stamps",
	  .packets = 100,
	  .bytes = 100 * 100,
	  .unstamped = true,
	  .words = { S("a"), TO4, "rate=20kpps", "size=100", "count=100", "stamp=off" } },
	{ .name = "bursts after a start, two workers", /* over byte streams max has no units */
	  .packets_only = true,
	  .packets = 4 * 48,
	  .bytes = 48 * (80 + 81 + 700 + 1400),
	  .words = { "+run",	    "cores=2",	S("a"),	     TO4,	  "rate=max",
		     "size=80",	    "count=48", S("b"),	     TO6,	  "rate=10Mpps",
		     "size=81",	    "count=48", "start=2ms", S("c"),	  TO4,
		     "rate=10Mpps", "size=700", "count=48",  "start=2ms", S("d"),
		     TO6,	    "rate=max", "size=1400", "count=48",  "start=1ms" } },
};
#define N_PLANS (sizeof plans / sizeof *plans)

/* What has to be the same everywhere. */
struct ledger {
	uint64_t asked, tx, tx_bytes, late, refused, pending;
	bool received; /* the rest is known */
	uint64_t rx, unique, rx_bytes, lost, duplicates, reordered, corrupted, in_flight;
};

static struct ledger ledger_of(const struct sp_counts *c)
{
	return (struct ledger){
		.asked = c->v[SP_C_asked_packets],
		.tx = c->v[SP_C_tx_packets],
		.tx_bytes = c->v[SP_C_tx_bytes],
		.late = c->v[SP_C_not_sent_late],
		.refused = c->v[SP_C_tx_refused],
		.pending = c->v[SP_C_pending],
		.received = sp_counts_has(c, SP_C_rx_unique),
		.rx = c->v[SP_C_rx_packets],
		.unique = c->v[SP_C_rx_unique],
		.rx_bytes = c->v[SP_C_rx_bytes],
		.lost = c->v[SP_C_lost],
		.duplicates = c->v[SP_C_duplicates],
		.reordered = c->v[SP_C_reordered],
		.corrupted = c->v[SP_C_corrupted],
		.in_flight = c->v[SP_C_in_flight],
	};
}

struct place {
	const struct sp_transport_ops *ops;
	bool receives; /* found out by asking for it */
	unsigned cores;
	char transport[64], file[64]; /* as words of a plan */
};

static bool has_setting(const struct sp_transport_ops *ops, const char *name)
{
	for (const struct sp_opt *o = ops->opts; o && o->name; o++)
		if (!strcmp(o->name, name))
			return true;
	return false;
}

/* The plan's words for this transport. In memory a port is its own other end; elsewhere the
 * receiver has one of its own. */
static void words_for(const struct place *p, const struct plan *plan, const char **out)
{
	bool own_end = p->ops->next_ns != NULL;
	unsigned n = 0;

	out[n++] = "catch_up=burst";
	out[n++] = "seed=42";
	if (p->ops->next_ns)
		out[n++] = "virtual=true";
	for (unsigned port = 0; port < (p->receives && !own_end ? 2 : 1); port++) {
		out[n++] = "+port";
		out[n++] = port ? "name=rx" : "name=tx";
		out[n++] = p->transport;
		if (p->ops->link && !p->ops->next_ns)
			out[n++] = "interface=lo";
		if (has_setting(p->ops, "file"))
			out[n++] = p->file;
		if (port || own_end)
			out[n++] = "port=5001";
	}
	if (p->receives) {
		out[n++] = "+recv";
		out[n++] = "name=r";
		out[n++] = own_end ? "from=tx" : "from=rx";
		if (p->ops->conn)
			out[n++] = "protocol=tcp";
	}
	for (unsigned i = 0; plan->words[i]; i++) {
		out[n++] = plan->words[i];
		if (p->ops->conn && strcmp(plan->words[i], "from=tx") == 0)
			out[n++] = "protocol=tcp";
	}
	out[n++] = "+run";
	out[n++] = p->cores == 1 ? "cores=1" : NULL;
	out[n] = NULL;
	assert_true(n < WORDS_MAX);
}

/* Of the port that receives, if one does. */
static uint32_t caps_of(const struct sim *s)
{
	return s->run->ports[s->plan->n_ports - 1].caps.bits;
}

/* One run; asks for less where the transport refuses, and then it must say the same of itself. */
static void run_once(struct place *p, const struct plan *plan, struct sim *s)
{
	const char *words[WORDS_MAX];
	int r;

	for (;;) {
		words_for(p, plan, words);
		sim_start(s, UINT64_MAX);
		r = sim_execute(s, words, 0);
		if (r == 0)
			break;
		if (r == -EOPNOTSUPP && p->receives)
			p->receives = false;
		else if (r == -EINVAL && p->cores == 2)
			p->cores = 1;
		else
			fail_msg("%s, %s: %s", p->ops->name, plan->name, s->err.text);
		sim_end(s);
	}
	if (s->violations)
		fail_msg("%s, %s: the ledger did not add up", p->ops->name, plan->name);
	if (!!(caps_of(s) & SP_T_LISTEN) != p->receives)
		fail_msg("%s: SP_T_LISTEN is not what it does", p->ops->name);
	if ((caps_of(s) & (SP_T_FRAME | SP_T_DATAGRAM | SP_T_CONN)) !=
	    (p->ops->conn   ? SP_T_CONN
	     : p->ops->link ? SP_T_FRAME
			    : SP_T_DATAGRAM))
		fail_msg("%s: frames, datagrams or connections?", p->ops->name);
}

static struct ledger stream_ledger(const struct sim *s, unsigned i)
{
	struct sp_stream_result one;

	sp_result_stream(sp_run_result(s->run), i, &one);
	return ledger_of(&one.m.c);
}

#define STREAMS_MAX 4

/* The transport's own counters say the same. */
static void check_stats(const char *what, const struct sim *s, const struct ledger *total)
{
	const struct sp_result *r = sp_run_result(s->run);
	struct sp_tstats sum = { 0 };

	for (size_t i = 0; i < r->n_transports; i++) {
		const struct sp_tstats *one = &r->transports[i].s;

		sum.tx_msgs += one->tx_msgs;
		sum.tx_units += one->tx_units;
		sum.tx_bytes += one->tx_bytes;
		sum.rx_msgs += one->rx_msgs;
		sum.rx_dropped += one->rx_dropped;
	}
	if (s->run->ports[0].ops->conn) {
		/* A byte stream's own: the openers and nothing else are not the units'. */
		if (sum.tx_bytes < total->tx_bytes ||
		    sum.tx_bytes > total->tx_bytes + STREAMS_MAX * SP_OPENER_LEN)
			fail_msg("%s: the transport counted %llu bytes", what,
				 (unsigned long long)sum.tx_bytes);
		return;
	}
	if (sum.tx_msgs != total->tx || sum.tx_bytes != total->tx_bytes)
		fail_msg("%s: the transport counted %llu messages, %llu bytes", what,
			 (unsigned long long)sum.tx_msgs, (unsigned long long)sum.tx_bytes);
	assert_true(sum.tx_units <= sum.tx_msgs && sum.tx_units > 0);
	assert_int_equal(sum.rx_dropped, 0);
	if (total->received && sum.rx_msgs != total->rx)
		fail_msg("%s: the transport received %llu messages", what,
			 (unsigned long long)sum.rx_msgs);
}

static bool was_late(const struct sim *s)
{
	return s->run->result.total.c.v[SP_C_not_sent_late] > 0;
}

#define SAME(member)                                                                           \
	do {                                                                                   \
		if (got->member != want->member)                                               \
			fail_msg("%s: " #member " is %llu, not %llu", what,                    \
				 (unsigned long long)got->member,                              \
				 (unsigned long long)want->member);                            \
	} while (0)

static void same_sent(const char *what, const struct ledger *got, const struct ledger *want)
{
	SAME(asked);
	SAME(tx);
	SAME(tx_bytes);
	SAME(late);
	SAME(refused);
	SAME(pending);
}

static void same_received(const char *what, const struct ledger *got, const struct ledger *want)
{
	SAME(received);
	SAME(rx);
	SAME(unique);
	SAME(rx_bytes);
	SAME(lost);
	SAME(duplicates);
	SAME(reordered);
	SAME(corrupted);
	SAME(in_flight);
}

/* Everything that was asked for left, and, with stamps, arrived once and whole. */
static struct ledger ideal(const struct plan *plan, const struct ledger *of)
{
	struct ledger l = { .asked = of->asked, .tx = of->asked, .tx_bytes = of->tx_bytes };

	if (plan->packets) {
		l.asked = l.tx = plan->packets;
		l.tx_bytes = plan->bytes;
	}
	l.received = !plan->unstamped;
	if (l.received) {
		l.rx = l.unique = l.tx;
		l.rx_bytes = l.tx_bytes;
	}
	return l;
}

/* What the first transport had. */
struct expected {
	bool known;
	struct ledger stream[STREAMS_MAX];
};

static void run_plan(struct place *p, const struct plan *plan, struct expected *e)
{
	struct ledger total, want, one;
	struct sim s;
	char what[128];

	for (unsigned i = 0; i < TRIES; i++) {
		run_once(p, plan, &s);
		if (p->ops->next_ns || !was_late(&s))
			break;
		if (i + 1 < TRIES)
			sim_end(&s);
	}
	snprintf(what, sizeof what, "%s, %s", p->ops->name, plan->name);
	total = ledger_of(&sp_run_result(s.run)->total.c);
	want = ideal(plan, &total);
	same_sent(what, &total, &want);
	if (p->receives)
		same_received(what, &total, &want);
	check_stats(what, &s, &total);
	for (unsigned i = 0; i < s.plan->n_streams; i++) {
		one = stream_ledger(&s, i);
		if (!e->known)
			e->stream[i] = one;
		same_sent(what, &one, &e->stream[i]);
		if (p->receives)
			same_received(what, &one, &e->stream[i]);
	}
	e->known = true;
	assert_int_equal(sp_run_result(s.run)->exit_code, 0);
	sim_end(&s);
}

static void run_plans(const struct sp_transport_ops *ops, struct expected *expected,
		      struct place *p)
{
	const char *name;
	int fd;

	*p = (struct place){ .ops = ops,
			     .receives = true,
			     .file = "file=/tmp/spate-conformance-XXXXXX" };
	name = strchr(p->file, '/');
	snprintf(p->transport, sizeof p->transport, "transport=%s", ops->name);
	fd = mkstemp(strchr(p->file, '/'));
	assert_true(fd >= 0);
	close(fd);
	for (size_t i = 0; i < N_PLANS; i++) {
		if (ops->conn && plans[i].packets_only)
			continue;
		p->cores = 2;
		run_plan(p, &plans[i], &expected[i]);
	}
	unlink(name);
	print_message("# %s: %s, %s\n", ops->name, p->receives ? "both ways" : "sends",
		      p->cores == 2 ? "two workers" : "one worker");
}

static void test_same_ledger_everywhere(void **state)
{
	const bool *in_namespace = *state;
	struct expected expected[N_PLANS] = { 0 };
	struct place p;
	unsigned receivers = 0, all = 0;

	/* The first one is the measure: it receives, and needs nothing of the kernel. */
	run_plans(sp_catalog_transport(&sp_catalog, "loop"), expected, &p);
	for (unsigned i = 0; sp_catalog.transport[i]; i++) {
		if (!*in_namespace && !sp_catalog.transport[i]->next_ns) {
			print_message("# %s: left out, no network namespaces for this user\n",
				      sp_catalog.transport[i]->name);
			continue;
		}
		/* Its two ends cannot be one interface: transport/xdp has tests of its own. */
		if (sp_catalog.transport[i]->any_frame ||
		    !strcmp(sp_catalog.transport[i]->name, "xdp"))
			continue;
		/* It is for machines that know datagrams: transport/udp_conn has tests of its own. */
		if (sp_catalog.transport[i]->conn && sp_catalog.transport[i]->conn->datagrams)
			continue;
		/* No kernel takes frames from itself: tests/test_reply.py does what this does. */
		if (sp_catalog.transport[i]->any_source)
			continue;
		run_plans(sp_catalog.transport[i], expected, &p);
		receivers += p.receives;
		all++;
	}
	assert_true(all >= (*in_namespace ? 7 : 4));
	assert_true(receivers >= (*in_namespace ? 5 : 2));
}

int main(void)
{
	bool in_namespace = netns_enter();
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_prestate(test_same_ledger_everywhere, &in_namespace),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
