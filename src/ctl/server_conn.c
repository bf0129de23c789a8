#include "ctl/server_conn.h"

#include "base/log.h"
#include "base/str.h"
#include "ctl/tcp.h"

#include <errno.h>
#include <string.h>

void sp_ctl_conn_init(struct sp_ctl_conn *c, int fd, const struct sp_endpoint *peer,
		      uint64_t cookie, uint64_t deadline_ns)
{
	*c = (struct sp_ctl_conn){
		.ch = { .fd = fd, .out_cap = 1 },
		.peer = *peer,
		.cookie = cookie,
		.deadline_ns = deadline_ns,
	};
	c->ch.out = c->small;
}

static void say(struct sp_ctl_conn *c, struct sp_ctl_msg *m)
{
	m->cookie = c->cookie;
	sp_ctl_chan_put(&c->ch, m);
}

/* ---- before there is a session ---- */

static int on_hello(struct sp_ctl_shared *sh, struct sp_ctl_conn *c,
		    const struct sp_ctl_msg *in)
{
	struct sp_ctl_msg m = { .type = SP_CTL_WELCOME };

	if (in->type == SP_CTL_START_TLS)
		return sp_ctl_conn_start_tls(sh, c, &in->start_tls);
	if (in->type == SP_CTL_PAIR)
		return sp_ctl_conn_pair(sh, c, &in->pair);
	if (in->type != SP_CTL_HELLO || !sp_ctl_conn_welcome(sh, c))
		return -EBADMSG;
	m.hello.host = sh->host;
	m.hello.nonce = in->cookie;
	c->greeted = true;
	say(c, &m);
	return 0;
}

static int refuse(struct sp_ctl_conn *c, enum sp_ctl_why why)
{
	struct sp_ctl_msg m = { .type = SP_CTL_GRANT, .grant = { .why = why } };

	say(c, &m);
	c->bye = true;
	return 0;
}

static int on_ask(struct sp_ctl_shared *sh, struct sp_ctl_conn *c, const struct sp_ctl_msg *in)
{
	uint64_t now = sp_clock_now(sh->env->clock);
	struct sp_ctl_msg m = { .type = SP_CTL_GRANT };
	char name[4 * SP_CTL_NAME], peer[72];
	struct sp_ctl_session *s;
	struct sp_endpoint local;
	int rc;

	if (in->type != SP_CTL_ASK)
		return -EBADMSG;
	sp_str_printable(name, sizeof name, in->ask.name);
	sp_endpoint_format(peer, sizeof peer, &c->peer);
	s = sp_alloc(sh->env->mem, sizeof *s);
	if (!s)
		return refuse(c, SP_CTL_FULL);
	rc = sh->ops->grant_flows(sh->arg, &c->peer, name, in->ask.n_flows, &s->grant);
	if (rc) {
		sh->crowded = rc == -ENOSPC;
		sp_free(sh->env->mem, s);
		sp_log(sh->env->log, SP_LOG_WARN,
		       "%s (%s) asked for %u flows, more than there is room for; "
		       "it goes on without counts",
		       peer, name, in->ask.n_flows);
		return refuse(c, rc == -ENOSPC ? SP_CTL_FULL : SP_CTL_REFUSED);
	}
	if (sh->ops->session_local && !sp_ctl_tcp_local(c->ch.fd, &local))
		sh->ops->session_local(sh->arg, s->grant.session, &local);
	if (__builtin_add_overflow(now, in->ask.planned_ns, &s->planned_end_ns))
		s->planned_end_ns = SP_NEVER;
	s->began_ns = now;
	s->sample_at_ns = now + sh->limits.sample_ns / 2;
	c->session = s;
	c->deadline_ns = SP_NEVER;
	/* Nothing waits in the small buffer: an ask is not read before the welcome has left. */
	c->ch.out = s->out;
	c->ch.out_cap = SP_CTL_OUT_RECORDS;
	m.grant = (struct sp_ctl_grant){
		.session = s->grant.session,
		.base = s->grant.base,
		.n = s->grant.n,
		.tally_each = s->grant.tally_each,
	};
	say(c, &m);
	sp_log(sh->env->log, SP_LOG_DEBUG, "control session %u: %s (%s)%s%s, %u flows",
	       s->grant.session, peer, name, *c->who ? ", key of " : "", c->who, s->grant.n);
	return 0;
}

/* ---- in a session ---- */

static int on_clock_ask(struct sp_ctl_shared *sh, struct sp_ctl_conn *c,
			const struct sp_ctl_msg *in, uint64_t now)
{
	struct sp_ctl_msg m = { .type = SP_CTL_CLOCK_REPLY, .clock = in->clock };

	m.clock.t2 = now;
	m.clock.t3 = sp_clock_now(sh->env->clock);
	say(c, &m);
	return 0;
}

static void drain(struct sp_ctl_shared *sh, struct sp_ctl_session *s, uint64_t now)
{
	if (s->stage != SP_CTL_LIVE)
		return;
	s->stage = SP_CTL_DRAINING;
	s->drain_end_ns = now + sh->limits.drain_ns;
	s->poll_at_ns = now + SP_CTL_POLL_NS;
	s->told_by_ns = now + sh->limits.silent_ns;
	sh->ops->session_sample(sh->arg, s->grant.session, &s->rx_unique, &s->rx_bytes);
}

static bool settled(const struct sp_ctl_session *s, uint64_t now)
{
	return s->quiet >= SP_CTL_QUIET_POLLS || now >= s->drain_end_ns;
}

/* The counts begin when the final ones of the sender are all here and nothing more arrives. */
static void drain_check(struct sp_ctl_shared *sh, struct sp_ctl_conn *c, uint64_t now)
{
	struct sp_ctl_session *s = c->session;

	if (s->stage == SP_CTL_DRAINING && s->n_tx == s->grant.n &&
	    (settled(s, now) || s->rx_unique >= s->tx_sum))
		sp_ctl_counts_begin(sh, c);
}

static int on_final(struct sp_ctl_shared *sh, struct sp_ctl_conn *c,
		    const struct sp_ctl_final *in, uint64_t now)
{
	struct sp_ctl_session *s = c->session;

	if (in->first != s->n_tx || in->n > s->grant.n - s->n_tx)
		return -EBADMSG;
	if (!s->tx)
		s->tx = sp_alloc_array(sh->env->mem, s->grant.n, sizeof *s->tx);
	if (!s->tx)
		return -ENOMEM;
	for (uint32_t i = 0; i < in->n; i++) {
		s->tx[s->n_tx++] = in->tx[i];
		s->tx_sum += in->tx[i];
	}
	drain(sh, s, now);
	if (s->n_tx < s->grant.n)
		return 0;
	s->told_by_ns = now + sh->limits.silent_ns;
	sh->ops->session_final(sh->arg, s->grant.session, s->tx, s->n_tx);
	sh->ops->session_sample(sh->arg, s->grant.session, &s->rx_unique, &s->rx_bytes);
	drain_check(sh, c, now);
	return 0;
}

static int on_session(struct sp_ctl_shared *sh, struct sp_ctl_conn *c,
		      const struct sp_ctl_msg *in, uint64_t now)
{
	struct sp_ctl_session *s = c->session;
	bool final = s->n_tx == s->grant.n;

	switch (in->type) {
	case SP_CTL_CLOCK_ASK:
		return final ? -EBADMSG : on_clock_ask(sh, c, in, now);
	case SP_CTL_CLOCK_SET:
		sh->ops->session_clock(sh->arg, s->grant.session, in->clock_set.known,
				       in->clock_set.offset_ns, in->clock_set.error_ns);
		return final ? -EBADMSG : 0;
	case SP_CTL_LEASE_ASK:
		sp_ctl_conn_lease(sh, c, &in->lease_ask, now);
		return final ? -EBADMSG : 0;
	case SP_CTL_STOP:
		drain(sh, s, now);
		return final ? -EBADMSG : 0;
	case SP_CTL_FINAL:
		return final ? -EBADMSG : on_final(sh, c, &in->final, now);
	case SP_CTL_BYE:
		c->bye = true;
		return 0;
	default:
		return -EBADMSG;
	}
}

int sp_ctl_conn_record(struct sp_ctl_shared *sh, struct sp_ctl_conn *c, const uint8_t *rec)
{
	uint64_t now = sp_clock_now(sh->env->clock);
	struct sp_ctl_msg in;
	int rc = sp_ctl_decode(rec, &in);

	if (rc == -EPROTONOSUPPORT && !c->greeted) {
		/* A spate of another version: it learns ours from the head of this. */
		struct sp_ctl_msg m = { .type = SP_CTL_BYE };

		say(c, &m);
		c->bye = true;
		return 0;
	}
	if (rc)
		return rc;
	if (!c->greeted)
		return on_hello(sh, c, &in);
	if (in.cookie != c->cookie)
		return -EBADMSG;
	c->heard_ns = now;
	return c->session ? on_session(sh, c, &in, now) : on_ask(sh, c, &in);
}

/* ---- moving bytes ---- */

int sp_ctl_conn_writable(struct sp_ctl_conn *c)
{
	uint32_t turn = 0;
	int rc;

	if (c->shake)
		return 0; /* nothing is said before it is done */
	do {
		if (c->session && c->session->stage == SP_CTL_COUNTING)
			sp_ctl_counts_put(c);
		turn += (c->ch.out_end - c->ch.out_at) / SP_CTL_RECORD;
		rc = sp_ctl_chan_flush(&c->ch);
	} while (rc > 0 && c->session && c->session->stage == SP_CTL_COUNTING &&
		 turn < SP_CTL_TURN);
	return rc < 0 ? rc : 0;
}

int sp_ctl_conn_readable(struct sp_ctl_shared *sh, struct sp_ctl_conn *c)
{
	uint32_t max = SP_CTL_OUT_RECORDS, turn = 0;
	int n, rc;

	do {
		rc = c->shake ? sp_ctl_conn_shake(sh, c) : 1;
		if (rc <= 0)
			return rc;
		/* A record makes at most one other: what there is no room to answer stays in
		 * the socket, and its sender feels it. */
		max = sp_ctl_chan_room(&c->ch);
		n = sp_ctl_chan_read(&c->ch, sh->scratch, max);
		if (n < 0)
			return n;
		for (int i = 0; i < n && !c->bye; i++) {
			rc = sp_ctl_conn_record(sh, c, sh->scratch + (size_t)i * SP_CTL_RECORD);
			if (rc)
				return rc;
		}
		rc = sp_ctl_conn_writable(c);
		if (rc)
			return rc;
		turn += (uint32_t)n;
	} while (n == (int)max && n > 0 && turn < SP_CTL_TURN && !c->bye);
	return 0;
}

/* ---- timers ---- */

static void sample(struct sp_ctl_shared *sh, struct sp_ctl_conn *c, uint64_t now)
{
	struct sp_ctl_msg m = { .type = SP_CTL_SAMPLE };
	struct sp_ctl_session *s = c->session;

	/* On a grid of its own: an interval that grows with each delay would drift across the
	 * ticks of the sender. */
	while (s->sample_at_ns <= now)
		s->sample_at_ns += sh->limits.sample_ns;
	if (sp_ctl_chan_pending(&c->ch))
		return; /* it does not read: the next one will say more */
	sh->ops->session_sample(sh->arg, s->grant.session, &m.sample.rx_unique,
				&m.sample.rx_bytes);
	say(c, &m);
}

static void poll_drain(struct sp_ctl_shared *sh, struct sp_ctl_conn *c, uint64_t now)
{
	struct sp_ctl_session *s = c->session;
	uint64_t unique = 0, bytes = 0;

	sh->ops->session_sample(sh->arg, s->grant.session, &unique, &bytes);
	s->quiet = unique == s->rx_unique && bytes == s->rx_bytes ? s->quiet + 1 : 0;
	s->rx_unique = unique;
	s->rx_bytes = bytes;
	s->poll_at_ns = now + SP_CTL_POLL_NS;
	drain_check(sh, c, now);
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* When a session that says nothing any more is over. */
static uint64_t silence_ends(const struct sp_ctl_shared *sh, const struct sp_ctl_conn *c)
{
	const struct sp_ctl_session *s = c->session;
	uint64_t silent = c->heard_ns + sh->limits.silent_ns;

	if (s->stage != SP_CTL_LIVE)
		return s->told_by_ns;
	return silent > s->planned_end_ns ? silent : s->planned_end_ns;
}

int sp_ctl_conn_tick(struct sp_ctl_shared *sh, struct sp_ctl_conn *c, uint64_t now,
		     uint64_t *next)
{
	struct sp_ctl_session *s = c->session;
	uint64_t silent;
	int rc;

	if (!s) {
		*next = earlier(*next, c->deadline_ns);
		return now >= c->deadline_ns ? -ETIMEDOUT : 0;
	}
	silent = silence_ends(sh, c);
	if (now >= silent)
		return -ETIMEDOUT;
	if (s->stage == SP_CTL_LIVE && now >= s->sample_at_ns)
		sample(sh, c, now);
	if (s->stage == SP_CTL_DRAINING && now >= s->poll_at_ns)
		poll_drain(sh, c, now);
	rc = sp_ctl_conn_writable(c);
	*next = earlier(*next, silent);
	if (s->stage == SP_CTL_LIVE)
		*next = earlier(*next, s->sample_at_ns);
	if (s->stage == SP_CTL_DRAINING && (s->n_tx == s->grant.n || !settled(s, now)))
		*next = earlier(*next, s->poll_at_ns);
	return rc;
}

void sp_ctl_conn_fini(struct sp_ctl_shared *sh, struct sp_ctl_conn *c, bool lost)
{
	struct sp_ctl_session *s = c->session;

	if (c->shake) {
		sh->handshakes--;
		sp_tls_free(c->shake);
		c->shake = NULL;
	}
	sp_ctl_chan_close(&c->ch);
	if (!s)
		return;
	sh->ops->session_end(sh->arg, s->grant.session, lost);
	if (s->has_counts)
		sh->ops->counts_fini(&s->counts, sh->env->mem);
	sp_free(sh->env->mem, s->tx);
	sp_free(sh->env->mem, s);
	c->session = NULL;
}
