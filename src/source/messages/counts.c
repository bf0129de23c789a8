/* What was recorded, what came due of it, and what left: for reports, asked at any time. */
#include <errno.h>

#include "core/shared.h"
#include "source/messages/impl.h"

int sp_msg_counts_open(struct sp_source *s, struct sp_err *err)
{
	const struct msg_play_conf *p = &s->play.conf;

	s->plays = sp_arena_alloc(&s->arena, (s->store.n_captures + 1) * sizeof *s->plays);
	s->repetition = sp_arena_alloc(&s->arena, ((size_t)p->n + 1) * sizeof *s->repetition);
	if (!s->plays || !s->repetition ||
	    sp_msg_account_init(&s->account, s->who.sessions, p->n, s->env->mem))
		return sp_fail(err, -ENOMEM, SP_EXIT_FAILED, "out of memory");
	for (uint32_t i = 0; i < p->n; i++)
		s->repetition[i] = ++s->plays[p->order[i]];
	return 0;
}

void sp_msg_recorded(const struct sp_source *s, struct sp_recorded_result *out)
{
	const struct msg_strangers *x = &s->store.strangers;

	*out = (struct sp_recorded_result){ .known = true,
					    .sessions = s->who.sessions,
					    .next_ns = SP_LOAD(s->next_ns),
					    .protocol = s->own->name,
					    .tcp = s->own->tcp,
					    .plays = s->play.conf.n,
					    .senders = x->n,
					    .more_senders = x->more,
					    .more_sender_packets = sp_msg_stranger_packets(
						    &x->rest, s->plays) };
	for (uint32_t i = 0; i < s->store.n_captures; i++) {
		const struct msg_counts *c = &s->store.captures[i].counts;
		uint32_t n = s->plays[i];

		out->filtered += n * c->filtered;
		out->unknown_peer += n * c->unknown_peer;
		out->unknown_proto += n * c->unknown_proto;
		out->cut += n * c->cut;
		out->too_long += n * c->too_long;
		out->hole_bytes += n * c->holes;
		out->broken_bytes += n * c->broken;
	}
}

static void put_sum(const struct sp_source *s, const struct msg_sum *from,
		    struct sp_recorded_sum *out)
{
	struct msg_sum x;

	sp_msg_sum_read(from, &x);
	*out = (struct sp_recorded_sum){ .asked = x.asked,
					 .asked_bytes = x.asked_bytes,
					 .sent = x.left,
					 .sent_bytes = x.left_bytes,
					 .left = x.first_ns != 0 };
	if (out->left) {
		out->first_ns = x.first_ns > s->t0_ns ? x.first_ns - s->t0_ns : 0;
		out->last_ns = x.last_ns > s->t0_ns ? x.last_ns - s->t0_ns : 0;
	}
}

void sp_msg_recorded_session(const struct sp_source *s, uint32_t k,
			     struct sp_recorded_session *out)
{
	const struct msg_senders *all = &s->store.senders;
	const struct sp_addr at = sp_msg_exporters_local(&s->who, k);
	const struct msg_session *ss = &all->sessions[sp_msg_exporters_recorded(&s->who, k)];

	sp_addr_format(out->sender, sizeof out->sender, &all->sources[ss->source].addr);
	if (at.family)
		sp_addr_format(out->local, sizeof out->local, &at);
	put_sum(s, &s->account.session[k], &out->sum);
}

/* A play begins with the first unit that leaves: as late as that is. */
void sp_msg_recorded_play(const struct sp_source *s, uint32_t k, struct sp_recorded_play *out)
{
	const struct msg_capture *c = &s->store.captures[s->play.conf.order[k]];
	uint64_t at = s->play.start_ns[k], late_ns = SP_LOAD(s->account.play[k].first_late_ns);

	out->capture = c->path;
	out->repetition = s->repetition[k];
	out->sync = s->conf->sync;
	out->wanted_ns = sp_msg_in_minute(c->first_ns);
	out->due_ns = at - s->t0_ns;
	out->begun_ns = sp_msg_in_minute((int64_t)(at + late_ns) + s->real_offset_ns);
	put_sum(s, &s->account.play[k], &out->sum);
}

void sp_msg_recorded_sender(const struct sp_source *s, uint32_t k,
			    struct sp_recorded_sender *out)
{
	const struct msg_stranger *x = &s->store.strangers.named[k];

	sp_addr_format(out->sender, sizeof out->sender, &x->addr);
	out->packets = sp_msg_stranger_packets(x, s->plays);
	out->collector = x->collector;
}
