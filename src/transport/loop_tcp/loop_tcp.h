/* Byte streams in memory, on the run's clock: what connects to a port is accepted on it. With a
 * delay, a rate, a bounded window, and connections that are refused or reset on purpose, so that
 * what runs over TCP can be tested in virtual time. Inside the folder only. */
#ifndef SP_TRANSPORT_LOOP_TCP_LOOP_TCP_H
#define SP_TRANSPORT_LOOP_TCP_LOOP_TCP_H

#include "core/wheel.h"
#include "pkt/endpoints.h"
#include "plugin/transport.h"

#define LOOP_TCP_SEGS 64u /* pieces under way of one direction; more arrive together */

struct sp_loop_tcp_conf {
	uint64_t delay_ns; /* one way */
	struct sp_rate rate;
	uint64_t buffer;
	uint64_t refuse, reset; /* every so many-th connection */
	uint64_t corrupt;	/* every so many-th byte of a direction */
};

/* One end of a connection. Bytes lie in the ring of the end that will read them. */
struct end {
	struct sp_conn conn; /* first */
	struct sp_queue *q;
	bool client, open, closed, blocked, in_wheel, ready;
	bool refused, reset, fin;
	uint32_t bits;
	uint8_t *ring;
	uint64_t head, visible, tail; /* read; arrived; written */
	uint64_t line_free_ns;	      /* when the way to this end is free for the next piece */
	struct {
		uint64_t at_ns, upto;
	} seg[LOOP_TCP_SEGS];
	uint32_t seg_at, seg_n;
	uint64_t event_ns; /* opening or acceptance */
	uint64_t fin_ns, reset_ns;
	uint64_t offered; /* bytes that arrived, ever */
};

/* Two ends: 0 has connected, 1 is accepted. */
struct pair {
	struct end end[2];
	uint32_t ep;		 /* whom the client meant */
	struct sp_endpoint from; /* where it said it was; family 0: it did not */
	uint32_t next;		 /* free list, or those that wait to be accepted; index + 1 */
	bool used, doomed;	 /* doomed: reset when the first bytes arrive */
};

struct sp_port {
	const struct sp_env *env;
	const struct sp_permit *permit;
	struct sp_loop_tcp_conf conf;
	struct sp_endpoint bind;
	bool rx;
	uint32_t max_endpoints, max_conns;
	struct sp_queue *queue;
};

struct sp_queue {
	struct sp_port *port;
	struct sp_endpoints ends;
	struct pair *pair;
	uint32_t used, free;
	uint32_t caller_first, caller_last;
	bool calling; /* a caller has come since the last ready() */
	uint64_t opened;
	struct sp_wheel *wheel; /* ids: 2 * pair + end */
	uint32_t *ready;	/* ends with bits */
	uint32_t n_ready;
	struct sp_tstats stats;
};

/* pair.c */
extern const struct sp_conn_ops sp_loop_tcp_conn_ops;
int sp_loop_tcp_connect(struct sp_queue *, uint32_t ep, uint32_t id, struct sp_conn **);
int sp_loop_tcp_connect_from(struct sp_queue *, const struct sp_endpoint *local, uint32_t ep,
			     uint32_t id, struct sp_conn **);
int sp_loop_tcp_accept(struct sp_queue *, uint32_t id, struct sp_conn **);
/* What is due by now happens: bytes become visible, openings, ends. */
void sp_loop_tcp_pass(struct sp_queue *, uint64_t now_ns);

#endif
