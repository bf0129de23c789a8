/* What a controller says: remarks of its own and the agents', one result of theirs, events. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "ctl/agent_merge.h"
#include "fleet/fleet_impl.h"

int64_t sp_fleet_real_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (int64_t)ts.tv_sec * (int64_t)FLEET_S + ts.tv_nsec;
}

void sp_fleet_give(struct sp_fleet *f, enum sp_event_kind kind, const struct sp_remark *remark)
{
	uint64_t now = sp_fleet_now();
	struct sp_event e = { .kind = kind,
			      .t_ns = f->t0_ns && now > f->t0_ns ? now - f->t0_ns : 0,
			      .real_ns = sp_fleet_real_now(),
			      .result = &f->result,
			      .remark = remark };

	f->conf.event(f->conf.arg, &e);
}

void sp_fleet_say(struct sp_fleet *f, const char *code, bool neutral, const char *fmt, ...)
{
	uint64_t now = sp_fleet_now();
	const unsigned room = sizeof f->own / sizeof *f->own;
	struct sp_remark *m = &f->own[f->n_own];
	char text[600];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	if (f->n_own >= (neutral ? room / 2 : room))
		return;
	*m = (struct sp_remark){ .code = code,
				 .neutral = neutral,
				 .at_ns = f->t0_ns && now > f->t0_ns ? now - f->t0_ns : 0,
				 .text = sp_arena_strdup(&f->kept, text) };
	f->n_own += m->text != NULL;
}

void sp_fleet_remark(struct sp_fleet *f, const char *code, bool neutral, const char *text)
{
	sp_fleet_say(f, code, neutral, "%s", text);
}

void sp_fleet_pass_on(struct sp_fleet *f, const struct member *m, const struct sp_remark *r)
{
	struct sp_remark told = *r;
	char text[1300];

	if (f->phase != PHASE_RUN)
		return;
	snprintf(text, sizeof text, "%s: %s", m->part->host, r->text);
	told.text = text;
	sp_fleet_give(f, SP_EVENT_REMARK, &told);
}

/* Our own remarks and the agents', by time. */
static int add_own_remarks(struct sp_fleet *f, struct sp_arena *arena)
{
	struct sp_remark *all;
	size_t n = 0;

	all = sp_arena_alloc(arena, (f->result.n_remarks + f->n_own + 1) * sizeof *all);
	if (!all)
		return -ENOMEM;
	for (size_t i = 0; i < f->n_own + f->result.n_remarks; i++) {
		struct sp_remark m = i < f->n_own ? f->own[i] : f->result.remarks[i - f->n_own];
		size_t at = n++;

		for (; at && all[at - 1].at_ns > m.at_ns; at--)
			all[at] = all[at - 1];
		all[at] = m;
	}
	f->result.remarks = all;
	f->result.n_remarks += f->n_own;
	return 0;
}

static void describe_member(const struct sp_fleet *f, const struct member *m,
			    struct sp_host_part *h)
{
	const struct sp_measure *t = &m->result.total;

	*h = (struct sp_host_part){ .name = m->part->host,
				    .sends = m->part->sends,
				    .clock_error_ns = m->clock.error_ns,
				    .state = m->state == MEMBER_LOST   ? "lost"
					     : m->state == MEMBER_DONE ? "done"
								       : "running" };
	if (m->state == MEMBER_LOST) {
		h->why = m->why;
		h->at_ns = m->lost_ns > f->t0_ns ? m->lost_ns - f->t0_ns : 0;
	}
	if (!m->has_result)
		return;
	h->info = m->result.host;
	h->tx_known = m->part->sends && sp_counts_has(&t->c, SP_C_tx_packets);
	h->tx_packets = t->c.v[SP_C_tx_packets];
	h->rx_known = !m->part->sends && sp_counts_has(&t->c, SP_C_rx_packets);
	h->rx_packets = t->c.v[SP_C_rx_packets];
	if (m->part->sends && t->first_tx_ns > f->t0_ns)
		h->first_tx_ns = t->first_tx_ns - f->t0_ns;
}

int sp_fleet_merge(struct sp_fleet *f)
{
	struct sp_arena *arena = &f->merged[!f->merged_at];
	struct sp_merge_part *parts;
	struct sp_host_part *hosts;
	unsigned n = f->conf.n_parts;
	int rc;

	sp_arena_fini(arena);
	sp_arena_init(arena, f->mem);
	parts = sp_arena_alloc(arena, n * sizeof *parts);
	hosts = sp_arena_alloc(arena, n * sizeof *hosts);
	if (!parts || !hosts)
		return -ENOMEM;
	for (unsigned i = 0; i < n; i++) {
		const struct member *m = &f->members[i];

		parts[i] = (struct sp_merge_part){ .host = m->part->host,
						   .r = m->has_result ? &m->result : NULL,
						   .clock_error_ns = m->clock.error_ns };
		describe_member(f, m, &hosts[i]);
		if (i == 0)
			f->result.host = hosts[0].info;
	}
	rc = sp_agent_merge(&f->result, parts, n, arena);
	if (!rc)
		rc = add_own_remarks(f, arena);
	f->result.hosts = hosts;
	f->result.n_hosts = n;
	f->merged_at = !f->merged_at;
	return rc;
}

void sp_fleet_tell_remarks(struct sp_fleet *f)
{
	for (; f->n_own_told < f->n_own; f->n_own_told++)
		sp_fleet_give(f, SP_EVENT_REMARK, &f->own[f->n_own_told]);
}
