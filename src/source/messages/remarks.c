/* What there is to say at the end. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "source/messages/impl.h"
#include "source/messages/told.h"

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
	sp_msg_tell_holes(n.holes, n.broken, s->own->name, r);
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
	const struct msg_senders *all = &s->store.senders;
	char text[300], local[64], src[64];

	for (uint32_t i = 0; i < s->who.sessions && i < NAMED; i++) {
		const struct sp_addr at = sp_msg_exporters_local(&s->who, i);
		const struct msg_session *ss =
			&all->sessions[sp_msg_exporters_recorded(&s->who, i)];

		snprintf(text, sizeof text,
			 "session %" PRIu32 " (%s): %s from %s: %" PRIu64 " units, %" PRIu64
			 " bytes were due",
			 i, s->own->name,
			 sp_addr_format(src, sizeof src, &all->sources[ss->source].addr),
			 at.family ? sp_addr_format(local, sizeof local, &at) : "any address",
			 s->account.session[i].asked, s->account.session[i].asked_bytes);
		r->say(r->arg, "session", true, text);
	}
	snprintf(text, sizeof text, "%" PRIu32 " sessions more (%s)", s->who.sessions - NAMED,
		 s->own->name);
	if (s->who.sessions > NAMED)
		r->say(r->arg, "session", true, text);
}

static void tell_waits(const struct sp_source *s, const struct sp_source_report *r)
{
	struct sp_reader_waits w;
	char text[200];

	sp_msg_feed_waited(s->feed, &w);
	snprintf(text, sizeof text,
		 "%s: the sender had to wait for the file %" PRIu64
		 " time%s, %.3f ms in all: preload: true reads it before",
		 s->own->name, w.n, w.n == 1 ? "" : "s", (double)w.ns / 1e6);
	if (w.n)
		r->say(r->arg, "file-slow", false, text);
}

int sp_msg_report(struct sp_source *s, struct sp_source_report *r, struct sp_err *err)
{
	int rc = sp_msg_feed_stop(s->feed, err);

	r->nothing = !s->store.n;
	tell_counts(s, r);
	sp_msg_tell_strangers(&s->store.strangers, s->plays, s->own->name, r);
	tell_waits(s, r);
	tell_sessions(s, r);
	r->first_due_ns = s->first_due_ns;
	r->last_due_ns = s->last_due_ns;
	if (!rc && s->play.failed)
		rc = sp_fail(err, -ENOMEM, SP_EXIT_FAILED,
			     "%s: out of memory: not all was sent", s->own->name);
	if (!rc && s->store.damage.code) {
		rc = s->store.damage.code;
		if (err)
			*err = s->store.damage;
	}
	return rc;
}
