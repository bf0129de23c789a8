/* Machines that answer (engine/reply.h): from a receiver's words to one set a port and worker, and
 * their counts. */
#include <errno.h>
#include <string.h>
#include <sys/random.h>

#include "core/clock.h"
#include "core/shared.h"
#include "engine/guard.h"
#include "engine/reply_words.h"
#include "engine/run_impl.h"
#include "engine/segment.h"

static int no_memory(struct sp_err *err)
{
	return sp_fail(err, -ENOMEM, SP_EXIT_FAILED, "out of memory");
}

static bool is_frames(const struct run_port *p)
{
	return p->ops->link != NULL;
}

/* Whom a word speaks for: what it says, else what is said for all, else where the port is bound. */
static int find_own(const struct sp_run *r, const struct sp_plan_recv *v,
		    const struct sp_reply_word *w, struct sp_prefixes *at, struct sp_err *err)
{
	const struct sp_plan_port *port = &r->plan->ports[v->from_port];

	*at = w->at;
	if (!at->n && v->address)
		return sp_reply_addresses(v->address, "address", at, err);
	if (!at->n && *port->bind)
		return sp_prefixes_add(at, port->bind) ? -EINVAL : 0;
	return 0;
}

/* From the first address of a prefix to its last. */
static struct sp_guard_range range_of(const struct sp_prefix *p)
{
	struct sp_guard_range r = { p->addr, p->addr };
	unsigned bits = p->addr.family == 4 ? 32 : 128;

	for (unsigned i = p->len; i < bits; i++)
		r.last.ip[i / 8] |= (uint8_t)(0x80 >> i % 8);
	return r;
}

/* Who speaks for an address takes its traffic. For those of others that needs what sending to them
 * under any name needs: a link that holds nobody else. */
static int judge_prefix(struct sp_run *r, const struct sp_plan_recv *v,
			const struct sp_prefix *prefix, struct sp_err *err)
{
	const char *interface = r->ports[v->from_port].plan->interface;
	const struct sp_guard_range range = range_of(prefix);
	struct sp_segment *segment = NULL;
	struct sp_guard_reach reach;
	char text[64];
	int rc = 0;

	if (!sp_guard_reach(&range, 1, &reach) && !reach.outside)
		return 0;
	if (interface && *interface)
		rc = sp_segment_find(SP_SEGMENT_DIR, interface,
				     sp_clock_real(r->env.clock) / (int64_t)SP_NS_PER_S,
				     &r->arena, &segment, err);
	if (rc < 0 || (segment && sp_segment_has_range(segment, &range.first, &range.last)))
		return rc < 0 ? rc : 0;
	sp_addr_format(text, sizeof text, &prefix->addr);
	return sp_fail(err, -EACCES, SP_EXIT_PERM,
		       "receiver %s: %s/%u is not of your own network, and who answers for "
		       "addresses of others takes their traffic; use private or documentation "
		       "addresses, a veth into another namespace, a lab, or a test segment "
		       "(/etc/spate/segments.d)",
		       v->name, text, prefix->len);
}

static int judge_replies(struct sp_run *r, const struct sp_plan_recv *v, struct sp_err *err)
{
	const struct sp_transport_ops *ops = r->ports[v->from_port].ops;
	struct sp_reply_words words = { .n = 0 };
	struct sp_prefixes at;
	int rc;

	if (!is_frames(&r->ports[v->from_port]) || ops->next_ns || !ops->fd)
		return 0;
	rc = sp_reply_words(v->reply, r->catalog, "reply", &r->arena, &words, err);
	for (uint32_t i = 0; i < words.n && !rc; i++) {
		rc = find_own(r, v, &words.w[i], &at, err);
		for (uint32_t k = 0; k < at.n && !rc; k++)
			rc = judge_prefix(r, v, &at.p[k], err);
	}
	return rc;
}

int sp_run_find_replies(struct sp_run *r, struct sp_err *err)
{
	int rc;

	for (unsigned i = 0; i < r->plan->n_recvs; i++) {
		const struct sp_plan_recv *v = &r->plan->recvs[i];
		struct run_port *p = &r->ports[v->from_port];

		if (!v->reply)
			continue;
		if (p->tx)
			return sp_fail(err, -EINVAL, SP_EXIT_USAGE,
				       "receiver %s: a port that streams leave by does not "
				       "answer; give it one of its own",
				       v->name);
		p->answers = is_frames(p);
		rc = judge_replies(r, v, err);
		if (rc)
			return rc;
	}
	return 0;
}

static int open_speaker(struct sp_run *r, const struct sp_plan_recv *v,
			const struct sp_reply_word *w, struct run_speaker *s,
			struct sp_responder *to, struct sp_err *err)
{
	struct run_port *p = &r->ports[s->port];
	struct sp_proto_args args = { .role = SP_ROLE_RESPONDER,
				      .conf = w->conf,
				      .own = &s->own };
	struct sp_wish ignored;
	int rc = find_own(r, v, w, &s->own.at, err);

	if (rc)
		return rc;
	/* Early in a boot there may be none: then nobody has watched the series yet. */
	(void)!getrandom(args.secret, sizeof args.secret, GRND_NONBLOCK);
	if (is_frames(p) && p->ops->mac)
		p->ops->mac(p->port, s->own.mac);
	rc = w->ops->open(&s->proto, &args, r->env.mem, err);
	if (rc)
		return rc;
	s->ops = w->ops;
	*to = (struct sp_responder){
		.ops = w->ops,
		.st = sp_alloc(r->env.mem, w->ops->state_size),
		.own = &s->own,
		.first = w->first ? w->first : w->ops->port,
		.last = w->first ? w->last : w->ops->port,
	};
	if (!to->st)
		return no_memory(err);
	w->ops->init(to->st, s->proto, sp_clock_now(r->env.clock), &ignored);
	return 0;
}

/* Over sockets a machine answers on the numbers that are its own, where several share the words;
 * the only one of payloads answers on any. */
static bool is_for_port(const struct sp_reply_words *words, const struct sp_reply_word *w,
			const struct sp_plan_port *port)
{
	uint16_t first = w->first ? w->first : w->ops->port;
	uint16_t last = w->first ? w->last : w->ops->port;

	return words->n == 1 || (first <= port->port_last && last >= port->port);
}

static struct sp_replies *replies_of(const struct sp_run *r, unsigned worker, unsigned port)
{
	return &r->replies[worker * r->plan->n_ports + port];
}

static int open_worker(struct sp_run *r, const struct sp_plan_recv *v,
		       const struct sp_reply_words *words, unsigned worker, uint32_t result,
		       struct sp_err *err)
{
	struct run_port *p = &r->ports[v->from_port];
	struct sp_replies *to = replies_of(r, worker, v->from_port);
	uint32_t n = 0;
	int rc = 0;

	*to = (struct sp_replies){ .transport = p->ops,
				   .q = p->queues[worker],
				   .frames = is_frames(p),
				   .max_len = p->caps.max_len };
	if (sp_replies_init(to, r->env.mem, words->n))
		return no_memory(err);
	for (uint32_t i = 0; i < words->n && !rc; i++) {
		struct run_speaker *s = &r->speakers[r->n_speakers];

		if (!to->frames && !is_for_port(words, &words->w[i], p->plan))
			continue;
		*s = (struct run_speaker){
			.result = result + i, .worker = worker, .port = v->from_port, .at = n
		};
		r->n_speakers++;
		rc = open_speaker(r, v, &words->w[i], s, &to->r[n++], err);
	}
	to->n = n;
	r->workers[worker].lane.ports[v->from_port].replies = n ? to : NULL;
	return rc;
}

/* Counting keeps to the address that the port would have been bound to. */
static void keep_bound(struct sp_run *r, const struct sp_plan_recv *v)
{
	struct sp_addr a = { 0 };

	if (!*r->plan->ports[v->from_port].bind ||
	    sp_addr_parse(r->plan->ports[v->from_port].bind, &a))
		return;
	a.scope = 0;
	for (unsigned w = 0; w < r->n_workers; w++)
		r->workers[w].lane.ports[v->from_port].accept = a;
}

static int open_recv(struct sp_run *r, const struct sp_plan_recv *v, struct sp_err *err)
{
	struct sp_reply_words words;
	int rc = sp_reply_words(v->reply, r->catalog, "reply", &r->arena, &words, err);

	if (r->ports[v->from_port].answers)
		keep_bound(r, v);
	for (uint32_t i = 0; i < words.n && !rc; i++)
		r->reply_results[r->n_reply_results + i] = (struct sp_reply_result){
			.name = words.w[i].ops->name, .port = r->plan->ports[v->from_port].name
		};
	for (unsigned w = 0; w < r->n_workers && !rc; w++)
		rc = open_worker(r, v, &words, w, r->n_reply_results, err);
	r->n_reply_results += words.n;
	return rc;
}

int sp_run_prepare_replies(struct sp_run *r, struct sp_err *err)
{
	size_t recvs = 0, most;
	int rc = 0;

	for (unsigned i = 0; i < r->plan->n_recvs; i++)
		recvs += r->plan->recvs[i].reply != NULL;
	if (!recvs)
		return 0;
	most = recvs * SP_REPLY_WORDS;
	r->replies = sp_arena_alloc(&r->arena,
				    r->n_workers * r->plan->n_ports * sizeof *r->replies);
	r->speakers = sp_arena_alloc(&r->arena, most * r->n_workers * sizeof *r->speakers);
	r->reply_results = sp_arena_alloc(&r->arena, most * sizeof *r->reply_results);
	if (!r->replies || !r->speakers || !r->reply_results)
		return no_memory(err);
	for (unsigned i = 0; i < r->plan->n_recvs && !rc; i++)
		if (r->plan->recvs[i].reply)
			rc = open_recv(r, &r->plan->recvs[i], err);
	return rc;
}

void sp_run_collect_replies(struct sp_run *r)
{
	for (size_t i = 0; i < r->n_reply_results; i++) {
		struct sp_reply_result *to = &r->reply_results[i];

		to->replies = to->bytes = to->refused = 0;
	}
	r->result.replies = r->reply_results;
	r->result.n_replies = r->n_reply_results;
	for (uint32_t i = 0; i < r->n_speakers; i++) {
		const struct run_speaker *s = &r->speakers[i];
		const struct sp_responder *from = &replies_of(r, s->worker, s->port)->r[s->at];
		struct sp_reply_result *to = &r->reply_results[s->result];

		to->replies += SP_LOAD(from->replies);
		to->bytes += SP_LOAD(from->bytes);
		to->refused += SP_LOAD(from->refused);
	}
}

void sp_run_close_replies(struct sp_run *r)
{
	for (uint32_t i = 0; r->replies && i < r->n_workers * r->plan->n_ports; i++)
		sp_replies_fini(&r->replies[i], r->env.mem);
	for (uint32_t i = 0; i < r->n_speakers; i++)
		if (r->speakers[i].ops)
			r->speakers[i].ops->close(r->speakers[i].proto);
	r->n_speakers = 0;
}
