/* Recorded frames, looked at before they leave: each of them is judged as what is made here is, by whom
 * it is for. When they are read again to be sent, nothing passes but what is for whom that was: a file
 * may have changed. Into a veth whose other end is in a namespace of this host anything may leave. */
#include <errno.h>
#include <math.h>
#include <string.h>

#include "engine/protocol.h"
#include "engine/run_impl.h"
#include "pkt/stations.h"

#define TARGETS_MOST 65536u /* different ones; a power of two */

/* The busiest second. */
struct busy {
	uint64_t second, in_second, most; /* packets */
	uint64_t last_ns, number;	  /* of the last one */
	bool at_once;
};

struct look {
	struct sp_run *r;
	const struct sp_local *local;	  /* while looking */
	const struct sp_segment *segment; /* NULL: none */
	bool broadcast;			  /* is consented to */
	struct sp_err *err;
	struct sp_guard_range *target; /* in order of appearance */
	uint32_t *slot;		       /* [2 * TARGETS_MOST], index + 1 */
	uint32_t n, cap;
	bool other;	    /* some are not IP */
	struct busy busy;   /* while looking */
	struct busy *again; /* while it is read to be sent */
};

static int no_memory(struct sp_err *err)
{
	return sp_fail(err, -ENOMEM, SP_EXIT_FAILED, "out of memory");
}

#define HOW                                                                                      \
	"what was recorded may go to a test segment (/etc/spate/segments.d), into a veth whose " \
	"other end is in a namespace of this host, into a lab, or to addresses of a network of " \
	"your own; rewrite it, or leave it out"

static int refuse(const struct look *l, const char *file, uint64_t number,
		  const struct sp_addr *to, const char *why)
{
	char text[64];

	return sp_fail(l->err, -EACCES, SP_EXIT_PERM, "%s: packet %llu goes to %s, %s", file,
		       (unsigned long long)number, sp_addr_format(text, sizeof text, to), why);
}

#define BROADCAST_OWN                                                                             \
	"--allow-broadcast consents to that in a network of your own (private, documentation or " \
	"link-local addresses)"

static int judge_subnet(const struct look *l, const char *file, uint64_t number,
			const struct sp_addr *to)
{
	if (!sp_local_is_broadcast(l->local, to) || (l->broadcast && sp_addr_is_own(to)))
		return 0;
	return refuse(l, file, number, to,
		      "a broadcast address of a network that this host is in: every host there "
		      "would get it; " BROADCAST_OWN);
}

/* In other loops it may go to all of its block, however many there are. */
static int judge_moved(const struct look *l, const char *file, uint64_t number,
		       const struct sp_addr *to)
{
	if (l->broadcast || !sp_local_moves_onto_broadcast(l->local, to))
		return 0;
	return refuse(
		l, file, number, to,
		"in its second loop, and what is moved on through its block may come to a "
		"broadcast address of a network that this host is in: " BROADCAST_OWN);
}

/* May a packet go there? */
static int judge(const struct look *l, const char *file, uint64_t number,
		 const struct sp_addr *to)
{
	switch (sp_addr_class(to)) {
	case SP_ADDR_NEVER:
	case SP_ADDR_UNSPECIFIED:
		return refuse(l, file, number, to,
			      "to which nothing may be sent, with or without consent; leave it "
			      "out");
	case SP_ADDR_BROADCAST:
		return l->broadcast ? 0
				    : refuse(l, file, number, to,
					     "the broadcast address: --allow-broadcast "
					     "consents to that in a network of your own");
	case SP_ADDR_PUBLIC:
	case SP_ADDR_MULTICAST:
		return l->segment && sp_segment_has_addr(l->segment, to)
			       ? judge_subnet(l, file, number, to)
			       : refuse(l, file, number, to, "outside your own networks: " HOW);
	default:
		return judge_subnet(l, file, number, to);
	}
}

/* Was it seen before? Then *at is its slot, else a free one. */
static bool known(const struct look *l, const struct sp_addr *to, uint32_t *at)
{
	const struct sp_endpoint key = { .addr = *to };
	uint32_t mask = 2 * TARGETS_MOST - 1;

	for (*at = (uint32_t)sp_endpoint_hash(&key) & mask; l->slot[*at];
	     *at = (*at + 1) & mask)
		if (!sp_addr_compare(&l->target[l->slot[*at] - 1].first, to))
			return true;
	return false;
}

static int add(struct look *l, const char *file, uint64_t number, const struct sp_addr *to,
	       uint32_t at)
{
	if (l->n == TARGETS_MOST)
		return refuse(
			l, file, number, to,
			"and so many different targets (more than 65,536) may go to a test "
			"segment without limits only, or into a veth whose other end is in "
			"a namespace of this host");
	if (l->n == l->cap) {
		uint32_t cap = l->cap ? l->cap * 2 : 64;
		struct sp_guard_range *more = sp_arena_alloc(&l->r->arena, cap * sizeof *more);

		if (!more)
			return no_memory(l->err);
		if (l->n)
			memcpy(more, l->target, l->n * sizeof *more);
		l->target = more;
		l->cap = cap;
	}
	l->target[l->n++] = (struct sp_guard_range){ *to, *to };
	l->slot[at] = l->n;
	return 0;
}

static void count(struct busy *b, uint64_t number, uint64_t due_ns)
{
	/* Another pass begins at its first second. */
	bool anew = number <= b->number && due_ns <= b->last_ns;

	if (due_ns == SP_SOURCE_OTHER)
		return;
	b->at_once |= due_ns == UINT64_MAX;
	if (due_ns / SP_NS_PER_S != b->second || anew)
		b->in_second = 0;
	b->second = due_ns / SP_NS_PER_S;
	b->last_ns = due_ns;
	b->number = number;
	if (++b->in_second > b->most)
		b->most = b->in_second;
}

#define CHANGED                                                                                 \
	"and nothing like it was there when the capture was judged: it has changed since, and " \
	"ends here; replay it when nobody writes to it"

static int check_mac(const struct look *l, const char *file, uint64_t number,
		     const uint8_t *mac)
{
	if (!l->segment || sp_segment_has_mac(l->segment, mac))
		return 0;
	return sp_fail(
		l->err, -EACCES, SP_EXIT_PERM,
		"%s: packet %llu goes to the hardware address "
		"%02x:%02x:%02x:%02x:%02x:%02x, which the test segment %s does not permit",
		file, (unsigned long long)number, mac[0], mac[1], mac[2], mac[3], mac[4],
		mac[5], l->segment->place);
}

/* It will be known when the port is open. */
static bool mac_later(const uint8_t *mac)
{
	static const uint8_t none[6];

	return !memcmp(mac, none, sizeof none);
}

/* A packet that is looked at. */
struct place {
	struct look *l;
	const char *file;
	uint64_t number;
};

/* Whom it is for, and whoever it is sent on to from there. */
static int see_target(void *arg, const struct sp_addr *to)
{
	const struct place *p = arg;
	uint32_t at;
	int rc;

	if (known(p->l, to, &at))
		return 0;
	rc = judge(p->l, p->file, p->number, to);
	return rc ? rc : add(p->l, p->file, p->number, to, at);
}

static int see(void *arg, const char *file, uint64_t number, const uint8_t *frame, uint32_t len,
	       uint64_t due_ns)
{
	struct look *l = arg;
	struct place p = { l, file, number };
	struct sp_view v;
	int rc;

	count(&l->busy, number, due_ns);
	rc = mac_later(frame) ? 0 : check_mac(l, file, number, frame);
	if (rc)
		return rc;
	(void)sp_view(frame, len, false, SP_CSUM_UNKNOWN, &v);
	if (!v.dst.addr.family) {
		l->other = true;
		return 0;
	}
	if (due_ns == SP_SOURCE_OTHER && sp_addr_is_own(&v.dst.addr))
		rc = judge_moved(l, file, number, &v.dst.addr);
	else
		rc = see_target(&p, &v.dst.addr);
	return rc ? rc : sp_stations(frame, len, &v, see_target, &p);
}

static int check_target(void *arg, const struct sp_addr *to)
{
	const struct place *p = arg;
	uint32_t at;

	return known(p->l, to, &at) ? 0 : refuse(p->l, p->file, p->number, to, CHANGED);
}

/* A segment's ceiling was compared with what there was; roundings at the ends of a second apart. */
static int check_busy(const struct look *l, const char *file, uint64_t number, uint64_t due_ns,
		      struct sp_err *err)
{
	uint64_t most = l->busy.most + l->busy.most / 1000 + 1;

	count(l->again, number, due_ns);
	if (!l->segment || l->segment->pps == UINT64_MAX || l->again->most <= most)
		return 0;
	return sp_fail(
		err, -EACCES, SP_EXIT_PERM,
		"%s: packet %llu is one more in a second than the %llu at most that were "
		"there when the capture was judged by the ceiling of %s: it has changed "
		"since, and ends here; replay it when nobody writes to it",
		file, (unsigned long long)number, (unsigned long long)l->busy.most,
		l->segment->place);
}

int sp_run_recheck_recorded(const void *arg, const char *file, uint64_t number,
			    const uint8_t *frame, uint32_t len, uint64_t due_ns,
			    struct sp_err *err)
{
	const struct look *l = arg;
	struct look again = *l;
	struct sp_view v;
	int rc;

	again.err = err;
	rc = check_mac(&again, file, number, frame);
	if (!rc)
		rc = check_busy(l, file, number, due_ns, err);
	if (rc)
		return rc;
	(void)sp_view(frame, len, false, SP_CSUM_UNKNOWN, &v);
	if (!v.dst.addr.family && l->other)
		return 0;
	if (v.dst.addr.family) {
		struct place p = { &again, file, number };

		rc = check_target(&p, &v.dst.addr);
		return rc ? rc : sp_stations(frame, len, &v, check_target, &p);
	}
	return sp_fail(err, -EACCES, SP_EXIT_PERM, "%s: packet %llu is not IP, " CHANGED, file,
		       (unsigned long long)number);
}

static bool whole_veth(const struct sp_segment *s)
{
	return s && !s->n_prefixes && !s->n_macs;
}

static int look_at(struct look *l, const struct sp_source_ops *ops, const void *conf,
		   struct sp_guard_ask *ask)
{
	int rc;

	l->slot = sp_arena_alloc(&l->r->arena, 2 * TARGETS_MOST * sizeof *l->slot);
	rc = l->slot ? ops->look(conf, l->r->env.mem, see, l, l->err) : no_memory(l->err);
	l->local = NULL;
	ask->range = l->target;
	ask->n_ranges = l->n;
	ask->own_link |= !l->other;
	ask->foreign_source = true; /* whoever it was that was recorded */
	ask->pps = l->busy.at_once ? (double)INFINITY : (double)l->busy.most;
	return rc;
}

int sp_run_look_at_recorded(struct sp_run *r, unsigned stream, const struct sp_local *local,
			    struct sp_guard_ask *ask, bool allow_broadcast, struct sp_err *err)
{
	const struct sp_plan_stream *s = &r->plan->streams[stream];
	struct run_port *port = &r->ports[s->from_port];
	struct busy *again;
	struct look *l;
	struct sp_protocol p;
	int rc;

	ask->pps = ask->bps = (double)INFINITY;
	if (sp_run_nothing_leaves(port->ops) || !port->ops->link ||
	    sp_protocol_find(r->catalog, s->protocol, SP_ROLE_CLIENT, &p) || !p.source->look)
		return 0;
	rc = sp_run_find_segment(r, port, err);
	if (rc)
		return rc;
	if (whole_veth(port->segment)) {
		ask->segment = port->segment;
		return 0;
	}
	l = sp_arena_alloc(&r->arena, sizeof *l);
	again = sp_arena_alloc(&r->arena, sizeof *again);
	if (!l || !again)
		return no_memory(err);
	*l = (struct look){ .r = r,
			    .local = local,
			    .segment = port->segment,
			    .broadcast = allow_broadcast,
			    .again = again,
			    .err = err };
	r->streams[stream].looked = l;
	return look_at(l, p.source, s->conf, ask);
}
