#include "engine/lane_packet.h"

#include "engine/lane_repeat.h"

#include <errno.h>

#include "core/shared.h"

int sp_lane_init(struct sp_lane *l, const struct sp_env *env)
{
	*l = (struct sp_lane){ .env = env };
	l->tx.cap = SP_BATCH_MAX;
	l->rx.cap = SP_BATCH_MAX;
	l->tx.m = sp_alloc_array(env->mem, SP_BATCH_MAX, sizeof *l->tx.m);
	l->rx.m = sp_alloc_array(env->mem, SP_BATCH_MAX, sizeof *l->rx.m);
	l->due = sp_alloc_array(env->mem, SP_BATCH_MAX, sizeof *l->due);
	l->frame = sp_alloc_array(env->mem, SP_BATCH_MAX, sizeof *l->frame);
	if (l->tx.m && l->rx.m && l->due && l->frame)
		return 0;
	sp_lane_fini(l);
	return -ENOMEM;
}

void sp_lane_fini(struct sp_lane *l)
{
	if (!l->env)
		return;
	sp_free(l->env->mem, l->tx.m);
	sp_free(l->env->mem, l->rx.m);
	sp_free(l->env->mem, l->due);
	sp_free(l->env->mem, l->frame);
	*l = (struct sp_lane){ 0 };
}

static void refuse(struct sp_lane *l, uint32_t stream)
{
	SP_ADD(l->flow[stream].refused, 1);
}

/* Stamps are taken back from units that did not leave, so that no sequence number is missing and
 * the next try carries its own time. */
static void unstamp(struct sp_lane *l, const struct sp_lane_source *src)
{
	if (!src->stamp)
		return;
	for (uint32_t i = l->tx_from; i < l->tx.n; i++)
		l->flow[l->tx.m[i].flow].seq--;
}

static void hard_error(struct sp_lane *l, struct sp_lane_port *port, int error, uint64_t now_ns)
{
	if (error == -EMSGSIZE) {
		SP_ADD(l->too_big, 1);
		return;
	}
	SP_ADD(l->other_errors, 1);
	SP_STORE(port->tx_error, error);
	SP_STORE(port->tx_error_ns, now_ns);
}

/* Of the messages in l->tx: where their answers are waited for; NULL: there are none. */
static struct sp_asks *asks_of(const struct sp_lane *l)
{
	return l->sources[l->tx_source].ops->asks ? l->ports[l->tx_port].asks : NULL;
}

/* The next n units of l->tx have left; 0: they never will. */
static void tell_source(const struct sp_lane *l, uint32_t n, uint64_t now_ns)
{
	const struct sp_lane_source *src = &l->sources[l->tx_source];

	if (SP_UNLIKELY(src->ops->left != NULL))
		src->ops->left(src->source, n, now_ns);
}

/* Message i of l->tx will not leave. */
static void forsake(struct sp_lane *l, uint32_t i)
{
	if (asks_of(l))
		sp_asks_unsent(asks_of(l), i);
	tell_source(l, 1, 0);
}

/* Messages [from .. to) of l->tx are built (now_ns 0), or have left. */
static void note_plain(struct sp_lane *l, uint32_t from, uint32_t to, uint64_t now_ns)
{
	for (uint32_t i = from; i < to; i++) {
		struct sp_echo_plain *p = l->streams[l->tx.m[i].flow].plain;

		if (p && now_ns)
			sp_echo_plain_sent(p, &l->tx.m[i], now_ns);
		else if (p)
			sp_echo_plain_put(p, &l->tx.m[i]);
	}
}

static void account(struct sp_lane *l, uint32_t n, uint64_t now_ns)
{
	sp_account_tx(l->flow, l->tally, &l->tx, l->tx_from, n, now_ns);
	if (SP_UNLIKELY(l->tx_marker != NULL))
		sp_marker_sent(l->tx_marker, &l->tx, l->tx_from, n, now_ns);
	for (uint32_t i = l->tx_from; i < l->tx_from + n; i++)
		if (SP_UNLIKELY(l->streams[l->tx.m[i].flow].schedule != NULL))
			sp_schedule_left(l->streams[l->tx.m[i].flow].schedule, now_ns,
					 l->tx.m[i].len);
	if (SP_UNLIKELY(l->plain))
		note_plain(l, l->tx_from, l->tx_from + n, now_ns);
	if (SP_UNLIKELY(asks_of(l) != NULL))
		sp_asks_sent(asks_of(l), &l->tx, l->tx_from, n, now_ns);
	tell_source(l, n, now_ns);
	l->tx_from += n;
}

/* Of a source with a truth the n last units of l->tx will not leave: their numbers go to those that
 * are made next. */
static void unmake(struct sp_lane *l, uint32_t n)
{
	const struct sp_lane_source *src = &l->sources[l->tx_source];

	if (src->ops->truth)
		src->ops->seek(src->source, src->ops->unit(src->source) - n);
}

/* The unit before tx_from was refused: those behind it are made again, with its number, and so on. */
static void refill(struct sp_lane *l, const struct sp_lane_source *src)
{
	unmake(l, l->tx.n - l->tx_from + 1);
	src->ops->fill(src->source, &l->tx, l->tx_from);
}

/* Offers what is in l->tx until it is gone or the transport takes no more. Returns what left. */
static uint32_t offer(struct sp_lane *l)
{
	struct sp_lane_port *port = &l->ports[l->tx_port];
	struct sp_lane_source *src = &l->sources[l->tx_source];
	bool join = (port->caps.bits & SP_T_SEGMENT) && l->tx.n - l->tx_from >= l->join_from;
	bool fresh = true;
	uint32_t left = 0;
	uint64_t now = 0;
	int r;

	while (l->tx_from < l->tx.n) {
		if (fresh) {
			now = sp_clock_now(l->env->clock);
			if (src->stamp)
				src->stamp->put(&l->tx, l->tx_from, l->flow, now);
			if (src->ops->finish)
				src->ops->finish(src->source, &l->tx, l->tx_from);
			fresh = false;
		}
		r = port->ops->tx_burst(port->q, &l->tx, l->tx_from, join);
		if (SP_LIKELY(r > 0)) {
			account(l, (uint32_t)r, now);
			left += (uint32_t)r;
			l->blocked = 0;
			continue;
		}
		unstamp(l, src);
		if (r == -EAGAIN || r == -ENOBUFS || r == 0) {
			l->blocked++;
			return left;
		}
		hard_error(l, port, r, now);
		refuse(l, l->tx.m[l->tx_from].flow);
		forsake(l, l->tx_from);
		l->tx_from++;
		if (src->ops->truth)
			refill(l, src);
		fresh = true;
	}
	return left;
}

/* How many of the departures from due_i on share port, source and, but for sources whose units vary,
 * size. A stream's last one stands with other streams' last ones only. */
static uint32_t run_length(const struct sp_lane *l, uint32_t limit)
{
	const struct sp_due *d = &l->due[l->due_i];
	const struct sp_lane_stream *s = &l->streams[d->stream], *t;
	bool varies = l->sources[s->source].varies;
	uint32_t n = 1;

	for (; n < limit && l->due_i + n < l->due_n; n++) {
		if ((d[n].size != d->size && !varies) || d[n].last != d->last)
			break;
		if (d[n].stream == d->stream)
			continue;
		t = &l->streams[d[n].stream];
		if (t->port != s->port || t->source != s->source)
			break;
	}
	return n;
}

/* Longer than the transport ever takes: there is no use in waiting for it. */
static bool is_too_long(const struct sp_lane *l, uint32_t stream, uint32_t size)
{
	const struct sp_lane_stream *s = &l->streams[stream];
	const struct sp_lane_source *src = &l->sources[s->source];

	return src->ops->len(src->source, size) > l->ports[s->port].caps.max_len;
}

/* Refuses the next departures as long as they are too long. */
static void refuse_long(struct sp_lane *l)
{
	while (l->due_i < l->due_n &&
	       SP_UNLIKELY(is_too_long(l, l->due[l->due_i].stream, l->due[l->due_i].size))) {
		SP_ADD(l->too_big, 1);
		refuse(l, l->due[l->due_i++].stream);
	}
}

static uint32_t longest(const struct sp_due *d, uint32_t n)
{
	uint32_t size = d->size;

	for (uint32_t i = 1; i < n; i++)
		size = d[i].size > size ? d[i].size : size;
	return size;
}

/* Slots for n departures, or for those before one that is too long; the first is not. Of a source
 * whose units vary each slot has room for the longest of them, and holds nothing: stamps of other
 * lengths stand in the middle of it. */
static uint32_t lend_slots(struct sp_lane *l, struct sp_lane_port *port,
			   const struct sp_lane_source *src, uint32_t n)
{
	const struct sp_due *d = &l->due[l->due_i];
	uint32_t size = src->varies ? longest(d, n) : d->size;

	if (src->varies && SP_UNLIKELY(is_too_long(l, d->stream, size))) {
		for (n = 1; !is_too_long(l, d[n].stream, d[n].size);)
			n++;
		size = longest(d, n);
	}
	n = port->ops->tx_slots(port->q, &l->tx, n, src->ops->len(src->source, size),
				src->tmpl);
	for (uint32_t i = 0; src->varies && i < n; i++) {
		l->tx.m[i].len = src->ops->len(src->source, d[i].size);
		l->tx.m[i].flags = 0;
	}
	return n;
}

/* Turns the next departures into messages in l->tx. */
static void build(struct sp_lane *l)
{
	const struct sp_due *d = &l->due[l->due_i];
	const struct sp_lane_stream *s = &l->streams[d->stream];
	struct sp_lane_port *port = &l->ports[s->port];
	struct sp_lane_source *src = &l->sources[s->source];
	uint32_t most = sp_lane_burst(&port->caps);
	uint32_t n;

	/* Units that vary are not joined. */
	if (src->varies && most > SP_LANE_SINGLE_BURST)
		most = SP_LANE_SINGLE_BURST;
	n = run_length(l, most);

	l->tx_port = s->port;
	l->tx_source = s->source;
	l->tx_from = 0;
	if (SP_UNLIKELY(s->asks)) {
		n = n < sp_asks_room(port->asks) ? n : sp_asks_room(port->asks);
		if (!n) {
			l->tx.n = 0;
			l->blocked++;
			return;
		}
	}
	n = lend_slots(l, port, src, n);
	for (uint32_t i = 0; i < n; i++) {
		struct sp_msg *m = &l->tx.m[i];

		m->t_ns = d[i].due_ns;
		m->flow = d[i].stream;
		m->ep = l->streams[d[i].stream].ep;
		m->stamp_off = SP_NO_STAMP;
		if (SP_UNLIKELY(d->last && src->stamp))
			l->flow[m->flow].head |= src->stamp->last;
	}
	src->ops->fill(src->source, &l->tx, 0);
	for (uint32_t i = 0; SP_UNLIKELY(src->ep_of != NULL) && i < n; i++)
		l->tx.m[i].ep = src->ep_of[l->tx.m[i].ep];
	if (SP_UNLIKELY(l->plain))
		note_plain(l, 0, l->tx.n, 0);
	if (SP_UNLIKELY(s->asks))
		sp_asks_put(port->asks, src->source, &l->tx);
	l->due_i += n;
}

/* Outside the user's own network the limits hold while sending, whatever the plan said. */
static void meter(struct sp_lane *l, uint64_t now_ns)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < l->due_n; i++) {
		const struct sp_due *d = &l->due[i];
		const struct sp_lane_stream *s = &l->streams[d->stream];

		if (s->lease ? !sp_guard_lease_take(s->lease, now_ns, 1)
			     : s->metered && !sp_guard_meter_take(&l->meter, now_ns, d->size))
			refuse(l, d->stream);
		else
			l->due[kept++] = *d;
	}
	l->due_n = kept;
}

/* Hands other lanes' departures over; returns how many. */
static uint32_t divert(struct sp_lane *l, uint64_t now_ns)
{
	uint32_t kept = 0, n = l->due_n;

	for (uint32_t i = 0; i < n; i++) {
		const struct sp_due *d = &l->due[i];

		if (l->streams[d->stream].lane == SP_LANE_DIALOGUE)
			l->divert(l->divert_arg, l->streams[d->stream].index, d, now_ns);
		else
			l->due[kept++] = *d;
	}
	l->due_n = kept;
	return n - kept;
}

static bool lease_over(const struct sp_lane *l, uint32_t stream, uint64_t now_ns)
{
	const struct sp_lease *lease = l->streams[stream].lease;

	return lease && sp_guard_lease_over(lease, now_ns);
}

/* What was taken in time and had to wait for the transport does not leave after the lease. */
static void refuse_waiting(struct sp_lane *l, uint64_t now_ns)
{
	uint32_t kept = l->due_i;

	for (uint32_t i = l->tx_from; i < l->tx.n; i++)
		if (lease_over(l, l->tx.m[i].flow, now_ns)) {
			unmake(l, l->tx.n - l->tx_from);
			for (; l->tx_from < l->tx.n; l->tx_from++) {
				refuse(l, l->tx.m[l->tx_from].flow);
				forsake(l, l->tx_from);
			}
			break;
		}
	for (uint32_t i = l->due_i; i < l->due_n; i++) {
		if (lease_over(l, l->due[i].stream, now_ns))
			refuse(l, l->due[i].stream);
		else
			l->due[kept++] = l->due[i];
	}
	l->due_n = kept;
}

/* A stream without a schedule asks as fast as its answers come. */
static void set_room(struct sp_lane *l)
{
	for (uint32_t i = 0; i < l->n_streams; i++) {
		const struct sp_lane_stream *s = &l->streams[i];
		const struct sp_asked *a = s->asks ? &l->ports[s->port].asks->stream[i] : NULL;

		if (a && a->window)
			sp_pacer_room(l->pacer, i,
				      a->waiting < a->window ? a->window - a->waiting : 0);
	}
}

uint32_t sp_lane_tx(struct sp_lane *l, uint64_t now_ns)
{
	uint32_t left = 0;

	if (SP_UNLIKELY(l->leased) && sp_lane_waiting(l))
		refuse_waiting(l, now_ns);
	if (l->tx_from < l->tx.n) {
		left = offer(l);
		if (l->tx_from < l->tx.n)
			return left;
	}
	if (l->due_i == l->due_n && l->repeat.on)
		left = sp_lane_repeat(l, now_ns);
	if (left)
		return left;
	if (l->due_i == l->due_n) {
		if (SP_UNLIKELY(l->asks))
			set_room(l);
		l->due_i = 0;
		l->due_n = sp_pacer_take(l->pacer, now_ns, l->due, SP_BATCH_MAX);
		if (SP_UNLIKELY(l->divert != NULL))
			left += divert(l, now_ns);
		if (SP_UNLIKELY(l->metered))
			meter(l, now_ns);
	}
	for (refuse_long(l); l->due_i < l->due_n; refuse_long(l)) {
		build(l);
		if (SP_UNLIKELY(!l->tx.n)) { /* the transport has no buffer free */
			l->blocked++;
			break;
		}
		left += offer(l);
		if (l->tx_from < l->tx.n || !l->tx.n)
			break;
	}
	return left;
}

void sp_lane_give_up(struct sp_lane *l, void (*give_up)(void *arg, uint32_t stream), void *arg)
{
	for (; l->tx_from < l->tx.n; l->tx_from++) {
		give_up(arg, l->tx.m[l->tx_from].flow);
		forsake(l, l->tx_from);
	}
	for (; l->due_i < l->due_n; l->due_i++)
		give_up(arg, l->due[l->due_i].stream);
}
