/* A target as written becomes streams. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "engine/protocol.h"
#include "plugin/proto.h"
#include "scenario/shares.h"
#include "scenario/traffic.h"
#include "scenario/words_impl.h"

/* Keys that a URL may set after '?'. */
static const char *const keys[] = {
	"name",		 "rate",	"size",		 "duration",	   "count",
	"bytes",	 "start",	"departure",	 "payload",	   "stamp",
	"packet_size",	 "model",	"mode",		 "burst_count",	   "burst_interval",
	"burst_gap",	 "bursts",	"backoff_first", "backoff_factor", "backoff_cap",
	"backoff_reset", "ramp_from",	"ramp_to",	 "ramp_time",	   "ramp_up",
	"ramp_down",	 "steps",	"on_time",	 "off_time",	   "trace",
	"trace_times",	 "connections", "timeout",	 "streams"
};
#define N_KEYS	(sizeof keys / sizeof *keys)
#define K_NAME	0u
#define K_SIZE	2u
#define K_MULTI (N_KEYS - 1)

/* A target while its streams are made. */
struct making {
	struct sp_url url;
	char place[400];  /* opens sentences: the URL as written, or FILE:LINE */
	unsigned number;  /* from 1 */
	const char *word; /* protocol as written, or shares of several */
	struct sp_shares shares;
	const char *part; /* the protocol of this stream */
};

/* A query, taken apart; NULL: not given. */
struct query {
	const char *value[N_KEYS];
	char text[512]; /* the decoded values stand here */
};

static unsigned hex(char c)
{
	return c <= '9' ? (unsigned)(c - '0') : (unsigned)((c | 0x20) - 'a') + 10;
}

/* In place; sp_url_parse has made sure that two hex digits follow each '%'. False: a NUL. */
static bool decode(char *s)
{
	char *to = s;

	for (; *s; s++) {
		if (*s == '%') {
			unsigned c = hex(s[1]) << 4 | hex(s[2]);

			if (!c)
				return false;
			*to++ = (char)c;
			s += 2;
		} else {
			*to++ = *s;
		}
	}
	*to = '\0';
	return true;
}

static int read_pair(const struct sp_reader *r, const struct making *t, char *pair,
		     struct query *q)
{
	char *value = strchr(pair, '='), shown[80];
	const char *best;
	size_t k = 0;

	sp_str_printable(shown, sizeof shown, pair);
	if (!value || value == pair)
		return sp_fail(r->err, -EINVAL, SP_EXIT_USAGE,
			       "%s: after '?' key=value is expected, not '%s'", t->place,
			       shown);
	*value++ = '\0';
	if (!decode(pair) || !decode(value))
		return sp_fail(r->err, -EINVAL, SP_EXIT_USAGE,
			       "%s: %%00 stands for nothing that may be written here",
			       t->place);
	while (k < N_KEYS && strcmp(keys[k], pair) != 0)
		k++;
	if (k == N_KEYS) {
		best = sp_str_nearest(pair, keys, N_KEYS);
		sp_str_printable(shown, sizeof shown, pair);
		return sp_fail(r->err, -EINVAL, SP_EXIT_USAGE,
			       "%s: a target has no setting '%s'%s%s%s", t->place, shown,
			       best ? "; did you mean '" : "", best ? best : "",
			       best ? "'?" : "");
	}
	if (q->value[k])
		return sp_fail(r->err, -EINVAL, SP_EXIT_USAGE, "%s: '%s' is given twice",
			       t->place, keys[k]);
	q->value[k] = value;
	return 0;
}

static int read_query(const struct sp_reader *r, const struct making *t, struct query *q)
{
	char *at = q->text, *next;
	int rc = 0;

	memset(q->value, 0, sizeof q->value);
	sp_strlcpy(q->text, t->url.query, sizeof q->text);
	for (; at && *at && !rc; at = next) {
		next = strchr(at, '&');
		if (next)
			*next++ = '\0';
		rc = read_pair(r, t, at, q);
	}
	return rc;
}

/* Laws draw. */
static void note_drawn(struct sp_reader *r, const char *key, const char *value)
{
	if ((strcmp(key, "departure") == 0 && strcmp(value, "constant") != 0) ||
	    strcmp(key, "packet_size") == 0 || strcmp(key, "model") == 0 ||
	    sp_reader_draws(r, key, value))
		r->random = true;
}

static int set(struct sp_reader *r, const struct making *t, const char *key, const char *value)
{
	note_drawn(r, key, value);
	return sp_traffic_set(r->build, key, value, t->place, &r->scratch, r->err);
}

/* Is this key set, by the target or for all? Where. */
static const char *set_at(const struct sp_reader *r, const struct making *t,
			  const struct query *q, const char *key)
{
	for (size_t k = 0; k < N_KEYS; k++)
		if (q->value[k] && strcmp(keys[k], key) == 0)
			return t->place;
	for (unsigned i = 0; i < r->n_stream; i++)
		if (strcmp(r->stream[i].key, key) == 0)
			return r->stream[i].place;
	return NULL;
}

/* A model says when packets leave and how long they are; so nothing else does. */
static int check_model(const struct sp_reader *r, const struct making *t, const struct query *q)
{
	const char *model = set_at(r, t, q, "model"), *at;

	for (const char *const *row = sp_traffic_rows; model && *row; row++) {
		at = set_at(r, t, q, *row);
		if (at)
			return sp_fail(r->err, -EINVAL, SP_EXIT_USAGE,
				       "%s: a model has its own %s; leave %s out", model, *row,
				       strcmp(at, t->place) == 0 ? *row : at);
	}
	return 0;
}

/* What the flags say for all streams, as far as this target does not say otherwise. */
static int set_common(struct sp_reader *r, const struct making *t, const struct query *q)
{
	for (unsigned i = 0; i < r->n_stream; i++) {
		const struct sp_setting *s = &r->stream[i];
		size_t k = 0;
		int rc;

		while (k < N_KEYS && strcmp(keys[k], s->key) != 0)
			k++;
		if ((k < N_KEYS && q->value[k]) || strcmp(s->key, "protocol") == 0 ||
		    sp_reader_lacks(r, SP_PLAN_STREAM, t->part, s->given, s->key))
			continue;
		note_drawn(r, s->key, s->value);
		rc = sp_traffic_set(r->build, s->key, s->value, s->place, &r->scratch, r->err);
		if (rc)
			return rc;
	}
	return 0;
}

static int set_names(struct sp_reader *r, const struct making *t, const struct query *q,
		     uint64_t i, uint64_t n)
{
	char name[96], entry[24] = "send";
	int rc;

	if (q->value[K_NAME] && n > 1)
		snprintf(name, sizeof name, "%.70s-%llu", q->value[K_NAME],
			 (unsigned long long)i + 1);
	else if (q->value[K_NAME])
		sp_strlcpy(name, q->value[K_NAME], sizeof name);
	else
		snprintf(name, sizeof name, "s%u", r->n_streams);
	rc = set(r, t, "name", name);
	if (t->shares.n) {
		rc = set(r, t, "entry", name); /* the parts share a schedule, by this name */
		snprintf(entry, sizeof entry, "-%s", t->part);
		strncat(name, entry, sizeof name - strlen(name) - 1);
		return rc ? rc : set(r, t, "name", name);
	}
	/* Histograms are large: those of very many targets are one for the command. */
	if (r->n_targets <= SP_WORDS_ENTRIES)
		snprintf(entry, sizeof entry, "t%u", t->number);
	return rc ? rc : set(r, t, "entry", entry);
}

static int no_range(const struct sp_reader *r, const char *place)
{
	return sp_fail(r->err, -EINVAL, SP_EXIT_USAGE,
		       "%s: a range of ports is for recv; give each target its own URL", place);
}

/* What a word for frames sends, with the target's ports in it. */
static int set_packet(struct sp_reader *r, const struct making *t, const struct query *q)
{
	const struct sp_url *u = &t->url;
	bool own = !u->port && r->port;
	bool size_said = set_at(r, t, q, "size") || set_at(r, t, q, "packet_size") ||
			 set_at(r, t, q, "model");

	return sp_reader_preset(r, t->part, t->place, u->host, own ? r->port_first : u->port,
				own ? r->port_last : u->port_last, size_said);
}

static int set_address(struct sp_reader *r, const struct making *t, const struct query *q)
{
	const struct sp_url *u = &t->url;
	struct sp_protocol p;
	char port[8];
	int rc = *u->host ? set(r, t, "host", u->host) : 0;

	if (!rc && *u->path)
		rc = set(r, t, "path", u->path);
	if (rc || sp_reader_crafts(r, t->part))
		return rc ? rc : set_packet(r, t, q);
	if (!u->port && r->port && r->port_last != r->port_first)
		return no_range(r, r->port_spelling);
	if (!u->port && r->port) {
		r->port_used = true;
		return sp_plan_set(r->build, "port", r->port, r->port_spelling, r->err);
	}
	sp_protocol_find(r->catalog, t->part, SP_ROLE_CLIENT, &p);
	snprintf(port, sizeof port, "%u", (unsigned)(u->port ? u->port : p.port));
	return set(r, t, "port", port);
}

/* The port of the transport under a protocol, made when the first stream wants it. */
static int use_port(struct sp_reader *r, const struct making *t, char name[8])
{
	const char *transport = sp_reader_transport(r, t->part);
	unsigned i = 0;
	int rc;

	while (i < r->n_transports && strcmp(r->transports[i], transport) != 0)
		i++;
	snprintf(name, 8, "tx%u", i);
	if (i < r->n_transports)
		return 0;
	if (i == SP_WORDS_PORTS)
		return sp_fail(r->err, -ERANGE, SP_EXIT_USAGE,
			       "%s: more than %u transports in one command", t->place,
			       SP_WORDS_PORTS);
	r->transports[r->n_transports++] = transport;
	rc = sp_plan_add(r->build, SP_PLAN_PORT, NULL, r->err);
	if (!rc)
		rc = sp_plan_set(r->build, "name", name, NULL, r->err);
	return rc ? rc : sp_reader_set_port(r, t->part);
}

static int set_number(struct sp_reader *r, const struct making *t, const char *key, uint32_t n)
{
	char text[16];

	snprintf(text, sizeof text, "%u", n);
	return set(r, t, key, text);
}

/* share NULL: the whole schedule is this stream's. */
static int set_part(struct sp_reader *r, const struct making *t, const struct sp_share *share,
		    uint32_t at, const char *port)
{
	const struct sp_given *g = sp_reader_last(r, "stream.protocol");
	int rc = sp_plan_set(r->build, "protocol", t->part,
			     *t->url.scheme || !g ? t->place : g->spelling, r->err);

	if (!rc && strcmp(port, "tx0") != 0)
		rc = set(r, t, "from", port);
	if (rc || !share)
		return rc;
	rc = set_number(r, t, "deal_of", t->shares.of);
	if (!rc)
		rc = set_number(r, t, "deal_at", at);
	return rc ? rc : set_number(r, t, "deal_n", share->n);
}

static int add_part(struct sp_reader *r, const struct making *t, const struct query *q,
		    const struct sp_share *share, uint32_t at, uint64_t i, uint64_t n)
{
	char port[8];
	int rc = use_port(r, t, port);

	if (!rc && !r->spoken) {
		r->spoken = sp_arena_strdup(&r->scratch, t->part);
		rc = r->spoken ? 0 : sp_fail(r->err, -ENOMEM, SP_EXIT_FAILED, "out of memory");
	}
	if (!rc)
		rc = sp_plan_add(r->build, SP_PLAN_STREAM, t->place, r->err);
	if (!rc)
		rc = set_part(r, t, share, at, port);
	if (!rc)
		rc = check_model(r, t, q);
	if (!rc)
		rc = set_common(r, t, q);
	if (!rc)
		rc = set_names(r, t, q, i, n);
	if (!rc)
		rc = set_address(r, t, q);
	for (size_t k = K_NAME + 1; k < K_MULTI && !rc; k++)
		if (q->value[k])
			rc = set(r, t, keys[k], q->value[k]);
	return rc;
}

/* One stream, or several that share its departures. */
static int add_stream(struct sp_reader *r, struct making *t, const struct query *q, uint64_t i,
		      uint64_t n)
{
	uint32_t at = 0;
	int rc = 0;

	t->part = t->word;
	r->n_streams++;
	if (!t->shares.n)
		return add_part(r, t, q, NULL, 0, i, n);
	r->mixed = true;
	for (unsigned k = 0; k < t->shares.n && !rc; k++) {
		t->part = t->shares.part[k].word;
		rc = add_part(r, t, q, &t->shares.part[k], at, i, n);
		at += t->shares.part[k].n;
	}
	return rc;
}

static int check_url(const struct sp_reader *r, const struct making *t)
{
	if (!*t->url.host && !sp_reader_targetless(r))
		return sp_fail(r->err, -EINVAL, SP_EXIT_USAGE,
			       "%s: no host is given to send to", t->place);
	if (t->url.port_last != t->url.port && !sp_reader_crafts(r, t->word))
		return no_range(r, t->place);
	return 0;
}

static int count_streams(const struct sp_reader *r, const struct making *t,
			 const struct query *q, uint64_t *n)
{
	*n = r->streams;
	if (q->value[K_MULTI] && (sp_parse_u64(q->value[K_MULTI], n) || !*n))
		return sp_fail(r->err, -EINVAL, SP_EXIT_USAGE,
			       "%s: streams: '%s' is not a number of streams", t->place,
			       q->value[K_MULTI]);
	if (*n > SP_WORDS_STREAMS - r->n_streams)
		return sp_fail(r->err, -ERANGE, SP_EXIT_USAGE,
			       "%s: that is more than %u streams in all", t->place,
			       SP_WORDS_STREAMS);
	return 0;
}

static int read_target(struct sp_reader *r, const struct sp_target *from, struct making *t)
{
	int rc = from->text ? sp_url_parse(from->text, &t->url, r->err) : 0;

	if (!from->text)
		sp_strlcpy(t->place,
			   sp_reader_last(r, "stream.packet") ? "--packet" : "--protocol",
			   sizeof t->place);
	else if (from->file)
		snprintf(t->place, sizeof t->place, "%s:%u", from->file, from->line);
	else
		sp_str_printable(t->place, sizeof t->place, from->text);
	if (rc && from->file)
		sp_err_prefix(r->err, "%s", t->place);
	else if (rc && from->spelling)
		sp_err_prefix(r->err, "%s", from->spelling);
	else if (!rc && from->file && !*t->url.scheme)
		rc = sp_fail(r->err, -EINVAL, SP_EXIT_DATA,
			     "%s: a target is written udp://HOST:PORT", t->place);
	return rc;
}

int sp_reader_target(struct sp_reader *r, unsigned i)
{
	const struct sp_target *from = &r->targets[i];
	const struct sp_given *g = sp_reader_last(r, "stream.protocol");
	struct making t = { .number = i + 1 };
	struct query q;
	uint64_t n = 1;
	int rc = read_target(r, from, &t);

	t.word = *t.url.scheme			      ? t.url.scheme
		 : g				      ? g->value
		 : sp_reader_last(r, "stream.packet") ? "packet"
						      : "udp";
	if (!rc)
		rc = check_url(r, &t);
	if (!rc)
		rc = sp_shares_parse(t.word, *t.url.scheme || !g ? t.place : g->spelling,
				     &t.shares, r->err);
	if (!rc)
		rc = read_query(r, &t, &q);
	if (!rc)
		rc = count_streams(r, &t, &q, &n);
	for (uint64_t k = 0; k < n && !rc; k++)
		rc = add_stream(r, &t, &q, k, n);
	return rc;
}
