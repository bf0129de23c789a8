/* The server's connections with keys: TLS, pairing, leases. */
#include "ctl/server_conn.h"

#include "base/log.h"
#include "base/str.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

/* ---- TLS ---- */

static bool pairing_open(const struct sp_ctl_shared *sh)
{
	return sp_clock_now(sh->env->clock) < sh->pair_until_ns;
}

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

/* No more than a look at a list before memory is spent; and not a word to those not on it. */
int sp_ctl_conn_start_tls(struct sp_ctl_shared *sh, struct sp_ctl_conn *c,
			  const struct sp_ctl_start_tls *in)
{
	struct sp_keyring *ring = sh->secure.ring;
	struct sp_tls_conf conf = { .fd = c->ch.fd,
				    .server = true,
				    .accept = in->pair ? anyone : trusted,
				    .arg = ring };

	if (!ring || c->tls != SP_CTL_CLEAR ||
	    !(in->pair ? pairing_open(sh) : trusted(ring, &in->key)))
		return -EACCES;
	c->shake = sp_tls_new(ring->tls, &conf);
	if (!c->shake)
		return -ENOMEM;
	c->tls = SP_CTL_SHAKING;
	c->pairs = in->pair;
	sh->handshakes++;
	return 0;
}

int sp_ctl_conn_shake(struct sp_ctl_shared *sh, struct sp_ctl_conn *c)
{
	const char *who;
	int rc = sp_tls_handshake(c->shake);

	if (rc <= 0)
		return rc;
	sh->handshakes--;
	c->ch.tls = c->shake;
	c->shake = NULL;
	who = sp_keyring_trusts(sh->secure.ring, sp_tls_peer(c->ch.tls));
	if (who)
		sp_strlcpy(c->who, who, sizeof c->who);
	c->tls = c->pairs ? SP_CTL_PAIRING : SP_CTL_KEYED;
	return 1;
}

bool sp_ctl_conn_welcome(const struct sp_ctl_shared *sh, const struct sp_ctl_conn *c)
{
	if (c->tls == SP_CTL_KEYED)
		return true;
	return c->tls == SP_CTL_CLEAR && !sh->secure.keyed_only &&
	       sp_addr_is_own(&c->peer.addr);
}

/* ---- pairing ---- */

/* One try, right or wrong. */
static int check_proof(struct sp_ctl_shared *sh, struct sp_ctl_conn *c,
		       const struct sp_ctl_pair *in, struct sp_ctl_pair *out)
{
	const struct sp_pubkey *us = sp_tls_ctx_key(sh->secure.ring->tls);
	const struct sp_pubkey *them = sp_tls_peer(c->ch.tls);
	uint8_t binding[SP_PAIR_BINDING], want[SP_PAIR_PROOF];
	bool open = pairing_open(sh);

	sh->pair_until_ns = 0;
	if (!open || sp_tls_binding(c->ch.tls, binding) ||
	    sp_pair_prove(SP_PAIR_CLIENT, sh->pair_secret, binding, them, us, want) ||
	    sp_pair_prove(SP_PAIR_SERVER, sh->pair_secret, binding, them, us, out->proof))
		return -EACCES;
	explicit_bzero(sh->pair_secret, sizeof sh->pair_secret);
	return sp_pair_proof_eq(in->proof, want) ? 0 : -EACCES;
}

int sp_ctl_conn_pair(struct sp_ctl_shared *sh, struct sp_ctl_conn *c,
		     const struct sp_ctl_pair *in)
{
	struct sp_ctl_msg m = { .type = SP_CTL_PAIR };
	char name[SP_TRUST_NAME], key[SP_PUBKEY_TEXT], peer[72];
	struct sp_err err = { 0 };

	if (c->tls != SP_CTL_PAIRING)
		return -EBADMSG;
	sp_endpoint_format(peer, sizeof peer, &c->peer);
	if (check_proof(sh, c, in, &m.pair)) {
		sp_log(sh->env->log, SP_LOG_WARN,
		       "%s tried to pair with a wrong code: the code is void now, `recv --pair` "
		       "makes a new one",
		       peer);
		return -EACCES;
	}
	sp_strlcpy(name, in->name, sizeof name);
	if (sp_keyring_add(sh->secure.ring, name, true, sp_tls_peer(c->ch.tls), &err)) {
		sp_log(sh->env->log, SP_LOG_ERROR, "paired, but: %s", err.text);
		return -EIO;
	}
	sp_log(sh->env->log, SP_LOG_WARN, "paired with %s: the key %s is trusted as '%s' now",
	       peer, sp_pubkey_format(key, sp_tls_peer(c->ch.tls)), name);
	sp_strlcpy(c->who, name, sizeof c->who);
	c->tls = SP_CTL_KEYED;
	if (gethostname(m.pair.name, sizeof m.pair.name - 1))
		m.pair.name[0] = '\0';
	m.cookie = c->cookie;
	sp_ctl_chan_put(&c->ch, &m);
	return 0;
}

/* ---- leases ---- */

static uint64_t at_most(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* Units that the limit allows by the end of a term that begins now. */
static uint64_t ceiling(const struct sp_ctl_shared *sh, const struct sp_ctl_session *s,
			uint64_t now, uint64_t term_ns)
{
	unsigned __int128 n = (unsigned __int128)sh->secure.lease_pps *
			      (now - s->began_ns + term_ns) / SP_NS_PER_S;

	return n > SP_CTL_COUNT_MAX ? SP_CTL_COUNT_MAX : (uint64_t)n;
}

void sp_ctl_conn_lease(struct sp_ctl_shared *sh, struct sp_ctl_conn *c,
		       const struct sp_ctl_lease_ask *ask, uint64_t now)
{
	struct sp_ctl_msg m = { .type = SP_CTL_LEASE, .cookie = c->cookie };
	struct sp_ctl_lease *l = &m.lease;

	l->seq = ask->seq;
	if (c->tls != SP_CTL_KEYED) {
		l->why = SP_CTL_LEASE_NO_KEY;
	} else if (!sh->secure.lease_pps) {
		l->why = SP_CTL_LEASE_NONE;
	} else {
		l->why = SP_CTL_LEASE_GIVEN;
		l->term_ns = at_most(ask->term_ns, sh->limits.lease_ns);
		l->packets = at_most(ask->packets, ceiling(sh, c->session, now, l->term_ns));
		sp_log(sh->env->log, SP_LOG_DEBUG,
		       "lease to %s: %llu packets in all, for %.1f s", c->who,
		       (unsigned long long)l->packets, (double)l->term_ns / 1e9);
	}
	sp_ctl_chan_put(&c->ch, &m);
}
