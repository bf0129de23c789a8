/* When a run is over, and what is done then. */
#include "engine/run_impl.h"

#include <errno.h>
#include <time.h>

#include "core/shared.h"

/* How long a receiver that has its --count waits for its senders' last words. */
#define GOODBYE_NS     (300 * SP_NS_PER_MS)
/* Silence after which nothing more is expected on a run's own sockets. */
#define DRAIN_NS       (50 * SP_NS_PER_MS)
/* So long may frames lie in a ring before the kernel shows them: a jiffy or two. */
#define FRAMES_NS      (20 * SP_NS_PER_MS)
#define FRAMES_MOST_NS SP_NS_PER_S

bool sp_run_all_sent(const struct sp_run *r)
{
	for (unsigned w = 0; w < r->n_workers; w++)
		if (r->workers[w].sends &&
		    !__atomic_load_n(&r->workers[w].tx_done, __ATOMIC_ACQUIRE))
			return false;
	return true;
}

static bool rx_complete(const struct sp_run *r)
{
	uint64_t seen = 0;

	for (unsigned w = 0; w < r->n_workers; w++)
		seen += SP_LOAD(r->workers[w].rx_seen);
	return r->plan->run.count && seen >= r->plan->run.count;
}

/* Enough was received; senders that are about to say goodbye get a moment for it. */
static bool rx_settled(struct sp_run *r, uint64_t now_ns)
{
	bool open = false;

	if (!rx_complete(r))
		return false;
	if (!r->complete_ns)
		r->complete_ns = now_ns;
	for (uint32_t i = 1; i < r->n_sessions; i++)
		open |= r->sessions[i].used && !r->sessions[i].ended && !r->sessions[i].final;
	return !open || now_ns > r->complete_ns + GOODBYE_NS;
}

/* Tells ask i's receiver what was sent (pc NULL), or asks it for its counts. */
static int exchange_counts(struct sp_run *r, uint32_t i, struct sp_peer_counts *pc)
{
	struct run_ask *a = &r->asks[i];
	uint64_t *tx = sp_alloc_array(r->env.mem, a->ask.n_flows, sizeof *tx);
	int ret;

	if (!tx)
		return -ENOMEM;
	for (uint32_t k = 0; k < a->ask.n_flows; k++)
		tx[k] = run_flow_tx(r, a->ask.streams[k])->tx;
	ret = r->hooks.peer_counts(r->hooks.arg, i, tx, pc);
	sp_free(r->env.mem, tx);
	return ret;
}

static void fetch_peer_counts(struct sp_run *r)
{
	if (!r->hooks.peer_counts)
		return;
	/* All are told before any is waited for. */
	for (uint32_t i = 0; i < r->n_asks && r->n_asks > 1; i++)
		if (r->asks[i].grant.peer)
			exchange_counts(r, i, NULL);
	for (uint32_t i = 0; i < r->n_asks; i++) {
		struct run_ask *a = &r->asks[i];

		if (!a->grant.peer || exchange_counts(r, i, &a->counts))
			continue;
		a->counts_known = true;
		r->own_control += a->counts.control_packets - a->grant.control_packets;
	}
}

static bool takes_frames(const struct sp_run *r)
{
	for (unsigned i = 0; i < r->plan->n_ports; i++)
		if (r->ports[i].rx && (r->ports[i].caps.bits & SP_T_FRAME))
			return true;
	return false;
}

/* What has arrived by now counts, and nothing later; a kernel that gathers frames hands them over a
 * moment after they came, and a worker may be behind. */
static void settle_frames(struct sp_run *r, uint64_t now_ns)
{
	const struct timespec moment = { .tv_nsec = FRAMES_NS };

	if (r->role != SP_ROLE_RECV || r->env.clock->is_virtual || !takes_frames(r))
		return;
	if (now_ns < r->rx_limits.until_ns)
		SP_STORE(r->rx_limits.until_ns, now_ns);
	nanosleep(&moment, NULL);
	for (unsigned w = 0; w < r->n_workers; w++)
		SP_STORE(r->workers[w].drain_ns, sp_clock_now(r->env.clock) + FRAMES_MOST_NS);
}

void sp_run_finish(struct sp_run *r, uint64_t now_ns)
{
	r->ending = true;
	fetch_peer_counts(r);
	settle_frames(r, now_ns);
	for (unsigned w = 0; w < r->n_workers; w++)
		sp_worker_quit(&r->workers[w]);
	sp_run_give_marks(r);
	r->result.interrupted = r->interrupted;
	sp_run_collect(r, now_ns, true);
	sp_run_watch_clock(r, now_ns);
	sp_run_remark_restarts(r);
	sp_run_judge(r);
	r->result.finished = true;
	r->phase = RUN_FINISHED;
	sp_run_tell_remarks(r);
	sp_run_give_event(r, SP_EVENT_END, NULL);
}

/* A run that sends to itself over real sockets waits until what it sent was read. */
static bool drained(struct sp_run *r, uint64_t now_ns)
{
	uint64_t seen = 0, tx = 0;

	if (r->echo)
		return sp_run_echo_drained(r, now_ns);
	if (r->role != SP_ROLE_BOTH || r->env.clock->is_virtual)
		return true;
	for (unsigned w = 0; w < r->n_workers; w++)
		seen += SP_LOAD(r->workers[w].rx_seen);
	for (unsigned i = 0; i < r->plan->n_streams; i++)
		tx += SP_LOAD(run_flow_tx(r, i)->tx);
	if (seen != r->drain_seen || !r->drain_ns) {
		r->drain_seen = seen;
		r->drain_ns = now_ns;
	}
	return seen >= tx || now_ns > r->drain_ns + DRAIN_NS;
}

int sp_run_take_stops(struct sp_run *r, uint64_t now_ns)
{
	int stops = __atomic_load_n(&r->stop_requested, __ATOMIC_ACQUIRE);

	if (stops && r->stop_ns == SP_NEVER) {
		r->stop_ns = now_ns > r->t0_ns ? now_ns : r->t0_ns;
		for (unsigned w = 0; w < r->n_workers; w++)
			sp_worker_stop_tx(&r->workers[w], r->stop_ns);
	}
	return stops;
}

bool sp_run_over(struct sp_run *r, uint64_t now_ns)
{
	int stops = sp_run_take_stops(r, now_ns);

	if (stops > 1)
		return true;
	if (r->role == SP_ROLE_RECV)
		return stops || now_ns >= r->end_ns || rx_settled(r, now_ns);
	return sp_run_all_sent(r) && drained(r, now_ns);
}

uint64_t sp_run_look_again(const struct sp_run *r, uint64_t now_ns, uint64_t next_ns)
{
	if (r->drain_ns)
		return now_ns + DRAIN_NS / 10;
	if (r->complete_ns && r->complete_ns + GOODBYE_NS / 16 < next_ns)
		return now_ns + GOODBYE_NS / 16;
	return next_ns;
}
