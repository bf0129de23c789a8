/* BMP as a codec. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "proto/bmp/message.h"

#define PEER_STATE_NS UINT64_C(5000000000)

static bool guess(const uint8_t *p, size_t len)
{
	return len >= SP_BMP_HEAD && sp_bmp_boundary(p, len) >= 0 && p[5] <= SP_BMP_MIRROR;
}

static void *open_state(const struct sp_mem *mem)
{
	struct sp_bmp *s = sp_alloc(mem, sizeof *s);

	if (s)
		s->mem = mem;
	return s;
}

static void close_state(void *st)
{
	struct sp_bmp *s = st;

	if (!s)
		return;
	sp_free(s->mem, s->peer);
	sp_free(s->mem, s);
}

static void keep_text(char *dst, size_t cap, const struct sp_bmp_tlv *t)
{
	size_t n = t->len < cap ? t->len : cap - 1;

	memcpy(dst, t->p, n);
	dst[n] = '\0';
}

static void read_initiation(struct sp_bmp *s, const uint8_t *p, size_t len)
{
	struct sp_rd r = sp_rd_of(p + SP_BMP_HEAD, len - SP_BMP_HEAD);
	struct sp_bmp_tlv t;

	s->version = p[0];
	while (sp_bmp_tlv(&r, &t)) {
		if (t.type == SP_BMP_SYS_DESCR) {
			keep_text(s->descr, sizeof s->descr, &t);
			s->has_descr = true;
		} else if (t.type == SP_BMP_SYS_NAME) {
			keep_text(s->name, sizeof s->name, &t);
			s->has_name = true;
		}
	}
}

static struct sp_bmp_peer *find_peer(struct sp_bmp *s, uint32_t id)
{
	for (uint32_t i = 0; i < s->n_peers; i++)
		if (s->peer[i].id == id)
			return &s->peer[i];
	return NULL;
}

static bool more_peers(struct sp_bmp *s)
{
	struct sp_bmp_peer *more = s->peer_cap == SP_BMP_PEERS
					   ? NULL
					   : sp_alloc_more(s->mem, s->peer, &s->peer_cap, 4,
							   s->peer_cap + 1, SP_BMP_PEERS,
							   sizeof *more);

	if (!more)
		return false;
	sp_free(s->mem, s->peer);
	s->peer = more;
	return true;
}

static struct sp_bmp_peer *make_peer(struct sp_bmp *s, uint32_t id)
{
	struct sp_bmp_peer *p = find_peer(s, id);

	if (p)
		return p;
	if (s->n_peers == s->peer_cap && !more_peers(s)) {
		s->more++;
		return NULL;
	}
	s->peer[s->n_peers].id = id;
	return &s->peer[s->n_peers++];
}

/* The router's OPEN and the peer's, which is the second one. */
static void read_opens(struct sp_bmp_peer *peer, const uint8_t *p, size_t len)
{
	struct sp_rd r = sp_rd_of(p, len);
	struct sp_bgp_open open;

	sp_rd_take(&r, SP_BMP_AT_OPENS);
	peer->up = true;
	while (!r.bad) {
		ptrdiff_t n = sp_bgp_boundary(r.p, sp_rd_left(&r));

		if (n <= 0)
			return;
		sp_bgp_open_read(r.p, (size_t)n, &open);
		peer->bgp_version = open.version;
		peer->paths |= open.paths;
		sp_rd_take(&r, (size_t)n);
	}
}

/* Those of a peer whose OPENs were not seen may have identifiers, too. */
static bool has_paths(struct sp_bmp *s, const uint8_t *p, size_t len)
{
	const struct sp_bmp_peer *peer;

	if (len < SP_BMP_BODY)
		return true;
	peer = find_peer(s, sp_get_be32(p + SP_BMP_AT_PEER_ID));
	return !peer || !peer->up || peer->paths;
}

static void read_peer(struct sp_bmp *s, const uint8_t *p, size_t len,
		      struct sp_codec_note *note)
{
	struct sp_bmp_peer *peer = make_peer(s, sp_get_be32(p + SP_BMP_AT_PEER_ID));

	if (peer)
		peer->as = sp_get_be32(p + SP_BMP_AT_PEER_AS);
	switch (note->type) {
	case SP_BMP_ROUTES:
		if (peer)
			peer->routes++;
		break;
	case SP_BMP_STATS:
		if (peer)
			peer->stats++;
		break;
	/* A collector must have dealt with what came before a peer goes, and with its going
	 * before it comes again. */
	case SP_BMP_PEER_DOWN:
		note->flags |= SP_CM_DEFINES;
		note->before_ns = PEER_STATE_NS;
		s->downs++;
		break;
	/* What is said of a peer needs it, and whether it is still there. */
	case SP_BMP_PEER_UP:
		note->flags |= SP_CM_DEFINES;
		if (peer)
			read_opens(peer, p, len);
		if (s->downs) {
			s->downs--;
			note->before_ns = PEER_STATE_NS;
		}
		break;
	default:
		break;
	}
}

static void read_message(void *st, const uint8_t *p, size_t len, struct sp_codec_note *note)
{
	struct sp_bmp *s = st;

	*note = (struct sp_codec_note){ .units = 1 };
	note->reason = sp_bmp_check(p, len, has_paths(s, p, len));
	if (note->reason)
		note->flags |= SP_CM_ODD;
	if (len < SP_BMP_HEAD)
		return;
	note->type = p[5];
	if (note->type == SP_BMP_INITIATION) {
		note->flags |= SP_CM_BEGINS;
		read_initiation(s, p, len);
	} else if (note->type == SP_BMP_TERMINATION) {
		note->flags |= SP_CM_ENDS;
	} else if (sp_bmp_of_peer(p[5]) && len >= SP_BMP_BODY) {
		read_peer(s, p, len, note);
	}
}

static int field(const uint8_t *p, size_t len, const char *name, uint64_t *value)
{
	if (len < SP_BMP_HEAD)
		return -ENOENT;
	if (!strcmp(name, "version"))
		*value = p[0];
	else if (!strcmp(name, "len"))
		*value = sp_get_be32(p + 1);
	else if (!strcmp(name, "type"))
		*value = p[5];
	else
		return -ENOENT;
	return 0;
}

static void describe_peer(const struct sp_bmp_peer *p, struct sp_json *j)
{
	char id[16];

	snprintf(id, sizeof id, "%u.%u.%u.%u", p->id >> 24, p->id >> 16 & 255, p->id >> 8 & 255,
		 p->id & 255);
	sp_json_open(j, id, '{');
	sp_json_u64(j, "as_number", p->as);
	if (p->bgp_version)
		sp_json_u64(j, "bgp_version", p->bgp_version);
	else
		sp_json_null(j, "bgp_version");
	sp_json_u64(j, "route_monitoring_counter", p->routes);
	sp_json_u64(j, "stats_counter", p->stats);
	sp_json_close(j, '}');
}

void sp_bmp_describe(const void *st, struct sp_json *j)
{
	const struct sp_bmp *s = st;

	if (s->version)
		sp_json_u64(j, "bmp_version", s->version);
	if (s->has_descr)
		sp_json_str(j, "sysDescr", s->descr);
	if (s->has_name)
		sp_json_str(j, "sysName", s->name);
	sp_json_open(j, "BGP_Peers", '{');
	for (uint32_t i = 0; i < s->n_peers; i++)
		describe_peer(&s->peer[i], j);
	sp_json_close(j, '}');
	if (s->more)
		sp_json_u64(j, "messages_of_more_peers", s->more);
}

static const char *const field_names[] = { "version", "len", "type", NULL };

const struct sp_codec_ops sp_codec_bmp = {
	.name = "bmp",
	.summary = "BGP monitoring protocol",
	.abi = SP_PLUGIN_ABI,
	.over = SP_CODEC_TCP,
	.port = { 1790 },
	.section = "bmp",
	.header = "bmp_h",
	.title = "BMP Information",
	.boundary = sp_bmp_boundary,
	.guess = guess,
	.open = open_state,
	.close = close_state,
	.read = read_message,
	.field = field,
	.fields = field_names,
	.rewrite = sp_bmp_rewrite,
	.describe = sp_bmp_describe,
};
