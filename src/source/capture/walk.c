#include "source/capture/walk.h"

#include <errno.h>
#include <string.h>

#include "base/endian.h"
#include "base/str.h"
#include "capio/link_type.h"
#include "source/capture/cache.h"

#define SLL_LEN	   16u
#define SLL2_LEN   20u
#define FAMILY_LEN 4u
#define TYPE_IP4   0x0800u
#define TYPE_IP6   0x86ddu
#define TYPE_LEAST 0x0600u
#define TAG_LEN	   4u
#define TAGS_MOST  4u

struct sp_walk {
	const struct sp_mem *mem;
	struct sp_walk_conf conf;
	struct sp_times times;
	struct sp_walk_counts counts;
	struct sp_sides *sides;
	struct sp_cache_file *cache;
	char *names; /* all of them, each ended by a zero */
	const char **name;
	struct sp_cap **cap;
	uint32_t n, at;
	uint64_t taken; /* of both sides */
	bool again;	/* not the first pass: what is odd was counted */
};

static int no_memory(struct sp_err *err)
{
	return sp_fail(err, -ENOMEM, SP_EXIT_FAILED, "capture: out of memory");
}

static int split_names(struct sp_walk *w, struct sp_err *err)
{
	size_t len = strlen(w->conf.files), n = 1;
	char *p;

	for (const char *c = w->conf.files; *c; c++)
		n += *c == '\n';
	w->names = sp_alloc_array(w->mem, len + 1, 1);
	w->name = sp_alloc_array(w->mem, n, sizeof *w->name);
	w->cap = sp_alloc_array(w->mem, n, sizeof *w->cap);
	if (!w->names || !w->name || !w->cap)
		return no_memory(err);
	memcpy(w->names, w->conf.files, len + 1);
	for (p = w->names; *p;) {
		char *end = p + strcspn(p, "\n");

		w->name[w->n++] = p;
		p = *end ? end + 1 : end;
		*end = '\0';
	}
	return 0;
}

int sp_walk_new(struct sp_walk **out, const struct sp_walk_conf *conf, const struct sp_mem *mem,
		struct sp_err *err)
{
	struct sp_walk *w = sp_alloc(mem, sizeof *w);
	int rc;

	*out = NULL;
	if (!w)
		return no_memory(err);
	w->mem = mem;
	w->conf = *conf;
	sp_times_init(&w->times, &conf->times);
	rc = split_names(w, err);
	if (!rc && conf->split) {
		w->sides = sp_sides_new(conf->split, mem);
		rc = w->sides ? 0 : no_memory(err);
	}
	if (!rc && conf->cache)
		rc = sp_cache_open(&w->cache, conf->cache, mem, err);
	for (uint32_t i = 0; i < w->n && !rc; i++)
		rc = sp_cap_open(&w->cap[i], w->name[i], mem, err);
	if (rc)
		sp_walk_free(w);
	else
		*out = w;
	return rc;
}

void sp_walk_free(struct sp_walk *w)
{
	if (!w)
		return;
	for (uint32_t i = 0; w->cap && i < w->n; i++)
		sp_cap_close(w->cap[i]);
	sp_sides_free(w->sides);
	sp_cache_close(w->cache);
	sp_free(w->mem, w->cap);
	sp_free(w->mem, w->name);
	sp_free(w->mem, w->names);
	sp_free(w->mem, w);
}

int sp_walk_rewind(struct sp_walk *w, struct sp_err *err)
{
	int rc = 0;

	for (uint32_t i = 0; i < w->n && !rc; i++)
		rc = sp_cap_rewind(w->cap[i], err);
	w->at = 0;
	w->again = true;
	sp_times_file(&w->times);
	if (w->sides)
		sp_sides_reset(w->sides);
	return rc;
}

/* ---- a packet becomes a frame ---- */

static uint16_t ip_type(const uint8_t *p, uint32_t len)
{
	unsigned version = len ? p[0] >> 4 : 0;

	return version == 4 ? TYPE_IP4 : version == 6 ? TYPE_IP6 : 0;
}

/* Octets in front of what is behind the link, and its EtherType; 0: there is none. -1: it is a link
 * whose packets are no frames for an Ethernet. */
static int below(const struct sp_cap_packet *p, uint16_t *type)
{
	const uint8_t *d = p->data;

	*type = 0;
	switch (p->link) {
	case SP_LINK_RAW:
	case SP_LINK_IPV4:
	case SP_LINK_IPV6:
		*type = ip_type(d, p->len);
		return 0;
	case SP_LINK_NULL:
	case SP_LINK_LOOP:
		if (p->len > FAMILY_LEN)
			*type = ip_type(d + FAMILY_LEN, p->len - FAMILY_LEN);
		return FAMILY_LEN;
	case SP_LINK_SLL:
		if (p->len >= SLL_LEN)
			*type = sp_get_be16(d + 14);
		return SLL_LEN;
	case SP_LINK_SLL2:
		if (p->len >= SLL2_LEN)
			*type = sp_get_be16(d);
		return SLL2_LEN;
	default:
		return -1;
	}
}

/* -ENOTSUP; 0: it has no EtherType; 1. */
static int dress(struct sp_walk *w, const struct sp_cap_packet *p, struct sp_walk_frame *f,
		 struct sp_err *err)
{
	uint16_t type;
	int head = below(p, &type);
	char link[24];

	if (head < 0 || (!w->conf.mac && type >= TYPE_LEAST))
		return sp_fail(err, head < 0 ? -ENOTSUP : -EINVAL,
			       head < 0 ? SP_EXIT_DATA : SP_EXIT_USAGE,
			       "%s: packet %llu at byte %llu: %s%s", w->name[w->at],
			       (unsigned long long)p->number, (unsigned long long)p->offset,
			       sp_link_type_name(p->link, link),
			       head < 0 ? " packets are no frames that could leave by an "
					  "Ethernet interface"
					: " packets have no Ethernet header, and get one: say "
					  "where they go with --dst-mac or --target");
	if (type < TYPE_LEAST || p->len < (uint32_t)head)
		return 0;
	memcpy(f->head, w->conf.dst, 6);
	memcpy(f->head + 6, w->conf.src, 6);
	sp_put_be16(f->head + 12, type);
	f->head_len = SP_WALK_ETH;
	f->data = p->data + head;
	f->data_len = p->len - (uint32_t)head;
	return 1;
}

/* The link header with its tags, which no MTU counts. */
static uint32_t link_len(const struct sp_walk_frame *f)
{
	uint32_t at = 12;

	if (f->head_len)
		return SP_WALK_ETH;
	for (unsigned i = 0; i < TAGS_MOST && at + 2 <= f->data_len; i++) {
		uint16_t type = sp_get_be16(f->data + at);

		if (type != 0x8100 && type != 0x88a8 && type != 0x9100)
			break;
		at += TAG_LEN;
	}
	return at + 2;
}

static void cut_to(struct sp_walk_frame *f, uint32_t len)
{
	uint32_t over = sp_walk_len(f) - len, zeros = over < f->zeros ? over : f->zeros;

	f->zeros -= zeros;
	f->data_len -= over - zeros;
}

static void count(const struct sp_walk *w, uint64_t *n, uint64_t *first, uint64_t number)
{
	if (w->again)
		return;
	if (!*n && first)
		*first = number;
	++*n;
}

/* What is remarkable about a packet, until it is known whose it is. */
struct oddity {
	uint64_t *why_not; /* it does not fit: the count of that; NULL: it does */
	bool dressed, partial, padded, cut;
};

static void count_odd(struct sp_walk *w, const struct oddity *o, uint64_t number)
{
	struct sp_walk_counts *c = &w->counts;

	if (o->why_not)
		count(w, o->why_not, o->why_not == &c->too_long ? &c->first_too_long : NULL,
		      number);
	if (o->dressed)
		count(w, &c->dressed, NULL, 0);
	if (o->partial)
		count(w, &c->partial, &c->first_partial, number);
	if (o->padded)
		count(w, &c->padded, NULL, 0);
	if (o->cut)
		count(w, &c->cut, NULL, 0);
}

/* 0, or an error. */
static int make(struct sp_walk *w, const struct sp_cap_packet *p, struct sp_walk_frame *f,
		struct oddity *o, struct sp_err *err)
{
	uint32_t missing = p->orig_len - p->len, most;
	int rc = 1;

	*o = (struct oddity){ .why_not = NULL };
	f->head_len = f->zeros = 0;
	f->data = p->data;
	f->data_len = p->len;
	if (p->link != SP_LINK_ETHERNET) {
		rc = dress(w, p, f, err);
		o->dressed = rc == 1;
		o->why_not = rc == 0 ? &w->counts.typeless : NULL;
	} else if (!missing && f->data_len > p->fcs_len) {
		f->data_len -= p->fcs_len;
	}
	if (rc != 1)
		return rc;
	if (sp_walk_len(f) < SP_WALK_ETH) {
		o->why_not = &w->counts.too_short;
		return 0;
	}
	o->partial = missing > 0;
	o->padded = missing && w->conf.pad;
	if (o->padded)
		f->zeros = missing < SP_READ_PACKET_MOST ? missing : SP_READ_PACKET_MOST;
	most = w->conf.mtu ? w->conf.mtu + link_len(f) : UINT32_MAX;
	most = w->conf.most && w->conf.most < most ? w->conf.most : most;
	if (sp_walk_len(f) <= most)
		return 0;
	o->cut = w->conf.cut;
	if (o->cut)
		cut_to(f, most);
	else
		o->why_not = &w->counts.too_long;
	return 0;
}

/* ---- one after the other ---- */

/* What is no frame is a client's, as all that is not IP. */
static bool ours(struct sp_walk *w, const struct sp_walk_frame *f)
{
	uint8_t start[SP_WALK_ETH + 128];
	const uint8_t *frame = f->data;
	uint32_t len = f->data_len;

	if (!w->sides)
		return true;
	if (sp_walk_len(f) < SP_WALK_ETH)
		return w->conf.side == SP_SIDE_CLIENT;
	if (f->head_len) {
		len = len < 128 ? len : 128;
		memcpy(start, f->head, SP_WALK_ETH);
		memcpy(start + SP_WALK_ETH, f->data, len);
		frame = start;
		len += SP_WALK_ETH;
	}
	return sp_sides_of(w->sides, frame, len) == w->conf.side;
}

/* Where a file says whose each packet is. 1: it leaves; 0: by no interface; or an error. */
static int look_up(const struct sp_walk *w, const struct sp_cap_packet *p, bool *mine,
		   struct sp_err *err)
{
	const struct sp_cache *c = sp_cache_file(w->cache);
	enum sp_cache_way way = sp_cache_of(c, p->number);

	*mine = (way == SP_CACHE_PRIMARY) == (w->conf.side == SP_SIDE_CLIENT);
	if (way != SP_CACHE_UNKNOWN)
		return way != SP_CACHE_STAYS;
	return sp_fail(err, -EBADMSG, SP_EXIT_DATA,
		       "%s: packet %llu: the cache file %s has %llu packets only: it is of "
		       "another capture",
		       w->name[w->at], (unsigned long long)p->number, w->conf.cache,
		       (unsigned long long)c->n);
}

/* A packet of the file at. 1: it is ours; 0; or an error. */
static int take(struct sp_walk *w, const struct sp_cap_packet *p, struct sp_walk_frame *f,
		struct sp_err *err)
{
	struct oddity o;
	bool mine = true;
	int rc = w->cache ? look_up(w, p, &mine, err) : 1;

	if (rc <= 0)
		return rc;
	rc = make(w, p, f, &o, err);
	if (rc)
		return rc;
	w->taken++;
	f->number = p->number;
	f->file = w->at;
	f->unfit = o.why_not != NULL;
	if (!f->unfit) {
		f->place = sp_times_next(&w->times, p->t_ns, p->timed, sp_walk_len(f));
		if (!w->again)
			sp_times_note(&w->times, w->at, p->number);
	}
	if (!mine || !ours(w, f))
		return 0;
	count_odd(w, &o, p->number);
	return 1;
}

int sp_walk_next(struct sp_walk *w, struct sp_walk_frame *f, struct sp_err *err)
{
	struct sp_cap_packet p;
	int rc;

	while (w->at < w->n && !sp_walk_done(w)) {
		rc = sp_cap_next(w->cap[w->at], &p, err);
		if (!rc) {
			w->at++;
			sp_times_file(&w->times);
			continue;
		}
		w->counts.packets += rc > 0 && !w->again;
		if (rc > 0)
			rc = take(w, &p, f, err);
		if (rc < 0)
			return rc;
		if (!rc)
			continue;
		if (f->unfit)
			return 1;
		w->counts.frames++;
		w->counts.bytes += sp_walk_len(f);
		if (sp_walk_len(f) > w->counts.longest)
			w->counts.longest = sp_walk_len(f);
		return 1;
	}
	return 0;
}

bool sp_walk_done(const struct sp_walk *w)
{
	return w->conf.limit && w->taken >= w->conf.limit;
}

uint64_t sp_walk_taken(const struct sp_walk *w)
{
	return w->taken;
}

const struct sp_walk_counts *sp_walk_counts(const struct sp_walk *w)
{
	return &w->counts;
}

const struct sp_times *sp_walk_times(const struct sp_walk *w)
{
	return &w->times;
}

const char *sp_walk_file(const struct sp_walk *w, uint32_t i)
{
	return w->name[i];
}

uint32_t sp_walk_files(const struct sp_walk *w)
{
	return w->n;
}

const char *sp_walk_whose(const struct sp_walk *w)
{
	if (!w->sides && !w->cache)
		return "";
	return w->conf.side == SP_SIDE_SERVER ? "servers: " : "clients: ";
}
