#include "ctl/messages.h"

#include "base/cursor.h"

#include <errno.h>
#include <math.h>
#include <string.h>

_Static_assert(SP_CTL_RECORD == 16 + SP_CTL_BODY, "header and body");

enum flow_flags { FLOW_DELAY = 1, FLOW_COARSE = 2 };
enum counts_flags { COUNTS_DROPPED = 1, COUNTS_EXCLUSIVE = 2, COUNTS_KERNEL = 4 };

static void put_i64(struct sp_wr *w, int64_t v)
{
	sp_wr_be64(w, (uint64_t)v);
}

static int64_t get_i64(struct sp_rd *r)
{
	return (int64_t)sp_rd_be64(r);
}

/* ---- bodies: a put and a get each; a get says whether the values make sense ---- */

static void put_hello(struct sp_wr *w, const struct sp_ctl_hello *m)
{
	sp_wr_be32(w, m->host.known);
	sp_wr_bytes(w, m->host.boot, sizeof m->host.boot);
	sp_wr_be64(w, m->host.timens);
	put_i64(w, m->host.offset_s);
	put_i64(w, m->host.offset_ns);
	sp_wr_be64(w, m->nonce);
}

static bool get_hello(struct sp_rd *r, struct sp_ctl_hello *m)
{
	const uint8_t *boot;

	m->host.known = sp_rd_be32(r) == 1;
	boot = sp_rd_take(r, sizeof m->host.boot);
	if (boot)
		memcpy(m->host.boot, boot, sizeof m->host.boot);
	m->host.timens = sp_rd_be64(r);
	m->host.offset_s = get_i64(r);
	m->host.offset_ns = get_i64(r);
	m->nonce = sp_rd_be64(r);
	return true;
}

static void put_ask(struct sp_wr *w, const struct sp_ctl_ask *m)
{
	sp_wr_be32(w, m->n_flows);
	sp_wr_be64(w, m->planned_ns);
	sp_wr_be64(w, m->max_packets);
	sp_wr_bytes(w, m->name, strnlen(m->name, SP_CTL_NAME - 1));
}

static bool get_ask(struct sp_rd *r, struct sp_ctl_ask *m)
{
	const uint8_t *name;

	m->n_flows = sp_rd_be32(r);
	m->planned_ns = sp_rd_be64(r);
	m->max_packets = sp_rd_be64(r);
	name = sp_rd_take(r, SP_CTL_NAME);
	if (name)
		memcpy(m->name, name, SP_CTL_NAME - 1);
	return m->n_flows >= 1 && m->n_flows <= SP_CTL_FLOWS_MAX;
}

static void put_grant(struct sp_wr *w, const struct sp_ctl_grant *m)
{
	sp_wr_be32(w, m->why);
	sp_wr_be32(w, m->session);
	sp_wr_be32(w, m->base);
	sp_wr_be32(w, m->n);
	sp_wr_be32(w, m->tally_each);
}

static bool get_grant(struct sp_rd *r, struct sp_ctl_grant *m)
{
	m->why = sp_rd_be32(r);
	m->session = sp_rd_be32(r);
	m->base = sp_rd_be32(r);
	m->n = sp_rd_be32(r);
	m->tally_each = sp_rd_be32(r) == 1;
	return m->why <= SP_CTL_REFUSED && m->n <= SP_CTL_FLOWS_MAX;
}

static void put_clock(struct sp_wr *w, const struct sp_ctl_clock *m)
{
	sp_wr_be32(w, m->seq);
	sp_wr_be64(w, m->t1);
	sp_wr_be64(w, m->t2);
	sp_wr_be64(w, m->t3);
}

static bool get_clock(struct sp_rd *r, struct sp_ctl_clock *m)
{
	m->seq = sp_rd_be32(r);
	m->t1 = sp_rd_be64(r);
	m->t2 = sp_rd_be64(r);
	m->t3 = sp_rd_be64(r);
	return true;
}

static void put_clock_set(struct sp_wr *w, const struct sp_ctl_clock_set *m)
{
	sp_wr_be32(w, m->known);
	put_i64(w, m->offset_ns);
	sp_wr_be64(w, m->error_ns);
}

static bool get_clock_set(struct sp_rd *r, struct sp_ctl_clock_set *m)
{
	m->known = sp_rd_be32(r) == 1;
	m->offset_ns = get_i64(r);
	m->error_ns = sp_rd_be64(r);
	return m->offset_ns <= SP_CTL_OFFSET_MAX && m->offset_ns >= -SP_CTL_OFFSET_MAX &&
	       m->error_ns <= (uint64_t)SP_CTL_OFFSET_MAX;
}

static void put_sample(struct sp_wr *w, const struct sp_ctl_sample *m)
{
	sp_wr_be64(w, m->rx_unique);
	sp_wr_be64(w, m->rx_bytes);
}

static bool get_sample(struct sp_rd *r, struct sp_ctl_sample *m)
{
	m->rx_unique = sp_rd_be64(r);
	m->rx_bytes = sp_rd_be64(r);
	return m->rx_unique <= SP_CTL_COUNT_MAX && m->rx_bytes <= SP_CTL_COUNT_MAX;
}

static void put_final(struct sp_wr *w, const struct sp_ctl_final *m)
{
	sp_wr_be32(w, m->first);
	sp_wr_be32(w, m->n);
	for (unsigned i = 0; i < m->n && i < SP_CTL_TXS; i++)
		sp_wr_be64(w, m->tx[i]);
}

static bool get_final(struct sp_rd *r, struct sp_ctl_final *m)
{
	bool sane = true;

	m->first = sp_rd_be32(r);
	m->n = sp_rd_be32(r);
	if (m->n < 1 || m->n > SP_CTL_TXS)
		return false;
	for (unsigned i = 0; i < m->n; i++) {
		m->tx[i] = sp_rd_be64(r);
		sane = sane && m->tx[i] <= SP_CTL_COUNT_MAX;
	}
	return sane;
}

static void put_counts(struct sp_wr *w, const struct sp_ctl_counts *m)
{
	uint32_t flags = 0;

	flags |= m->dropped_known ? COUNTS_DROPPED : 0;
	flags |= m->exclusive ? COUNTS_EXCLUSIVE : 0;
	flags |= m->rx_clock_kernel ? COUNTS_KERNEL : 0;
	sp_wr_be32(w, m->n_flows);
	sp_wr_be32(w, m->n_hists);
	sp_wr_be32(w, m->max_seg);
	sp_wr_be32(w, flags);
	sp_wr_be64(w, m->dropped_units);
	sp_wr_be64(w, m->rx_units);
	sp_wr_be64(w, m->control_packets);
}

static bool get_counts(struct sp_rd *r, struct sp_ctl_counts *m)
{
	uint32_t flags;

	m->n_flows = sp_rd_be32(r);
	m->n_hists = sp_rd_be32(r);
	m->max_seg = sp_rd_be32(r);
	flags = sp_rd_be32(r);
	m->dropped_known = flags & COUNTS_DROPPED;
	m->exclusive = flags & COUNTS_EXCLUSIVE;
	m->rx_clock_kernel = flags & COUNTS_KERNEL;
	m->dropped_units = sp_rd_be64(r);
	m->rx_units = sp_rd_be64(r);
	m->control_packets = sp_rd_be64(r);
	return m->dropped_units <= SP_CTL_COUNT_MAX && m->rx_units <= SP_CTL_COUNT_MAX &&
	       m->control_packets <= SP_CTL_COUNT_MAX;
}

/* A flow's delay: all 0 unless known. */
static void put_summary(struct sp_wr *w, const struct sp_summary *s)
{
	uint64_t mean;

	memcpy(&mean, &s->mean, sizeof mean);
	sp_wr_be64(w, s->n);
	sp_wr_be64(w, s->negative);
	put_i64(w, s->min);
	put_i64(w, s->p50);
	put_i64(w, s->p90);
	put_i64(w, s->p99);
	put_i64(w, s->p999);
	put_i64(w, s->max);
	sp_wr_be64(w, mean);
	put_i64(w, s->clock_error);
}

static bool get_summary(struct sp_rd *r, struct sp_summary *s)
{
	uint64_t mean;

	s->n = sp_rd_be64(r);
	s->negative = sp_rd_be64(r);
	s->min = get_i64(r);
	s->p50 = get_i64(r);
	s->p90 = get_i64(r);
	s->p99 = get_i64(r);
	s->p999 = get_i64(r);
	s->max = get_i64(r);
	mean = sp_rd_be64(r);
	s->clock_error = get_i64(r);
	memcpy(&s->mean, &mean, sizeof mean);
	return s->n <= SP_CTL_COUNT_MAX && s->negative <= s->n && isfinite(s->mean);
}

/* The counts of a flow, in the order of the wire. */
static const size_t flow_counts[] = {
	offsetof(struct sp_peer_flow, rx),	  offsetof(struct sp_peer_flow, rx_bytes),
	offsetof(struct sp_peer_flow, unique),	  offsetof(struct sp_peer_flow, duplicates),
	offsetof(struct sp_peer_flow, reordered), offsetof(struct sp_peer_flow, corrupted),
	offsetof(struct sp_peer_flow, too_old),	  offsetof(struct sp_peer_flow, gaps),
	offsetof(struct sp_peer_flow, jitter_ns), offsetof(struct sp_peer_flow, negative),
};
#define N_FLOW_COUNTS (sizeof flow_counts / sizeof *flow_counts)

static void put_flow(struct sp_wr *w, const struct sp_ctl_flow *m)
{
	uint32_t flags = m->f.delay.known ? FLOW_DELAY : 0;
	uint64_t v;

	if (m->f.delay.known && m->f.delay.coarse)
		flags |= FLOW_COARSE;
	sp_wr_be32(w, m->index);
	sp_wr_be32(w, flags);
	for (size_t i = 0; i < N_FLOW_COUNTS; i++) {
		memcpy(&v, (const char *)&m->f + flow_counts[i], sizeof v);
		sp_wr_be64(w, v);
	}
	sp_wr_be64(w, m->f.first_rx_ns);
	sp_wr_be64(w, m->f.last_rx_ns);
	if (m->f.delay.known)
		put_summary(w, &m->f.delay);
}

static bool get_flow(struct sp_rd *r, struct sp_ctl_flow *m)
{
	bool sane = true;
	uint32_t flags;

	m->index = sp_rd_be32(r);
	flags = sp_rd_be32(r);
	for (size_t i = 0; i < N_FLOW_COUNTS; i++) {
		uint64_t v = sp_rd_be64(r);

		sane = sane && v <= SP_CTL_COUNT_MAX;
		memcpy((char *)&m->f + flow_counts[i], &v, sizeof v);
	}
	m->f.first_rx_ns = sp_rd_be64(r);
	m->f.last_rx_ns = sp_rd_be64(r);
	m->f.delay.known = flags & FLOW_DELAY;
	m->f.delay.coarse = flags & FLOW_COARSE;
	if (m->f.delay.known)
		sane = get_summary(r, &m->f.delay) && sane;
	return sane;
}

static void put_hist(struct sp_wr *w, const struct sp_ctl_hist *m)
{
	sp_wr_be32(w, m->index);
	sp_wr_be32(w, m->which);
	sp_wr_be64(w, m->n);
	sp_wr_be64(w, m->negative);
	put_i64(w, m->min);
	put_i64(w, m->max);
	sp_wr_be64(w, (uint64_t)((unsigned __int128)m->sum >> 64));
	sp_wr_be64(w, (uint64_t)m->sum);
}

static bool get_hist(struct sp_rd *r, struct sp_ctl_hist *m)
{
	unsigned __int128 sum;
	uint32_t which;

	m->index = sp_rd_be32(r);
	which = sp_rd_be32(r);
	m->n = sp_rd_be64(r);
	m->negative = sp_rd_be64(r);
	m->min = get_i64(r);
	m->max = get_i64(r);
	sum = (unsigned __int128)sp_rd_be64(r) << 64;
	m->sum = (__int128)(sum | sp_rd_be64(r));
	if (which >= SP_CTL_WHICH__N || m->n < 1 || m->n > SP_CTL_COUNT_MAX)
		return false;
	m->which = (uint8_t)which;
	return m->negative <= m->n && m->min <= m->max && m->sum >= (__int128)m->min * m->n &&
	       m->sum <= (__int128)m->max * m->n;
}

static void put_buckets(struct sp_wr *w, const struct sp_ctl_buckets *m)
{
	sp_wr_be32(w, m->index);
	sp_wr_be16(w, m->which);
	sp_wr_be16(w, m->n);
	for (unsigned i = 0; i < m->n && i < SP_CTL_PAIRS; i++) {
		sp_wr_be16(w, m->bucket[i]);
		sp_wr_be64(w, m->count[i]);
	}
}

static bool get_buckets(struct sp_rd *r, struct sp_ctl_buckets *m)
{
	uint16_t which, n;

	m->index = sp_rd_be32(r);
	which = sp_rd_be16(r);
	n = sp_rd_be16(r);
	if (which >= SP_CTL_WHICH__N || n < 1 || n > SP_CTL_PAIRS)
		return false;
	m->which = (uint8_t)which;
	m->n = (uint8_t)n;
	for (unsigned i = 0; i < n; i++) {
		m->bucket[i] = sp_rd_be16(r);
		m->count[i] = sp_rd_be64(r);
		if (m->bucket[i] >= SP_HIST_BUCKETS || !m->count[i] ||
		    m->count[i] > SP_CTL_COUNT_MAX || (i && m->bucket[i] <= m->bucket[i - 1]))
			return false;
	}
	return true;
}

static void put_start_tls(struct sp_wr *w, const struct sp_ctl_start_tls *m)
{
	sp_wr_be32(w, m->pair);
	sp_wr_bytes(w, m->key.b, SP_PUBKEY_BYTES);
}

static bool get_start_tls(struct sp_rd *r, struct sp_ctl_start_tls *m)
{
	const uint8_t *key;

	m->pair = sp_rd_be32(r) == 1;
	key = sp_rd_take(r, SP_PUBKEY_BYTES);
	if (key)
		memcpy(m->key.b, key, SP_PUBKEY_BYTES);
	return true;
}

static void put_pair(struct sp_wr *w, const struct sp_ctl_pair *m)
{
	sp_wr_bytes(w, m->proof, SP_PAIR_PROOF);
	sp_wr_bytes(w, m->name, strnlen(m->name, SP_CTL_NAME - 1));
}

static bool get_pair(struct sp_rd *r, struct sp_ctl_pair *m)
{
	const uint8_t *proof = sp_rd_take(r, SP_PAIR_PROOF), *name = sp_rd_take(r, SP_CTL_NAME);

	if (proof && name) {
		memcpy(m->proof, proof, SP_PAIR_PROOF);
		memcpy(m->name, name, SP_CTL_NAME - 1);
	}
	return true;
}

static void put_lease_ask(struct sp_wr *w, const struct sp_ctl_lease_ask *m)
{
	sp_wr_be32(w, m->seq);
	sp_wr_be64(w, m->packets);
	sp_wr_be64(w, m->term_ns);
}

static bool get_lease_ask(struct sp_rd *r, struct sp_ctl_lease_ask *m)
{
	m->seq = sp_rd_be32(r);
	m->packets = sp_rd_be64(r);
	m->term_ns = sp_rd_be64(r);
	return m->packets <= SP_CTL_COUNT_MAX && m->term_ns <= SP_CTL_LEASE_NS;
}

static void put_lease(struct sp_wr *w, const struct sp_ctl_lease *m)
{
	sp_wr_be32(w, m->seq);
	sp_wr_be32(w, m->why);
	sp_wr_be64(w, m->packets);
	sp_wr_be64(w, m->term_ns);
}

static bool get_lease(struct sp_rd *r, struct sp_ctl_lease *m)
{
	m->seq = sp_rd_be32(r);
	m->why = sp_rd_be32(r);
	m->packets = sp_rd_be64(r);
	m->term_ns = sp_rd_be64(r);
	return m->why <= SP_CTL_LEASE_NONE && m->packets <= SP_CTL_COUNT_MAX &&
	       m->term_ns <= SP_CTL_LEASE_NS &&
	       (m->why == SP_CTL_LEASE_GIVEN || (!m->packets && !m->term_ns));
}

/* ---- records ---- */

static void put_body(struct sp_wr *w, const struct sp_ctl_msg *m)
{
	switch (m->type) {
	case SP_CTL_HELLO:
	case SP_CTL_WELCOME:
		put_hello(w, &m->hello);
		break;
	case SP_CTL_ASK:
		put_ask(w, &m->ask);
		break;
	case SP_CTL_GRANT:
		put_grant(w, &m->grant);
		break;
	case SP_CTL_CLOCK_ASK:
	case SP_CTL_CLOCK_REPLY:
		put_clock(w, &m->clock);
		break;
	case SP_CTL_CLOCK_SET:
		put_clock_set(w, &m->clock_set);
		break;
	case SP_CTL_SAMPLE:
		put_sample(w, &m->sample);
		break;
	case SP_CTL_FINAL:
		put_final(w, &m->final);
		break;
	case SP_CTL_COUNTS:
		put_counts(w, &m->counts);
		break;
	case SP_CTL_FLOW:
		put_flow(w, &m->flow);
		break;
	case SP_CTL_HIST:
		put_hist(w, &m->hist);
		break;
	case SP_CTL_BUCKETS:
		put_buckets(w, &m->buckets);
		break;
	case SP_CTL_START_TLS:
		put_start_tls(w, &m->start_tls);
		break;
	case SP_CTL_PAIR:
		put_pair(w, &m->pair);
		break;
	case SP_CTL_LEASE_ASK:
		put_lease_ask(w, &m->lease_ask);
		break;
	case SP_CTL_LEASE:
		put_lease(w, &m->lease);
		break;
	default: /* STOP, DONE, BYE say it all by their type */
		break;
	}
}

static bool get_body(struct sp_rd *r, struct sp_ctl_msg *m)
{
	switch (m->type) {
	case SP_CTL_HELLO:
	case SP_CTL_WELCOME:
		return get_hello(r, &m->hello);
	case SP_CTL_ASK:
		return get_ask(r, &m->ask);
	case SP_CTL_GRANT:
		return get_grant(r, &m->grant);
	case SP_CTL_CLOCK_ASK:
	case SP_CTL_CLOCK_REPLY:
		return get_clock(r, &m->clock);
	case SP_CTL_CLOCK_SET:
		return get_clock_set(r, &m->clock_set);
	case SP_CTL_SAMPLE:
		return get_sample(r, &m->sample);
	case SP_CTL_FINAL:
		return get_final(r, &m->final);
	case SP_CTL_COUNTS:
		return get_counts(r, &m->counts);
	case SP_CTL_FLOW:
		return get_flow(r, &m->flow);
	case SP_CTL_HIST:
		return get_hist(r, &m->hist);
	case SP_CTL_BUCKETS:
		return get_buckets(r, &m->buckets);
	case SP_CTL_START_TLS:
		return get_start_tls(r, &m->start_tls);
	case SP_CTL_PAIR:
		return get_pair(r, &m->pair);
	case SP_CTL_LEASE_ASK:
		return get_lease_ask(r, &m->lease_ask);
	case SP_CTL_LEASE:
		return get_lease(r, &m->lease);
	case SP_CTL_STOP:
	case SP_CTL_DONE:
	case SP_CTL_BYE:
		return true;
	default:
		return false;
	}
}

void sp_ctl_encode(const struct sp_ctl_msg *m, uint8_t *out)
{
	struct sp_wr w = sp_wr_of(out, SP_CTL_RECORD);

	memset(out, 0, SP_CTL_RECORD);
	sp_wr_be32(&w, SP_CTL_MAGIC);
	sp_wr_u8(&w, SP_CTL_VERSION);
	sp_wr_u8(&w, (uint8_t)m->type);
	sp_wr_be16(&w, 0);
	sp_wr_be64(&w, m->cookie);
	put_body(&w, m);
}

int sp_ctl_decode(const uint8_t *in, struct sp_ctl_msg *m)
{
	struct sp_rd r = sp_rd_of(in, SP_CTL_RECORD);
	uint8_t again[SP_CTL_RECORD];

	memset(m, 0, sizeof *m);
	if (sp_rd_be32(&r) != SP_CTL_MAGIC)
		return -EBADMSG;
	if (sp_rd_u8(&r) != SP_CTL_VERSION)
		return -EPROTONOSUPPORT;
	m->type = (enum sp_ctl_type)sp_rd_u8(&r);
	sp_rd_be16(&r);
	m->cookie = sp_rd_be64(&r);
	if (!get_body(&r, m) || r.bad)
		return -EBADMSG;
	/* One meaning, one spelling: unknown flags and what stands in unused bytes are refused
	 * here for all types at once. */
	sp_ctl_encode(m, again);
	return memcmp(in, again, SP_CTL_RECORD) == 0 ? 0 : -EBADMSG;
}
