#include "engine/protocol.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"

#define WORDS 32u
#define LEN   40u

/* A client's units that only this source makes: the protocol's datagrams, recorded ones. */
static const struct sp_source_ops *own_source(const struct sp_catalog *c, const char *word,
					      int role)
{
	const struct sp_source_ops *s = role == SP_ROLE_CLIENT ? sp_catalog_source(c, word)
							       : NULL;

	return s && (s->port || s->schedule) ? s : NULL;
}

static const char *const frame_words[] = {
	"packet", "icmp", "icmp6", "arp", "eth", "syn", NULL
};

static bool is_frame_word(const char *word, int role)
{
	for (const char *const *w = frame_words; *w && role == SP_ROLE_CLIENT; w++)
		if (strcmp(*w, word) == 0)
			return true;
	return false;
}

static bool usable(const struct sp_proto_ops *p, int role)
{
	return p && p->roles & 1u << role && p->init;
}

static void settings_of(const struct sp_proto_ops *p, struct sp_protocol *out)
{
	out->opts = p->opts;
	out->conf_size = p->conf_size;
	out->check = p->check;
}

int sp_protocol_find(const struct sp_catalog *c, const char *word, int role,
		     struct sp_protocol *out)
{
	const struct sp_wrap_ops *tls = sp_catalog_wrap(c, "tls");
	size_t len = strlen(word);
	char base[LEN];

	*out = (struct sp_protocol){ .transport = strcmp(word, "udp") == 0 ? "udp" : "tcp",
				     .port = SP_PROTOCOL_PORT };
	if (strcmp(word, "udp") == 0 || strcmp(word, "tcp") == 0)
		return 0;
	out->source = own_source(c, word, role);
	if (out->source) {
		out->recorded = out->source->schedule != NULL;
		out->transport = out->source->makes & SP_T_DATAGRAM ? "udp" : "packet";
		out->port = out->source->port ? out->source->port : SP_PROTOCOL_PORT;
		out->opts = out->source->opts;
		out->conf_size = out->source->conf_size;
		out->check = out->source->check;
		return 0;
	}
	out->frames = is_frame_word(word, role);
	if (out->frames) {
		out->transport = "packet";
		return 0;
	}
	out->proto = sp_catalog_proto(c, word);
	if (usable(out->proto, role)) {
		out->port = out->proto->port ? out->proto->port : SP_PROTOCOL_PORT;
		settings_of(out->proto, out);
		return 0;
	}
	if (!tls || len < 2 || len >= sizeof base || word[len - 1] != 's')
		return -ENOENT;
	sp_strlcpy(base, word, len);
	out->proto = sp_catalog_proto(c, base);
	out->wrap = tls;
	if (!usable(out->proto, role))
		return -ENOENT;
	out->port = out->proto->wrapped_port ? out->proto->wrapped_port : SP_PROTOCOL_PORT;
	settings_of(out->proto, out);
	return 0;
}

const char *sp_protocol_unit(const struct sp_source_ops *s)
{
	return s->asks ? s->asks->unit : "message";
}

bool sp_protocol_has(const struct sp_protocol *p, const char *key)
{
	const struct sp_opt *under = p->wrap ? p->wrap->opts : NULL;

	return (p->opts && sp_opt_find(p->opts, key)) || (under && sp_opt_find(under, key));
}

/* Every word that works, in order. */
static size_t list_words(const struct sp_catalog *c, int role, char words[WORDS][LEN])
{
	size_t n = 0;

	sp_strlcpy(words[n++], "udp", LEN);
	sp_strlcpy(words[n++], "tcp", LEN);
	for (const struct sp_source_ops *const *s = c->source; *s && n < WORDS; s++)
		if (own_source(c, (*s)->name, role))
			sp_strlcpy(words[n++], (*s)->name, LEN);
	for (const struct sp_proto_ops *const *p = c->proto; *p && n + 2 <= WORDS; p++) {
		if (!usable(*p, role))
			continue;
		sp_strlcpy(words[n++], (*p)->name, LEN);
		if (sp_catalog_wrap(c, "tls"))
			snprintf(words[n++], LEN, "%.32ss", (*p)->name);
	}
	for (const char *const *w = frame_words; *w && role == SP_ROLE_CLIENT && n < WORDS; w++)
		sp_strlcpy(words[n++], *w, LEN);
	return n;
}

int sp_protocol_need(const struct sp_catalog *c, const char *word, int role, const char *place,
		     struct sp_protocol *out, struct sp_err *err)
{
	char words[WORDS][LEN], list[WORDS * LEN] = "", shown[80];
	const char *at[WORDS], *best;
	size_t n, len = 0;

	if (sp_protocol_find(c, word, role, out) == 0)
		return 0;
	n = list_words(c, role, words);
	for (size_t i = 0; i < n; i++) {
		at[i] = words[i];
		len += (size_t)snprintf(list + len, sizeof list - len, "%s%s", i ? ", " : "",
					words[i]);
	}
	best = sp_str_nearest(word, at, n);
	sp_str_printable(shown, sizeof shown, word);
	return sp_fail(err, -EINVAL, SP_EXIT_USAGE,
		       "%s: protocol '%s' is not supported; works: %s%s%s%s", place, shown,
		       list, best ? "; did you mean '" : "", best ? best : "",
		       best ? "'?" : "");
}

bool sp_protocol_has_truth(const struct sp_catalog *c, const char *word)
{
	struct sp_protocol p;

	return sp_protocol_find(c, word, SP_ROLE_CLIENT, &p) == 0 &&
	       ((p.source && p.source->truth) || (p.proto && p.proto->truth));
}
