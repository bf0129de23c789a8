#include "source/capture/sides.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "base/prefix.h"
#include "base/str.h"
#include "pkt/view.h"

#define WELL_KNOWN 1024u
#define SLOTS	   65536u /* conversations that are remembered */
#define SYN	   0x02u
#define ACK	   0x10u

enum rule { AUTO, CLIENT, SERVER, PORT, PREFIXES };

/* A conversation: its two ends are ordered, low first. */
struct talk {
	uint64_t key; /* 0: none */
	bool low_asks;
};

struct sp_sides {
	const struct sp_mem *mem;
	enum rule rule;
	struct sp_prefixes servers;
	struct talk *talk; /* [SLOTS] */
};

static int parse(const char *text, enum rule *rule, struct sp_prefixes *servers)
{
	static const char *const words[] = { "auto", "client", "server", "port" };
	char one[80];

	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (strcmp(text, words[i]) == 0) {
			*rule = (enum rule)i;
			return 0;
		}
	*rule = PREFIXES;
	while (*text) {
		size_t n = strcspn(text, ",");

		if (!n || n >= sizeof one)
			return -EINVAL;
		memcpy(one, text, n);
		one[n] = '\0';
		if (sp_prefixes_add(servers, one))
			return -EINVAL;
		text += n + (text[n] == ',');
	}
	return servers->n ? 0 : -EINVAL;
}

int sp_sides_check(const char *text, struct sp_err *err)
{
	struct sp_prefixes servers = { 0 };
	enum rule rule;
	char shown[80];

	if (!parse(text, &rule, &servers))
		return 0;
	return sp_fail(err, -EINVAL, SP_EXIT_USAGE,
		       "'%s' says not how to split: it is auto, client, server, port, or the "
		       "servers' addresses (10.1.0.0/16,192.0.2.7; at most %u)",
		       sp_str_printable(shown, sizeof shown, text), SP_PREFIXES);
}

struct sp_sides *sp_sides_new(const char *rule, const struct sp_mem *mem)
{
	struct sp_sides *s = sp_alloc(mem, sizeof *s);

	if (!s)
		return NULL;
	s->mem = mem;
	parse(rule, &s->rule, &s->servers);
	s->talk = sp_alloc_array(mem, SLOTS, sizeof *s->talk);
	if (s->talk)
		return s;
	sp_free(mem, s);
	return NULL;
}

void sp_sides_free(struct sp_sides *s)
{
	if (!s)
		return;
	sp_free(s->mem, s->talk);
	sp_free(s->mem, s);
}

void sp_sides_reset(struct sp_sides *s)
{
	memset(s->talk, 0, SLOTS * sizeof *s->talk);
}

/* 1: the source asks; -1: it is asked; 0: the frame does not say. */
static int told(const struct sp_view *v)
{
	if (v->proto == SP_PROTO_TCP && (v->tcp_flags & SYN))
		return v->tcp_flags & ACK ? -1 : 1;
	if (sp_view_echo_request(v))
		return 1;
	return sp_view_echo_reply(v) ? -1 : 0;
}

static int by_known(const struct sp_view *v)
{
	bool src = v->src.port && v->src.port < WELL_KNOWN;
	bool dst = v->dst.port && v->dst.port < WELL_KNOWN;

	return src == dst ? 0 : dst ? 1 : -1;
}

static int by_number(const struct sp_view *v)
{
	int known = by_known(v);

	if (known || v->src.port == v->dst.port)
		return known;
	return v->dst.port < v->src.port ? 1 : -1;
}

static struct talk *find(struct sp_sides *s, const struct sp_view *v, uint64_t *key, bool *low)
{
	uint64_t a = sp_endpoint_hash(&v->src), b = sp_endpoint_hash(&v->dst);

	*low = a < b;
	*key = ((*low ? a * 31 + b : b * 31 + a) + v->proto) * 0x9e3779b97f4a7c15ull | 1;
	return &s->talk[*key >> 48];
}

/* What no sign says: of rules with a word for it that, else by numbers, else who came first. */
static bool guess(const struct sp_sides *s, const struct sp_view *v)
{
	int by = s->rule == AUTO ? by_number(v) : by_known(v);

	return by ? by > 0 : s->rule != SERVER;
}

enum sp_side sp_sides_of(struct sp_sides *s, const uint8_t *frame, uint32_t len)
{
	struct sp_view v;
	struct talk *t;
	uint64_t key;
	bool low, asks;
	int sign;

	(void)sp_view(frame, len, false, SP_CSUM_UNKNOWN, &v);
	if (!v.src.addr.family)
		return SP_SIDE_CLIENT;
	if (s->rule == PREFIXES)
		return sp_prefixes_have(&s->servers, &v.src.addr) ? SP_SIDE_SERVER
								  : SP_SIDE_CLIENT;
	if (s->rule == PORT)
		return by_number(&v) < 0 ? SP_SIDE_SERVER : SP_SIDE_CLIENT;
	t = find(s, &v, &key, &low);
	sign = told(&v);
	asks = sign ? sign > 0 : t->key == key ? t->low_asks == low : guess(s, &v);
	*t = (struct talk){ .key = key, .low_asks = asks == low };
	return asks ? SP_SIDE_CLIENT : SP_SIDE_SERVER;
}
