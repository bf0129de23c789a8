/* What a run found: events carry it, reports render it, nothing else is needed to write a
 * report. Texts and arrays are owned by the run and live until sp_run_free. */
#ifndef SP_CORE_RESULT_H
#define SP_CORE_RESULT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/counters.h"
#include "core/hist.h"

/* What the run's total, a stream and a flow have in common. A double that is NAN is unknown. */
struct sp_measure {
	struct sp_counts c;
	uint64_t first_tx_ns, last_tx_ns; /* actual departures, 0 = none; on the run's clock */
	uint64_t first_rx_ns, last_rx_ns;
	double asked_pps;		/* NAN with rate max, and where stages change it */
	double tx_pps, rx_pps;		/* (n-1)/(last-first); NAN below two */
	double tx_bps, rx_bps;		/* 8 * (bytes but the first unit's)/(last-first) */
	struct sp_summary delay;	/* one way, from the intended departure */
	struct sp_summary delay_actual; /* one way, from the actual departure */
	struct sp_summary rtt;		/* until the answer, from the intended start */
	struct sp_summary rtt_actual;	/* until the answer, from the actual start */
	struct sp_summary late;		/* actual - intended departure */
	struct sp_summary gap_error;	/* |actual gap - intended gap|, by the sender's clock */
	struct sp_summary rx_gap_error; /* the same by the receiver's time stamps */
	double jitter_ns;		/* RFC 3550; of a sum the mean of its parts' */
	double outage_ns; /* longest time without an arrival of a flow in which it missed some */
	double ks_departure, ks_size; /* Kolmogorov-Smirnov distances */
};

/* What the kernel knows of a stream's connections: sums, and figures of the one that was asked
 * last. */
struct sp_way_result {
	bool known;
	uint64_t connections; /* opened so far */
	uint64_t retransmits; /* segments */
	uint64_t rtt_ns, min_rtt_ns, cwnd_bytes;
	uint32_t mss;
	char congestion[16]; /* control; "" unknown */
};

/* Answers by status: of a client those that it got, of a server those that it gave. One writer,
 * others read relaxed; rows below n are settled. */
#define SP_STATUSES 16u
struct sp_status_counts {
	uint32_t n;
	struct {
		uint32_t status;
		uint64_t count;
	} row[SP_STATUSES]; /* in the order of their first answer */
	uint64_t more;	    /* answers with yet other statuses */
};

/* Of a stream of recorded messages: the packets of its captures, each as often as it is played. */
struct sp_recorded_result {
	bool known;
	uint64_t filtered;	/* that are its own */
	uint64_t unknown_peer;	/* that would be, and whose sender is nobody's */
	uint64_t unknown_proto; /* that are no stream's */
	uint64_t sessions;
	uint64_t next_ns; /* when the next unit is due, since its start; UINT64_MAX: none */
	/* Left out, and why: packets, and octets of streams. */
	uint64_t cut, too_long, hole_bytes, broken_bytes;
	const char *protocol; /* "ipfix" */
	bool tcp;
	/* How many plays and senders there are to be asked for; how many other senders were left out,
	 * with how many packets. */
	uint32_t plays, senders, more_senders;
	uint64_t more_sender_packets;
	/* The capture that it asks for before it goes on; NULL: it does not wait for an answer. */
	const char *asks;
};

/* Units that came due, and those that left; times are since the stream's start. */
struct sp_recorded_sum {
	uint64_t asked, asked_bytes, sent, sent_bytes;
	bool left;		    /* some did: */
	uint64_t first_ns, last_ns; /* the first and the last of them */
};

struct sp_recorded_session {
	char sender[72];    /* as recorded */
	char local[72];	    /* that it was played from; "" the system's choice */
	char collector[96]; /* address and port */
	struct sp_recorded_sum sum;
	uint32_t lost;	   /* connections; over datagrams 0 */
	const char *state; /* "unused", "open", "ended", "failed" */
	char why[200];	   /* it was lost last; "" never */
};

/* One time that a capture is played. */
struct sp_recorded_play {
	const char *capture;
	uint32_t repetition; /* of this capture, from 1 */
	bool sync;
	uint64_t wanted_ns; /* place of its first packet in its minute, as recorded */
	uint64_t due_ns;    /* of its beginning, since the stream's start */
	uint64_t begun_ns;  /* place in the minute at which it began; with sum.left */
	struct sp_recorded_sum sum;
};

/* Whose messages were left out: it is not in the map. */
struct sp_recorded_sender {
	char sender[72];
	uint64_t packets;
	bool collector; /* the recorded far end of sessions that are played */
};

/* A stream of a sender, or a receiver of the plan. */
struct sp_stream_result {
	const char *name;
	char target[96];  /* "udp://10.1.1.2:5001", for people; "" unknown */
	char asked[420];  /* "100pps, 1024 B, constant"; "" in recv */
	uint32_t flows;	  /* number of flows folded into it */
	const char *unit; /* "datagram", "frame", "message", "connection", "request", "byte" */
	struct sp_way_result way;
	struct sp_recorded_result recorded;
	struct sp_status_counts statuses;
	const char *(*status_name)(uint32_t); /* NULL, or giving NULL: it has only its number */
	struct sp_measure m;
};

struct sp_flow_result {
	uint32_t id; /* on the wire */
	const char *stream;
	char src[72], dst[72];	  /* "" unknown */
	const char *proto, *unit; /* "udp", "datagram" */
	bool ended;		  /* its sender said goodbye, or it has been silent for long */
	struct sp_measure m;
};

/* Counters of a transport's queues, in the kernel's own units. All since open. */
struct sp_tstats {
	uint64_t tx_calls; /* system calls that sent something */
	uint64_t tx_units; /* what the kernel was handed: super-packets or single ones */
	uint64_t tx_msgs;  /* the messages inside: segments */
	uint64_t tx_bytes;
	uint64_t tx_blocked;	 /* EAGAIN or ENOBUFS: tried again */
	uint64_t tx_unreachable; /* ICMP errors that a connected socket reported */
	uint64_t
		tx_dropped; /* handed over, then thrown away by the interface or lost with its file */
	uint64_t rx_calls, rx_units, rx_msgs, rx_bytes;
	uint64_t rx_truncated; /* larger than the buffer */
	uint64_t rx_dropped;   /* by the kernel for this socket, in its units (super-packets) */
	uint64_t rx_csum_errors; /* checksum errors that the kernel counted (host-wide) */
	uint64_t
		rx_frozen; /* times that a receive ring was full: nothing came in until it was not */
	uint64_t rx_other; /* frames that were not for us: filtered, not counted elsewhere */
	uint32_t max_seg;  /* largest number of segments seen in one unit, tx or rx */
	bool rx_dropped_known;
};

struct sp_transport_result {
	const char *name;      /* port name */
	const char *transport; /* "udp" */
	const char *where;     /* interface or local address, for people */
	const char *road;      /* "sendmmsg + UDP_SEGMENT", for people */
	const char *rx_clock;  /* "kernel", "user", "virtual"; NULL when it only sends */
	bool offloaded;	       /* segments crossed inside super-packets */
	struct sp_tstats s;
};

struct sp_host_info {
	char kernel[96], cpu[96], hostname[72];
	char sandbox[96]; /* what the process gave up, for people; "" nothing is known */
	unsigned cpus;
	double steal;	 /* share of CPU time stolen during the run, NAN unknown */
	double cpu_self; /* CPU seconds used by this process during the run */
	uint64_t rss_peak_bytes;
};

/* A machine that answers, on one port, all workers together. */
struct sp_reply_result {
	const char *name, *port; /* "arp", "rx0" */
	uint64_t replies, bytes; /* that left: payload of datagrams, or frames */
	uint64_t refused;	 /* that the transport did not take */
};

enum sp_result_class { SP_VALID, SP_VALID_REMARKS, SP_NOT_TRUSTED };
extern const char *const sp_result_class_name[]; /* "valid", "valid with remarks", ... */
enum sp_bound {
	SP_BOUND_NONE,
	SP_BOUND_SENDER_CPU,
	SP_BOUND_TRANSPORT,
	SP_BOUND_PATH,
	SP_BOUND_RECEIVER_CPU,
	SP_BOUND_RECEIVER_BUFFER,
	SP_BOUND_UNKNOWN
};
extern const char *const sp_bound_name[];

struct sp_remark {
	const char *code; /* stable word: "fell-behind", "nobody-listens", "one-sided", ... */
	uint64_t at_ns;	  /* since the start of the run */
	bool neutral;	  /* information: does not make the result "valid with remarks" */
	const char *text; /* one sentence */
};

/* A histogram of the whole run, for the run folder. */
struct sp_named_hist {
	const char *name; /* "delay", "late", ... */
	const struct sp_hist *hist;
};

/* A host of a run over several: what its own agent said. */
struct sp_host_part {
	const char *name, *state; /* "done", "running", "lost" */
	const char *why;	  /* lost: how; NULL */
	uint64_t at_ns;		  /* lost: since T0 */
	bool sends, tx_known, rx_known;
	uint64_t tx_packets, rx_packets; /* its own counts */
	uint64_t first_tx_ns;	 /* its first departure since T0; 0: none, or not known */
	uint64_t clock_error_ns; /* of its clock against the controller's */
	struct sp_host_info info;
};

/* What the user expected, and what came. */
struct sp_expectation {
	const char *text; /* as written */
	bool met, known;
	double value;	 /* known: measured, in the metric's own unit (ns, 1/s, a share) */
	const char *why; /* one sentence */
};

/* Streams and flows are made when they are asked for: there may be 100,000, and the run keeps
 * only their counters. While a run goes on each is read at the moment of the call, so that it
 * adds up by itself; the total of the same event may be a little older. From the end event on
 * (finished) they stand still, and any thread may ask. */
struct sp_result_parts {
	void (*stream)(const void *arg, size_t i, struct sp_stream_result *);
	void (*flow)(const void *arg, size_t i, struct sp_flow_result *);
	/* Only the counts: cheap enough to look at all of them once a second. */
	void (*stream_counts)(const void *arg, size_t i, struct sp_counts *);
	void (*flow_counts)(const void *arg, size_t i, struct sp_counts *);
	/* Of stream i, where its recorded.known, number k below recorded.sessions, plays, senders. */
	void (*recorded_session)(const void *arg, size_t i, uint32_t k,
				 struct sp_recorded_session *);
	void (*recorded_play)(const void *arg, size_t i, uint32_t k, struct sp_recorded_play *);
	void (*recorded_sender)(const void *arg, size_t i, uint32_t k,
				struct sp_recorded_sender *);
};

enum sp_role_kind { SP_ROLE_SEND, SP_ROLE_RECV, SP_ROLE_BOTH };

struct sp_result {
	const char *name, *command, *plan_sha256;
	uint64_t seed;
	enum sp_role_kind role;
	int64_t started_real_ns;
	uint64_t duration_ns; /* from T0 to now or to the end */
	uint64_t planned_ns;  /* SP_NEVER: until stopped */
	bool finished, interrupted;
	int exit_code; /* valid when finished; output errors may still raise it */
	enum sp_result_class result;
	enum sp_bound bound;
	const char *evidence; /* why bound says so, one sentence */
	const struct sp_remark *remarks;
	size_t n_remarks;
	struct sp_measure total;
	const struct sp_result_parts *parts;
	const void *parts_arg;
	size_t n_streams;
	size_t n_flows; /* listed: up to the flow limit; a receiver's grow during the run */
	/* Of a receiver: flows that were listed and are not any more, counted in the total and their
	 * stream; how often others moved up in the list for this. */
	uint64_t flows_folded, relisted;
	const char *unit; /* what the counts count: "datagram", "frame"; NULL unknown */
	const struct sp_transport_result *transports;
	size_t n_transports;
	const struct sp_reply_result *replies; /* a receiver's answers */
	size_t n_replies;
	const struct sp_named_hist *hists; /* at the end only */
	size_t n_hists;
	struct sp_host_info host;
	const struct sp_host_part *hosts; /* a run over several */
	size_t n_hosts;
	const struct sp_expectation *expectations;
	size_t n_expectations;
	const char *clock; /* how the far clock relates, for people; NULL = one-sided */
	uint32_t violated, unknown_identities; /* masks, see sp_counts_check */
};

/* Stream i < n_streams, flow i < n_flows. Pointers in *out live as long as the run. */
static inline void sp_result_stream(const struct sp_result *r, size_t i,
				    struct sp_stream_result *out)
{
	r->parts->stream(r->parts_arg, i, out);
}

static inline void sp_result_flow(const struct sp_result *r, size_t i,
				  struct sp_flow_result *out)
{
	r->parts->flow(r->parts_arg, i, out);
}

/* The run's counts when unit n was sent (by a receiver: received), exactly. */
struct sp_mark {
	uint64_t n, bytes;
	uint64_t t_ns;	 /* of that unit; on the run's clock */
	double pps, bps; /* up to it, as in struct sp_measure */
};

/* MARK: only in a run that was asked for marks; for who prints them, not for reports. */
enum sp_event_kind {
	SP_EVENT_START,
	SP_EVENT_INTERVAL,
	SP_EVENT_REMARK,
	SP_EVENT_END,
	SP_EVENT_MARK
};

/* Events are handed out on the control thread, in time order (a mark comes up to a moment after
 * its time); result is valid during the call only (and, after the end event, until
 * sp_run_free). */
struct sp_event {
	enum sp_event_kind kind;
	uint64_t t_ns; /* since T0 */
	int64_t real_ns;
	const struct sp_result *result; /* cumulative counts so far */
	const struct sp_remark *remark; /* REMARK only */
	const struct sp_mark *mark;	/* MARK only: result's counts are older ones */
};

#endif
