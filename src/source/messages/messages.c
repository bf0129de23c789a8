/* The source: settings, sessions, units in time. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/prefix.h"
#include "base/str.h"
#include "pkt/pattern.h"
#include "plugin/source.h"
#include "source/messages/play.h"

/* Units that next() has given and fill() was not asked for yet: at most two batches, if none is left
 * out. */
#define GIVEN 4096u

struct conf {
	const char *files;    /* paths, a line each */
	const char *order;    /* "0,1,1": which of them is played when; "": each once */
	const char *sections; /* source/messages/sections.h */
	const char *section;  /* the stream's own */
	const char *map;      /* "src>local,src>": recorded and local addresses */
	bool mapped;	      /* only those in the map are played, even where it is empty */
	const char *factor;
	uint64_t family; /* 4, 6: only sessions whose local address is of it; 0: all */
	bool rest;	 /* and those whose address is the system's choice */
	bool only;	 /* no other stream plays the other family */
	bool sync, keep_open;
	uint64_t exporters;
	const char *from; /* prefix of the exporters' addresses */
	uint64_t spread_ns;
	bool retime;
	const char *target; /* for sentences */
};

struct sp_source {
	const struct sp_env *env;
	struct sp_arena arena;
	const struct conf *conf;
	struct msg_sections sections;
	const struct msg_section *own;
	struct msg_store store;
	struct msg_play play;
	uint32_t *first_session; /* [exporters]: of all sessions */
	uint32_t n_sessions;
	struct sp_prefix from;
	struct sent {
		uint64_t units, bytes;
	} * sent;	  /* [n_sessions]: filled; the worker's */
	uint64_t next_ns; /* atomic */
	void **states;	  /* [n_sessions]: rewriting; NULL: nothing is rewritten */
	struct msg_due given[GIVEN];
	uint32_t head, tail; /* free running */
	int64_t real_offset_ns;
	uint64_t t0_ns, first_due_ns, last_due_ns;
	uint64_t unchanged; /* messages that could not be rewritten */
	bool held;	    /* all were given, and it stays open */
};

static int no_memory(struct sp_err *err)
{
	return sp_fail(err, -ENOMEM, SP_EXIT_FAILED, "out of memory");
}

/* ---- settings ---- */

static uint32_t count_parts(const char *text, char between)
{
	uint32_t n = *text != '\0';

	for (; *text; text++)
		n += *text == between;
	return n;
}

static int read_paths(struct sp_source *s, const char ***out, uint32_t *n, struct sp_err *err)
{
	uint32_t most = count_parts(s->conf->files, '\n');
	char *copy = sp_arena_strdup(&s->arena, s->conf->files), *save = NULL;
	const char **paths = sp_arena_alloc(&s->arena, (most + 1) * sizeof *paths);

	if (!copy || !paths)
		return no_memory(err);
	*n = 0;
	for (char *p = strtok_r(copy, "\n", &save); p; p = strtok_r(NULL, "\n", &save))
		paths[(*n)++] = p;
	*out = paths;
	return *n ? 0
		  : sp_fail(err, -EINVAL, SP_EXIT_USAGE,
			    "messages: no capture is given (files)");
}

static int read_order(struct sp_source *s, uint32_t captures, uint32_t **out, uint32_t *n,
		      struct sp_err *err)
{
	const char *p = s->conf->order;
	uint32_t most = *p ? count_parts(p, ',') : captures;
	uint32_t *order = sp_arena_alloc(&s->arena, (most + 1) * sizeof *order);

	if (!order)
		return no_memory(err);
	if (most > MSG_PLAYS_MAX)
		return sp_fail(err, -ERANGE, SP_EXIT_DATA,
			       "messages: %" PRIu32 " captures, repetitions counted, are too "
			       "many; at most %u are played",
			       most, MSG_PLAYS_MAX);
	*n = most;
	*out = order;
	for (uint32_t i = 0; i < most; i++) {
		unsigned long k = i;
		char *end;

		if (*p) {
			k = strtoul(p, &end, 10);
			if (end == p || (*end && *end != ',') || k >= captures)
				return sp_fail(err, -EINVAL, SP_EXIT_USAGE,
					       "messages: order: '%.40s' is no list of numbers "
					       "of captures",
					       s->conf->order);
			p = *end ? end + 1 : end;
		}
		order[i] = (uint32_t)k;
	}
	return 0;
}

static int read_map(struct sp_source *s, struct msg_map_row **out, uint32_t *n,
		    struct sp_err *err)
{
	uint32_t most = count_parts(s->conf->map, ',');
	char *copy = sp_arena_strdup(&s->arena, s->conf->map), *save = NULL;
	struct msg_map_row *rows = sp_arena_alloc(&s->arena, (most + 1) * sizeof *rows);

	if (!copy || !rows)
		return no_memory(err);
	*n = 0;
	for (char *p = strtok_r(copy, ",", &save); p; p = strtok_r(NULL, ",", &save)) {
		char *to = strchr(p, '>');

		if (to)
			*to++ = '\0';
		if (!to || sp_addr_parse(p, &rows[*n].from) ||
		    (*to && sp_addr_parse(to, &rows[*n].to)))
			return sp_fail(err, -EINVAL, SP_EXIT_USAGE,
				       "messages: map: '%.80s' is not RECORDED>LOCAL", p);
		(*n)++;
	}
	*out = rows;
	return 0;
}

/* ---- exporters ---- */

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
static int check_room(const struct sp_source *s, struct sp_err *err)
{
	unsigned bits = (s->from.addr.family == 4 ? 32u : 128u) - s->from.len;
	uint64_t room = bits > 32 ? UINT64_MAX : (1ull << bits) - (bits > 1 ? 2 : 0);

	if (s->conf->exporters <= room)
		return 0;
	return sp_fail(err, -ERANGE, SP_EXIT_USAGE,
		       "%" PRIu64 " exporters do not fit into %s, which has room for %" PRIu64
		       "; give a shorter prefix",
		       s->conf->exporters, s->conf->from, room);
}

static int number_sessions(struct sp_source *s, struct sp_err *err)
{
	uint64_t n = 0;
	int rc;

	s->n_sessions = s->store.n_sessions;
	if (!s->conf->exporters || !s->store.n_sources)
		return 0;
	if (sp_prefix_parse(s->conf->from, &s->from))
		return sp_fail(err, -EINVAL, SP_EXIT_USAGE,
			       "from: '%.80s' is not a prefix such as 10.64.0.0/16",
			       s->conf->from);
	rc = check_room(s, err);
	if (rc)
		return rc;
	s->first_session = sp_arena_alloc(&s->arena, s->conf->exporters * sizeof(uint32_t));
	if (!s->first_session)
		return no_memory(err);
	for (uint32_t k = 0; k < s->conf->exporters; k++) {
		s->first_session[k] = (uint32_t)n;
		n += s->store.sources[k % s->store.n_sources].sessions;
		if (n > 1000000)
			return sp_fail(err, -ERANGE, SP_EXIT_USAGE,
				       "%" PRIu64
				       " exporters make more than a million sessions",
				       s->conf->exporters);
	}
	s->n_sessions = (uint32_t)n;
	return 0;
}

static uint32_t session_of(const struct sp_source *s, const struct msg_due *d)
{
	const struct msg_unit *u = &s->store.units[d->unit];

	if (!s->first_session)
		return u->session;
	return s->first_session[d->exporter] + s->store.sessions[u->session].rank;
}

/* Of which exporter a session is. */
static uint32_t exporter_of(const struct sp_source *s, uint32_t session)
{
	uint32_t low = 0, high = (uint32_t)s->conf->exporters;

	while (high - low > 1) {
		uint32_t mid = low + (high - low) / 2;

		if (s->first_session[mid] <= session)
			low = mid;
		else
			high = mid;
	}
	return low;
}

/* The recorded session that a session of an exporter is a copy of. */
static uint32_t base_of(const struct sp_source *s, uint32_t session)
{
	uint32_t k = exporter_of(s, session), rank = session - s->first_session[k];

	for (uint32_t i = 0; i < s->store.n_sessions; i++)
		if (s->store.sessions[i].source == k % s->store.n_sources &&
		    s->store.sessions[i].rank == rank)
			return i;
	return 0;
}

static struct sp_addr local_of(const struct sp_source *s, uint32_t session)
{
	if (s->first_session)
		return plus(&s->from.addr, (uint64_t)exporter_of(s, session) +
						   (s->from.len + 1u <
						    (s->from.addr.family == 4 ? 32u : 128u)));
	return s->store.sources[s->store.sessions[session].source].local;
}

/* ---- opening ---- */

static int load(struct sp_source *s, const struct sp_source_args *args, struct sp_err *err)
{
	struct msg_load l = { .sections = &s->sections,
			      .target = s->conf->target,
			      .most = args->size,
			      .family = (uint8_t)s->conf->family,
			      .rest = s->conf->rest,
			      .only = s->conf->only };
	struct msg_map_row *map = NULL;
	const char **paths = NULL;
	int rc;

	s->sections.arena = &s->arena;
	rc = sp_msg_sections_parse(&s->sections, s->conf->sections, args->catalog, err);
	l.own = rc ? 0 : sp_msg_section_find(&s->sections, s->conf->section);
	if (!rc && l.own == UINT32_MAX)
		rc = sp_fail(err, -ENOENT, SP_EXIT_USAGE, "messages: there is no section %.40s",
			     s->conf->section);
	if (!rc)
		rc = read_paths(s, &paths, &l.n_paths, err);
	if (!rc)
		rc = read_map(s, &map, &l.n_map, err);
	if (rc)
		return rc;
	s->own = &s->sections.at[l.own];
	l.paths = paths;
	l.map = map;
	l.mapped = s->conf->mapped || l.n_map;
	if (s->conf->exporters) { /* addresses are those of the prefix */
		l.family = 0;
		l.rest = true;
		l.only = false;
	}
	return sp_msg_store_load(&s->store, &l, s->env, err);
}

static int open_states(struct sp_source *s, struct sp_err *err)
{
	const struct sp_codec_ops *c = s->own->codec;

	if (!c || !c->rewrite || !(s->conf->retime || s->first_session))
		return 0;
	s->states = sp_alloc_array(s->env->mem, s->n_sessions + 1, sizeof *s->states);
	if (!s->states)
		return no_memory(err);
	for (uint32_t i = 0; i < s->n_sessions; i++) {
		s->states[i] = c->open(s->env->mem);
		if (!s->states[i])
			return no_memory(err);
	}
	return 0;
}

static void messages_close(struct sp_source *s)
{
	for (uint32_t i = 0; s->states && i < s->n_sessions; i++)
		if (s->states[i])
			s->own->codec->close(s->states[i]);
	sp_free(s->env->mem, s->states);
	sp_free(s->env->mem, s->sent);
	sp_msg_play_fini(&s->play, s->env->mem);
	sp_msg_store_free(&s->store, s->env->mem);
	sp_arena_fini(&s->arena);
	sp_free(s->env->mem, s);
}

static int messages_open(struct sp_source **out, const struct sp_source_args *args,
			 const struct sp_env *env, struct sp_err *err)
{
	struct sp_source *s = sp_alloc(env->mem, sizeof *s);
	struct msg_play_conf play = { 0 };
	uint32_t *order = NULL;
	int rc;

	if (!s)
		return no_memory(err);
	s->env = env;
	s->conf = args->conf;
	sp_arena_init(&s->arena, env->mem);
	rc = load(s, args, err);
	if (!rc)
		rc = read_order(s, s->store.n_captures, &order, &play.n, err);
	if (!rc && sp_factor_parse(s->conf->factor, &play.factor))
		rc = sp_fail(err, -EINVAL, SP_EXIT_USAGE,
			     "messages: the factor '%.40s' is no number above 0",
			     s->conf->factor);
	if (!rc)
		rc = number_sessions(s, err);
	s->sent = rc ? NULL : sp_alloc_array(env->mem, s->n_sessions + 1, sizeof *s->sent);
	if (!rc)
		rc = s->sent ? open_states(s, err) : no_memory(err);
	play.order = order;
	play.sync = s->conf->sync;
	play.exporters = s->first_session ? (uint32_t)s->conf->exporters : 0;
	play.spread_ns = s->conf->spread_ns;
	if (!rc && sp_msg_play_init(&s->play, &s->store, &play, env->mem))
		rc = no_memory(err);
	if (rc)
		messages_close(s);
	else
		*out = s;
	return rc;
}

/* ---- time ---- */

/* So many waits are announced. */
#define ANNOUNCED 8u

static void announce(const struct sp_source *s, uint64_t t0_ns)
{
	for (uint32_t i = 0; i < s->play.conf.n && i < ANNOUNCED; i++) {
		const struct msg_capture *c = &s->store.captures[s->play.conf.order[i]];
		uint64_t wait_ms = (s->play.start_ns[i] - t0_ns) / SP_NS_PER_MS;
		uint64_t phase_ms = (uint64_t)c->first_ns % MSG_MINUTE_NS / SP_NS_PER_MS;

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
	struct msg_due *d = &s->given[s->tail % GIVEN];

	if (s->held || !sp_msg_play_next(&s->play, d)) {
		__atomic_store_n(&s->next_ns, SP_NEVER, __ATOMIC_RELAXED);
		s->held = s->conf->keep_open;
		*due_ns = SP_NEVER - 1;
		*size = 0;
		return !s->held;
	}
	*due_ns = d->due_ns;
	__atomic_store_n(&s->next_ns, d->due_ns - s->t0_ns, __ATOMIC_RELAXED);
	*size = s->store.units[d->unit].len;
	s->tail++;
	if (s->tail - s->head > GIVEN) /* so many were left out in between */
		s->head++;
	return 0;
}

static void messages_restart(void *st, uint64_t start_ns, double factor)
{
	(void)factor;
	messages_begin(st, start_ns);
}

static const struct sp_schedule_ops schedule = { .next = messages_next,
						 .restart = messages_restart };

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
					    .shift_ns = now -
							s->store.units[d->unit].recorded_ns,
					    .now_ns = (uint64_t)now,
					    .renumber = s->first_session != NULL,
					    .exporter = d->exporter,
					    .address = local_of(s, session) };

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
	while (s->head != s->tail) {
		const struct msg_due *d = &s->given[s->head++ % GIVEN];

		if (d->due_ns == m->t_ns && s->store.units[d->unit].len == m->len)
			return d;
	}
	return NULL;
}

static void messages_fill(struct sp_source *s, struct sp_batch *b, uint32_t from)
{
	for (uint32_t i = from; i < b->n; i++) {
		struct sp_msg *m = &b->m[i];
		const struct msg_due *d = find_given(s, m);
		const struct msg_unit *u = d ? &s->store.units[d->unit] : NULL;

		m->stamp_off = SP_NO_STAMP;
		if (!u) {
			memset(m->data, 0, m->len);
			continue;
		}
		memcpy(m->data, u->data, u->len);
		m->ep = session_of(s, d);
		s->first_due_ns = s->first_due_ns ? s->first_due_ns : d->due_ns;
		s->last_due_ns = d->due_ns;
		s->sent[m->ep].units++;
		s->sent[m->ep].bytes += u->len;
		if (s->states)
			rewrite(s, d, m->ep, m->data, m->len);
	}
}

/* ---- sessions ---- */

static uint32_t messages_sessions(const struct sp_source *s)
{
	return s->n_sessions;
}

static void messages_session(const struct sp_source *s, uint32_t i,
			     struct sp_source_session *out)
{
	*out = (struct sp_source_session){ .local.addr = local_of(s, i),
					   .codec = s->own->codec };
}

/* ---- what is said of it ---- */

static void messages_recorded(const struct sp_source *s, struct sp_recorded_result *out)
{
	*out = (struct sp_recorded_result){ .known = true, .sessions = s->n_sessions };
	for (uint32_t i = 0; i < s->play.conf.n; i++) {
		const struct msg_counts *c = &s->store.captures[s->play.conf.order[i]].counts;

		out->filtered += c->filtered;
		out->unknown_peer += c->unknown_peer;
		out->unknown_proto += c->unknown_proto;
	}
	out->next_ns = __atomic_load_n(&s->next_ns, __ATOMIC_RELAXED);
}

static void tell_counts(const struct sp_source *s, const struct sp_source_report *r)
{
	struct msg_counts n = { 0 };
	char text[300];

	for (uint32_t i = 0; i < s->store.n_captures; i++) {
		const struct msg_counts *c = &s->store.captures[i].counts;

		n.cut += c->cut;
		n.too_long += c->too_long;
		n.backwards += c->backwards;
		n.set += c->set;
		n.holes += c->holes;
		n.broken += c->broken;
	}
	snprintf(text, sizeof text,
		 "%s: %" PRIu64 " packets are not whole in the capture and were left out",
		 s->own->name, n.cut);
	if (n.cut)
		r->say(r->arg, "cut", false, text);
	snprintf(text, sizeof text,
		 "%s: %" PRIu64
		 " datagrams of the captures are longer than what carries them takes and were "
		 "left out",
		 s->own->name, n.too_long);
	if (n.too_long)
		r->say(r->arg, "too-long", false, text);
	snprintf(text, sizeof text,
		 "%s: %" PRIu64 " packets are older than those before them and left with these",
		 s->own->name, n.backwards);
	if (n.backwards)
		r->say(r->arg, "back-in-time", true, text);
	snprintf(text, sizeof text,
		 "%s: the clock of the capture was set %" PRIu64
		 " times, by more than a second back or a day ahead: time went on from there",
		 s->own->name, n.set);
	if (n.set)
		r->say(r->arg, "clock-set", false, text);
	snprintf(text, sizeof text,
		 "%s: %" PRIu64 " octets of streams are missing in the capture, and %" PRIu64
		 " are no whole messages: they were left out",
		 s->own->name, n.holes, n.broken);
	if (n.holes || n.broken)
		r->say(r->arg, "holes", false, text);
	snprintf(text, sizeof text, "%s: %" PRIu64 " messages could not be rewritten",
		 s->own->name, s->unchanged);
	if (s->unchanged)
		r->say(r->arg, "not-rewritten", false, text);
	snprintf(text, sizeof text,
		 "%s: no packet of the captures is of this protocol, with a "
		 "sender in the map: nothing was sent",
		 s->own->name);
	if (!s->store.n)
		r->say(r->arg, "nothing", false, text);
}

/* So many are named one by one. */
#define NAMED 24u

static void tell_sessions(const struct sp_source *s, const struct sp_source_report *r)
{
	char text[300], local[64], src[64];

	for (uint32_t i = 0; i < s->n_sessions && i < NAMED; i++) {
		const struct sp_addr at = local_of(s, i);
		const struct msg_session *ss =
			&s->store.sessions[s->first_session ? base_of(s, i) : i];

		snprintf(text, sizeof text,
			 "session %" PRIu32 " (%s): %s from %s: %" PRIu64 " units, %" PRIu64
			 " bytes",
			 i, s->own->name,
			 sp_addr_format(src, sizeof src, &s->store.sources[ss->source].addr),
			 at.family ? sp_addr_format(local, sizeof local, &at) : "any address",
			 s->sent[i].units, s->sent[i].bytes);
		r->say(r->arg, "session", true, text);
	}
	snprintf(text, sizeof text, "%" PRIu32 " sessions more (%s)", s->n_sessions - NAMED,
		 s->own->name);
	if (s->n_sessions > NAMED)
		r->say(r->arg, "session", true, text);
}

static int messages_report(struct sp_source *s, struct sp_source_report *r, struct sp_err *err)
{
	r->nothing = !s->store.n;
	tell_counts(s, r);
	tell_sessions(s, r);
	r->first_due_ns = s->first_due_ns;
	r->last_due_ns = s->last_due_ns;
	if (s->store.damage.code && err)
		*err = s->store.damage;
	return s->store.damage.code;
}

static void messages_text(const void *conf, char *buf, size_t cap)
{
	const struct conf *c = conf;

	snprintf(buf, cap, "%s as recorded, gaps x %s", c->section, c->factor);
}

#define AT(member) offsetof(struct conf, member)
static const struct sp_opt opts[] = {
	{ "files", SP_OPT_PATH, AT(files), "", NULL, 0, 0,
	  "captures that hold the messages, a line each" },
	{ "order", SP_OPT_TEXT, AT(order), "", NULL, 0, 0,
	  "which of them is played when: 0,1,1; else each once" },
	{ "sections", SP_OPT_TEXT, AT(sections), "", NULL, 0, 0,
	  "protocols and whose packets are theirs: ipfix udp.dport=9991|9992;bmp tcp.dport=1790" },
	{ "section", SP_OPT_TEXT, AT(section), "", NULL, 0, 0, "the one that is played" },
	{ "map", SP_OPT_TEXT, AT(map), "", NULL, 0, 0,
	  "recorded and local addresses: 192.0.2.1>127.0.0.2; else all sources are played" },
	{ "mapped", SP_OPT_BOOL, AT(mapped), "false", NULL, 0, 0,
	  "only recorded addresses of the map are played" },
	{ "time_factor", SP_OPT_TEXT, AT(factor), "1", NULL, 0, 0,
	  "what the gaps are multiplied by" },
	{ "family", SP_OPT_U64, AT(family), "0", NULL, 0, 6,
	  "only sessions with local addresses of IPv4 (4) or IPv6 (6)" },
	{ "rest", SP_OPT_BOOL, AT(rest), "true", NULL, 0, 0,
	  "those whose local address is the system's choice, too" },
	{ "only", SP_OPT_BOOL, AT(only), "true", NULL, 0, 0,
	  "sessions of the other family are an error" },
	{ "sync", SP_OPT_BOOL, AT(sync), "false", NULL, 0, 0,
	  "each capture begins at its own second of the minute" },
	{ "keep_open", SP_OPT_BOOL, AT(keep_open), "false", NULL, 0, 0,
	  "sessions stay open until the run is stopped" },
	{ "exporters", SP_OPT_U64, AT(exporters), "0", NULL, 0, 1000000,
	  "so many copies, each with an address and numbers of its own; 0: as recorded" },
	{ "addresses", SP_OPT_TEXT, AT(from), "", NULL, 0, 0,
	  "the prefix that the exporters' addresses are of" },
	{ "spread", SP_OPT_TIME, AT(spread_ns), "1s", NULL, 0, 0,
	  "time over which the exporters begin" },
	{ "retime", SP_OPT_BOOL, AT(retime), "false", NULL, 0, 0,
	  "times inside the messages become those of the replay" },
	{ "target", SP_OPT_TEXT, AT(target), "the collector", NULL, 0, 0,
	  "what sentences call the target" },
	{ 0 },
};
#undef AT

extern const struct sp_source_ops sp_source_messages;
const struct sp_source_ops sp_source_messages = {
	.name = "messages",
	.summary = "recorded messages of telemetry sessions",
	.abi = SP_PLUGIN_ABI,
	.opts = opts,
	.conf_size = sizeof(struct conf),
	.makes = SP_T_DATAGRAM,
	.open = messages_open,
	.template_id = messages_template_id,
	.len = messages_len,
	.fill = messages_fill,
	.schedule = &schedule,
	.begin = messages_begin,
	.sessions = messages_sessions,
	.session = messages_session,
	.recorded = messages_recorded,
	.report = messages_report,
	.text = messages_text,
	.close = messages_close,
};
