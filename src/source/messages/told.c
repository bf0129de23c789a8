#include "source/messages/told.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/str.h"

#define NAMED 8u

static const char *s(uint64_t n)
{
	return n == 1 ? "" : "s";
}

void sp_msg_tell_strangers(const struct msg_strangers *x, const uint32_t *plays,
			   const char *section, const struct sp_source_report *r)
{
	uint64_t packets = 0, named_packets = 0, senders = x->more, rest;
	char names[NAMED * 72] = "", text[NAMED * 72 + 200], more[80] = "", one[64];
	size_t at = 0;
	unsigned named = 0;

	for (uint32_t i = 0; i < x->n; i++) {
		const struct msg_stranger *m = &x->named[i];
		uint64_t n = sp_msg_stranger_packets(m, plays);

		if (m->collector || !n)
			continue;
		senders++;
		packets += n;
		if (named == NAMED)
			continue;
		named_packets += n;
		at += (size_t)snprintf(names + at, sizeof names - at, "%s%s (%" PRIu64 ")",
				       named++ ? ", " : "",
				       sp_addr_format(one, sizeof one, &m->addr), n);
	}
	packets += sp_msg_stranger_packets(&x->rest, plays);
	if (!packets)
		return;
	rest = senders - named;
	if (rest)
		snprintf(more, sizeof more, ", and %s%" PRIu64 " sender%s more (%" PRIu64 ")",
			 x->n + x->more == MSG_STRANGERS_MOST ? "at least " : "", rest, s(rest),
			 packets - named_packets);
	snprintf(text, sizeof text,
		 "%s: %" PRIu64 " packet%s of %" PRIu64
		 " sender%s that %s not in network.map %s not played: %s%s",
		 section, packets, s(packets), senders, s(senders), senders == 1 ? "is" : "are",
		 packets == 1 ? "was" : "were", names, more);
	r->say(r->arg, "not-in-map", false, text);
}

void sp_msg_tell_holes(uint64_t missing, uint64_t broken, const char *section,
		       const struct sp_source_report *r)
{
	char text[300];

	snprintf(text, sizeof text,
		 "%s: %" PRIu64 " octet%s of streams %s missing in the capture", section,
		 missing, s(missing), missing == 1 ? "is" : "are");
	if (missing)
		r->say(r->arg, "holes", false, text);
	snprintf(text, sizeof text,
		 "%s: %" PRIu64 " octet%s of streams %s no whole message and %s left out",
		 section, broken, s(broken), broken == 1 ? "is" : "are",
		 broken == 1 ? "was" : "were");
	if (broken)
		r->say(r->arg, "broken", false, text);
}
