#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/address.h"
#include "base/file.h"
#include "base/str.h"
#include "base/units.h"
#include "core/shared.h"
#include "pkt/pattern.h"
#include "pkt/rewrite.h"
#include "plugin/source.h"
#include "source/capture/ahead.h"
#include "source/capture/look.h"
#include "source/capture/remarks.h"

#define PENDING 2048u /* more than a batch, a power of two */

enum part { PART_ALL, PART_CLIENT, PART_SERVER };
enum oversize { OVERSIZE_SKIP, OVERSIZE_CUT };

struct capture_conf {
	const char *files;
	const char *multiplier;
	struct sp_rate pace;
	uint64_t loops, pause_ns, limit, max_gap_ns, together, unique_loops;
	bool preload, pad;
	int oversize, part;
	const char *split, *cache;
	const char *dst_mac, *src_mac;
	const char *rewrite;
};

#define OFF(member) offsetof(struct capture_conf, member)
static const struct sp_opt opts[] = {
	{ "files", SP_OPT_PATH, OFF(files), "", NULL, 0, 0,
	  "capture files, a line each, one after the other" },
	{ "multiplier", SP_OPT_TEXT, OFF(multiplier), "1", NULL, 0, 0,
	  "so many times as fast as recorded" },
	{ "pace", SP_OPT_RATE, OFF(pace), NULL, NULL, 0, 0,
	  "instead of the recorded times: packets a second, bits a second (of frames without FCS), "
	  "or max" },
	{ "loops", SP_OPT_U64, OFF(loops), "1", NULL, 0, 0, "so often; 0: until stopped" },
	{ "loop_delay", SP_OPT_TIME, OFF(pause_ns), "0", NULL, 0, UINT64_C(86400000000000),
	  "pause between loops" },
	{ "limit", SP_OPT_U64, OFF(limit), "0", NULL, 0, 0, "packets in all; 0: no limit" },
	{ "max_gap", SP_OPT_TIME, OFF(max_gap_ns), "0", NULL, 0, 0,
	  "pauses that would be longer are so long; 0: no limit" },
	{ "preload", SP_OPT_BOOL, OFF(preload), "no", NULL, 0, 0,
	  "read everything before the first packet leaves" },
	{ "oversize", SP_OPT_ENUM, OFF(oversize), "skip", "skip|cut", 0, 0,
	  "frames longer than the MTU allows" },
	{ "pad", SP_OPT_BOOL, OFF(pad), "no", NULL, 0, 0,
	  "fill up with zeros what the capture has cut off" },
	{ "part", SP_OPT_ENUM, OFF(part), "all", "all|client|server", 0, 0,
	  "whose packets, as split tells them" },
	{ "split", SP_OPT_TEXT, OFF(split), "auto", NULL, 0, 0,
	  "who is a server: auto, client, server, port, or prefixes with commas between" },
	{ "dst_mac", SP_OPT_TEXT, OFF(dst_mac), "", NULL, 0, 0,
	  "where packets go that were recorded without Ethernet header" },
	{ "src_mac", SP_OPT_TEXT, OFF(src_mac), "", NULL, 0, 0,
	  "where they come from; empty: the interface's own address" },
	{ "rewrite", SP_OPT_TEXT, OFF(rewrite), NULL, SP_OPT_QUIET, 0, 0,
	  "what becomes of each frame: words=values, blanks between (pkt/rewrite.h)" },
	{ "together", SP_OPT_U64, OFF(together), NULL, SP_OPT_QUIET, 0, 0,
	  "at a pace of packets: so many leave at once" },
	{ "cache", SP_OPT_PATH, OFF(cache), NULL, SP_OPT_QUIET, 0, 0,
	  "a file of tcpprep that says whose packets they are, instead of split" },
	{ "unique_loops", SP_OPT_U64, OFF(unique_loops), NULL, SP_OPT_QUIET, 0, 0,
	  "so many loops are rewritten the same" },
	{ .name = NULL },
};

struct sp_source {
	const struct sp_mem *mem;
	struct sp_ahead *ahead;
	struct sp_rewrite *once; /* while reading; NULL: nothing */
	struct sp_rewrite *each; /* what differs between loops; NULL: nothing */
	uint64_t start_ns;
	bool at_once;
	uint64_t same; /* loops that are rewritten the same; at least 1 */
	uint32_t id;
	uint64_t first_ns, last_ns;	       /* due times that fill() was given */
	uint64_t drawn;			       /* units that next() or size() gave */
	uint64_t filled;		       /* the first of them that fill() has not seen */
	struct sp_ahead_unit pending[PENDING]; /* unit i at i % PENDING */
};

/* ---- settings ---- */

static int check_mac(const char *key, const char *text, struct sp_err *err)
{
	uint8_t mac[6];
	char shown[80];

	if (!*text || !sp_mac_parse(text, strlen(text), mac))
		return 0;
	return sp_fail(err, -EINVAL, SP_EXIT_USAGE,
		       "%s: '%s' is no hardware address; such as 02:00:5e:10:00:01", key,
		       sp_str_printable(shown, sizeof shown, text));
}

static int times_of(const struct capture_conf *c, struct sp_times_conf *t, struct sp_err *err)
{
	char shown[80];

	*t = (struct sp_times_conf){
		.num = 1, .den = 1, .max_gap_ns = c->max_gap_ns, .pause_ns = c->pause_ns
	};
	if (sp_times_multiplier(c->multiplier, &t->num, &t->den))
		return sp_fail(err, -EINVAL, SP_EXIT_USAGE,
			       "multiplier: '%s' is not a number above 0 with six decimals at "
			       "most, such as 0.5 or 10",
			       sp_str_printable(shown, sizeof shown, c->multiplier));
	if (c->pace.kind == SP_RATE_NONE)
		return 0;
	if (t->num != t->den || c->max_gap_ns)
		return sp_fail(err, -EINVAL, SP_EXIT_USAGE,
			       "%s changes recorded times, and a rate takes their place; leave "
			       "one out",
			       t->num != t->den ? "multiplier" : "max_gap");
	t->by = c->pace.kind == SP_RATE_PPS   ? SP_TIMES_PACKETS
		: c->pace.kind == SP_RATE_BPS ? SP_TIMES_BITS
					      : SP_TIMES_AT_ONCE;
	t->micro = c->pace.micro;
	t->together = c->together;
	return 0;
}

static void free_rewrites(struct sp_rewrite *once, struct sp_rewrite *each)
{
	sp_rewrite_free(once);
	sp_rewrite_free(each);
}

static int make_rewrites(const char *words, struct sp_rewrite **once, struct sp_rewrite **each,
			 const struct sp_mem *mem, struct sp_err *err)
{
	int rc;

	*once = *each = NULL;
	if (!words || !*words)
		return 0;
	rc = sp_rewrite_new(once, words, SP_REWRITE_ONCE, mem, err);
	if (!rc)
		rc = sp_rewrite_new(each, words, SP_REWRITE_EACH, mem, err);
	if (!rc && !sp_rewrite_varies(*each)) {
		sp_rewrite_free(*each);
		*each = NULL;
	}
	return rc;
}

static int check(const void *conf, struct sp_err *err)
{
	const struct capture_conf *c = conf;
	struct sp_rewrite *once, *each;
	struct sp_times_conf times;
	int rc;

	if (!c || !*c->files)
		return sp_fail(err, -EINVAL, SP_EXIT_USAGE, "capture: no file is named");
	rc = make_rewrites(c->rewrite, &once, &each, sp_mem_system(), err);
	free_rewrites(once, each);
	if (!rc)
		rc = times_of(c, &times, err);
	if (!rc)
		rc = check_mac("dst_mac", c->dst_mac, err);
	if (!rc)
		rc = check_mac("src_mac", c->src_mac, err);
	return rc ? rc : sp_sides_check(c->split, err);
}

static bool is_set(const uint8_t mac[6])
{
	static const uint8_t none[6];

	return memcmp(mac, none, 6) != 0;
}

static void link_of(const struct capture_conf *c, const struct sp_link *link,
		    struct sp_walk_conf *w)
{
	memcpy(w->src, link->src_mac, 6);
	memcpy(w->dst, link->dst_mac, 6);
	if (*c->src_mac)
		sp_mac_parse(c->src_mac, strlen(c->src_mac), w->src);
	if (*c->dst_mac)
		sp_mac_parse(c->dst_mac, strlen(c->dst_mac), w->dst);
	w->mac = *c->dst_mac || is_set(w->dst);
}

static void walk_of(const struct capture_conf *c, struct sp_walk_conf *w)
{
	w->files = c->files;
	w->limit = c->limit;
	w->cache = c->part != PART_ALL && c->cache && *c->cache ? c->cache : NULL;
	w->split = c->part == PART_ALL || w->cache ? NULL : c->split;
	w->side = c->part == PART_SERVER ? SP_SIDE_SERVER : SP_SIDE_CLIENT;
	w->cut = c->oversize == OVERSIZE_CUT;
	w->pad = c->pad;
}

/* What is no file (a pipe, standard input) can be read once only. */
static bool all_files(const char *files)
{
	char name[4096];

	for (size_t n; *files; files += n + (files[n] == '\n')) {
		n = strcspn(files, "\n");
		if (n >= sizeof name)
			return false;
		memcpy(name, files, n);
		name[n] = '\0';
		if (!sp_file_is_regular(name))
			return false;
	}
	return true;
}

static void capture_close(struct sp_source *s)
{
	sp_ahead_free(s->ahead);
	free_rewrites(s->once, s->each);
	sp_free(s->mem, s);
}

static int capture_open(struct sp_source **out, const struct sp_source_args *args,
			const struct sp_env *env, struct sp_err *err)
{
	const struct capture_conf *c = args->conf;
	struct sp_ahead_conf a = {
		.walk = { .mtu = args->link.mtu, .most = args->size },
		.loops = c->loops,
		.whole = c->preload || !all_files(c->files),
		.clock = env->clock,
		.judge = args->judge,
		.judge_arg = args->judge_arg,
	};
	struct sp_source *s = sp_alloc_array(env->mem, 1, sizeof *s);
	int rc;

	if (!s)
		return sp_fail(err, -ENOMEM, SP_EXIT_FAILED, "capture: out of memory");
	s->mem = env->mem;
	s->same = c->unique_loops ? c->unique_loops : 1;
	walk_of(c, &a.walk);
	link_of(c, &args->link, &a.walk);
	rc = make_rewrites(c->rewrite, &s->once, &s->each, env->mem, err);
	a.rewrite = s->once;
	if (s->once && a.walk.most)
		a.walk.most -= sp_rewrite_room(s->once);
	if (!rc)
		rc = times_of(c, &a.walk.times, err);
	if (!rc)
		rc = sp_ahead_new(&s->ahead, &a, env->mem, err);
	s->at_once = a.walk.times.by == SP_TIMES_AT_ONCE;
	s->id = sp_pattern_id(SP_PATTERN_ID, c->files, (uint32_t)strlen(c->files));
	if (rc)
		capture_close(s);
	else
		*out = s;
	return rc;
}

/* ---- a look before (capture/look.c) ---- */

static int look(const void *conf, const struct sp_mem *mem, sp_source_see *see, void *arg,
		struct sp_err *err)
{
	const struct capture_conf *c = conf;
	static const struct sp_link not_yet = { .mtu = 0 };
	uint64_t same = c->unique_loops ? c->unique_loops : 1;
	struct sp_look_conf l = { .loops = c->loops / same + (c->loops % same != 0) };
	struct sp_rewrite *once, *each;
	int rc = make_rewrites(c->rewrite, &once, &each, mem, err);

	walk_of(c, &l.walk);
	link_of(c, &not_yet, &l.walk);
	l.walk.mac = true;
	l.once = once;
	l.each = each;
	if (!rc)
		rc = times_of(c, &l.walk.times, err);
	if (!rc)
		rc = sp_look(&l, mem, see, arg, err);
	free_rewrites(once, each);
	return rc;
}

static uint32_t capture_template_id(const struct sp_source *s)
{
	return s->id;
}

static uint32_t capture_len(const struct sp_source *s, uint32_t size)
{
	(void)s;
	return size;
}

/* ---- times ---- */

static void begin(struct sp_source *s, uint64_t t0_ns)
{
	s->start_ns = t0_ns;
}

static int run(struct sp_source *s, struct sp_err *err)
{
	return sp_ahead_run(s->ahead, err);
}

static bool at_once(const struct sp_source *s)
{
	return s->at_once;
}

static bool endless(const void *conf)
{
	const struct capture_conf *c = conf;

	return c->pace.kind == SP_RATE_MAX && !c->loops && !c->limit;
}

/* One more is pending. NULL: there is none. */
static struct sp_ahead_unit *draw(struct sp_source *s)
{
	struct sp_ahead_unit *u = &s->pending[s->drawn % PENDING];

	/* Of so many that nobody has filled the oldest were left out: a batch is shorter. */
	if (SP_UNLIKELY(s->drawn - s->filled == PENDING))
		sp_ahead_drop(s->ahead, s->pending[s->filled++ % PENDING].after);
	if (!sp_ahead_next(s->ahead, u))
		return NULL;
	s->drawn++;
	return u;
}

static int next(void *st, uint64_t *due_ns, uint32_t *size)
{
	struct sp_source *s = st;
	struct sp_ahead_unit *u = draw(s);

	if (SP_UNLIKELY(!u || __builtin_add_overflow(u->due_ns, s->start_ns, &u->due_ns)))
		return 1;
	*due_ns = u->due_ns;
	*size = u->len;
	return 0;
}

static uint32_t size(void *st)
{
	const struct sp_ahead_unit *u = draw(st);

	return u ? u->len : SP_PACE_OVER;
}

static const struct sp_schedule_ops schedule = { .next = next, .size = size };

/* ---- the end ---- */

static int report(struct sp_source *s, struct sp_source_report *r, struct sp_err *err)
{
	int rc = sp_ahead_stop(s->ahead, err);

	sp_remarks(s->ahead, r);
	r->first_due_ns = s->first_ns;
	r->last_due_ns = s->last_ns;
	return rc;
}

static void text(const void *conf, char *buf, size_t cap)
{
	const struct capture_conf *c = conf;
	struct sp_times_conf t;
	char rate[40];

	if (times_of(c, &t, NULL) || t.by == SP_TIMES_RECORDED)
		snprintf(buf, cap,
			 t.num == t.den ? "as recorded" : "%s times as fast as recorded",
			 c->multiplier);
	else
		snprintf(buf, cap, "recorded, at %s",
			 sp_format_rate(rate, sizeof rate, &c->pace));
}

/* ---- frames ---- */

static void fill(struct sp_source *s, struct sp_batch *b, uint32_t from)
{
	uint64_t after = 0;

	for (uint32_t i = from; i < b->n; i++) {
		struct sp_msg *m = &b->m[i];
		const struct sp_ahead_unit *u = &s->pending[s->filled % PENDING];

		while (SP_UNLIKELY(u->len != m->len || (!s->at_once && u->due_ns != m->t_ns)) &&
		       s->filled + 1 < s->drawn)
			u = &s->pending[++s->filled % PENDING];
		m->len = u->len < m->len ? u->len : m->len;
		memcpy(m->data, u->data, m->len);
		if (s->each)
			(void)sp_rewrite_apply(s->each, SP_LINK_ETHERNET, m->data, m->len,
					       m->len, u->loop / s->same, NULL);
		m->stamp_off = SP_NO_STAMP;
		after = u->after;
		s->filled++;
	}
	if (SP_UNLIKELY(!s->first_ns) && b->n > from)
		s->first_ns = b->m[from].t_ns;
	if (b->n == from)
		return;
	s->last_ns = b->m[b->n - 1].t_ns;
	sp_ahead_drop(s->ahead, after);
}

static uint64_t unfit(const struct sp_source *s)
{
	return sp_ahead_unfit(s->ahead);
}

extern const struct sp_source_ops sp_source_capture;
const struct sp_source_ops sp_source_capture = {
	.name = "capture",
	.summary = "packets of capture files, at their times",
	.abi = SP_PLUGIN_ABI,
	.opts = opts,
	.conf_size = sizeof(struct capture_conf),
	.check = check,
	.makes = SP_T_FRAME,
	.open = capture_open,
	.template_id = capture_template_id,
	.len = capture_len,
	.fill = fill,
	.schedule = &schedule,
	.look = look,
	.begin = begin,
	.at_once = at_once,
	.endless = endless,
	.run = run,
	.report = report,
	.unfit = unfit,
	.text = text,
	.close = capture_close,
};
