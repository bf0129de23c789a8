#include "ctl/client_peer.h"

#include "base/cursor.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* Flow ids are 24 bits wide in the stamp. */
#define FLOW_IDS (UINT32_C(1) << 24)

void sp_ctl_peer_fail(struct sp_ctl_peer *p, enum sp_ctl_peer_why why)
{
	if (p->state == SP_CTL_P_GONE)
		return;
	p->state = SP_CTL_P_GONE;
	p->why = why;
}

static int fail(struct sp_ctl_peer *p, enum sp_ctl_peer_why why)
{
	sp_ctl_peer_fail(p, why);
	return -ECONNABORTED;
}

static bool in_session(const struct sp_ctl_peer *p)
{
	return p->state >= SP_CTL_P_CLOCK && p->state <= SP_CTL_P_ENDING;
}

static uint32_t first_word(const uint8_t *p)
{
	struct sp_rd r = sp_rd_of(p, 4);

	return sp_rd_be32(&r);
}

/* The stream has ended, or its time is up: what does the piece that came say? */
static enum sp_ctl_peer_why why_ended(const struct sp_ctl_peer *p, enum sp_ctl_peer_why empty)
{
	if (in_session(p))
		return SP_CTL_W_LOST;
	if (p->state == SP_CTL_P_CONNECTING || p->state == SP_CTL_P_FINDING)
		return SP_CTL_W_NOBODY;
	if (p->state == SP_CTL_P_PAIRING)
		return SP_CTL_W_CODE;
	if (!p->ch.in_len)
		return empty;
	return p->ch.in_len >= 4 && first_word(p->ch.in) == SP_CTL_MAGIC ? SP_CTL_W_HALF
									 : SP_CTL_W_FOREIGN;
}

void sp_ctl_peer_expire(struct sp_ctl_peer *p)
{
	if (p->state == SP_CTL_P_ENDING)
		sp_ctl_peer_fail(p, SP_CTL_W_NO_COUNTS);
	else
		sp_ctl_peer_fail(p, why_ended(p, SP_CTL_W_SILENT));
}

/* ---- saying ---- */

static void say(struct sp_ctl_peer *p, struct sp_ctl_msg *m)
{
	m->cookie = p->cookie;
	sp_ctl_chan_put(&p->ch, m);
}

static void put_finals(struct sp_ctl_peer *p)
{
	while (p->tx && p->tx_at < p->grant.n && sp_ctl_chan_room(&p->ch)) {
		uint32_t n = p->grant.n - p->tx_at;
		struct sp_ctl_msg m = { .type = SP_CTL_FINAL };

		m.final.first = p->tx_at;
		m.final.n = n < SP_CTL_TXS ? n : SP_CTL_TXS;
		memcpy(m.final.tx, p->tx + p->tx_at, m.final.n * sizeof *p->tx);
		p->tx_at += m.final.n;
		say(p, &m);
	}
}

int sp_ctl_peer_writable(struct sp_ctl_peer *p)
{
	int rc;

	do {
		put_finals(p);
		rc = sp_ctl_chan_flush(&p->ch);
	} while (rc > 0 && p->tx && p->tx_at < p->grant.n);
	return rc < 0 ? fail(p, why_ended(p, SP_CTL_W_CLOSED)) : 0;
}

int sp_ctl_peer_say(struct sp_ctl_peer *p, struct sp_ctl_msg *m)
{
	if (sp_ctl_chan_room(&p->ch))
		say(p, m);
	return sp_ctl_peer_writable(p);
}

int sp_ctl_peer_begin(const struct sp_ctl_peer_ctx *x, struct sp_ctl_peer *p)
{
	return p->keyed ? sp_ctl_peer_start_tls(x, p) : sp_ctl_peer_greet(x, p);
}

int sp_ctl_peer_greet(const struct sp_ctl_peer_ctx *x, struct sp_ctl_peer *p)
{
	struct sp_ctl_msg m = { .type = SP_CTL_HELLO };

	m.hello.host = x->host;
	p->state = SP_CTL_P_GREETING;
	return sp_ctl_peer_say(p, &m);
}

int sp_ctl_peer_ask_clock(const struct sp_ctl_peer_ctx *x, struct sp_ctl_peer *p)
{
	struct sp_ctl_msg m = { .type = SP_CTL_CLOCK_ASK };

	if (p->clock_asked || !sp_ctl_chan_room(&p->ch))
		return 0;
	p->clock_asked = true;
	p->clock_t1 = sp_clock_now(x->env->clock);
	m.clock.seq = ++p->clock_seq;
	m.clock.t1 = p->clock_t1;
	return sp_ctl_peer_say(p, &m);
}

static int tell_clock(struct sp_ctl_peer *p)
{
	struct sp_ctl_msg m = { .type = SP_CTL_CLOCK_SET };

	m.clock_set.known = p->clock.known;
	m.clock_set.offset_ns = p->clock.offset_ns;
	m.clock_set.error_ns = p->clock.error_ns;
	return sp_ctl_peer_say(p, &m);
}

int sp_ctl_peer_go_live(const struct sp_ctl_peer_ctx *x, struct sp_ctl_peer *p)
{
	sp_ctl_clock_same_host(&p->clock, &x->host, &p->host);
	p->state = SP_CTL_P_LIVE;
	return tell_clock(p);
}

int sp_ctl_peer_stop(struct sp_ctl_peer *p)
{
	struct sp_ctl_msg m = { .type = SP_CTL_STOP };

	return sp_ctl_peer_say(p, &m);
}

void sp_ctl_peer_bye(struct sp_ctl_peer *p)
{
	struct sp_ctl_msg m = { .type = SP_CTL_BYE };

	(void)sp_ctl_peer_say(p, &m);
}

int sp_ctl_peer_final(struct sp_ctl_peer *p, uint64_t *tx)
{
	p->tx = tx;
	p->tx_at = 0;
	p->state = SP_CTL_P_ENDING;
	return sp_ctl_peer_writable(p);
}

/* ---- hearing ---- */

static int on_welcome(struct sp_ctl_peer *p, const struct sp_ctl_msg *m)
{
	struct sp_ctl_msg ask = { .type = SP_CTL_ASK };

	if (m->type != SP_CTL_WELCOME || m->hello.nonce != p->cookie)
		return fail(p, SP_CTL_W_FOREIGN);
	p->cookie = m->cookie;
	p->host = m->hello.host;
	p->state = SP_CTL_P_ASKING;
	ask.ask = p->ask;
	return sp_ctl_peer_say(p, &ask);
}

static int on_grant(const struct sp_ctl_peer_ctx *x, struct sp_ctl_peer *p,
		    const struct sp_ctl_msg *m)
{
	const struct sp_ctl_grant *g = &m->grant;
	int rc;

	if (m->type != SP_CTL_GRANT)
		return fail(p, SP_CTL_W_FOREIGN);
	if (g->why != SP_CTL_GRANTED)
		return fail(p, SP_CTL_W_FULL);
	if (g->n != p->ask.n_flows || g->base > FLOW_IDS - g->n)
		return fail(p, SP_CTL_W_FOREIGN);
	p->grant = *g;
	sp_ctl_gather_init(&p->gather, x->env->mem, g->n, g->tally_each);
	p->state = SP_CTL_P_CLOCK;
	p->lease.began_ns = sp_clock_now(x->env->clock);
	rc = sp_ctl_peer_ask_lease(x, p);
	return rc ? rc : sp_ctl_peer_ask_clock(x, p);
}

static int on_clock_reply(const struct sp_ctl_peer_ctx *x, struct sp_ctl_peer *p,
			  const struct sp_ctl_clock *m)
{
	struct sp_ctl_stamps s = { p->clock_t1, m->t2, m->t3, sp_clock_now(x->env->clock) };
	bool better;

	if (!p->clock_asked || m->seq != p->clock_seq || m->t1 != p->clock_t1)
		return fail(p, SP_CTL_W_GARBLED);
	p->clock_asked = false;
	p->exchanges++;
	better = sp_ctl_clock_add(&p->clock, &s);
	if (p->state == SP_CTL_P_CLOCK && p->exchanges < x->exchanges)
		return sp_ctl_peer_ask_clock(x, p);
	return p->state == SP_CTL_P_LIVE && better ? tell_clock(p) : 0;
}

static int on_counts(struct sp_ctl_peer *p, const struct sp_ctl_msg *m)
{
	int rc;

	if (p->state != SP_CTL_P_ENDING || p->tx_at < p->grant.n)
		return fail(p, SP_CTL_W_GARBLED);
	rc = sp_ctl_gather_take(&p->gather, m);
	if (rc == -ENODATA)
		return fail(p, SP_CTL_W_NO_COUNTS);
	if (rc < 0)
		return fail(p, rc == -ENOMEM ? SP_CTL_W_LOCAL : SP_CTL_W_GARBLED);
	if (rc > 0) {
		sp_ctl_peer_bye(p);
		p->state = SP_CTL_P_DONE;
		return -ESHUTDOWN;
	}
	return 0;
}

int sp_ctl_peer_record(const struct sp_ctl_peer_ctx *x, struct sp_ctl_peer *p,
		       const uint8_t *rec)
{
	struct sp_ctl_msg m;
	int rc = sp_ctl_decode(rec, &m);

	if (rc == -EPROTONOSUPPORT || (!rc && m.type == SP_CTL_BYE))
		return fail(p, in_session(p) ? SP_CTL_W_LOST : SP_CTL_W_VERSION);
	if (rc)
		return fail(p, in_session(p) ? SP_CTL_W_GARBLED : SP_CTL_W_FOREIGN);
	if (p->state == SP_CTL_P_PAIRING)
		return sp_ctl_peer_on_pair(x, p, &m);
	if (p->state == SP_CTL_P_GREETING)
		return on_welcome(p, &m);
	if (m.cookie != p->cookie)
		return fail(p, in_session(p) ? SP_CTL_W_GARBLED : SP_CTL_W_FOREIGN);
	if (p->state == SP_CTL_P_ASKING)
		return on_grant(x, p, &m);
	switch (m.type) {
	case SP_CTL_CLOCK_REPLY:
		return on_clock_reply(x, p, &m.clock);
	case SP_CTL_LEASE:
		return sp_ctl_peer_on_lease(p, &m.lease);
	case SP_CTL_SAMPLE:
		p->sampled = true;
		p->fresh = true;
		p->sample = m.sample;
		return 0;
	default:
		return on_counts(p, &m);
	}
}

int sp_ctl_peer_readable(struct sp_ctl_peer_ctx *x, struct sp_ctl_peer *p)
{
	uint32_t turn = 0;
	int n, rc;

	do {
		n = sp_ctl_chan_read(&p->ch, x->scratch, SP_CTL_OUT_RECORDS);
		if (n < 0)
			return fail(p, why_ended(p, SP_CTL_W_CLOSED));
		for (int i = 0; i < n; i++) {
			rc = sp_ctl_peer_record(x, p, x->scratch + (size_t)i * SP_CTL_RECORD);
			if (rc)
				return rc;
		}
		turn += (uint32_t)n;
	} while (n == (int)SP_CTL_OUT_RECORDS && turn < SP_CTL_TURN);
	/* Need not wait for the rest of a record that is none. */
	if (p->ch.in_len >= 4 && first_word(p->ch.in) != SP_CTL_MAGIC)
		return fail(p, in_session(p) ? SP_CTL_W_GARBLED : SP_CTL_W_FOREIGN);
	return 0;
}

void sp_ctl_peer_fini(struct sp_ctl_peer *p, const struct sp_mem *mem)
{
	sp_tls_free(p->shake);
	sp_ctl_chan_close(&p->ch);
	sp_free(mem, p->ch.out);
	sp_free(mem, p->tx);
	if (p->gather.mem)
		sp_ctl_gather_fini(&p->gather);
}

const char *sp_ctl_peer_phrase(enum sp_ctl_peer_why why)
{
	static const char *const texts[SP_CTL_W__N] = {
		[SP_CTL_W_NOBODY] = "does not answer on its control port",
		[SP_CTL_W_FOREIGN] = "speaks something else on its control port",
		[SP_CTL_W_HALF] = "broke off in the middle of its answer on its control port",
		[SP_CTL_W_SILENT] = "accepts on its control port and then says nothing",
		[SP_CTL_W_CLOSED] = "accepts on its control port and closes at once",
		[SP_CTL_W_VERSION] = "is a spate whose control is of another version",
		[SP_CTL_W_FULL] = "has no room for these flows (--max-flows there)",
		[SP_CTL_W_LOST] = "ended its control session during the run",
		[SP_CTL_W_GARBLED] = "sent nonsense in its control session",
		[SP_CTL_W_NO_COUNTS] = "did not tell its counts in time",
		[SP_CTL_W_LOCAL] = "could not be asked for want of descriptors or memory here",
		[SP_CTL_W_STRANGER] =
			("hung up when this host showed its key: it has no keys, or does not "
			 "trust this one"),
		[SP_CTL_W_UNTRUSTED] = "shows a key that is not trusted here",
		[SP_CTL_W_CODE] = "did not take the pairing code",
		[SP_CTL_W_STORE] = "paired, but its key could not be kept here",
	};

	return texts[why];
}

const char *sp_ctl_peer_remark(const struct sp_ctl_peer *p, char *buf, size_t cap)
{
	char to[72];

	if (p->state != SP_CTL_P_GONE || p->why == SP_CTL_W_NOBODY)
		return NULL;
	sp_endpoint_format(to, sizeof to, &p->to);
	snprintf(buf, cap, "%s %s; counts are unknown", to, sp_ctl_peer_phrase(p->why));
	return buf;
}
