#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "engine/protocol.h"
#include "engine/reply_words.h"
#include "plugin/proto.h"
#include "scenario/shares.h"
#include "scenario/words_impl.h"

struct listener {
	const char *word;	   /* protocol; NULL: as the scheme or --protocol says */
	const char *scheme, *host; /* "": the default */
	uint16_t first, last;	   /* 0: as the protocol says, or --bind */
	bool bound;		   /* --bind says */
	const char *place;
	const char *frame_word; /* of frames: the protocol and the numbers as written */
	uint16_t frame_first, frame_last;
};

static int set(struct sp_reader *r, const struct listener *l, const char *key,
	       const char *value)
{
	return sp_plan_set(r->build, key, value, l->place, r->err);
}

static int add_port(struct sp_reader *r, const struct listener *l, const char *name)
{
	const struct sp_given *bind = sp_reader_last(r, "port.bind");
	char host[300], first[8], last[8];
	struct sp_protocol p;
	int rc = sp_plan_add(r->build, SP_PLAN_PORT, l->place, r->err);

	if (!rc)
		rc = set(r, l, "name", name);
	if (!rc)
		rc = sp_reader_set_port(r, l->word);
	if (!rc && *l->host && bind)
		return sp_fail(r->err, -EINVAL, SP_EXIT_USAGE,
			       "%s: it names an address, and %s another one", l->place,
			       bind->spelling);
	snprintf(host, sizeof host, strchr(l->host, ':') ? "[%s]" : "%s", l->host);
	snprintf(first, sizeof first, "%u", (unsigned)l->first);
	snprintf(last, sizeof last, "%u", (unsigned)l->last);
	if (!l->first && !l->bound && !r->frames) {
		sp_protocol_find(r->catalog, l->word, SP_ROLE_SERVER, &p);
		snprintf(first, sizeof first, "%u", (unsigned)p.port);
		snprintf(last, sizeof last, "%u", (unsigned)p.port);
	}
	if (!rc && *l->host)
		rc = set(r, l, "bind", host);
	if (!rc)
		rc = set(r, l, "port", first);
	return rc ? rc : set(r, l, "port_last", last);
}

/* What of the frames on an interface a protocol is, where no filter says so: what its port
 * number says of UDP is the port's own. */
static int set_default_filter(struct sp_reader *r, const struct listener *l)
{
	const char *word = l->frame_word;
	char text[64], number[24] = "";

	if (sp_reader_last(r, "recv.filter") || strcmp(word, "udp") == 0)
		return 0;
	if (l->frame_last != l->frame_first)
		snprintf(number, sizeof number, " portrange %u-%u", (unsigned)l->frame_first,
			 (unsigned)l->frame_last);
	else if (l->frame_first)
		snprintf(number, sizeof number, " port %u", (unsigned)l->frame_first);
	if (strcmp(word, "icmp") == 0)
		snprintf(text, sizeof text, "icmp or icmp6");
	else
		snprintf(text, sizeof text, "%s%s", word, number);
	return set(r, l, "filter", text);
}

static int add_one(struct sp_reader *r, const struct listener *l)
{
	const struct sp_given *g = sp_reader_last(r, "recv.protocol");
	char name[24];
	int rc;

	snprintf(name, sizeof name, "rx%u", r->n_listeners++);
	rc = add_port(r, l, name);
	if (!rc)
		rc = sp_plan_add(r->build, SP_PLAN_RECV, l->place, r->err);
	if (!rc)
		rc = set(r, l, "name", name);
	if (!rc)
		rc = set(r, l, "from", name);
	if (!rc)
		rc = sp_plan_set(r->build, "protocol", l->word,
				 *l->scheme || !g ? l->place : g->spelling, r->err);
	for (unsigned i = 0; i < r->n_given && !rc; i++) {
		struct sp_given *own = &r->given[i];
		const char *key = own->flag ? own->flag->key : "";

		if (strncmp(key, "recv.", 5) == 0 && strcmp(key + 5, "protocol") != 0 &&
		    sp_reader_last(r, key) == own &&
		    !sp_reader_lacks(r, SP_PLAN_RECV, l->word, own, key + 5))
			rc = sp_plan_set(r->build, key + 5, own->value, own->spelling, r->err);
	}
	return rc || !r->frames ? rc : set_default_filter(r, l);
}

static bool is_frame_word(const char *word)
{
	static const char *const words[] = { "udp", "tcp", "icmp", "sctp" };

	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (strcmp(words[i], word) == 0)
			return true;
	return false;
}

/* Frames are of any protocol: a word only says which are meant. */
static int add_frames(struct sp_reader *r, const struct listener *l)
{
	struct listener one = *l;

	if (!is_frame_word(l->word))
		return sp_fail(
			r->err, -EINVAL, SP_EXIT_USAGE,
			"%s: of frames the protocol is udp, tcp, icmp or sctp, or --filter "
			"says which count",
			l->place);
	one.frame_word = l->word;
	one.frame_first = l->first;
	one.frame_last = l->last;
	one.word = "udp";
	if (strcmp(l->word, "udp") != 0)
		one.first = one.last = 0;
	return add_one(r, &one);
}

/* One receiver, or of mixed protocols several on the same number. */
static int add(struct sp_reader *r, const struct listener *l)
{
	const struct sp_given *g = sp_reader_last(r, "recv.protocol");
	struct listener one = *l;
	struct sp_shares shares;
	int rc;

	one.word = *l->scheme ? l->scheme : g ? g->value : "udp";
	rc = sp_shares_parse(one.word, *l->scheme || !g ? l->place : g->spelling, &shares,
			     r->err);
	if (rc || !shares.n)
		return rc ? rc : r->frames ? add_frames(r, &one) : add_one(r, &one);
	r->mixed = true;
	for (unsigned i = 0; i < shares.n && !rc; i++) {
		one.word = shares.part[i].word;
		rc = add_one(r, &one);
	}
	return rc;
}

static int read_url(struct sp_reader *r, const char *text)
{
	struct sp_url u;
	struct listener l = { .scheme = u.scheme, .host = u.host, .place = text };
	char shown[100];
	int rc;

	if (!strstr(text, "://")) {
		sp_str_printable(shown, sizeof shown, text);
		return sp_fail(r->err, -EINVAL, SP_EXIT_USAGE,
			       "%s: neither an option nor a URL; where to listen is written "
			       "udp://:PORT or -p PORT",
			       shown);
	}
	rc = sp_url_parse(text, &u, r->err);
	if (!rc && *u.path)
		rc = sp_fail(r->err, -EINVAL, SP_EXIT_USAGE,
			     "%s: a listener has no path; it answers all of them", text);
	if (!rc && *u.query)
		rc = sp_fail(r->err, -EINVAL, SP_EXIT_USAGE,
			     "%s: a listener takes no settings after '?'", text);
	l.first = u.port;
	l.last = u.port_last;
	return rc ? rc : add(r, &l);
}

static int read_given(struct sp_reader *r, const struct sp_given *g)
{
	struct listener l = { .scheme = "", .host = "", .place = g->spelling };
	int rc;

	if (!g->flag)
		return read_url(r, g->value);
	rc = sp_ports_parse(g->value, g->spelling, &l.first, &l.last, r->err);
	return rc ? rc : add(r, &l);
}

/* Nothing is said, or only --bind: that may hold a port number. */
static int add_default(struct sp_reader *r)
{
	const struct sp_given *bind = sp_reader_last(r, "port.bind");
	struct listener l = { .scheme = "", .host = "", .place = "recv" };
	struct sp_url u = { 0 };
	int rc = 0;

	if (bind) {
		l.place = bind->spelling;
		rc = sp_url_parse(bind->value, &u, r->err);
		if (rc)
			sp_err_prefix(r->err, "%s", bind->spelling);
	}
	l.bound = u.port != 0;
	return rc ? rc : add(r, &l);
}

/* A socket where one is named, by a URL, a number, an address or a protocol; frames where only an
 * interface is, and where something is asked that only frames have. */
static bool wants_frames(const struct sp_reader *r)
{
	static const char *const frames[] = { "recv.filter", "recv.checksum", "recv.count_as",
					      "recv.listener" };
	static const char *const sockets[] = { "listen", "port.bind", "recv.protocol",
					       "setting.rcvbuf" };
	const struct sp_given *transport = sp_reader_last(r, "transport");

	if (transport)
		return strcmp(transport->value, "packet") == 0 ||
		       strcmp(transport->value, "xdp") == 0 ||
		       strcmp(transport->value, "auto") == 0;
	for (size_t i = 0; i < sizeof frames / sizeof *frames; i++)
		if (sp_reader_last(r, frames[i]))
			return true;
	for (size_t i = 0; i < sizeof sockets / sizeof *sockets; i++)
		if (sp_reader_last(r, sockets[i]))
			return false;
	for (unsigned i = 0; i < r->n_given; i++)
		if (!r->given[i].flag)
			return false;
	return sp_reader_last(r, "port.interface") != NULL;
}

/* Machines of frames say so, where nobody names another transport. */
static int find_frames(struct sp_reader *r)
{
	const struct sp_given *g = sp_reader_last(r, "recv.reply");
	struct sp_reply_words words;
	int rc;

	r->frames = wants_frames(r);
	if (!g || r->frames || sp_reader_last(r, "transport"))
		return 0;
	rc = sp_reply_words(g->value, r->catalog, g->spelling, &r->scratch, &words, r->err);
	r->frames = !rc && sp_reply_needs_frames(&words);
	return rc;
}

int sp_reader_recv(struct sp_reader *r)
{
	int rc = find_frames(r);

	for (unsigned i = 0; i < r->n_given && !rc; i++) {
		const struct sp_given *g = &r->given[i];

		if (!g->flag || strcmp(g->flag->key, "listen") == 0)
			rc = read_given(r, g);
	}
	if (!rc && !r->n_listeners)
		rc = add_default(r);
	return rc ? rc : sp_reader_all_taken(r, SP_PLAN_RECV, "recv.");
}
