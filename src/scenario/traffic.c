#include "scenario/traffic.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"

const char *const sp_traffic_rows[] = { "rate", "departure", "size", "packet_size", NULL };

/* ---- models ---- */

struct model {
	const char *name, *rate, *departure, *packet_size;
};

/* Two laws of D-ITG's have no mean: Telnet's times (Pareto, shape 0.95) and those of an active
 * Counter-Strike player (Student's t of 0.7 degrees of freedom). They are taken up to 100 s, and up to
 * twice the middle; the other Student's t the same, so that no gap is below zero. */
static const struct model models[] = {
	{ "telnet", NULL, "pareto(shape=0.95,scale=1.1ms,max=100s)",
	  "values(21:0.65,22:0.13,23:0.07,24:0.05,25:0.03,26:0.01,27:0.01,28:0.01,29:0.01,"
	  "30:0.005,31:0.005,32:0.005,33:0.005,34:0.005,35:0.005)" },
	{ "dns", "0.56pps", "constant", "uniform(100,320)" },
	{ "quake3", NULL, "mix(0.6*exponential(mean=4.29ms)+0.4*constant(10.75ms))",
	  "normal(64.15,3.204)" },
	{ "cs-active", NULL,
	  "student(location=41.6994ms,scale=104.821us,shape=0.704073,min=0,max=83.3988ms)",
	  "mix(0.3732*normal(34.84,4.39)+0.6268*normal(49.49,3.62))" },
	{ "cs-idle", NULL,
	  "student(location=41.6858ms,scale=69.4393us,shape=1.08341,min=0,max=83.3716ms)",
	  "values(27:0.8312,28:0.0018,29:0.0453,30:0.0195,31:0.0879,32:0.0024,33:0.0106,"
	  "35:0.0013)" },
};

struct codec {
	const char *name, *rate;
	unsigned bytes; /* of speech in a packet */
};

static const struct codec codecs[] = {
	{ "G.711.1", "100pps", 80 }, { "G.711.2", "50pps", 160 }, { "G.729.2", "50pps", 20 },
	{ "G.729.3", "33pps", 30 },  { "G.723.1", "26pps", 30 },
};

#define RTP	   12u
#define CRTP	   2u
#define VAD_SHARES 65u /* per cent of the speech that a detector of silence lets pass */

static int unknown(const char *what, const char *word, const char *const *names, unsigned n,
		   const char *place, struct sp_err *err)
{
	const char *best = sp_str_nearest(word, names, n);
	char list[160] = "", shown[60];
	size_t len = 0;

	for (unsigned i = 0; i < n && len < sizeof list; i++)
		len += (size_t)snprintf(list + len, sizeof list - len, "%s%s", i ? ", " : "",
					names[i]);
	return sp_fail(err, -EINVAL, SP_EXIT_USAGE, "%s: no such %s '%s'; there are: %s%s%s%s",
		       place, what, sp_str_printable(shown, sizeof shown, word), list,
		       best ? "; did you mean '" : "", best ? best : "", best ? "'?" : "");
}

static int unknown_codec(const char *word, const char *place, struct sp_err *err)
{
	const char *names[sizeof codecs / sizeof *codecs];
	unsigned n = sizeof codecs / sizeof *codecs;

	for (unsigned i = 0; i < n; i++)
		names[i] = codecs[i].name;
	return unknown("codec", word, names, n, place, err);
}

static int unknown_model(const char *word, const char *place, struct sp_err *err)
{
	const char *names[1 + sizeof models / sizeof *models] = { "voip:CODEC" };
	unsigned n = sizeof models / sizeof *models;

	for (unsigned i = 0; i < n; i++)
		names[i + 1] = models[i].name;
	return unknown("model", word, names, n + 1, place, err);
}

/* CODEC[,rtp|crtp][,vad] */
static int voip(char *text, const char *place, struct sp_arena *arena, struct sp_traffic *t,
		struct sp_err *err)
{
	static const char *const options[] = { "rtp", "crtp", "vad" };
	unsigned header = RTP, share = 100;
	const struct codec *c = NULL;
	char *word = strsep(&text, ",");

	for (size_t i = 0; i < sizeof codecs / sizeof *codecs; i++)
		if (sp_str_ieq(codecs[i].name, word))
			c = &codecs[i];
	if (!c)
		return unknown_codec(word, place, err);
	while ((word = strsep(&text, ",")) != NULL) {
		if (sp_str_ieq(word, "vad"))
			share = VAD_SHARES;
		else if (sp_str_ieq(word, "crtp"))
			header = CRTP;
		else if (sp_str_ieq(word, "rtp"))
			header = RTP;
		else
			return unknown("option of voip", word, options, 3, place, err);
	}
	t->rate = c->rate;
	t->departure = "constant";
	t->packet_size = sp_arena_printf(arena, "constant(%u)",
					 c->bytes * share / 100 + header);
	return t->packet_size ? 0 : sp_fail(err, -ENOMEM, SP_EXIT_FAILED, "out of memory");
}

int sp_traffic_model(const char *text, const char *place, struct sp_arena *arena,
		     struct sp_traffic *t, struct sp_err *err)
{
	char *copy = sp_arena_strdup(arena, text);

	*t = (struct sp_traffic){ 0 };
	if (!copy)
		return sp_fail(err, -ENOMEM, SP_EXIT_FAILED, "out of memory");
	if (strncmp(copy, "voip:", 5) == 0)
		return voip(copy + 5, place, arena, t, err);
	if (sp_str_ieq(copy, "voip"))
		return sp_fail(err, -EINVAL, SP_EXIT_USAGE,
			       "%s: voip needs a codec, such as voip:G.711.1", place);
	for (size_t i = 0; i < sizeof models / sizeof *models; i++) {
		if (!sp_str_ieq(models[i].name, copy))
			continue;
		*t = (struct sp_traffic){ models[i].rate, models[i].departure,
					  models[i].packet_size };
		return 0;
	}
	return unknown_model(copy, place, err);
}

/* ---- D-ITG's letters ---- */

/* {0} and {1} are its numbers; {r} and {s} 1000 over them. */
struct letter {
	char c;
	unsigned n;
	const char *rate;  /* of departures: this many a second; NULL: it has none */
	const char *gaps;  /* with that rate, or in ms of its own */
	const char *times; /* in ms of its own: of on-times and off-times, too */
	const char *sizes;
};

/* Normal and Cauchy times below zero, which D-ITG makes zero, are drawn again, and Cauchy's end at
 * 1000 times its scale above the location, since it has no mean. */
static const struct letter letters[] = {
	{ 'c', 1, "{0}pps", "constant", "constant({0}ms)", "constant({0})" },
	{ 'u', 2, NULL, "uniform(min={s}ms,max={r}ms)", "uniform(min={0}ms,max={1}ms)",
	  "uniform(min={0},max={1})" },
	{ 'e', 1, "{0}pps", "exponential", "exponential(mean={0}ms)", "exponential(mean={0})" },
	{ 'n', 2, NULL, "normal(mean={0}ms,sd={1}ms,min=0)",
	  "normal(mean={0}ms,sd={1}ms,min=0)", "normal(mean={0},sd={1})" },
	{ 'o', 1, NULL, "poisson(mean={0},per=1s)", "poisson(mean={0},unit=1ms)",
	  "poisson(mean={0})" },
	{ 'v', 2, NULL, "pareto(shape={0},scale={1}ms)", "pareto(shape={0},scale={1}ms)",
	  "pareto(shape={0},scale={1})" },
	{ 'y', 2, NULL, "cauchy(location={0}ms,scale={1}ms,min=0,max={k}ms)",
	  "cauchy(location={0}ms,scale={1}ms,min=0,max={k}ms)",
	  "cauchy(location={0},scale={1},min=0,max=64000)" },
	{ 'g', 2, NULL, "gamma(shape={0},scale={1}ms)", "gamma(shape={0},scale={1}ms)",
	  "gamma(shape={0},scale={1})" },
	{ 'w', 2, NULL, "weibull(shape={0},scale={1}ms)", "weibull(shape={0},scale={1}ms)",
	  "weibull(shape={0},scale={1})" },
};

/* One letter with its numbers, as read. */
struct law {
	const struct letter *letter;
	double v[2];
};

static int bad(const char *place, const char *text, const char *what, struct sp_err *err)
{
	char shown[80];

	return sp_fail(err, -EINVAL, SP_EXIT_USAGE, "%s: ditg(%s): %s", place,
		       sp_str_printable(shown, sizeof shown, text), what);
}

static const char *fill(const char *form, const struct law *l, struct sp_arena *arena)
{
	const char *text = NULL;
	char number[32];
	struct sp_str s;
	double v;

	sp_str_init(&s, arena->mem);
	for (; *form; form++) {
		if (*form != '{') {
			sp_str_printf(&s, "%c", *form);
			continue;
		}
		form++;
		v = *form == '0'   ? l->v[0]
		    : *form == '1' ? l->v[1]
		    : *form == 'r' ? 1000 / l->v[0]
		    : *form == 's' ? 1000 / l->v[1]
				   : l->v[0] + 1000 * l->v[1];
		sp_str_puts(&s, sp_format_real(number, sizeof number, v));
		form++;
	}
	if (!s.failed)
		text = sp_arena_strdup(arena, s.text);
	sp_str_fini(&s);
	return text;
}

/* The next letter and its numbers off *text. */
static int read_letter(char **text, struct law *l)
{
	char *word = strsep(text, " "), c;

	while (word && !*word)
		word = strsep(text, " ");
	if (!word)
		return -EINVAL;
	word += *word == '-';
	c = (char)(*word | 0x20);
	*l = (struct law){ 0 };
	for (size_t i = 0; i < sizeof letters / sizeof *letters; i++)
		if (letters[i].c == c && word[1] == '\0')
			l->letter = &letters[i];
	for (unsigned i = 0; l->letter && i < l->letter->n; i++) {
		word = strsep(text, " ");
		while (word && !*word)
			word = strsep(text, " ");
		if (!word || sp_parse_real(word, &l->v[i]) || !(l->v[i] > 0))
			return -EINVAL;
	}
	return l->letter ? 0 : -EINVAL;
}

/* -B on off, behind the law of the gaps within. */
static int bursts(char **text, const struct law *gap, struct sp_arena *arena,
		  struct sp_traffic *t)
{
	const char *on, *off, *within;
	struct law a, b, ms = *gap;

	if (read_letter(text, &a) || read_letter(text, &b))
		return -EINVAL;
	on = fill(a.letter->times, &a, arena);
	off = fill(b.letter->times, &b, arena);
	/* A rate becomes the time of its gaps. */
	if (gap->letter->rate)
		ms.v[0] = 1000 / gap->v[0];
	within = fill(gap->letter->rate ? gap->letter->times : gap->letter->gaps, &ms, arena);
	if (on && off && within)
		t->departure = sp_arena_printf(arena, "onoff(on=%s,off=%s,gap=%s)", on, off,
					       within);
	t->rate = NULL;
	return on && off && within && t->departure ? 0 : -ENOMEM;
}

int sp_traffic_ditg(const char *text, bool sizes, const char *place, struct sp_arena *arena,
		    struct sp_traffic *t, struct sp_err *err)
{
	static const char form[] =
		"it is one of C U E N O V Y G W and its numbers above 0, such "
		"as -W 10 100; behind it -B and two more for bursts";
	char *copy = sp_arena_strdup(arena, text), *at = copy;
	struct law l;
	int rc = 0;

	*t = (struct sp_traffic){ 0 };
	if (!copy)
		return sp_fail(err, -ENOMEM, SP_EXIT_FAILED, "out of memory");
	if (read_letter(&at, &l))
		return bad(place, text, form, err);
	if (sizes) {
		t->packet_size = fill(l.letter->sizes, &l, arena);
		rc = t->packet_size ? 0 : -ENOMEM;
	} else {
		t->departure = fill(l.letter->gaps, &l, arena);
		t->rate = l.letter->rate ? fill(l.letter->rate, &l, arena) : NULL;
		rc = t->departure && (t->rate || !l.letter->rate) ? 0 : -ENOMEM;
	}
	if (at)
		at += strspn(at, " ");
	if (!rc && at && *at && !sizes && strncmp(at, "-B", 2) == 0) {
		at += 2;
		rc = bursts(&at, &l, arena, t);
		if (at)
			at += strspn(at, " ");
	}
	if (rc == -ENOMEM)
		return sp_fail(err, rc, SP_EXIT_FAILED, "out of memory");
	return rc || (at && *at) ? bad(place, text, form, err) : 0;
}

/* ---- into the plan ---- */

static int set_all(struct sp_plan_build *b, const struct sp_traffic *t, const char *place,
		   struct sp_err *err)
{
	int rc = 0;

	if (t->rate)
		rc = sp_plan_set(b, "rate", t->rate, place, err);
	if (!rc && t->departure)
		rc = sp_plan_set(b, "departure", t->departure, place, err);
	if (!rc && t->packet_size)
		rc = sp_plan_set(b, "packet_size", t->packet_size, place, err);
	return rc;
}

int sp_traffic_set(struct sp_plan_build *b, const char *key, const char *value,
		   const char *place, struct sp_arena *arena, struct sp_err *err)
{
	bool sizes = strcmp(key, "packet_size") == 0;
	size_t len = value ? strlen(value) : 0;
	struct sp_traffic t;
	char *inner;
	int rc;

	if (strcmp(key, "model") == 0 && value) {
		rc = sp_traffic_model(value, place, arena, &t, err);
		return rc ? rc : set_all(b, &t, place, err);
	}
	if (!(sizes || strcmp(key, "departure") == 0) || len < 6 ||
	    strncmp(value, "ditg(", 5) != 0 || value[len - 1] != ')')
		return sp_plan_set(b, key, value, place, err);
	inner = sp_arena_strdup(arena, value + 5);
	if (!inner)
		return sp_fail(err, -ENOMEM, SP_EXIT_FAILED, "out of memory");
	inner[len - 6] = '\0';
	rc = sp_traffic_ditg(inner, sizes, place, arena, &t, err);
	return rc ? rc : set_all(b, &t, place, err);
}
