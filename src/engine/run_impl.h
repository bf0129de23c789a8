/* The run's inside, shared by the files that make it up: prepare.c (from plan to open ports),
 * run.c (time), collect.c (counts), attribute.c (where losses went), judge.c (verdict and exit
 * code), session.c (the receiver's side of control). Nobody else includes this. */
#ifndef SP_ENGINE_RUN_IMPL_H
#define SP_ENGINE_RUN_IMPL_H

#include "engine/resolve.h"
#include "engine/run.h"
#include "engine/worker.h"

#define SP_RUN_MAX_REMARKS  64u
#define SP_RUN_MAX_SESSIONS 4096u
#define SP_RUN_TICK_NS	    SP_NS_PER_S
/* Flows are listed in interval events up to this many; all are at the end. */
#define SP_RUN_LIVE_FLOWS   256u
/* Connections that a receiver holds at a time, a worker. */
#define SP_RUN_MAX_CONNS    20000u

struct run_port {
	const struct sp_plan_port *plan;
	const struct sp_transport_ops *ops;
	struct sp_port *port;
	struct sp_queue **queues; /* one a worker */
	struct sp_tcaps caps;
	bool tx, rx;
	uint32_t n_targets;
	char where[96];
};

struct run_stream {
	const struct sp_plan_stream *plan;
	struct sp_endpoint to;
	unsigned worker;
	bool metered;	/* outside the own network */
	uint32_t local; /* index in the worker's lane */
	uint32_t flow_id;
	uint32_t ask, ask_at; /* which ask it belongs to, and where in it; SP_NO_FLOW none */
	uint32_t headers;     /* frames: bytes before the payload */
	bool answers;	      /* the sender itself sees what became of each unit */
	bool stamped;	      /* else no receiver can tell whose its units are */
	struct sp_pace pace;
	struct sp_schedule *schedule;
	char *target, *asked;
};

/* What a protocol or a stream's bytes took, until the run is freed. */
struct run_opened {
	const struct sp_proto_ops *ops;
	struct sp_proto *proto;
	const struct sp_wrap_ops *wrap_ops;
	struct sp_wrap *wrap;
	uint8_t *payload;
	const char *payload_text;
	uint64_t payload_len;
};

struct run_ask {
	struct sp_ask ask;
	struct sp_grant grant;
	struct sp_peer_counts counts;
	bool counts_known, alone; /* alone: all traffic of the run is this ask's */
	uint64_t sample_unique, sample_bytes;
};

struct run_session {
	bool used, ended, lost, final;
	bool tally_each;
	struct sp_endpoint peer;
	char name[64];
	uint32_t base, n; /* ids */
	uint32_t first_tally;
	uint64_t *tx; /* final counts of the sender, n; NULL until told */
};

/* A received flow, in the order in which the report lists them: no flow moves once listed. */
struct run_listed {
	const struct sp_flow_table *table;
	uint32_t index;
	unsigned worker; /* whose queues know its source */
};

enum run_phase { RUN_NEW, RUN_PREPARED, RUN_ARMED, RUN_FINISHED };

struct sp_run {
	const struct sp_plan *plan;
	const struct sp_catalog *catalog;
	struct sp_env env;
	struct sp_run_hooks hooks;
	struct sp_arena arena;
	struct sp_permit permit;
	enum sp_role_kind role;
	enum run_phase phase;

	struct run_port *ports;
	struct run_stream *streams;
	struct sp_worker *workers;
	unsigned n_workers, n_workers_ready;
	struct sp_lane_source *sources;
	unsigned n_sources;
	struct run_opened *opened;
	uint32_t n_opened;
	struct run_ask *asks;
	uint32_t n_asks, *ask_streams;
	uint32_t n_tallies; /* sender's, per worker */
	bool self;	    /* sends to itself (loop): granted by the run itself */

	struct sp_flow_table granted;
	struct sp_rx_session *rx_session; /* index 0: without control */
	struct run_session *sessions;	  /* index = session number */
	uint32_t n_sessions;
	uint32_t next_tally;

	uint64_t t0_ns, next_tick_ns, end_ns, stop_ns, complete_ns;
	uint64_t drain_ns, drain_seen;
	int64_t started_real_ns;
	int run_fd;
	int stop_requested; /* atomic: signals seen */
	bool interrupted, ending;
	uint64_t cpu0_ns;
	uint64_t steal0, stat0; /* /proc/stat at T0 */
	struct sp_kernel_counts {
		uint64_t out, in;
	} kernel0;
	uint64_t last_tx_total, last_rx_total;
	bool sent_before; /* units left in the second before the last tick, too */
	uint32_t mute,
		muted; /* ask + 1 whose receiver said nothing since the last tick; told */
	uint64_t own_control;

	struct sp_result result;
	struct sp_stream_result *stream_results;
	struct sp_flow_result *flow_results;
	uint32_t flow_results_cap;
	struct run_listed *listed;
	uint32_t n_listed, granted_listed, *own_listed; /* own_listed: one a worker */
	struct sp_transport_result *transport_results;
	struct sp_named_hist named_hists[5];
	struct sp_hist *final_hists;
	struct sp_remark remarks[SP_RUN_MAX_REMARKS];
	uint32_t n_remarks_told;
	enum sp_exit exit_hint;
	char evidence[256], clock_text[160];
	bool remarks_full;
};

/* prepare.c */
void sp_run_release(struct sp_run *);
/* Which tally a stream's histograms are in. */
uint32_t sp_run_tally_of(const struct sp_run *, unsigned stream);
/* prepare_conns.c: how many connections a stream may have at a time. */
uint32_t sp_run_connections(const struct sp_run *, const struct sp_plan_stream *);
int sp_run_prepare_conns(struct sp_run *, struct sp_err *);
/* Stream i knows its flow id; peer: a spate receiver knows it, too. */
void sp_run_conn_flow(struct sp_run *, unsigned i, bool peer);
int sp_run_arm_conns(struct sp_run *, struct sp_err *);
void sp_run_close_protocols(struct sp_run *);
/* session.c */
int sp_run_self_grant(struct sp_run *, struct sp_err *);
/* collect.c: fills run->result from everything as it is now. */
void sp_run_collect(struct sp_run *, uint64_t now_ns, bool final);
/* Units a second that a stream asks for; NAN: as many as possible. */
double sp_run_asked_pps(const struct sp_plan_stream *);
/* attribute.c: splits an ask's losses; L of its streams are in their measures. */
void sp_run_attribute(struct sp_run *);
/* judge.c */
void sp_run_judge(struct sp_run *);
/* host.c */
void sp_host_describe(struct sp_host_info *);
void sp_host_usage_start(struct sp_run *);
void sp_host_usage(struct sp_run *, struct sp_host_info *);
/* The kernel's own UDP datagram counts of this network namespace. */
void sp_host_udp(struct sp_kernel_counts *);

/* Formats into the arena and adds a remark. */
void sp_run_say(struct sp_run *, const char *code, bool neutral, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

static inline const struct sp_flow_tx *run_flow_tx(const struct sp_run *r, unsigned stream)
{
	const struct run_stream *s = &r->streams[stream];

	return &r->workers[s->worker].lane.flow[s->local];
}

#endif
