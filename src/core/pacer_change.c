/* What changes while the pacer gives out departures: rates, stops and starts at set times, and the
 * end of it all. Cold: a change costs at most a walk over all streams. */
#include <errno.h>

#include "core/pacer_impl.h"

static double gap_of(const struct sp_pace *c)
{
	return (double)c->gap_ns + (double)c->gap_num / (double)(c->gap_den ? c->gap_den : 1);
}

/* ---- a pace begins ---- */

/* From s->due_ns on, by the limit `allow`, the pace's end and whatever ends it earlier. */
static void begin(struct sp_pacer *p, uint32_t id)
{
	struct stream *s = &p->stream[id];
	struct cold *k = &p->cold[id];
	uint64_t until = sp_pacer_min(k->end_ns, p->stop_ns);

	if (k->next)
		until = sp_pacer_min(until, k->next->at_ns);
	s->endless = until == SP_NEVER && k->allow == UINT64_MAX &&
		     (s->kind == SP_PACE_CONST || s->law.bytes == UINT64_MAX);
	if (s->kind == SP_PACE_CONST) {
		s->left = sp_pacer_min(k->allow, sp_grid_before(&s->grid, s->due_ns, until));
		if (k->allow != UINT64_MAX)
			k->allow -= s->left;
		return;
	}
	s->law.end_ns = until;
	s->left = s->due_ns < until ? k->allow : 0;
	if (s->left)
		k->allow = 0;
}

/* The drawn departure is taken into account; it may be beyond the limit of bytes. */
static void count_bytes(struct stream *s, struct cold *k)
{
	if (s->left == 0 || s->law.bytes == UINT64_MAX)
		return;
	if (s->size > s->law.bytes) {
		s->left = 0;
		k->allow = 0;
		return;
	}
	s->law.bytes -= s->size;
}

void sp_pacer_load(struct sp_pacer *p, uint32_t id, const struct sp_pace *c)
{
	struct stream *s = &p->stream[id];
	struct cold *k = &p->cold[id];
	uint32_t size = 0;

	s->kind = (uint8_t)c->kind;
	s->due_ns = c->start_ns;
	s->size = c->size;
	k->begin_ns = c->start_ns;
	k->end_ns = c->end_ns;
	k->allow = sp_pace_limit(c);
	k->gap_ns = gap_of(c);
	if (c->kind == SP_PACE_CONST)
		s->grid = (struct sp_grid){ c->gap_ns, c->gap_num, c->gap_den, c->gap_acc };
	else
		s->law = (struct law){ c->ops, c->st, c->end_ns, c->bytes };
	if (c->kind == SP_PACE_OPS && k->allow) {
		if (c->ops->next(c->st, &s->due_ns, &size))
			k->allow = 0;
		if (s->due_ns < c->start_ns)
			s->due_ns = c->start_ns;
		s->size = size;
	}
	begin(p, id);
	if (c->kind == SP_PACE_OPS)
		count_bytes(s, k);
}

/* ---- changes ---- */

static void start(struct sp_pacer *p, uint32_t id, struct sp_change *c)
{
	struct sp_pace *pace = &c->pace;

	pace->start_ns = c->at_ns;
	if (pace->kind == SP_PACE_OPS)
		(pace->ops->restart ? pace->ops->restart : pace->ops->move)(
			pace->st, c->at_ns, gap_of(pace) / p->cold[id].gap_ns);
	sp_pacer_load(p, id, pace);
}

static uint64_t scaled(uint64_t from_ns, uint64_t due_ns, double factor)
{
	return due_ns > from_ns ? from_ns + (uint64_t)((double)(due_ns - from_ns) * factor)
				: from_ns;
}

/* A law's departure that is drawn already moves; those after it follow by themselves. */
static void rate_of_law(struct sp_pacer *p, uint32_t id, const struct sp_change *c,
			uint64_t from_ns)
{
	struct stream *s = &p->stream[id];
	struct cold *k = &p->cold[id];
	double factor = gap_of(&c->pace) / k->gap_ns;

	s->due_ns = scaled(from_ns, s->due_ns, factor);
	s->law.ops->move(s->law.st, s->due_ns, factor);
	k->gap_ns = gap_of(&c->pace);
	begin(p, id);
	count_bytes(s, k);
}

static void rate(struct sp_pacer *p, uint32_t id, const struct sp_change *c)
{
	struct sp_grid to = { c->pace.gap_ns, c->pace.gap_num, c->pace.gap_den, 0 };
	struct stream *s = &p->stream[id];
	struct cold *k = &p->cold[id];
	bool begun = k->begin_ns < c->at_ns;
	bool in_phase = begun && s->kind == SP_PACE_CONST && c->pace.kind == SP_PACE_CONST &&
			s->due_ns >= c->at_ns;

	if (!k->allow || c->at_ns >= k->end_ns) {
		k->allow = 0;
		return;
	}
	if (s->kind == SP_PACE_OPS) {
		rate_of_law(p, id, c, begun ? c->at_ns : k->begin_ns);
		return;
	}
	if (in_phase)
		sp_grid_change(&s->grid, &s->due_ns, c->at_ns, &to);
	else
		s->due_ns = begun ? c->at_ns : k->begin_ns;
	if (c->pace.kind != SP_PACE_CONST)
		s->law = (struct law){ NULL, NULL, k->end_ns, UINT64_MAX };
	else if (!in_phase)
		s->grid = to;
	s->kind = (uint8_t)c->pace.kind;
	begin(p, id);
}

bool sp_pacer_go_on(struct sp_pacer *p, uint32_t id)
{
	struct stream *s = &p->stream[id];
	struct cold *k = &p->cold[id];

	while (s->left == 0 && k->next) {
		struct sp_change *c = k->next;

		k->next = c->next;
		if (c->kind == SP_CHANGE_START)
			start(p, id, c);
		else if (c->kind == SP_CHANGE_RATE)
			rate(p, id, c);
		else
			k->allow = 0;
	}
	return s->left > 0;
}

/* No departure of the current pace at or after at_ns; what its limits hold is kept. False: it has
 * none left, though the wheel may hold it. */
static bool cut(struct sp_pacer *p, uint32_t id, uint64_t at_ns)
{
	struct stream *s = &p->stream[id];
	struct cold *k = &p->cold[id];
	uint64_t left;

	s->endless = false;
	if (s->kind == SP_PACE_CONST) {
		left = sp_pacer_min(s->left, sp_grid_before(&s->grid, s->due_ns, at_ns));
		if (k->allow != UINT64_MAX)
			k->allow += s->left - left;
		s->left = left;
		return left > 0;
	}
	s->law.end_ns = sp_pacer_min(s->law.end_ns, at_ns);
	if (s->due_ns < s->law.end_ns)
		return true;
	if (s->kind == SP_PACE_OPS && s->law.bytes != UINT64_MAX)
		s->law.bytes += s->size;
	k->allow = s->left;
	s->left = 0;
	return false;
}

/* The wheel cannot give one back: all leave, and who still has something to do returns. */
static void requeue(struct sp_pacer *p)
{
	sp_wheel_clear(p->wheel);
	p->solo_ns = SP_NEVER;
	p->live = 0;
	p->n_ring = 0;
	p->turn = 0;
	for (uint32_t id = 0; id < p->n; id++) {
		if (p->stream[id].left == 0)
			continue;
		sp_wheel_put(p->wheel, id, sp_pacer_eligible(p, id));
		p->live++;
	}
}

/* Departures may come closer to each other than any gap: an old pace's last and a new one's first. */
static void narrow(struct sp_pacer *p, const struct sp_change *c)
{
	struct sp_pace pace = c->pace;

	if (c->kind == SP_CHANGE_STOP)
		return;
	if (c->kind == SP_CHANGE_START)
		pace.gap_ns = 0;
	else if (pace.gap_ns)
		pace.gap_ns--;
	sp_pacer_narrow(p, &pace);
}

/* May a schedule of its own change so? */
static bool can(const struct sp_pacer *p, uint32_t id, const struct sp_change *c)
{
	const struct sp_schedule_ops *ops = p->stream[id].law.ops;

	return c->pace.kind == SP_PACE_OPS &&
	       (ops->move || (c->kind == SP_CHANGE_START && ops->restart));
}

int sp_pacer_change(struct sp_pacer *p, uint32_t id, struct sp_change *c)
{
	struct sp_change **end;
	bool was_live;

	if (id >= p->n || !p->stream[id].added)
		return -EINVAL;
	if (c->kind != SP_CHANGE_STOP && c->pace.kind == SP_PACE_CONST &&
	    !sp_pace_gap_valid(&c->pace))
		return -EINVAL;
	if (c->kind != SP_CHANGE_STOP && p->stream[id].kind == SP_PACE_OPS && !can(p, id, c))
		return -ENOTSUP;
	if (c->kind != SP_CHANGE_STOP && p->stream[id].kind != SP_PACE_OPS &&
	    c->pace.kind == SP_PACE_OPS)
		return -ENOTSUP;
	for (end = &p->cold[id].next; *end; end = &(*end)->next)
		;
	c->next = NULL;
	*end = c;
	narrow(p, c);
	if (p->cold[id].next != c)
		return 0;
	was_live = p->stream[id].left > 0;
	if (was_live && cut(p, id, c->at_ns))
		return 0;
	if (sp_pacer_go_on(p, id) && !was_live)
		sp_pacer_wake(p, id);
	else if (was_live)
		requeue(p);
	return 0;
}

void sp_pacer_reply(struct sp_pacer *p, uint32_t id, uint64_t now_ns)
{
	struct stream *s = &p->stream[id];
	uint64_t due_ns = s->due_ns;

	if (!s->left || s->kind != SP_PACE_OPS || !s->law.ops->reply ||
	    !s->law.ops->reply(s->law.st, now_ns, &due_ns))
		return;
	if (due_ns == s->due_ns)
		return;
	s->due_ns = due_ns;
	requeue(p);
}

/* ---- the end ---- */

void sp_pacer_stop(struct sp_pacer *p, uint64_t at_ns)
{
	p->stop_ns = sp_pacer_min(p->stop_ns, at_ns);
	for (uint32_t id = 0; id < p->n; id++)
		if (p->stream[id].left)
			cut(p, id, at_ns);
	requeue(p);
}

static void give_up(struct sp_pacer *p, uint32_t id)
{
	struct stream *s = &p->stream[id];

	/* One that was never added has nothing left. */
	if (s->left && s->kind != SP_PACE_MAX && !s->endless)
		sp_pacer_skip_before(p, id, SP_NEVER);
	s->left = 0;
}

void sp_pacer_drain(struct sp_pacer *p)
{
	sp_wheel_clear(p->wheel);
	p->solo_ns = SP_NEVER;
	p->live = 0;
	p->n_ring = 0;
	for (uint32_t id = 0; id < p->n; id++) {
		do
			give_up(p, id);
		while (sp_pacer_go_on(p, id));
	}
}
