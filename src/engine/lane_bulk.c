#include "engine/lane_bulk.h"

#include <errno.h>
#include <math.h>

#include "core/shared.h"
#include "engine/opener.h"
#include "pkt/bulk.h"

/* A rate is kept in pieces of at least so much, or one millisecond's worth. */
#define PIECE	  (64u << 10)
#define PIECE_NS  SP_NS_PER_MS
/* After the last byte: how often it is looked at what of that which is under way was confirmed,
 * and how long nothing more of it may be. */
#define LINGER_NS (150 * SP_NS_PER_MS)
#define QUIET_NS  (450 * SP_NS_PER_MS)

enum state { BULK_WAITING, BULK_OPENING, BULK_SENDING, BULK_CLOSING, BULK_ENDED };

struct bulk_conn {
	struct sp_bulk_stream *s;
	uint8_t opener[SP_OPENER_LEN];
	uint64_t offset; /* where the conn cannot blast */
};

size_t sp_bulk_room(void)
{
	return sizeof(struct bulk_conn);
}

int sp_bulk_init(struct sp_bulk *b, struct sp_conns *conns, uint32_t streams)
{
	*b = (struct sp_bulk){ .conns = conns, .env = conns->env, .n = streams };
	b->stream = sp_alloc_array(b->env->mem, streams, sizeof *b->stream);
	return b->stream ? 0 : -ENOMEM;
}

void sp_bulk_fini(struct sp_bulk *b)
{
	if (!b->env)
		return;
	sp_free(b->env->mem, b->stream);
	sp_free(b->env->mem, b->period);
	*b = (struct sp_bulk){ 0 };
}

static void ask(struct sp_bulk *b, struct sp_bulk_stream *s)
{
	struct sp_conn *conn = sp_conns_conn(b->conns, s->slot);
	struct sp_conn_info info;

	if (!conn || !conn->ops->info)
		return;
	conn->ops->info(conn, &info);
	if (!info.known)
		return;
	SP_STORE(s->info.retransmits, s->retransmits + info.retransmits);
	SP_STORE(s->info.acked_bytes, s->acked + info.acked_bytes);
	sp_conns_publish(&s->info, &info);
}

void sp_bulk_sample(struct sp_bulk *b)
{
	for (uint32_t i = 0; i < b->n; i++)
		if (b->stream[i].state == BULK_SENDING)
			ask(b, &b->stream[i]);
}

static bool starts_again(const struct sp_bulk_stream *s)
{
	for (const struct sp_change *c = s->changes; c; c = c->next)
		if (c->kind == SP_CHANGE_START)
			return true;
	return false;
}

/* The next time at which something is to be done whatever the connection does. */
static uint64_t until(const struct sp_bulk_stream *s, uint64_t at_ns)
{
	return s->changes && s->changes->at_ns < at_ns ? s->changes->at_ns : at_ns;
}

/* What lies in buffers does not leave after the lease. */
static void hang_up(struct sp_bulk *b, struct sp_bulk_stream *s, int error, uint64_t now_ns)
{
	if (s->state == BULK_CLOSING)
		ask(b, s);
	s->retransmits = s->info.retransmits;
	s->acked = s->info.acked_bytes;
	sp_conns_hang_up(b->conns, s->slot,
			 error != 0 || sp_guard_stream_over(&s->guard, now_ns));
}

static void finish(struct sp_bulk *b, struct sp_bulk_stream *s, int error, uint64_t now_ns)
{
	if (error) {
		SP_STORE(s->error, error);
		sp_errors_add(b->errors, sp_why_of(error), error, now_ns);
	}
	hang_up(b, s, error, now_ns);
	if (starts_again(s)) {
		s->state = BULK_WAITING;
		s->start_ns = SP_NEVER;
		sp_conns_timer(b->conns, s->slot, s->changes->at_ns);
		return;
	}
	s->state = BULK_ENDED;
	b->busy--;
	sp_conns_release(b->conns, s->slot, error != 0);
}

/* The last byte is written: the far end is told, and has a moment to read it. */
static void say_goodbye(struct sp_bulk *b, struct sp_bulk_stream *s, uint64_t now_ns)
{
	struct sp_conn *conn = sp_conns_conn(b->conns, s->slot);

	ask(b, s);
	s->state = BULK_CLOSING;
	s->closing_ns = now_ns;
	s->confirmed = s->info.acked_bytes;
	s->confirmed_ns = now_ns;
	conn->ops->shutdown(conn);
	s->linger_ns = now_ns + LINGER_NS;
	sp_conns_timer(b->conns, s->slot, until(s, s->linger_ns));
}

/* On a slow path much is under way at the end: it is waited for while it goes on arriving. */
static void linger(struct sp_bulk *b, struct sp_bulk_stream *s, uint64_t now_ns)
{
	ask(b, s);
	s->linger_ns = now_ns + LINGER_NS;
	if (s->info.acked_bytes > s->confirmed) {
		s->confirmed = s->info.acked_bytes;
		s->confirmed_ns = now_ns;
	}
	if (!s->info.known || now_ns > s->confirmed_ns + QUIET_NS ||
	    now_ns > s->closing_ns + SP_BULK_GRACE_NS)
		finish(b, s, 0, now_ns);
	else
		sp_conns_timer(b->conns, s->slot, until(s, s->linger_ns));
}

static void begin(struct sp_bulk *b, struct sp_bulk_stream *s, uint64_t now_ns)
{
	struct bulk_conn *c = sp_conns_room(b->conns, s->slot);
	int rc;

	if (now_ns < s->start_ns && now_ns < s->end_ns) {
		sp_conns_timer(b->conns, s->slot, until(s, s->start_ns));
		return;
	}
	if (now_ns >= s->end_ns) {
		finish(b, s, 0, now_ns);
		return;
	}
	c->offset = 0;
	rc = sp_conns_connect(b->conns, s->slot, s->port, NULL, s->ep);
	if (rc) {
		finish(b, s, rc, now_ns);
		return;
	}
	s->state = BULK_OPENING;
	sp_conns_timer(b->conns, s->slot, until(s, s->end_ns));
}

static int opened(struct sp_bulk *b, struct sp_bulk_stream *s, struct bulk_conn *c)
{
	struct sp_conn *conn = sp_conns_conn(b->conns, s->slot);
	struct sp_opener o = { .kind = SP_OPEN_BULK, .flow = s->granted };
	int rc = conn->ops->open(conn);

	if (rc)
		return rc;
	s->state = BULK_SENDING;
	SP_ADD(s->opened, 1);
	if (s->granted) {
		sp_opener_put(&o, c->opener);
		s->opener_left = SP_OPENER_LEN;
	}
	return 0;
}

static ssize_t write_opener(struct sp_bulk_stream *s, struct bulk_conn *c, struct sp_conn *conn)
{
	struct iovec iov = { c->opener + SP_OPENER_LEN - s->opener_left, s->opener_left };
	ssize_t n = conn->ops->write(conn, &iov, 1);

	if (n > 0)
		s->opener_left = (uint8_t)(s->opener_left - n);
	return n;
}

static ssize_t write_pattern(struct sp_bulk *b, struct bulk_conn *c, struct sp_conn *conn,
			     uint64_t max)
{
	size_t at = (size_t)(c->offset % SP_BULK_PERIOD), left = SP_BULK_PERIOD - at;
	struct iovec iov = { NULL, max < left ? (size_t)max : left };
	ssize_t n;

	if (!b->period) {
		b->period = sp_alloc_array(b->env->mem, SP_BULK_PERIOD, 1);
		if (!b->period)
			return -ENOMEM;
		sp_bulk_fill(b->period);
	}
	iov.iov_base = b->period + at;
	n = conn->ops->write(conn, &iov, 1);
	c->offset += n > 0 ? (uint64_t)n : 0;
	return n;
}

/* Of its limit. */
static uint64_t left_of(const struct sp_bulk_stream *s)
{
	uint64_t sent = s->flow->tx_bytes - s->first;

	return sent < s->bytes ? s->bytes - sent : 0;
}

static double piece_of(const struct sp_bulk_stream *s)
{
	double piece = s->bytes_per_ns * (double)PIECE_NS, left = (double)left_of(s);

	piece = piece < PIECE ? PIECE : piece;
	return piece < left ? piece : left;
}

/* What the rate would have let leave by now and has not. Where that is more than is made up after a
 * stall, the rate's beginning moves. */
static double behind(const struct sp_bulk *b, struct sp_bulk_stream *s, uint64_t now_ns)
{
	uint64_t credit = b->catch_up.kind == SP_CATCH_SKIP ? SP_CATCH_UP_NOISE_NS
							    : b->catch_up.credit_ns;
	double bytes = s->bytes_per_ns * (double)(now_ns - s->pace_ns) -
		       ((double)s->flow->tx_bytes - s->paced);
	double most = s->bytes_per_ns * (double)credit + piece_of(s);

	if (bytes <= most)
		return bytes;
	s->pace_ns += (uint64_t)((bytes - most) / s->bytes_per_ns);
	return most;
}

/* How much may leave now. 0: nothing until *at_ns. */
static uint64_t allowance(const struct sp_bulk *b, struct sp_bulk_stream *s, uint64_t now_ns,
			  uint64_t *at_ns)
{
	uint64_t max = left_of(s);
	double piece, may;

	if (s->bytes_per_ns > 0) {
		piece = piece_of(s);
		may = behind(b, s, now_ns);
		if (may < piece) {
			*at_ns = s->pace_ns +
				 (uint64_t)ceil(((double)s->flow->tx_bytes - s->paced + piece) /
						s->bytes_per_ns);
			return 0;
		}
		if (now_ns < s->chase_ns) {
			*at_ns = s->chase_ns;
			return 0;
		}
		max = may < (double)max ? (uint64_t)may : max;
		max = max < (uint64_t)(2 * piece) ? max : (uint64_t)(2 * piece);
	}
	return max < SP_BULK_QUANTUM ? max : SP_BULK_QUANTUM;
}

/* n bytes left: who is behind does not go faster than so many times the rate. */
static void chase(const struct sp_bulk *b, struct sp_bulk_stream *s, uint64_t n,
		  uint64_t now_ns)
{
	if (s->bytes_per_ns > 0 && b->catch_up.kind == SP_CATCH_CHASE)
		s->chase_ns = now_ns +
			      (uint64_t)((double)n / s->bytes_per_ns / b->catch_up.chase_x);
}

static void account(struct sp_bulk_stream *s, uint64_t n, uint64_t now_ns)
{
	if (!s->flow->first_tx)
		SP_STORE(s->flow->first_tx, now_ns);
	SP_STORE(s->flow->last_tx, now_ns);
	SP_ADD(s->flow->tx_bytes, n);
}

/* One piece. -EAGAIN: the conn is full; 0: not allowed before *at_ns. */
static ssize_t send_piece(struct sp_bulk *b, struct sp_bulk_stream *s, struct bulk_conn *c,
			  uint64_t now_ns, uint64_t *at_ns)
{
	struct sp_conn *conn = sp_conns_conn(b->conns, s->slot);
	uint64_t may = allowance(b, s, now_ns, at_ns);

	if (may == 0)
		return 0;
	/* Outside the own network each piece is about one packet. */
	if (SP_UNLIKELY(s->guard.metered) && may > SP_GUARD_SEGMENT)
		may = SP_GUARD_SEGMENT;
	if (!sp_guard_bytes_take(&s->guard, b->meter, now_ns, may)) {
		*at_ns = now_ns + SP_NS_PER_MS;
		return 0;
	}
	return conn->ops->blast ? conn->ops->blast(conn, may) : write_pattern(b, c, conn, may);
}

static void send_some(struct sp_bulk *b, struct sp_bulk_stream *s, struct bulk_conn *c,
		      uint64_t now_ns)
{
	uint64_t left = SP_BULK_QUANTUM, at_ns = SP_NEVER;
	ssize_t n = 1;

	while (s->opener_left && n > 0)
		n = write_opener(s, c, sp_conns_conn(b->conns, s->slot));
	while (n > 0 && left > 0 && now_ns < s->end_ns && left_of(s)) {
		n = send_piece(b, s, c, now_ns, &at_ns);
		if (n > 0) {
			account(s, (uint64_t)n, now_ns);
			chase(b, s, (uint64_t)n, now_ns);
			left -= (uint64_t)n < left ? (uint64_t)n : left;
		}
	}
	if (n < 0 && n != -EAGAIN)
		finish(b, s, (int)n, now_ns);
	else if (now_ns >= s->end_ns || !left_of(s))
		say_goodbye(b, s, now_ns);
	else if (n == 0)
		sp_conns_timer(b->conns, s->slot,
			       until(s, at_ns < s->end_ns ? at_ns : s->end_ns));
	else if (n > 0)
		sp_conns_again(b->conns, s->slot);
	else
		sp_conns_timer(b->conns, s->slot, until(s, s->end_ns));
}

/* ---- changes ---- */

/* A pace of bytes; 0: as fast as can be. */
static double speed_of(const struct sp_pace *p)
{
	if (p->kind == SP_PACE_MAX)
		return 0;
	return 1 /
	       ((double)p->gap_ns + (double)p->gap_num / (double)(p->gap_den ? p->gap_den : 1));
}

/* What was due until then stays due. */
static void change_rate(struct sp_bulk_stream *s, const struct sp_change *c)
{
	bool begun = s->start_ns < c->at_ns;

	if (begun && s->bytes_per_ns > 0 && c->at_ns > s->pace_ns)
		s->paced += s->bytes_per_ns * (double)(c->at_ns - s->pace_ns);
	else if (begun)
		s->paced = (double)s->flow->tx_bytes;
	if (begun)
		s->pace_ns = c->at_ns;
	s->chase_ns = 0;
	s->bytes_per_ns = speed_of(&c->pace);
}

static void start_anew(struct sp_bulk *b, struct sp_bulk_stream *s, const struct sp_change *c,
		       uint64_t now_ns)
{
	s->start_ns = s->pace_ns = c->at_ns;
	s->end_ns = c->pace.end_ns;
	s->first = s->flow->tx_bytes;
	s->paced = (double)s->first;
	s->chase_ns = 0;
	s->bytes_per_ns = speed_of(&c->pace);
	if (s->state == BULK_CLOSING) {
		hang_up(b, s, 0, now_ns);
		s->state = BULK_WAITING;
	}
}

static void take_changes(struct sp_bulk *b, struct sp_bulk_stream *s, uint64_t now_ns)
{
	while (s->changes && s->changes->at_ns <= now_ns) {
		const struct sp_change *c = s->changes;

		s->changes = c->next;
		if (c->kind == SP_CHANGE_START)
			start_anew(b, s, c, now_ns);
		else if (c->kind == SP_CHANGE_RATE)
			change_rate(s, c);
		else if (c->at_ns < s->end_ns)
			s->end_ns = c->at_ns;
	}
}

/* Whatever a sink would say is of no interest, but its end and its errors are. */
static ssize_t listen_to(struct sp_conn *conn)
{
	uint8_t some[512];
	ssize_t n;

	do
		n = conn->ops->read(conn, some, sizeof some);
	while (n > 0);
	return n;
}

static void turn(void *arg, uint32_t slot, uint32_t bits, uint64_t now_ns)
{
	struct sp_bulk *b = arg;
	struct bulk_conn *c = sp_conns_room(b->conns, slot);
	struct sp_bulk_stream *s = c->s;
	ssize_t rc = 0;

	take_changes(b, s, now_ns);
	if (s->state == BULK_WAITING) {
		begin(b, s, now_ns);
		return;
	}
	if (s->state == BULK_OPENING) {
		rc = opened(b, s, c);
		if (rc && now_ns >= s->end_ns)
			rc = -ETIMEDOUT;
		if (rc == -EAGAIN)
			sp_conns_timer(b->conns, slot, until(s, s->end_ns));
		else if (rc)
			finish(b, s, (int)rc, now_ns);
	} else if (bits & SP_TURN_IN) {
		rc = listen_to(sp_conns_conn(b->conns, slot));
		if (rc == 0 && s->state == BULK_CLOSING) {
			finish(b, s, 0, now_ns);
			return;
		}
		if (rc < 0 && rc != -EAGAIN) {
			finish(b, s, s->state == BULK_CLOSING ? 0 : (int)rc, now_ns);
			return;
		}
	}
	if (s->state == BULK_SENDING)
		send_some(b, s, c, now_ns);
	else if (s->state == BULK_CLOSING && now_ns >= s->linger_ns)
		linger(b, s, now_ns);
	else if (s->state == BULK_CLOSING)
		sp_conns_timer(b->conns, slot, until(s, s->linger_ns));
}

static const struct sp_conn_user bulk_user = { .turn = turn };

/* A slot, in which the stream waits. */
static int wait_in_slot(struct sp_bulk *b, struct sp_bulk_stream *s)
{
	s->slot = sp_conns_take(b->conns, &bulk_user, b);
	if (s->slot == SP_NO_SLOT)
		return -ENOBUFS;
	((struct bulk_conn *)sp_conns_room(b->conns, s->slot))->s = s;
	s->state = BULK_WAITING;
	b->busy++;
	return 0;
}

int sp_bulk_change(struct sp_bulk *b, uint32_t stream, struct sp_change *c)
{
	struct sp_bulk_stream *s = &b->stream[stream];
	struct sp_change **last = &s->changes;
	bool sleeps = s->state == BULK_ENDED;

	if (sleeps && c->kind == SP_CHANGE_START) {
		if (wait_in_slot(b, s))
			return -ENOBUFS;
		s->start_ns = SP_NEVER;
		s->end_ns = SP_NEVER;
		sleeps = false;
	}
	while (*last)
		last = &(*last)->next;
	c->next = NULL;
	*last = c;
	/* Before T0 there is no slot yet; an ended stream keeps its rate for the next start. */
	if (!sleeps && b->armed)
		sp_conns_again(b->conns, s->slot);
	return 0;
}

int sp_bulk_arm(struct sp_bulk *b)
{
	b->armed = true;
	for (uint32_t i = 0; i < b->n; i++) {
		struct sp_bulk_stream *s = &b->stream[i];

		if (wait_in_slot(b, s))
			return -ENOBUFS;
		s->pace_ns = s->start_ns;
		sp_conns_timer(b->conns, s->slot, until(s, s->start_ns));
	}
	return 0;
}

void sp_bulk_stop(struct sp_bulk *b, uint64_t at_ns)
{
	for (uint32_t i = 0; i < b->n; i++) {
		struct sp_bulk_stream *s = &b->stream[i];

		s->changes = NULL;
		if (s->state == BULK_WAITING)
			finish(b, s, 0, at_ns);
		if (s->end_ns <= at_ns || s->state >= BULK_CLOSING)
			continue;
		s->end_ns = at_ns;
		sp_conns_again(b->conns, s->slot);
	}
}

void sp_bulk_give_up(struct sp_bulk *b)
{
	for (uint32_t i = 0; i < b->n; i++)
		if (b->stream[i].state != BULK_ENDED) {
			b->stream[i].changes = NULL;
			finish(b, &b->stream[i], 0, 0);
		}
}
