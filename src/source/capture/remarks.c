#include "source/capture/remarks.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

struct remarks {
	const struct sp_source_report *to;
	const struct sp_walk *walk;
	const struct sp_walk_counts *c;
};

__attribute__((format(printf, 4, 5))) static void say(const struct remarks *r, const char *code,
						      bool neutral, const char *fmt, ...)
{
	char text[400];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	r->to->say(r->to->arg, code, neutral, text);
}

static const char *s(uint64_t n)
{
	return n == 1 ? "" : "s";
}

/* What was left out. */
static void of_unfit(const struct remarks *r, uint64_t in_all)
{
	const struct sp_walk_counts *c = r->c;
	uint64_t a_pass = c->too_long + c->too_short + c->typeless;
	const char *whose = sp_walk_whose(r->walk);

	if (!in_all)
		return;
	if (c->too_long)
		say(r, "too-long", false,
		    "%s%" PRIu64
		    " packet%s longer than the MTU allows did not leave (the first is "
		    "packet %" PRIu64 "); --mtu-trunc cuts them",
		    whose, c->too_long, s(c->too_long), c->first_too_long);
	if (c->too_short)
		say(r, "too-short", false,
		    "%s%" PRIu64 " packet%s shorter than an Ethernet header did not leave",
		    whose, c->too_short, s(c->too_short));
	if (c->typeless)
		say(r, "no-ethertype", false,
		    "%s%" PRIu64
		    " packet%s without an EtherType, recorded without Ethernet header, "
		    "did not leave",
		    whose, c->typeless, s(c->typeless));
	if (in_all != a_pass)
		say(r, "did-not-fit", false,
		    "%s%" PRIu64 " in a pass, %" PRIu64 " in all that were due, did not leave",
		    whose, a_pass, in_all);
}

/* What is not as it was on its link. */
static void of_changed(const struct remarks *r)
{
	const struct sp_walk_counts *c = r->c;
	const char *whose = sp_walk_whose(r->walk);

	if (c->cut)
		say(r, "mtu-cut", false,
		    "%s%" PRIu64 " packet%s longer than the MTU allows: cut to it", whose,
		    c->cut, s(c->cut));
	if (c->partial)
		say(r, "not-whole", false,
		    "%s%" PRIu64 " packet%s not recorded whole (the first is packet %" PRIu64
		    "): %s",
		    whose, c->partial, s(c->partial), c->first_partial,
		    c->padded ? "filled up with zeros"
			      : "sent as far as there; --pktlen fills up with zeros");
	if (c->dressed)
		say(r, "dressed", true,
		    "%s%" PRIu64 " packet%s recorded without Ethernet header got one", whose,
		    c->dressed, s(c->dressed));
}

/* One line of what was put right. */
static void of_fix(const struct remarks *r, const struct sp_times_fix *f)
{
	const char *file = sp_walk_file(r->walk, f->file);
	double gap = (double)f->gap_ns / 1e9, left = (double)f->left_ns / 1e9;

	switch (f->rule) {
	case SP_TIMES_SHORTENED:
		say(r, "gap-shortened", true,
		    "%s: the pause of %.9g s before packet %" PRIu64
		    " was shortened to %.9g s of recorded time (--max-gap)",
		    file, gap, f->packet, left);
		break;
	case SP_TIMES_SET_ON:
		say(r, "clock-set", false,
		    "%s: packet %" PRIu64 " is %.9g s (%.3g days) after the one before it: the "
		    "clock was set; it left at once, and time went on from there",
		    file, f->packet, gap, gap / 86400);
		break;
	case SP_TIMES_SET_BACK:
		say(r, "clock-set", false,
		    "%s: packet %" PRIu64
		    " is %.9g s older than the latest before it: the clock "
		    "was set back; it left at once, and time went on from there",
		    file, f->packet, -gap);
		break;
	case SP_TIMES_REORDERED:
		say(r, "out-of-order", false,
		    "%s: packet %" PRIu64
		    " is %.9g s older than the latest before it, and left "
		    "with that one: recorded out of order",
		    file, f->packet, -gap);
		break;
	default:
		say(r, "untimed", false,
		    "%s: packet %" PRIu64 " has no time, and left with the one before it", file,
		    f->packet);
		break;
	}
}

static void of_times(const struct remarks *r)
{
	static const char *const what[SP_TIMES_RULES] = {
		[SP_TIMES_UNTIMED] = "have no time",
		[SP_TIMES_REORDERED] = "were recorded out of order",
		[SP_TIMES_SET_BACK] = "follow a clock that was set back",
		[SP_TIMES_SET_ON] = "follow a clock that was set on",
		[SP_TIMES_SHORTENED] = "follow a pause that was shortened",
	};
	const struct sp_times_odd *odd = &sp_walk_times(r->walk)->odd;

	for (uint32_t i = 0; i < odd->n_fix; i++)
		of_fix(r, &odd->fix[i]);
	for (int rule = 0; rule < SP_TIMES_RULES; rule++)
		if (what[rule] && odd->n[rule] > 1)
			say(r, "times", rule == SP_TIMES_SHORTENED,
			    "%" PRIu64 " packets in all %s", odd->n[rule], what[rule]);
	if (odd->cut_ns)
		say(r, "times", true, "%.9g s of recorded time were left out in all",
		    (double)odd->cut_ns / 1e9);
}

static void of_file(const struct sp_ahead *a, const struct remarks *r)
{
	struct sp_reader_waits w;

	sp_ahead_waited(a, &w);
	if (w.n)
		say(r, "file-slow", sp_walk_times(r->walk)->conf.by == SP_TIMES_AT_ONCE,
		    "the sender had to wait for the file %" PRIu64
		    " time%s, %.3f ms in all: --preload-pcap reads it before",
		    w.n, s(w.n), (double)w.ns / 1e6);
	if (!r->c->packets)
		say(r, "no-packets", false, "there is no packet in %s",
		    sp_walk_file(r->walk, 0));
}

void sp_remarks(const struct sp_ahead *a, const struct sp_source_report *to)
{
	const struct sp_walk *w = sp_ahead_walk(a);
	const struct remarks r = { to, w, sp_walk_counts(w) };

	of_unfit(&r, sp_ahead_unfit(a));
	of_changed(&r);
	of_times(&r);
	of_file(a, &r);
}
