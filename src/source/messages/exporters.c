#include "source/messages/exporters.h"

#include <errno.h>
#include <inttypes.h>

#define SESSIONS_MOST 1000000u

static struct sp_addr plus(const struct sp_addr *base, uint64_t k)
{
	struct sp_addr a = *base;
	int last = a.family == 4 ? 3 : 15;

	for (int i = last; i >= 0 && k; i--) {
		k += a.ip[i];
		a.ip[i] = (uint8_t)k;
		k >>= 8;
	}
	return a;
}

/* Exporter 0 has the address after the prefix's own. */
static int check_room(const struct msg_exporters *e, uint64_t n, const char *from,
		      struct sp_err *err)
{
	unsigned bits = (e->from.addr.family == 4 ? 32u : 128u) - e->from.len;
	uint64_t room = bits > 32 ? UINT64_MAX : (1ull << bits) - (bits > 1 ? 2 : 0);

	if (n <= room)
		return 0;
	return sp_fail(err, -ERANGE, SP_EXIT_USAGE,
		       "%" PRIu64 " exporters do not fit into %s, which has room for %" PRIu64
		       "; give a shorter prefix",
		       n, from, room);
}

static int number_sessions(struct msg_exporters *e, struct sp_err *err)
{
	uint64_t n = 0;

	for (uint32_t k = 0; k < e->n; k++) {
		e->first[k] = (uint32_t)n;
		n += e->senders->sources[k % e->senders->n_sources].sessions;
		if (n > SESSIONS_MOST)
			return sp_fail(err, -ERANGE, SP_EXIT_USAGE,
				       "%" PRIu32
				       " exporters make more than a million sessions",
				       e->n);
	}
	e->sessions = (uint32_t)n;
	return 0;
}

int sp_msg_exporters_init(struct msg_exporters *e, const struct msg_senders *senders,
			  uint64_t n, const char *from, struct sp_arena *arena,
			  struct sp_err *err)
{
	int rc;

	*e = (struct msg_exporters){ .senders = senders, .sessions = senders->n_sessions };
	if (!n || !senders->n_sources)
		return 0;
	if (sp_prefix_parse(from, &e->from))
		return sp_fail(err, -EINVAL, SP_EXIT_USAGE,
			       "from: '%.80s' is not a prefix such as 10.64.0.0/16", from);
	rc = check_room(e, n, from, err);
	if (rc)
		return rc;
	e->n = (uint32_t)n;
	e->first = sp_arena_alloc(arena, n * sizeof *e->first);
	return e->first ? number_sessions(e, err)
			: sp_fail(err, -ENOMEM, SP_EXIT_FAILED, "out of memory");
}

uint32_t sp_msg_exporters_session(const struct msg_exporters *e, uint32_t recorded,
				  uint32_t exporter)
{
	return e->n ? e->first[exporter] + e->senders->sessions[recorded].rank : recorded;
}

/* Of which exporter a session is. */
static uint32_t exporter_of(const struct msg_exporters *e, uint32_t session)
{
	uint32_t low = 0, high = e->n;

	while (high - low > 1) {
		uint32_t mid = low + (high - low) / 2;

		if (e->first[mid] <= session)
			low = mid;
		else
			high = mid;
	}
	return low;
}

uint32_t sp_msg_exporters_recorded(const struct msg_exporters *e, uint32_t session)
{
	uint32_t k, rank;

	if (!e->n)
		return session;
	k = exporter_of(e, session);
	rank = session - e->first[k];
	for (uint32_t i = 0; i < e->senders->n_sessions; i++)
		if (e->senders->sessions[i].source == k % e->senders->n_sources &&
		    e->senders->sessions[i].rank == rank)
			return i;
	return 0;
}

struct sp_addr sp_msg_exporters_local(const struct msg_exporters *e, uint32_t session)
{
	bool point = e->from.len + 1u >= (e->from.addr.family == 4 ? 32u : 128u);

	if (!e->n)
		return e->senders->sources[e->senders->sessions[session].source].local;
	return plus(&e->from.addr, (uint64_t)exporter_of(e, session) + !point);
}
