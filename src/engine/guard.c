#include "engine/guard.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/clock.h"

/* How every refusal ends: what the user can do. */
#define NO_LEASE                                                                                \
	"more needs a lease, the far end's consent, from a spate receiver there whose key is "  \
	"trusted here (`spate key make`; `spate recv --pair` there, `spate send --pair CODE` "  \
	"here); or stay within these limits, or use a network of your own (loopback, private, " \
	"documentation addresses, a lab)"

static bool is_broadcast(const struct sp_guard_ask *a)
{
	return a->subnet_broadcast || sp_addr_class(&a->to.addr) == SP_ADDR_BROADCAST;
}

bool sp_guard_reach(const struct sp_guard_range *range, unsigned n, struct sp_guard_reach *out)
{
	*out = (struct sp_guard_reach){ 0 };
	for (unsigned i = 0; i < n; i++) {
		struct sp_addr a = range[i].first, last;

		do {
			switch (sp_addr_class_run(&a, &last)) {
			case SP_ADDR_NEVER:
			case SP_ADDR_UNSPECIFIED:
				out->bad = a;
				return true;
			case SP_ADDR_BROADCAST:
				out->broadcast = true;
				break;
			case SP_ADDR_PUBLIC:
			case SP_ADDR_MULTICAST:
				if (!out->outside)
					out->example = a;
				out->outside = true;
				break;
			default:
				break;
			}
			a = last;
		} while (sp_addr_compare(&a, &range[i].last) < 0 && sp_addr_next(&a));
	}
	return false;
}

static bool ranges_outside(const struct sp_guard_ask *a)
{
	struct sp_guard_reach reach;

	return a->n_ranges && (sp_guard_reach(a->range, a->n_ranges, &reach) || reach.outside);
}

static bool is_outside(const struct sp_guard_ask *a, const struct sp_guard_conf *conf)
{
	if (conf->nothing_leaves)
		return false;
	return ranges_outside(a) ||
	       (!a->no_ip && !a->own_host && !is_broadcast(a) && !sp_addr_is_own(&a->to.addr));
}

bool sp_guard_is_metered(const struct sp_guard_ask *a, const struct sp_guard_conf *conf)
{
	return is_outside(a, conf) && !a->segment;
}

bool sp_guard_needs_segment(const struct sp_guard_ask *a, const struct sp_guard_conf *conf)
{
	return is_outside(a, conf) || (a->no_ip && !a->own_link && !conf->nothing_leaves);
}

/* ---- one target ---- */

/* Frames that are not IP reach whoever is on the link. */
static int judge_link(const struct sp_guard_ask *a, struct sp_err *err)
{
	if (!a->no_ip || a->own_link || a->segment)
		return 0;
	return sp_fail(err, -EACCES, SP_EXIT_PERM,
		       "frames without an IP header go to whoever is on the link, and this "
		       "interface is not known to be of your own network: it has no address, "
		       "or a public one; use one with a private address, a veth, a lab, or a "
		       "test segment (/etc/spate/segments.d)");
}

static int refuse_public_link(const char *to, struct sp_err *err)
{
	return sp_fail(err, -EACCES, SP_EXIT_PERM,
		       "%s reaches every host of a link on which this host has a public "
		       "address: broadcast is for networks of your own only, "
		       "--allow-broadcast does not change that; name another --interface",
		       to);
}

/* Every address that a varying target can be. */
static int judge_ranges(const struct sp_guard_ask *a, const struct sp_guard_conf *conf,
			struct sp_err *err)
{
	struct sp_guard_reach reach;
	char bad[64], first[64], last[64];

	if (!a->n_ranges)
		return 0;
	sp_addr_format(first, sizeof first, &a->range[0].first);
	sp_addr_format(last, sizeof last, &a->range[a->n_ranges - 1].last);
	if (sp_guard_reach(a->range, a->n_ranges, &reach))
		return sp_fail(
			err, -EACCES, SP_EXIT_PERM,
			"%s, among the targets %s to %s, is a %s address: nothing may be "
			"sent there, with or without consent; leave it out",
			sp_addr_format(bad, sizeof bad, &reach.bad), first, last,
			sp_addr_class_name(sp_addr_class(&reach.bad)));
	if (reach.broadcast && !conf->allow_broadcast)
		return sp_fail(err, -EACCES, SP_EXIT_PERM,
			       "the broadcast address is among the targets %s to %s: "
			       "--allow-broadcast consents to that in a network of your own",
			       first, last);
	if (reach.broadcast && a->public_link)
		return refuse_public_link("255.255.255.255", err);
	if (reach.outside && !a->segment && (a->foreign_source || a->syn))
		return sp_fail(err, -EACCES, SP_EXIT_PERM,
			       "%s, among the targets %s to %s, is a %s address: %s needs the "
			       "consent of each of them, and only one at a time can be asked; "
			       "use targets of your own network, or a test segment",
			       sp_addr_format(bad, sizeof bad, &reach.example), first, last,
			       sp_addr_class_name(sp_addr_class(&reach.example)),
			       a->syn ? "opening TCP connections without a handshake"
				      : "a source address that is not this host's");
	return 0;
}

static int refuse_never(const struct sp_guard_ask *a, struct sp_err *err)
{
	enum sp_addr_class class = sp_addr_class(&a->to.addr);
	char to[72];

	if (a->no_ip || (class != SP_ADDR_NEVER && class != SP_ADDR_UNSPECIFIED))
		return 0;
	sp_addr_format(to, sizeof to, &a->to.addr);
	return sp_fail(err, -EACCES, SP_EXIT_PERM,
		       "%s is a%s %s address: nothing may be sent there, with or without "
		       "consent; give the address of a host",
		       to, class == SP_ADDR_UNSPECIFIED ? "n" : "", sp_addr_class_name(class));
}

static int judge_broadcast(const struct sp_guard_ask *a, const struct sp_guard_conf *conf,
			   struct sp_err *err)
{
	enum sp_addr_class class = sp_addr_class(&a->to.addr);
	bool limited = class == SP_ADDR_BROADCAST;
	char to[72];

	if (!is_broadcast(a))
		return 0;
	sp_addr_format(to, sizeof to, &a->to.addr);
	if (!conf->allow_broadcast)
		return sp_fail(err, -EACCES, SP_EXIT_PERM,
			       "%s is %s: every host of the network would get each packet; "
			       "--allow-broadcast consents to that in a network of your own",
			       to, limited ? "the broadcast address" : "a broadcast address");
	if (limited && a->public_link)
		return refuse_public_link(to, err);
	if (!limited && !sp_addr_is_own(&a->to.addr))
		return sp_fail(
			err, -EACCES, SP_EXIT_PERM,
			"%s is the broadcast address of a %s network: broadcast is for "
			"networks of your own only (private, documentation or link-local "
			"addresses), --allow-broadcast does not change that",
			to, sp_addr_class_name(class));
	return 0;
}

/* An address of the ask that is not of the own network. */
static struct sp_addr outside_of(const struct sp_guard_ask *a)
{
	struct sp_guard_reach reach;

	if (a->n_ranges && !sp_guard_reach(a->range, a->n_ranges, &reach) && reach.outside)
		return reach.example;
	return a->to.addr;
}

static int judge_foreign(const struct sp_guard_ask *a, const struct sp_guard_conf *conf,
			 struct sp_err *err)
{
	const struct sp_addr addr = outside_of(a);
	const char *class = sp_addr_class_name(sp_addr_class(&addr));
	char to[72];

	sp_addr_format(to, sizeof to, &addr);
	if (a->foreign_source && !conf->may_lease)
		return sp_fail(err, -EACCES, SP_EXIT_PERM,
			       "%s is a %s address: a source address that is not this host's "
			       "may not be used towards it; " NO_LEASE,
			       to, class);
	if (a->syn && !conf->may_lease)
		return sp_fail(
			err, -EACCES, SP_EXIT_PERM,
			"%s is a %s address: SYNs that nobody follows up may not be sent "
			"to it; " NO_LEASE,
			to, class);
	if (a->unbounded)
		return sp_fail(
			err, -EACCES, SP_EXIT_PERM,
			"%s is a %s address: a run without an end is not allowed towards "
			"it; give a duration, a count or a number of bytes (up to %u "
			"packets/s and 10 Mbit/s need no consent)",
			to, class, SP_GUARD_PUBLIC_PPS);
	return 0;
}

/* ---- all together ---- */

/* NAN is above every limit. */
static bool within(double value, double limit)
{
	return value <= limit;
}

static int judge_total(const struct sp_guard_ask *first, unsigned n, double pps, double bps,
		       struct sp_err *err)
{
	bool packets = within(pps, SP_GUARD_PUBLIC_PPS);
	const struct sp_addr addr = outside_of(first);
	const char *class = sp_addr_class_name(sp_addr_class(&addr));
	char to[72], asked[48] = "an unlimited rate", others[48] = "";

	if (packets && within(bps, SP_GUARD_PUBLIC_BPS))
		return 0;
	sp_addr_format(to, sizeof to, &addr);
	if (!packets && within(pps, 1e15))
		snprintf(asked, sizeof asked, "%.10g packets/s", pps);
	else if (packets && within(bps, 1e18))
		snprintf(asked, sizeof asked, "%.10g Mbit/s", bps / 1e6);
	if (n > 1)
		snprintf(others, sizeof others, " and %u more like it", n - 1);
	return sp_fail(
		err, -EACCES, SP_EXIT_PERM,
		"%s%s: a %s address, outside your own network; %s is asked and the limit "
		"there is %u packets/s and 10 Mbit/s in all: " NO_LEASE,
		to, others, class, asked, SP_GUARD_PUBLIC_PPS);
}

/* What a run sends into one segment, all together. */
static int judge_segment(const struct sp_guard_ask *ask, unsigned n, const struct sp_segment *s,
			 struct sp_err *err)
{
	double pps = 0;

	for (unsigned i = 0; i < n; i++)
		pps += ask[i].segment == s ? ask[i].pps : 0;
	if (s->pps == UINT64_MAX || within(pps, (double)s->pps))
		return 0;
	return sp_fail(
		err, -EACCES, SP_EXIT_PERM,
		"test segment %s (%s): more than its ceiling of %llu packets/s is asked for",
		s->interface, s->place, (unsigned long long)s->pps);
}

/* *lease: it takes the far end's consent. */
static int judge_all(const struct sp_guard_ask *ask, unsigned n,
		     const struct sp_guard_conf *conf, bool *lease, struct sp_err *err)
{
	const struct sp_guard_ask *first = NULL;
	bool may_lease = conf->may_lease; /* one address can be asked, many cannot */
	double pps = 0, bps = 0;
	unsigned metered = 0;
	int rc = 0;

	for (unsigned i = 0; i < n && !rc; i++) {
		rc = refuse_never(&ask[i], err);
		if (!rc)
			rc = judge_link(&ask[i], err);
		if (!rc)
			rc = judge_ranges(&ask[i], conf, err);
		if (!rc)
			rc = judge_broadcast(&ask[i], conf, err);
		if (!rc && ask[i].segment)
			rc = judge_segment(ask, n, ask[i].segment, err);
		if (rc || !sp_guard_is_metered(&ask[i], conf))
			continue;
		rc = judge_foreign(&ask[i], conf, err);
		*lease |= ask[i].foreign_source || ask[i].syn;
		may_lease &= !ask[i].n_ranges;
		first = first ? first : &ask[i];
		metered++;
		pps += ask[i].pps;
		bps += ask[i].bps;
	}
	if (rc || !first)
		return rc;
	rc = judge_total(first, metered, pps, bps, may_lease ? NULL : err);
	if (!rc || !may_lease)
		return rc;
	*lease = true;
	return 0;
}

/* Each endpoint once: 100,000 streams to one target are one entry to look through. *list has
 * room for all; slots is a table of 2^k > 2n indices, 0 = free, else index + 1. */
static uint32_t unique(const struct sp_guard_ask *ask, unsigned n, struct sp_endpoint *list,
		       uint32_t *slots, uint32_t mask)
{
	uint32_t used = 0;

	for (unsigned i = 0; i < n; i++) {
		uint32_t at = (uint32_t)sp_endpoint_hash(&ask[i].to) & mask;

		while (slots[at] && !sp_endpoint_eq(&list[slots[at] - 1], &ask[i].to))
			at = (at + 1) & mask;
		if (slots[at])
			continue;
		list[used++] = ask[i].to;
		slots[at] = used;
	}
	return used;
}

static int list_targets(const struct sp_guard_ask *ask, unsigned n, struct sp_arena *arena,
			struct sp_permit *permit, struct sp_err *err)
{
	struct sp_endpoint *list;
	uint32_t *slots;
	size_t cap = 4;

	while (cap <= 2 * (size_t)n)
		cap *= 2;
	slots = sp_alloc_array(arena->mem, cap, sizeof *slots);
	list = sp_arena_alloc(arena, n * sizeof *list);
	if (slots && list) {
		permit->n_to = unique(ask, n, list, slots, (uint32_t)(cap - 1));
		permit->to = list;
	}
	sp_free(arena->mem, slots);
	return permit->to ? 0 : sp_fail(err, -ENOMEM, SP_EXIT_FAILED, "out of memory");
}

static void note_rate(struct sp_lease *l, double pps)
{
	if (!within(pps, 1e12) || l->pps == UINT64_MAX)
		l->pps = UINT64_MAX;
	else
		l->pps += (uint64_t)ceil(pps);
}

/* One lease a target that needs one: by its segment, or (far) by the far end. */
static int list_leases(const struct sp_guard_ask *ask, unsigned n,
		       const struct sp_guard_conf *conf, bool far, struct sp_arena *arena,
		       struct sp_permit *permit, struct sp_err *err)
{
	permit->lease = sp_arena_alloc(arena, permit->n_to * sizeof *permit->lease);
	if (!permit->lease)
		return sp_fail(err, -ENOMEM, SP_EXIT_FAILED, "out of memory");
	for (unsigned i = 0; i < n; i++) {
		uint32_t k = 0;

		if (!ask[i].segment && !(far && sp_guard_is_metered(&ask[i], conf)))
			continue;
		while (k < permit->n_leases &&
		       !sp_endpoint_eq(&permit->lease[k].to, &ask[i].to))
			k++;
		if (k == permit->n_leases)
			permit->lease[permit->n_leases++] = (struct sp_lease){
				.to = ask[i].to, .segment = ask[i].segment
			};
		note_rate(&permit->lease[k], ask[i].pps);
	}
	return 0;
}

int sp_guard_judge(const struct sp_guard_ask *ask, unsigned n, const struct sp_guard_conf *conf,
		   struct sp_arena *arena, struct sp_permit *permit, struct sp_err *err)
{
	bool lease = false;
	int rc = 0;

	*permit = (struct sp_permit){ 0 };
	if (!conf->nothing_leaves)
		rc = judge_all(ask, n, conf, &lease, err);
	if (!rc && n)
		rc = list_targets(ask, n, arena, permit, err);
	if (!rc && n && !conf->nothing_leaves)
		rc = list_leases(ask, n, conf, lease, arena, permit, err);
	if (rc)
		return rc;
	permit->listen = conf->listen;
	permit->broadcast = conf->allow_broadcast;
	permit->magic = SP_PERMIT_MAGIC;
	return 0;
}

/* ---- while sending ---- */

bool sp_guard_lease_take(struct sp_lease *l, uint64_t now_ns, uint64_t packets)
{
	uint64_t all = SP_LOAD(l->packets);

	if (sp_guard_lease_over(l, now_ns) || l->used >= all || packets > all - l->used) {
		SP_ADD(l->refused, 1);
		return false;
	}
	SP_ADD(l->used, packets);
	return true;
}

/* The window is a little shorter than a second: at the limit itself a unit that left late is
 * followed by one in time, and both have their right. For the same reason it is the bits before
 * this unit that count: ten megabits need not be a multiple of its size. */
bool sp_guard_meter_take(struct sp_guard_meter *m, uint64_t now_ns, uint32_t bytes)
{
	struct sp_guard_sent *s = &m->sent[m->first];

	for (; m->n && now_ns - s->at_ns >= SP_GUARD_WINDOW_NS; s = &m->sent[m->first]) {
		m->bits -= (uint64_t)s->bytes * 8;
		m->n--;
		m->first = (m->first + 1) % SP_GUARD_PUBLIC_PPS;
	}
	if (m->n == SP_GUARD_PUBLIC_PPS || m->bits >= SP_GUARD_PUBLIC_BPS)
		return false;
	m->sent[(m->first + m->n++) % SP_GUARD_PUBLIC_PPS] = (struct sp_guard_sent){ now_ns,
										     bytes };
	m->bits += (uint64_t)bytes * 8;
	return true;
}
