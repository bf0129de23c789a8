/* The client's peers with keys: TLS, pairing, leases. */
#include "ctl/client_peer.h"

#include "base/log.h"
#include "base/str.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

static int fail(struct sp_ctl_peer *p, enum sp_ctl_peer_why why)
{
	sp_ctl_peer_fail(p, why);
	return -ECONNABORTED;
}

/* ---- TLS ---- */

static bool trusted(void *arg, const struct sp_pubkey *key)
{
	return sp_keyring_trusts(arg, key) != NULL;
}

static bool anyone(void *arg, const struct sp_pubkey *key)
{
	(void)arg;
	(void)key;
	return true; /* the code decides */
}

int sp_ctl_peer_start_tls(const struct sp_ctl_peer_ctx *x, struct sp_ctl_peer *p)
{
	struct sp_ctl_msg m = { .type = SP_CTL_START_TLS, .cookie = p->cookie };
	struct sp_tls_conf conf = { .fd = p->ch.fd, .arg = x->secure.ring };

	m.start_tls.pair = x->secure.code != NULL;
	m.start_tls.key = *sp_tls_ctx_key(x->secure.ring->tls);
	conf.accept = m.start_tls.pair ? anyone : trusted;
	p->state = SP_CTL_P_SHAKING;
	sp_ctl_chan_put(&p->ch, &m);
	/* A new socket has room for one record: what it does not take at once it never will. */
	if (sp_ctl_chan_flush(&p->ch) <= 0)
		return fail(p, SP_CTL_W_CLOSED);
	p->shake = sp_tls_new(x->secure.ring->tls, &conf);
	return p->shake ? sp_ctl_peer_shake(x, p) : fail(p, SP_CTL_W_LOCAL);
}

static int prove(const struct sp_ctl_peer_ctx *x, struct sp_ctl_peer *p, enum sp_pair_side side,
		 uint8_t proof[SP_PAIR_PROOF])
{
	uint8_t binding[SP_PAIR_BINDING];

	if (sp_tls_binding(p->ch.tls, binding))
		return -EIO;
	return sp_pair_prove(side, x->pair_secret, binding, sp_tls_ctx_key(x->secure.ring->tls),
			     sp_tls_peer(p->ch.tls), proof);
}

static int say_proof(const struct sp_ctl_peer_ctx *x, struct sp_ctl_peer *p)
{
	struct sp_ctl_msg m = { .type = SP_CTL_PAIR, .cookie = p->cookie };

	if (prove(x, p, SP_PAIR_CLIENT, m.pair.proof))
		return fail(p, SP_CTL_W_LOCAL);
	if (gethostname(m.pair.name, sizeof m.pair.name - 1))
		m.pair.name[0] = '\0';
	p->state = SP_CTL_P_PAIRING;
	return sp_ctl_peer_say(p, &m);
}

int sp_ctl_peer_shake(const struct sp_ctl_peer_ctx *x, struct sp_ctl_peer *p)
{
	int rc = sp_tls_handshake(p->shake);

	if (rc == -EACCES)
		return fail(p, SP_CTL_W_UNTRUSTED);
	if (rc < 0)
		return fail(p, SP_CTL_W_STRANGER);
	if (rc == 0)
		return 0;
	p->ch.tls = p->shake;
	p->shake = NULL;
	return x->secure.code ? say_proof(x, p) : sp_ctl_peer_greet(x, p);
}

int sp_ctl_peer_on_pair(const struct sp_ctl_peer_ctx *x, struct sp_ctl_peer *p,
			const struct sp_ctl_msg *m)
{
	char name[SP_TRUST_NAME], key[SP_PUBKEY_TEXT], to[72];
	uint8_t want[SP_PAIR_PROOF];
	struct sp_err err = { 0 };

	if (m->type != SP_CTL_PAIR || prove(x, p, SP_PAIR_SERVER, want) ||
	    !sp_pair_proof_eq(want, m->pair.proof))
		return fail(p, SP_CTL_W_CODE);
	sp_strlcpy(name, m->pair.name, sizeof name);
	if (sp_keyring_add(x->secure.ring, name, true, sp_tls_peer(p->ch.tls), &err)) {
		sp_log(x->env->log, SP_LOG_ERROR, "%s", err.text);
		return fail(p, SP_CTL_W_STORE);
	}
	sp_log(x->env->log, SP_LOG_WARN, "paired with %s: the key %s is trusted as '%s' now",
	       sp_endpoint_format(to, sizeof to, &p->to),
	       sp_pubkey_format(key, sp_tls_peer(p->ch.tls)), name);
	return sp_ctl_peer_greet(x, p);
}

/* ---- leases ---- */

/* Units wanted by the end of a term that begins now. */
static uint64_t wanted(const struct sp_ctl_peer_lease *l, uint64_t now, uint64_t term_ns)
{
	unsigned __int128 n = (unsigned __int128)l->pps *
			      (now - l->began_ns + term_ns + SP_CTL_LEASE_SLACK_NS) /
			      SP_NS_PER_S;

	return n > SP_CTL_COUNT_MAX ? SP_CTL_COUNT_MAX : (uint64_t)n;
}

int sp_ctl_peer_ask_lease(const struct sp_ctl_peer_ctx *x, struct sp_ctl_peer *p)
{
	struct sp_ctl_msg m = { .type = SP_CTL_LEASE_ASK, .cookie = p->cookie };
	uint64_t now = sp_clock_now(x->env->clock);
	struct sp_ctl_peer_lease *l = &p->lease;

	if (!l->wanted || l->asked ||
	    (l->given && now < l->asked_ns + l->term_ns / SP_CTL_LEASE_RENEW_DIV) ||
	    !sp_ctl_chan_room(&p->ch))
		return 0;
	l->asked = true;
	l->asked_ns = now;
	m.lease_ask.seq = ++l->seq;
	m.lease_ask.term_ns = x->lease_ns;
	m.lease_ask.packets = wanted(l, now, x->lease_ns);
	return sp_ctl_peer_say(p, &m);
}

/* The term runs from the moment when it was asked for: never longer than was meant. */
int sp_ctl_peer_on_lease(struct sp_ctl_peer *p, const struct sp_ctl_lease *m)
{
	struct sp_ctl_peer_lease *l = &p->lease;

	if (!l->asked || m->seq != l->seq)
		return fail(p, SP_CTL_W_GARBLED);
	l->asked = false;
	l->refused = m->why;
	if (m->why != SP_CTL_LEASE_GIVEN) {
		l->wanted = false; /* it need not be asked again; what it gave stands */
		return 0;
	}
	l->given = true;
	l->packets = m->packets;
	l->term_ns = m->term_ns;
	l->until_ns = l->asked_ns + m->term_ns;
	return 0;
}

const char *sp_ctl_peer_no_lease(const struct sp_ctl_peer *p)
{
	if (p->state == SP_CTL_P_GONE)
		return sp_ctl_peer_phrase(p->why);
	if (p->lease.refused == SP_CTL_LEASE_NO_KEY)
		return "wants to see a key";
	if (p->lease.refused == SP_CTL_LEASE_NONE)
		return "gives no leases (--lease there)";
	return "did not answer in time";
}
