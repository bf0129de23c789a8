/* The source: sessions, units in time. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/shared.h"
#include "pkt/pattern.h"
#include "source/messages/impl.h"

static int no_memory(struct sp_err *err)
{
	return sp_fail(err, -ENOMEM, SP_EXIT_FAILED, "out of memory");
}

/* ---- opening ---- */

static int load(struct sp_source *s, const struct sp_source_args *args, struct sp_err *err)
{
	const struct msg_conf *c = s->conf;
	struct msg_load *l = &s->load;
	struct msg_map_row *map = NULL;
	const char **paths = NULL;
	uint32_t own = 0;
	int rc;

	s->sections.arena = &s->arena;
	rc = sp_msg_sections_parse(&s->sections, c->sections, args->catalog, err);
	if (!rc)
		own = sp_msg_section_find(&s->sections, c->section);
	if (own == UINT32_MAX)
		rc = sp_fail(err, -ENOENT, SP_EXIT_USAGE, "messages: there is no section %.40s",
			     c->section);
	*l = (struct msg_load){ .sections = &s->sections,
				.own = own,
				.senders = { .target = c->target,
					     .family = (uint8_t)c->family,
					     .rest = c->rest,
					     .only = c->only },
				.most = args->size,
				.preload = c->preload,
				.ahead = c->ahead ? c->ahead : MSG_AHEAD };
	if (!rc)
		rc = sp_msg_read_paths(c, &s->arena, &paths, &l->n_paths, err);
	if (!rc)
		rc = sp_msg_read_map(c, &s->arena, &map, &l->senders.n_map, err);
	if (rc)
		return rc;
	s->own = &s->sections.at[own];
	l->paths = paths;
	l->senders.map = map;
	l->senders.mapped = c->mapped || l->senders.n_map;
	l->senders.tcp = s->own->tcp;
	if (c->exporters) { /* addresses are those of the prefix */
		l->senders.family = 0;
		l->senders.rest = true;
		l->senders.only = false;
	}
	return sp_msg_store_load(&s->store, l, s->env->mem, err);
}

static int open_play(struct sp_source *s, struct sp_err *err)
{
	struct msg_play_conf play = { .store = &s->store,
				      .sync = s->conf->sync,
				      .exporters = s->who.n,
				      .spread_ns = s->conf->spread_ns };
	struct msg_feed_conf feed = { .store = &s->store,
				      .load = &s->load,
				      .clock = s->env->clock };
	uint32_t *order = NULL;
	int rc = sp_msg_read_order(s->conf, &s->arena, s->store.n_captures, &order, &play.n,
				   err);

	if (!rc && sp_factor_parse(s->conf->factor, &play.factor))
		rc = sp_fail(err, -EINVAL, SP_EXIT_USAGE,
			     "messages: the factor '%.40s' is no number above 0",
			     s->conf->factor);
	play.order = feed.order = order;
	feed.n = play.n;
	if (!rc)
		rc = sp_msg_feed_new(&s->feed, &feed, s->env->mem, err);
	play.feed = s->feed;
	if (!rc && sp_msg_play_init(&s->play, &play, s->env->mem))
		rc = no_memory(err);
	return rc;
}

static int open_states(struct sp_source *s, struct sp_err *err)
{
	const struct sp_codec_ops *c = s->own->codec;

	if (!c || !c->rewrite || !(s->conf->retime || s->who.n))
		return 0;
	s->states = sp_alloc_array(s->env->mem, (size_t)s->who.sessions + 1, sizeof *s->states);
	if (!s->states)
		return no_memory(err);
	for (uint32_t i = 0; i < s->who.sessions; i++) {
		s->states[i] = c->open(s->env->mem);
		if (!s->states[i])
			return no_memory(err);
	}
	return 0;
}

static void messages_close(struct sp_source *s)
{
	for (uint32_t i = 0; s->states && i < s->who.sessions; i++)
		if (s->states[i])
			s->own->codec->close(s->states[i]);
	sp_free(s->env->mem, s->states);
	sp_msg_account_fini(&s->account, s->env->mem);
	sp_msg_play_fini(&s->play);
	sp_msg_feed_free(s->feed);
	sp_msg_store_free(&s->store);
	sp_arena_fini(&s->arena);
	sp_free(s->env->mem, s);
}

static int messages_open(struct sp_source **out, const struct sp_source_args *args,
			 const struct sp_env *env, struct sp_err *err)
{
	struct sp_source *s = sp_alloc(env->mem, sizeof *s);
	int rc;

	if (!s)
		return no_memory(err);
	s->env = env;
	s->conf = args->conf;
	sp_arena_init(&s->arena, env->mem);
	rc = load(s, args, err);
	if (!rc)
		rc = sp_msg_exporters_init(&s->who, &s->store.senders, s->conf->exporters,
					   s->conf->from, &s->arena, err);
	if (!rc)
		rc = open_play(s, err);
	if (!rc)
		rc = sp_msg_counts_open(s, err);
	if (!rc)
		rc = open_states(s, err);
	if (rc)
		messages_close(s);
	else
		*out = s;
	return rc;
}

static int messages_run(struct sp_source *s, struct sp_err *err)
{
	return sp_msg_feed_run(s->feed, err);
}

/* ---- time ---- */

/* So many waits are announced. */
#define ANNOUNCED 8u

static void announce(const struct sp_source *s, uint64_t t0_ns)
{
	for (uint32_t i = 0; i < s->play.conf.n && i < ANNOUNCED; i++) {
		const struct msg_capture *c = &s->store.captures[s->play.conf.order[i]];
		uint64_t wait_ms = (s->play.start_ns[i] - t0_ns) / SP_NS_PER_MS;
		uint64_t phase_ms = sp_msg_in_minute(c->first_ns) / SP_NS_PER_MS;

		sp_log(s->env->log, SP_LOG_INFO,
		       "%s: %s begins at second %" PRIu64 ".%03" PRIu64
		       " of the minute, as it was recorded: in %" PRIu64 ".%03" PRIu64
		       " s (--no-sync begins at once)",
		       s->own->name, c->path, phase_ms / 1000, phase_ms % 1000, wait_ms / 1000,
		       wait_ms % 1000);
	}
}

static void messages_begin(struct sp_source *s, uint64_t t0_ns)
{
	s->real_offset_ns = sp_clock_real_offset(s->env->clock);
	s->t0_ns = t0_ns;
	s->head = s->tail = 0;
	s->held = false;
	sp_msg_play_begin(&s->play, t0_ns, (int64_t)t0_ns + s->real_offset_ns);
	if (s->conf->sync)
		announce(s, t0_ns);
}

static int messages_next(void *st, uint64_t *due_ns, uint32_t *size)
{
	struct sp_source *s = st;
	struct msg_due *d = &s->given[s->tail % MSG_GIVEN];

	if (s->tail - s->head == MSG_GIVEN) /* so many were left out in between */
		sp_msg_play_done(&s->play, &s->given[s->head++ % MSG_GIVEN]);
	if (s->held || !sp_msg_play_next(&s->play, d)) {
		SP_STORE(s->next_ns, SP_NEVER);
		s->held = s->conf->keep_open;
		*due_ns = SP_NEVER - 1;
		*size = 0;
		return !s->held;
	}
	*due_ns = d->due_ns;
	SP_STORE(s->next_ns, d->due_ns - s->t0_ns);
	*size = d->unit.len;
	s->tail++;
	return 0;
}

static const struct sp_schedule_ops schedule = { .next = messages_next };

/* ---- units ---- */

static uint32_t messages_template_id(const struct sp_source *s)
{
	return sp_pattern_id(SP_PATTERN_ID, (const uint8_t *)s->own->name,
			     (uint32_t)strlen(s->own->name));
}

static uint32_t messages_len(const struct sp_source *s, uint32_t size)
{
	(void)s;
	return size;
}

/* Every message of the unit as if it were made when it is due. */
static void rewrite(struct sp_source *s, const struct msg_due *d, uint32_t session, uint8_t *p,
		    size_t len)
{
	const struct sp_codec_ops *c = s->own->codec;
	int64_t now = (int64_t)d->due_ns + s->real_offset_ns;
	const struct sp_codec_live live = { .retime = s->conf->retime,
					    .shift_ns = now - d->unit.recorded_ns,
					    .now_ns = (uint64_t)now,
					    .renumber = s->who.n != 0,
					    .exporter = d->exporter,
					    .address = sp_msg_exporters_local(&s->who,
									      session) };

	while (len) {
		ptrdiff_t n = s->own->tcp ? c->boundary(p, len) : (ptrdiff_t)len;

		if (n <= 0 || (size_t)n > len)
			n = (ptrdiff_t)len;
		if (c->rewrite(s->states[session], p, (size_t)n, &live))
			s->unchanged++;
		p += n;
		len -= (size_t)n;
	}
}

/* The unit that was given for this time; what was given before it was left out. NULL: none. */
static const struct msg_due *find_given(struct sp_source *s, const struct sp_msg *m)
{
	for (; s->head != s->tail; s->head++) {
		const struct msg_due *d = &s->given[s->head % MSG_GIVEN];

		if (d->due_ns == m->t_ns && d->unit.len == m->len)
			return d;
		sp_msg_play_done(&s->play, d);
	}
	return NULL;
}

static void fill_one(struct sp_source *s, struct sp_msg *m, const struct msg_due *d)
{
	memcpy(m->data, d->unit.data, d->unit.len);
	m->ep = sp_msg_exporters_session(&s->who, d->unit.session, d->exporter);
	s->first_due_ns = s->first_due_ns ? s->first_due_ns : d->due_ns;
	s->last_due_ns = d->due_ns;
	sp_msg_account_filled(&s->account, m->ep, d->unit.item, d->unit.len, d->due_ns);
	if (s->states)
		rewrite(s, d, m->ep, m->data, m->len);
	sp_msg_play_done(&s->play, d);
	s->head++;
}

static void messages_fill(struct sp_source *s, struct sp_batch *b, uint32_t from)
{
	for (uint32_t i = from; i < b->n; i++) {
		struct sp_msg *m = &b->m[i];
		const struct msg_due *d = find_given(s, m);

		m->stamp_off = SP_NO_STAMP;
		if (d) {
			fill_one(s, m, d);
		} else {
			memset(m->data, 0, m->len);
			sp_msg_account_filled(&s->account, 0, 0, 0, 0);
		}
	}
}

static void messages_left(struct sp_source *s, uint32_t n, uint64_t now_ns)
{
	sp_msg_account_left(&s->account, n, now_ns);
}

/* ---- sessions ---- */

static uint32_t messages_sessions(const struct sp_source *s)
{
	return s->who.sessions;
}

static void messages_session(const struct sp_source *s, uint32_t i,
			     struct sp_source_session *out)
{
	*out = (struct sp_source_session){ .local.addr = sp_msg_exporters_local(&s->who, i),
					   .codec = s->own->codec };
}

/* ---- what is said of it ---- */

static void messages_text(const void *conf, char *buf, size_t cap)
{
	const struct msg_conf *c = conf;

	snprintf(buf, cap, "%s as recorded, gaps x %s", c->section, c->factor);
}

extern const struct sp_source_ops sp_source_messages;
const struct sp_source_ops sp_source_messages = {
	.name = "messages",
	.summary = "recorded messages of telemetry sessions",
	.abi = SP_PLUGIN_ABI,
	.opts = sp_msg_opts,
	.conf_size = sizeof(struct msg_conf),
	.makes = SP_T_DATAGRAM,
	.open = messages_open,
	.template_id = messages_template_id,
	.len = messages_len,
	.fill = messages_fill,
	.schedule = &schedule,
	.begin = messages_begin,
	.run = messages_run,
	.sessions = messages_sessions,
	.session = messages_session,
	.recorded = sp_msg_recorded,
	.recorded_session = sp_msg_recorded_session,
	.recorded_play = sp_msg_recorded_play,
	.recorded_sender = sp_msg_recorded_sender,
	.left = messages_left,
	.report = sp_msg_report,
	.text = messages_text,
	.close = messages_close,
};
