#include "engine/worker.h"

#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "core/shared.h"
#include "engine/lane_rx.h"

/* Not worth going to sleep for less. */
#define SLEEP_AT_LEAST_NS 20000u
#define IDLE_SLEEP_NS	  (100 * SP_NS_PER_MS)
/* Receive bursts in one turn before departures are looked at again. */
#define RX_BURSTS	  4u
/* A worker that was woken comes by in tens of microseconds, unless others have its core. */
#define PASS_POLL_NS	  20000
#define PASS_POLLS	  250u

int sp_worker_init(struct sp_worker *w, const struct sp_env *env, unsigned index,
		   struct sp_err *err)
{
	*w = (struct sp_worker){ .env = env,
				 .index = index,
				 .wake = -1,
				 .run_fd = -1,
				 .stop_at = SP_NEVER,
				 .stopped_at = SP_NEVER,
				 .stop_seen = SP_NEVER };
	sp_margin_init(&w->margin);
	if (sp_lane_init(&w->lane, env))
		return sp_fail(err, -ENOMEM, SP_EXIT_FAILED, "out of memory");
	w->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (w->wake < 0)
		return sp_fail(err, -errno, SP_EXIT_PERM,
			       "cannot make a worker's descriptors: %s (raise `ulimit -n`)",
			       strerror(errno));
	return 0;
}

void sp_worker_fini(struct sp_worker *w)
{
	if (!w->env)
		return;
	if (w->wake >= 0)
		close(w->wake);
	sp_bulk_fini(&w->bulk);
	sp_dialogue_fini(&w->dialogue);
	sp_sink_fini(&w->sink);
	sp_conns_fini(&w->conns);
	sp_free(w->env->mem, w->rtt);
	sp_pacer_free(w->lane.pacer);
	sp_free(w->env->mem, w->fds);
	sp_verifier_fini(&w->verifier);
	sp_free(w->env->mem, w->lane.ports);
	sp_free(w->env->mem, w->lane.streams);
	sp_free(w->env->mem, w->lane.flow);
	sp_free(w->env->mem, w->lane.tally);
	sp_free(w->env->mem, w->given_up);
	sp_lane_fini(&w->lane);
	*w = (struct sp_worker){ 0 };
}

static void tell(int fd)
{
	uint64_t one = 1;

	/* A full eventfd is a told one. */
	(void)!write(fd, &one, sizeof one);
}

static void count_given_up(void *arg, uint32_t stream)
{
	struct sp_worker *w = arg;

	SP_ADD(w->given_up[stream], 1);
}

static void finish_tx(struct sp_worker *w, uint64_t now_ns)
{
	sp_lane_give_up(&w->lane, count_given_up, w);
	if (w->dialogue.env) {
		sp_dialogue_give_up(&w->dialogue, true, now_ns);
		sp_dialogue_sample(&w->dialogue);
	}
	if (w->bulk.env)
		sp_bulk_give_up(&w->bulk);
	for (unsigned i = 0; w->hears && i < w->lane.n_ports; i++)
		if (w->lane.ports[i].asks)
			sp_asks_end(w->lane.ports[i].asks);
	sp_pacer_drain(w->lane.pacer);
	for (unsigned i = 0; i < w->lane.n_ports; i++) {
		struct sp_lane_port *port = &w->lane.ports[i];
		int rc = port->tx ? port->ops->flush(port->q) : 0;

		if (sp_error_is_final(rc)) {
			SP_STORE(port->tx_error, rc);
			SP_STORE(port->tx_error_ns, now_ns);
		}
	}
	__atomic_store_n(&w->tx_done, true, __ATOMIC_RELEASE);
	tell(w->run_fd);
}

static uint64_t next_departure(struct sp_worker *w)
{
	uint64_t next = sp_pacer_next(w->lane.pacer);

	return next > SP_NEVER - w->coalesce_ns ? SP_NEVER : next + w->coalesce_ns;
}

static uint32_t take_and_send(struct sp_worker *w, uint64_t now_ns)
{
	w->taken_at = now_ns;
	return sp_lane_tx(&w->lane, now_ns);
}

/* The stop was decided by another thread a moment ago: what was taken meanwhile counts as asked. */
static void stop_schedules(struct sp_worker *w, uint64_t stop)
{
	uint64_t at = stop > w->taken_at ? stop : w->taken_at + 1;

	w->stop_seen = stop;
	sp_pacer_stop(w->lane.pacer, at);
	if (w->bulk.env)
		sp_bulk_stop(&w->bulk, at);
	if (w->dialogue.env)
		sp_dialogue_stop(&w->dialogue, at);
	__atomic_store_n(&w->stopped_at, at, __ATOMIC_RELEASE);
	if (at < w->last_end_ns)
		w->last_end_ns = at;
}

int sp_worker_change(struct sp_worker *w, uint32_t stream, struct sp_change *c)
{
	const struct sp_lane_stream *s = &w->lane.streams[stream];

	if (s->lane == SP_LANE_BULK)
		return sp_bulk_change(&w->bulk, s->index, c);
	if (s->lane == SP_LANE_DIALOGUE &&
	    (w->dialogue.stream[s->index].closed ||
	     (w->dialogue.stream[s->index].play && c->kind == SP_CHANGE_START)))
		return sp_dialogue_change(&w->dialogue, s->index, c);
	return sp_pacer_change(w->lane.pacer, stream, c);
}

/* An order that comes too late for its time holds from the next departure on. */
static void take_orders(struct sp_worker *w)
{
	uint32_t in = __atomic_load_n(&w->orders_in, __ATOMIC_ACQUIRE), out = w->orders_out;

	for (; out != in; out++) {
		struct sp_order *o = &w->orders[out % SP_WORKER_ORDERS];

		if (o->change->at_ns <= w->taken_at)
			SP_STORE(o->change->at_ns, w->taken_at + 1);
		if (sp_worker_change(w, o->stream, o->change))
			continue;
		if (o->change->kind == SP_CHANGE_START &&
		    o->change->pace.end_ns > w->last_end_ns)
			w->last_end_ns = o->change->pace.end_ns;
		__atomic_store_n(o->noted, true, __ATOMIC_RELEASE);
	}
	__atomic_store_n(&w->orders_out, out, __ATOMIC_RELEASE);
}

static bool has_orders(const struct sp_worker *w)
{
	return __atomic_load_n(&w->orders_in, __ATOMIC_RELAXED) != w->orders_out;
}

/* Some of what it sent waits for an answer. */
static bool awaits(const struct sp_worker *w)
{
	for (unsigned i = 0; w->hears && i < w->lane.n_ports; i++)
		if (w->lane.ports[i].asks && w->lane.ports[i].asks->pending.n)
			return true;
	return false;
}

/* Is everything over that was begun on connections, or asked? */
static bool conns_over(const struct sp_worker *w, uint64_t now_ns)
{
	return !awaits(w) && (!w->bulk.env || !w->bulk.busy) &&
	       (!w->dialogue.env || sp_dialogue_over(&w->dialogue, now_ns));
}

static bool bulk_lingers(const struct sp_worker *w, uint64_t now_ns)
{
	return w->bulk.env && w->bulk.busy &&
	       now_ns <= w->last_end_ns + SP_BULK_GRACE_NS + SP_WORKER_GRACE_NS;
}

/* After the last planned end: departures get a moment, answers and bulk data that are under way a
 * longer one. */
static bool past_grace(struct sp_worker *w, uint64_t now_ns)
{
	if (w->last_end_ns == SP_NEVER || now_ns <= w->last_end_ns + SP_WORKER_GRACE_NS)
		return false;
	if (w->dialogue.env && now_ns <= w->last_end_ns + SP_DIALOGUE_GRACE_NS) {
		sp_dialogue_give_up(&w->dialogue, false, now_ns);
		if (w->dialogue.under_way)
			return false;
	}
	if (w->dialogue.env && now_ns <= w->last_end_ns + SP_DIALOGUE_PARTING_NS &&
	    sp_dialogue_plays(&w->dialogue))
		return false;
	if (awaits(w) && now_ns <= w->last_end_ns + SP_DIALOGUE_GRACE_NS)
		return false;
	return !bulk_lingers(w, now_ns);
}

static bool turn_tx(struct sp_worker *w, uint64_t now_ns)
{
	uint64_t stop = __atomic_load_n(&w->stop_at, __ATOMIC_ACQUIRE);
	bool waiting;
	uint32_t left = 0;

	if (SP_UNLIKELY(has_orders(w)))
		take_orders(w);
	if (SP_UNLIKELY(stop != w->stop_seen))
		stop_schedules(w, stop);
	waiting = sp_lane_waiting(&w->lane);
	if (waiting || w->coalesce_ns == 0 || next_departure(w) <= now_ns)
		left = take_and_send(w, now_ns);
	if (left == 0 && !sp_lane_waiting(&w->lane) &&
	    sp_pacer_next(w->lane.pacer) == SP_NEVER) {
		if (w->dialogue.env)
			sp_dialogue_last(&w->dialogue);
		if (conns_over(w, now_ns)) {
			finish_tx(w, now_ns);
			return true;
		}
	}
	if (SP_UNLIKELY(past_grace(w, now_ns))) {
		finish_tx(w, now_ns);
		return true;
	}
	return left > 0;
}

static void note_received(struct sp_worker *w, uint64_t n)
{
	SP_ADD(w->rx_seen, n);
	if (SP_UNLIKELY(w->rx_count_limit && w->rx_seen >= w->rx_count_limit))
		tell(w->run_fd);
}

/* The kernel's word on each connection, twice between two ticks of the run. */
#define SAMPLE_NS (SP_NS_PER_S / 2)

static bool turn_conns(struct sp_worker *w, uint64_t now_ns)
{
	bool did = sp_conns_turn(&w->conns, now_ns);
	uint64_t units = w->sink.units;

	for (unsigned i = 0; i < w->dialogue.n_servers; i++)
		units += w->dialogue.server[i].units;
	if (units != w->conn_units) {
		note_received(w, units - w->conn_units);
		w->conn_units = units;
	}
	if (SP_UNLIKELY(now_ns >= w->sampled_ns + SAMPLE_NS)) {
		w->sampled_ns = now_ns;
		if (w->bulk.env)
			sp_bulk_sample(&w->bulk);
		if (w->dialogue.env)
			sp_dialogue_sample(&w->dialogue);
	}
	return did;
}

static bool turn_answers(struct sp_worker *w, uint64_t now_ns)
{
	bool did = false;

	for (unsigned i = 0; i < RX_BURSTS && !w->receives && sp_lane_rx(&w->lane); i++)
		did = true;
	for (unsigned i = 0; i < w->lane.n_ports; i++)
		if (w->lane.ports[i].asks)
			sp_asks_turn(w->lane.ports[i].asks, now_ns);
	return did;
}

bool sp_worker_turn(struct sp_worker *w, uint64_t now_ns)
{
	bool did = false;

	if (w->sends && !w->tx_done)
		did = turn_tx(w, now_ns);
	if (w->has_conns)
		did |= turn_conns(w, now_ns);
	if (w->hears)
		did |= turn_answers(w, now_ns);
	if (!w->receives)
		return did;
	__atomic_store_n(&w->turns, w->turns + 1, __ATOMIC_SEQ_CST);
	for (unsigned i = 0; i < RX_BURSTS; i++) {
		if (!sp_lane_rx(&w->lane))
			break;
		did = true;
	}
	if (w->lane.received != w->lane_units) {
		note_received(w, w->lane.received - w->lane_units);
		w->lane_units = w->lane.received;
	}
	if (SP_UNLIKELY(w->hellos.put != w->hellos_told)) {
		w->hellos_told = w->hellos.put;
		tell(w->run_fd);
	}
	return did;
}

/* When past_grace will have something new to say. */
static uint64_t next_grace(const struct sp_worker *w)
{
	if (bulk_lingers(w, w->last_end_ns))
		return w->last_end_ns + SP_BULK_GRACE_NS + SP_WORKER_GRACE_NS + 1;
	if (w->dialogue.env && sp_dialogue_plays(&w->dialogue))
		return w->last_end_ns + SP_DIALOGUE_PARTING_NS + 1;
	return w->last_end_ns + 1 +
	       (w->dialogue.env && w->dialogue.under_way && !w->dialogue.waiting
			? SP_DIALOGUE_GRACE_NS
			: SP_WORKER_GRACE_NS);
}

/* When the next of the units that wait for an answer may have waited for too long. */
static uint64_t next_look(const struct sp_worker *w)
{
	uint64_t next = SP_NEVER, t;

	for (unsigned i = 0; w->hears && i < w->lane.n_ports; i++) {
		t = w->lane.ports[i].asks ? sp_asks_next(w->lane.ports[i].asks) : SP_NEVER;
		next = t < next ? t : next;
	}
	return next;
}

uint64_t sp_worker_next(struct sp_worker *w)
{
	uint64_t next = SP_NEVER, t;

	if (w->sends && !w->tx_done) {
		next = next_departure(w);
		if (sp_lane_waiting(&w->lane) && w->last_end_ns != SP_NEVER)
			next = w->last_end_ns + SP_WORKER_GRACE_NS + 1;
		if (!conns_over(w, w->last_end_ns) && w->last_end_ns != SP_NEVER &&
		    next > w->last_end_ns + SP_WORKER_GRACE_NS + 1)
			next = next_grace(w);
	}
	if (w->has_conns) {
		t = sp_conns_next(&w->conns, !w->tx_done);
		next = t < next ? t : next;
	}
	t = next_look(w);
	next = t < next ? t : next;
	for (unsigned i = 0; i < w->lane.n_ports; i++) {
		const struct sp_lane_port *p = &w->lane.ports[i];

		if (!p->rx || !p->ops->next_ns || !p->ops->rx_burst)
			continue;
		t = p->ops->next_ns(p->q);
		next = t < next ? t : next;
	}
	return next;
}

static void sleep_until(struct sp_worker *w, uint64_t now_ns, uint64_t at_ns)
{
	uint64_t wait = at_ns - now_ns, word;
	struct timespec ts = { .tv_sec = (time_t)(wait / SP_NS_PER_S),
			       .tv_nsec = (long)(wait % SP_NS_PER_S) };
	int n = ppoll(w->fds, w->n_fds, &ts, NULL);
	uint64_t woke_ns = sp_clock_now(w->env->clock);

	if (n == 0 && woke_ns > at_ns)
		sp_margin_note(&w->margin, woke_ns - at_ns);
	if (n > 0 && w->fds[0].revents)
		(void)!read(w->wake, &word, sizeof word);
}

/* Nothing to do now: sleep, or spin when the next departure is near. */
static void idle(struct sp_worker *w, uint64_t now_ns)
{
	uint64_t next = w->sends && !w->tx_done ? next_departure(w) : SP_NEVER;
	uint64_t until = now_ns + IDLE_SLEEP_NS;
	bool polls = false;

	if (sp_lane_waiting(&w->lane))
		next = w->lane.blocked > 64 ? now_ns + 2 * SLEEP_AT_LEAST_NS + w->margin.ns
					    : now_ns;
	for (unsigned i = 0; i < w->lane.n_ports; i++)
		polls |= w->lane.ports[i].rx && !w->lane.ports[i].ops->conn &&
			 sp_lane_rx_ops(&w->lane.ports[i])
					 ->fd(sp_lane_rx_queue(&w->lane.ports[i])) < 0;
	if (w->has_conns) {
		uint64_t t = sp_conns_next(&w->conns, true);

		next = t < next ? t : next;
	}
	if (next <= now_ns)
		return;
	if (next < until)
		until = w->spin == SP_SPIN_NEVER ? next : next - w->margin.ns;
	if (w->spin != SP_SPIN_ALWAYS && !polls && until > now_ns &&
	    until - now_ns >= (w->spin == SP_SPIN_NEVER ? 1 : SLEEP_AT_LEAST_NS)) {
		sleep_until(w, now_ns, until);
		return;
	}
	/* Receiving workers come back to poll their queues. */
	if (w->receives || w->hears || w->has_conns)
		return;
	while (sp_clock_now(w->env->clock) < next &&
	       !__atomic_load_n(&w->quit, __ATOMIC_RELAXED) && !has_orders(w) &&
	       __atomic_load_n(&w->stop_at, __ATOMIC_RELAXED) == w->stop_seen)
		__builtin_ia32_pause();
}

/* Reads what lies in its queues: a worker that others kept from its core is behind. */
static void drain(struct sp_worker *w)
{
	uint64_t until_ns = SP_LOAD(w->drain_ns);

	while (w->receives && sp_clock_now(w->env->clock) < until_ns && sp_lane_rx(&w->lane))
		;
}

static void *worker_main(void *arg)
{
	struct sp_worker *w = arg;

	prctl(PR_SET_TIMERSLACK, 1);
	while (!__atomic_load_n(&w->quit, __ATOMIC_ACQUIRE)) {
		uint64_t now = sp_clock_now(w->env->clock);

		if (!sp_worker_turn(w, now))
			idle(w, now);
	}
	drain(w);
	return NULL;
}

static int watch_queues(struct sp_worker *w)
{
	w->fds = sp_alloc_array(w->env->mem, w->lane.n_ports + 1u, sizeof *w->fds);
	if (!w->fds)
		return -ENOMEM;
	w->fds[w->n_fds++] = (struct pollfd){ .fd = w->wake, .events = POLLIN };
	for (unsigned i = 0; i < w->lane.n_ports; i++) {
		const struct sp_lane_port *p = &w->lane.ports[i];
		int fd = p->rx || p->ops->conn ? sp_lane_rx_ops(p)->fd(sp_lane_rx_queue(p))
					       : -1;

		if (fd >= 0)
			w->fds[w->n_fds++] = (struct pollfd){ .fd = fd, .events = POLLIN };
	}
	return 0;
}

int sp_worker_start(struct sp_worker *w, struct sp_err *err)
{
	int r = watch_queues(w);

	if (r == 0)
		r = -pthread_create(&w->thread, NULL, worker_main, w);
	if (r)
		return sp_fail(err, r, SP_EXIT_PERM, "cannot start a worker: %s", strerror(-r));
	w->started = true;
	return 0;
}

int sp_worker_order(struct sp_worker *w, const struct sp_order *order)
{
	uint32_t in = w->orders_in;

	if (__atomic_load_n(&w->tx_done, __ATOMIC_ACQUIRE))
		return -EALREADY;
	if (in - __atomic_load_n(&w->orders_out, __ATOMIC_ACQUIRE) >= SP_WORKER_ORDERS)
		return -EAGAIN;
	w->orders[in % SP_WORKER_ORDERS] = *order;
	__atomic_store_n(&w->orders_in, in + 1, __ATOMIC_RELEASE);
	tell(w->wake);
	return 0;
}

void sp_worker_stop_tx(struct sp_worker *w, uint64_t at_ns)
{
	__atomic_store_n(&w->stop_at, at_ns, __ATOMIC_RELEASE);
	tell(w->wake);
}

static bool passed(const struct sp_worker *w)
{
	return !w->started || !w->receives ||
	       __atomic_load_n(&w->turns, __ATOMIC_SEQ_CST) != w->turns_seen;
}

bool sp_workers_pass(struct sp_worker *w, unsigned n)
{
	const struct timespec poll = { .tv_nsec = PASS_POLL_NS };
	unsigned at = 0;

	for (unsigned i = 0; i < n; i++) {
		w[i].turns_seen = __atomic_load_n(&w[i].turns, __ATOMIC_SEQ_CST);
		if (w[i].started && w[i].receives)
			tell(w[i].wake);
	}
	for (unsigned k = 0; k < PASS_POLLS; k++) {
		while (at < n && passed(&w[at]))
			at++;
		if (at == n)
			return true;
		nanosleep(&poll, NULL);
	}
	return false;
}

void sp_worker_quit(struct sp_worker *w)
{
	__atomic_store_n(&w->quit, true, __ATOMIC_RELEASE);
	if (!w->started)
		return;
	tell(w->wake);
	pthread_join(w->thread, NULL);
	w->started = false;
}
