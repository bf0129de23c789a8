/* The run's inside, shared by the files that make it up: run*.c (its life), prepare*.c (from plan to
 * open ports and sources), stages.c, lease.c, session.c and recycle.c (what changes while it runs),
 * collect*.c, flow_read.c and parts.c (counts), attribute.c and judge*.c (what they mean), host.c.
 * Nobody else includes this. */
#ifndef SP_ENGINE_RUN_IMPL_H
#define SP_ENGINE_RUN_IMPL_H

#include "engine/listener.h"
#include "engine/measure.h"
#include "engine/resolve.h"
#include "engine/segment.h"
#include "engine/run.h"
#include "engine/worker.h"

#define SP_RUN_MAX_REMARKS  64u
#define SP_RUN_MAX_SESSIONS 4096u
#define SP_RUN_TICK_NS	    SP_NS_PER_S
/* Connections that a receiver holds at a time, a worker. */
#define SP_RUN_MAX_CONNS    20000u

struct run_port {
	const struct sp_plan_port *plan;
	const struct sp_transport_ops *ops;
	bool any_frame; /* ops is one that was chosen for it */
	struct sp_port *port;
	struct sp_queue **queues; /* one a worker */
	struct sp_tcaps caps;
	struct sp_listener *listener; /* NULL: none */
	struct sp_filter *filter;   /* frames that the transport does not filter; NULL: none */
	struct sp_segment *segment; /* that its frames leave into; NULL: none */
	bool segment_known;
	char by_route[IFNAMSIZ]; /* frames: the interface towards the first target, where nobody
				    named one */
	bool tx, rx;
	bool answers; /* machines answer frames here: it takes all of them */
	bool hears;   /* what arrives answers what left */
	bool echo;    /* the same of echo requests; these come to an ear of their own, so that
		     * sending is not slowed down and one worker hears them all: */
	const struct sp_transport_ops *ear_ops;
	struct sp_port *ear;
	struct sp_queue *ear_queue;
	uint32_t n_targets;
	char where[96];
};

/* A change of a stream's pace: a stage, or a command. */
struct run_change {
	struct sp_change c;
	struct run_change *next; /* of the same stream, in order of time */
	struct sp_rate rate;	 /* the stream's, from then on */
	bool noted;		 /* atomic: the pacer will do it */
};

struct run_stream {
	const struct sp_plan_stream *plan;
	struct sp_endpoint to;
	unsigned worker;
	bool metered;		/* outside the own network */
	struct sp_lease *lease; /* that it needs there; NULL: none */
	uint32_t local;		/* index in the worker's lane */
	uint32_t flow_id;
	uint32_t ask, ask_at; /* which ask it belongs to, and where in it; SP_NO_FLOW none */
	uint32_t largest;    /* unit; its plan's size, or less where the transport takes less */
	uint32_t headers;    /* frames: bytes before the payload */
	bool echo;	     /* of echo requests whose answers are heard */
	bool answers;	     /* the sender itself sees what became of each unit */
	bool mac_given;	     /* packet: its expression says to which hardware address */
	bool src_varies;     /* packet: its source is not one */
	bool no_number;	     /* packet: what it goes to has no port number */
	bool stamped;	     /* else no receiver can tell whose its units are */
	struct sp_pace pace; /* at first */
	struct run_change *changes, *last_change;
	struct sp_rate rate; /* last set */
	bool only_max;	     /* rate max throughout, or no departures at all */
	bool self_paced; /* bulk data, a closed loop, recorded messages: its lane paces it */
	bool played;	 /* recorded messages over connections */
	bool told_loss;	 /* of a session: the first one was said */
	struct sp_schedule *schedule;
	const void *looked; /* recorded frames: what was judged; NULL: that was not needed */
};

/* Where the lost ones of several streams or flows were lost, together. */
struct run_parts {
	uint64_t receiver, network, unknown;
};
struct run_losses {
	bool known;
	uint64_t lost;
	struct run_parts parts;
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

/* A machine that answers on a port, in one worker. */
struct run_speaker {
	const struct sp_proto_ops *ops;
	struct sp_proto *proto;
	struct sp_reply_own own;
	uint32_t result;	   /* where its counts go */
	unsigned worker, port, at; /* in the port's struct sp_replies */
};

struct run_ask {
	struct sp_ask ask;
	struct sp_grant grant;
	struct sp_peer_counts counts;
	bool counts_known, alone; /* alone: all traffic of the run is this ask's */
	bool sampled;		  /* the samples are of this event */
	uint64_t sample_unique, sample_bytes;
	struct run_losses losses; /* at the end */
};

struct run_session {
	bool used, ended, lost, final;
	bool tally_each;
	struct sp_endpoint peer;
	uint32_t port; /* of the plan, that it sends to; SP_NO_FLOW: not known */
	char name[64];
	uint32_t base, n; /* ids */
	uint32_t first_tally;
	uint64_t ended_ns;
	uint64_t *tx; /* final counts of the sender, n; NULL until told */
	struct run_mark {
		uint64_t units, msgs, dropped; /* as sp_tstats, when it began */
	} * marks;			       /* one a port */
};

/* A received flow, in the order in which the report lists them: flows move up when others before
 * them are folded, never else. */
struct run_listed {
	const struct sp_flow_table *table;
	uint32_t index;
};

/* Units that belong to none of a receiver's flows, and how many of them a checksum calls damaged. */
struct run_surplus {
	uint64_t packets, csum_bad;
};

/* A receiver of the plan: the sum of the flows on its port. */
struct run_receiver {
	struct sp_measure m;
	struct sp_measure_sum sum;
	uint32_t flows, verified, untold, bytes; /* lost is known; sent is not; unit byte */
	uint32_t unchecked; /* of frames: nobody looked whether any are damaged */
	struct run_surplus surplus;
	const char *unit; /* of its flows, where there are any and they are alike */
};

/* What sessions and flows have left behind that are gone: counted in the totals, listed no more. */
struct run_folded {
	struct run_receiver all, *receivers; /* one a recv of the plan */
	struct sp_tally_rx *tally;
	uint32_t sessions, lost, open_ended; /* sessions, and of these */
	int64_t clock_error;		     /* the largest; -1 none */
	uint64_t restarts;
};

enum run_hist {
	RUN_DELAY,
	RUN_DELAY_ACTUAL,
	RUN_RX_GAP_ERROR,
	RUN_LATE,
	RUN_GAP_ERROR,
	RUN_RTT,
	RUN_RTT_ACTUAL,
	RUN_HIST__N
};

enum run_proc { RUN_PROC_STAT, RUN_PROC_SNMP, RUN_PROC_SNMP6, RUN_PROC_STATUS, RUN_PROC__N };
enum run_phase { RUN_NEW, RUN_PREPARED, RUN_ARMED, RUN_FINISHED };

struct sp_run {
	const struct sp_plan *plan;
	const struct sp_catalog *catalog;
	struct sp_env env;
	struct sp_run_hooks hooks;
	struct sp_arena arena;
	struct sp_permit permit;
	bool leases_over;
	uint32_t *lease_ask; /* which ask each of its leases belongs to */
	enum sp_role_kind role;
	enum run_phase phase;

	struct run_port *ports;
	struct run_stream *streams;
	struct sp_worker *workers;
	unsigned n_workers, n_workers_ready;
	struct sp_lane_source *sources;
	unsigned n_sources;
	struct sp_control_list controls;
	struct run_opened *opened;
	uint32_t n_opened;
	struct sp_replies *replies;   /* [workers][ports], those without are zeros */
	struct run_speaker *speakers; /* machines that answer, one each a port and worker */
	uint32_t n_speakers;
	struct sp_reply_result *reply_results;
	uint32_t n_reply_results;
	struct run_ask *asks;
	uint32_t n_asks, *ask_streams;
	uint32_t n_tallies; /* sender's, per worker */
	bool self;	    /* sends to itself (loop): granted by the run itself */

	struct sp_echo *echo; /* of a sender with streams of echo requests; NULL: none */
	struct sp_rx_limits rx_limits;
	struct sp_flow_table granted;
	struct sp_rx_session *rx_session; /* index 0: without control */
	struct run_session *sessions;	  /* index = session number */
	uint32_t n_sessions;		  /* were ever in use, one behind the last */
	uint32_t next_id, n_granted; /* ids are looked for from there; flows that have one */
	uint64_t tallies;	     /* bit k: tally 1 + k is a session's */
	struct run_folded folded;

	struct sp_marks *marks; /* NULL: nobody wants them */
	uint64_t t0_ns, next_tick_ns, end_ns, stop_ns, complete_ns;
	uint64_t drain_ns, drain_seen;
	int64_t started_real_ns;
	int64_t real_offset_ns; /* real - monotonic, when last looked at */
	int run_fd;
	int proc[RUN_PROC__N]; /* from the start on; -1: not open */
	int stop_requested;    /* atomic: signals seen */
	bool interrupted, ending;
	uint64_t cpu0_ns;
	uint64_t steal0, stat0; /* /proc/stat at T0 */
	struct sp_kernel_counts {
		uint64_t out, in;
	} kernel0;
	uint64_t last_tx_total, last_rx_total, last_bulk_total;
	bool sent_before; /* units left in the second before the last tick, too */
	uint32_t mute,
		muted; /* ask + 1 whose receiver said nothing since the last tick; told */
	bool stalled;  /* nothing was sent in the last second, though it was due; told */
	uint64_t own_control;
	struct sp_run_strangers strange;

	struct sp_result result;
	uint64_t final_ns; /* the end event's time: from then on nothing changes; 0: not yet */
	struct run_receiver *receivers;	 /* one a recv of the plan */
	struct sp_peer_flow *self_flows; /* sent to itself: at the end, one a stream */
	uint64_t surplus;		 /* a sender's: came back as its own, and was not */
	struct run_losses losses;	 /* of a receiver, or a run that sends to itself */
	struct run_listed *listed;
	uint32_t max_listed, n_listed;
	struct sp_transport_result *transport_results;
	struct sp_named_hist named_hists[RUN_HIST__N];
	struct sp_hist *hists; /* RUN_HIST__N, of all streams and flows at the last event */
	struct sp_remark remarks[SP_RUN_MAX_REMARKS];
	uint32_t n_remarks_told;
	enum sp_exit exit_hint;
	char evidence[256], clock_text[160];
	bool remarks_full;
};

/* prepare.c */
void sp_run_release(struct sp_run *);
/* prepare_ports.c: opens all of the plan's, each with a queue for each worker. */
int sp_run_open_ports(struct sp_run *, struct sp_err *);
/* So many sources are told apart on each port. */
uint32_t sp_run_max_sources(const struct sp_run *);
/* prepare_grants.c: streams with one target make one ask; all are asked at once; then each flow that
 * carries a stamp has its id in its head, and the check's beginning. */
int sp_run_make_asks(struct sp_run *, struct sp_err *);
int sp_run_ask_for_grants(struct sp_run *, struct sp_err *);
void sp_run_head_flows(struct sp_run *);
/* Which tally a stream's histograms are in. */
uint32_t sp_run_tally_of(const struct sp_run *, unsigned stream);
/* prepare_source.c: what all units of a source are made of, and the octets before it in each; NULL:
 * not of one template, or of several payloads. */
const struct sp_template *sp_run_template(const struct sp_lane_source *, uint32_t *prefix_len);
/* run_pace.c, once T0 is known: pacers and schedules of all streams. 0, or the first error with its
 * sentence. Then, from which number of packets on each worker sends super-packets. */
int sp_run_make_pacers(struct sp_run *, struct sp_err *);
void sp_run_choose_joining(struct sp_run *);
/* run_result.c, once T0 is known: room for results and what is known of them before the first
 * packet. 0, or -ENOMEM with its sentence. Then, whose clock the delays are by. */
int sp_run_make_results(struct sp_run *, struct sp_err *);
void sp_run_describe_clock(struct sp_run *);
/* run_events.c: to whoever listens. remark: with SP_EVENT_REMARK, else NULL. */
void sp_run_give_event(struct sp_run *, enum sp_event_kind, const struct sp_remark *);
/* The marks that are complete by now. */
void sp_run_give_marks(struct sp_run *);
/* Remarks that events have not told yet. Only between the start and the end event. */
void sp_run_tell_remarks(struct sp_run *);
/* run_watch.c, at a tick, when the total is collected: a second without traffic in the middle of a
 * run, and ports that failed; that somebody set the time of day since the last look. At the end:
 * senders that began again. */
void sp_run_watch_stalls(struct sp_run *, uint64_t now_ns);
void sp_run_watch_clock(struct sp_run *, uint64_t now_ns);
void sp_run_remark_restarts(struct sp_run *);
/* run_end.c. Has everything left that was to leave? */
bool sp_run_all_sent(const struct sp_run *);
/* Passes a stop that was asked for on to the workers: nothing is due from now on. Returns how many were
 * asked for; the second ends it at once. */
int sp_run_take_stops(struct sp_run *, uint64_t now_ns);
/* Is there a reason to end now? Takes stops, too. */
bool sp_run_over(struct sp_run *, uint64_t now_ns);
/* When to ask that again in real time, where the next tick or end is at next_ns. */
uint64_t sp_run_look_again(const struct sp_run *, uint64_t now_ns, uint64_t next_ns);
/* Ends it: the last counts of all sides, the verdict, the end event. */
void sp_run_finish(struct sp_run *, uint64_t now_ns);
/* stages.c: notes the plan's stages with the pacers. */
int sp_run_make_stages(struct sp_run *, struct sp_err *);
/* What a stream's paces held up to at_ns, by the plan and the commands alone; UINT64_MAX: only the
 * pacer knows. */
uint64_t sp_run_stream_asked(const struct run_stream *, uint64_t at_ns);
/* prepare_asks.c: the streams whose units are answered. */
bool sp_run_hears(const struct sp_run *, const struct sp_plan_stream *);
int sp_run_prepare_ask(struct sp_run *, unsigned stream, struct sp_err *);
void sp_run_asks_measure(const struct sp_run *, unsigned stream, struct sp_measure *);
const char *(*sp_run_status_name(const struct sp_run *, unsigned stream))(uint32_t);
const struct sp_asked *sp_run_asked(const struct sp_run *, unsigned stream);
void sp_run_close_asks(struct sp_run *);
/* run_echo.c: streams of echo requests, which are known once their packets were looked at. First
 * which there are; then what hears their answers; then the ids that come back. */
int sp_run_echo_prepare(struct sp_run *, struct sp_err *);
int sp_run_echo_open(struct sp_run *, struct run_port *, const struct sp_port_conf *as,
		     struct sp_err *);
/* A stream was placed: without a stamp its answers are told otherwise. */
int sp_run_echo_place(struct sp_run *, unsigned stream, struct sp_err *);
int sp_run_echo_grant(struct sp_run *, struct sp_err *);
void sp_run_echo_close(struct sp_run *);
/* Of what was measured as received by the run itself: delays are round trips. */
void sp_run_echo_measure(const struct sp_run *, uint32_t stream, struct sp_measure *);
/* Adds round trips and errors to the total. */
void sp_run_echo_collect(struct sp_run *);
/* Has every request been answered, or the time for it passed? */
bool sp_run_echo_drained(struct sp_run *, uint64_t now_ns);
/* Bulk data: the bytes that its rates asked for until at_ns (rate max asks for none). */
double sp_run_bulk_asked(const struct sp_run *, const struct run_stream *, uint64_t at_ns);
/* Did it have to send all the time between these? */
bool sp_run_bulk_active(const struct sp_run *, const struct run_stream *, uint64_t from_ns,
			uint64_t to_ns);
/* The seed of a stream's own series. */
uint64_t sp_run_seed_of(const struct sp_run *, const char *name);
/* The lease that a target needs; NULL: none. */
struct sp_lease *sp_run_lease_of(const struct sp_run *, const struct sp_endpoint *);
/* prepare_consent.c: whom each stream is for, and whether it may be sent there: the permit. */
int sp_run_resolve_and_judge(struct sp_run *, struct sp_err *);
bool sp_run_asks_for_leases(const struct sp_run *);
/* Which streams will carry a stamp: leases are asked for before a port is open. */
void sp_run_foresee_stamps(struct sp_run *);
/* The address and interface that a port is bound to. */
int sp_run_port_address(const struct run_port *, struct sp_port_conf *, struct sp_arena *,
			struct sp_err *);
/* The test segment of a port's interface, if it is one. */
int sp_run_find_segment(struct sp_run *, struct run_port *, struct sp_err *);
/* prepare_recorded.c: looks at whom a stream's recorded frames are for, where that matters, and whether
 * they may be sent there; fills what an expression would say. */
int sp_run_look_at_recorded(struct sp_run *, unsigned stream, const struct sp_local *,
			    struct sp_guard_ask *, bool allow_broadcast, struct sp_err *);
/* What was looked at then: any thread may ask whether a frame is like it (arg: run_stream.looked). */
sp_source_judge sp_run_recheck_recorded;
/* Does nothing of a stream on this port ever leave the process? */
bool sp_run_nothing_leaves(const struct sp_transport_ops *);
/* prepare_source.c: lanes, sources and endpoints of all streams. */
int sp_run_place_streams(struct sp_run *, struct sp_err *);
void sp_run_close_sources(struct sp_run *);
/* prepare_sessions.c: an endpoint for each session of a source of recorded messages. */
int sp_run_place_sessions(struct sp_run *, unsigned stream, struct sp_lane_source *,
			  struct sp_err *);
/* prepare_conns.c: how many connections a stream may have at a time. */
uint32_t sp_run_connections(const struct sp_run *, const struct sp_plan_stream *);
int sp_run_prepare_conns(struct sp_run *, struct sp_err *);
/* Stream i knows its flow id; peer: a spate receiver knows it, too. */
void sp_run_conn_flow(struct sp_run *, unsigned i, bool peer);
/* prepare_reply.c: before ports are opened, which of them answer frames; machines that answer, after
 * workers are there; their counts; the end. */
int sp_run_find_replies(struct sp_run *, struct sp_err *);
int sp_run_prepare_replies(struct sp_run *, struct sp_err *);
void sp_run_collect_replies(struct sp_run *);
void sp_run_close_replies(struct sp_run *);
int sp_run_arm_conns(struct sp_run *, struct sp_err *);
void sp_run_close_protocols(struct sp_run *);
/* lease.c: asks for the leases that the permit needs and fills them; renews them, and stops the run
 * when one is over. */
int sp_run_take_leases(struct sp_run *, struct sp_err *);
void sp_run_watch_leases(struct sp_run *, uint64_t now_ns);
/* session.c */
int sp_run_self_grant(struct sp_run *, struct sp_err *);
void sp_run_session_release(struct sp_run *, uint32_t session);
/* The receiver on a plan's port; NULL: it only sends. */
const struct sp_plan_recv *sp_run_recv_of(const struct sp_run *, uint32_t port);
/* The plan's port that a flow came in by, or is to come in by. */
uint32_t sp_run_flow_port(const struct sp_run *, const struct sp_flow_table *, uint32_t i);
/* collect.c: fills run->result's total from everything as it is now. final: for good. */
void sp_run_collect(struct sp_run *, uint64_t now_ns, bool final);
/* collect_ports.c */
void sp_run_collect_ports(struct sp_run *);
/* collect_send.c: total and histograms of what was sent and what its receivers said; one
 * stream's part of it, at any time. */
void sp_run_collect_send(struct sp_run *);
void sp_run_stream_measure(const struct sp_run *, uint32_t i, struct sp_measure *);
/* collect_recv.c: the same for what was received; f < n_listed. */
void sp_run_collect_recv(struct sp_run *);
void sp_run_flow_measure(const struct sp_run *, uint32_t f, struct sp_measure *);
void sp_run_collect_rx_tallies(struct sp_run *);
/* What was there before any flow was; and counts a flow there whose place is to be used again,
 * which no worker writes any more. */
void sp_run_folded_begin(struct sp_run *);
void sp_run_fold_flow(struct sp_run *, const struct sp_flow_table *, uint32_t i);
/* recycle.c. Control thread, between arm and end. Room for a session of n flows, where the sessions
 * that have ended leave some: true when *session and the ids from *base on are free for it. */
bool sp_run_make_room(struct sp_run *, uint32_t n, uint32_t *session, uint32_t *base);
/* So many tallies side by side; 0: there are none. */
uint32_t sp_run_take_tallies(struct sp_run *, uint32_t n);
/* Once a second: own flows that have been silent for long make room before there is none. */
void sp_run_fold_silent(struct sp_run *, uint64_t now_ns);
/* flow_read.c */
void sp_run_read_flow(const struct sp_run *, const struct sp_flow_table *, uint32_t i,
		      struct sp_peer_flow *);
/* collect_conn.c: what streams over connections know by themselves; their way; the run's round
 * trips and errors; what is counted there. */
void sp_run_conn_measure(const struct sp_run *, unsigned stream, struct sp_measure *);
void sp_run_stream_way(const struct sp_run *, unsigned stream, struct sp_way_result *);
/* Of a sender's stream, or of the receiver of this number. */
void sp_run_statuses(const struct sp_run *, unsigned i, struct sp_status_counts *);
/* Connections of a stream that failed for reasons of this host's, and the last one (negative errno;
 * 0 none). */
uint64_t sp_run_stream_trouble(const struct sp_run *, unsigned stream, int *error);
/* Bytes of a bulk stream that the far end had not confirmed when its connection was closed. */
uint64_t sp_run_unconfirmed(const struct sp_run *, unsigned stream);
void sp_run_bytes_only(struct sp_measure *);
/* What a sender knows by its answers alone; read after what it sent. */
struct run_answers {
	uint64_t unique, failed, rx_bytes, first_rx_ns, last_rx_ns;
};
void sp_run_set_answers(const struct run_answers *, struct sp_measure *);
void sp_run_set_rtt(const struct sp_tally_rtt *, struct sp_measure *);
/* What a stream counts by itself: the others of the ledger's errors are the run's. */
void sp_run_set_errors(struct sp_counts *, const struct sp_errors *);
void sp_run_collect_rtt(struct sp_run *);
void sp_run_collect_conn_errors(struct sp_run *);
const char *sp_run_stream_unit(const struct sp_run *, unsigned stream);
const char *sp_run_flow_unit(const struct sp_run *, const struct sp_flow_meta *, unsigned port);
/* parts.c: streams and flows for whoever asks. */
extern const struct sp_result_parts sp_run_parts;
/* "udp://10.0.0.1:5001", "icmp://10.0.0.1", "eth://eth0" */
const char *sp_run_target_text(const struct sp_run *, unsigned stream, char *buf, size_t cap);
/* Datagrams or frames: what a port's units are. */
const char *sp_run_unit(const struct sp_run *, unsigned port);
/* Units a second that a rate asks of a stream; NAN: as many as possible. */
double sp_run_asked_pps(const struct sp_plan_stream *, const struct sp_rate *);
/* attribute.c: splits so many losses, of an ask's streams or of the whole run. */
void sp_run_attribute_ask(const struct sp_run *, struct run_ask *, uint64_t lost);
void sp_run_attribute_self(struct sp_run *, uint64_t lost);
void sp_run_attribute_recv(struct sp_run *, uint64_t lost);
/* The share of one stream or flow, whose lost is known. */
void sp_run_set_losses(const struct run_losses *all, struct sp_counts *);
/* judge.c */
void sp_run_judge(struct sp_run *);
/* judge_conn.c */
/* At a tick: a second in which bulk data should have left and did not. */
void sp_run_watch_bulk(struct sp_run *, uint64_t now_ns);
/* Says once of each generated session that it was lost, while it is tried again. */
void sp_run_watch_sessions(struct sp_run *);
void sp_run_judge_conns(struct sp_run *);
bool sp_run_bulk_unmet(const struct sp_run *);
/* judge_play.c: the sessions of a stream of recorded messages over connections, NULL: it is none; why one
 * of them was lost last, as part of a sentence. */
struct sp_dialogue_play;
struct sp_dialogue_session;
const struct sp_dialogue_play *sp_run_play_of(const struct sp_run *, unsigned stream);
const char *sp_run_session_why(const struct sp_dialogue_session *, char *text, size_t cap);
/* parts_recorded.c: what struct sp_result_parts wants of recorded streams. */
void sp_run_recorded_session(const void *run, size_t stream, uint32_t k,
			     struct sp_recorded_session *);
void sp_run_recorded_play(const void *run, size_t stream, uint32_t k,
			  struct sp_recorded_play *);
void sp_run_recorded_sender(const void *run, size_t stream, uint32_t k,
			    struct sp_recorded_sender *);
/* judge_play.c: the sessions of a stream of recorded messages, if it is one. */
void sp_run_judge_play(struct sp_run *, unsigned stream);
/* Why a session was lost, when nobody has better words. error: negative errno; 0: none. */
const char *sp_run_why_text(enum sp_why, int error);
/* Some streams go over connections, and the sender had time left. A connection that is full says so
 * once, and is silent until there is room again. */
bool sp_run_conns_idle(const struct sp_run *);
/* True when connections say what bounded the result. */
bool sp_run_bound_conns(struct sp_run *, uint64_t blocked);
/* judge_recorded.c: what sources say of what they sent, and how true it was to its times. */
void sp_run_judge_recorded(struct sp_run *);
/* judge_nobody.c: "udp://10.0.0.2:5001, udp://10.0.0.3:5001 and 2 more": the targets from which
 * ICMP unreachable answers came and no spate receiver answered. */
void sp_run_name_unreachable(const struct sp_run *, char *buf, size_t cap);
/* host.c */
void sp_host_describe(struct sp_host_info *);
void sp_host_usage_start(struct sp_run *);
void sp_host_usage(struct sp_run *, struct sp_host_info *);
/* The kernel's own UDP datagram counts of this network namespace. */
void sp_host_udp(const struct sp_run *, struct sp_kernel_counts *);
void sp_host_close(struct sp_run *);

/* Formats into the arena and adds a remark. */
void sp_run_say(struct sp_run *, const char *code, bool neutral, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/* Flow i of a session. */
static inline struct sp_flow_rx *sp_run_granted(const struct sp_run *r,
						const struct run_session *s, uint32_t i)
{
	return &r->granted.rx[sp_flow_place(&r->granted, s->base + i)];
}

/* The source of a stream of recorded units in the packet lane; NULL: it is none such. */
static inline const struct sp_lane_source *sp_run_recorded(const struct sp_run *r,
							   unsigned stream)
{
	const struct run_stream *s = &r->streams[stream];
	const struct sp_lane *l = &r->workers[s->worker].lane;

	if (!s->plan->recorded || l->streams[s->local].lane != SP_LANE_PACKET)
		return NULL;
	return &l->sources[l->streams[s->local].source];
}

/* The source of a stream of recorded units in any lane; NULL: it is none such, or not open yet. */
static inline const struct sp_source_ops *
sp_run_recorded_source(const struct sp_run *r, unsigned stream, struct sp_source **source)
{
	const struct sp_lane_source *src = sp_run_recorded(r, stream);
	const struct run_stream *s = &r->streams[stream];
	const struct sp_worker *w = &r->workers[s->worker];
	const struct sp_dialogue_play *play;

	*source = src ? src->source : NULL;
	if (src || !s->played)
		return *source ? src->ops : NULL;
	play = w->dialogue.stream[w->lane.streams[s->local].index].play;
	*source = play ? play->source : NULL;
	return *source ? play->ops : NULL;
}

static inline const struct sp_flow_tx *run_flow_tx(const struct sp_run *r, unsigned stream)
{
	const struct run_stream *s = &r->streams[stream];

	return &r->workers[s->worker].lane.flow[s->local];
}

#endif
