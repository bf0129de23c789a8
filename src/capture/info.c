#include "capture/info.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "capture/endpoint_set.h"

/* One side of a connection, or the datagrams between two endpoints. */
struct session {
	uint32_t src, dst;  /* numbers in the section's ends */
	uint32_t chain;	    /* the next one of the same bucket, + 1 */
	bool first_address; /* of its address; of its endpoint */
	bool first_source;
	void *state; /* the codec's */
};

struct section {
	struct section *next;
	const struct sp_codec_ops *codec; /* NULL: nothing is said of it */
	const char *name;
	struct sp_endpoint_set addresses; /* of those who speak; port 0 */
	struct sp_endpoint_set ends;	  /* of sessions, either side */
	bool *spoke;			  /* [ends_cap]: is it the source of one? */
	struct session *session;	  /* [cap] */
	uint32_t *bucket;		  /* [cap]: a session + 1 */
	uint32_t n, cap, ends_cap;
};

struct sp_info {
	const struct sp_mem *mem;
	struct sp_mem_limit states; /* what codecs keep of the sessions */
	bool full;		    /* there was no room for one: no other begins */
	struct sp_arena arena;	    /* sections */
	struct section *sections;
	uint32_t sessions;
	uint64_t left_out;
};

int sp_info_new(struct sp_info **out, const struct sp_mem *mem)
{
	struct sp_info *info = sp_alloc(mem, sizeof *info);

	if (!info)
		return -ENOMEM;
	info->mem = mem;
	sp_mem_limit_init(&info->states, mem, SP_INFO_BYTES);
	sp_arena_init(&info->arena, mem);
	*out = info;
	return 0;
}

void sp_info_free(struct sp_info *info)
{
	if (!info)
		return;
	for (struct section *s = info->sections; s; s = s->next) {
		for (uint32_t i = 0; i < s->n; i++)
			s->codec->close(s->session[i].state);
		sp_free(info->mem, s->session);
		sp_free(info->mem, s->spoke);
		sp_free(info->mem, s->bucket);
		sp_endpoint_set_fini(&s->addresses);
		sp_endpoint_set_fini(&s->ends);
	}
	sp_arena_fini(&info->arena);
	sp_free(info->mem, info);
}

static struct section *section_of(struct sp_info *info, const struct sp_codec_ops *codec,
				  const char *name)
{
	struct section **at = &info->sections, *s;

	for (; *at; at = &(*at)->next)
		if (codec ? (*at)->codec == codec
			  : !(*at)->codec && strcmp((*at)->name, name) == 0)
			return *at;
	s = sp_arena_alloc(&info->arena, sizeof *s);
	if (!s)
		return NULL;
	s->codec = codec;
	s->name = codec ? codec->title : sp_arena_strdup(&info->arena, name);
	if (!s->name)
		return NULL;
	sp_endpoint_set_init(&s->addresses, info->mem);
	sp_endpoint_set_init(&s->ends, info->mem);
	return *at = s;
}

int sp_info_section(struct sp_info *info, const struct sp_codec_ops *codec, const char *name)
{
	return section_of(info, codec, name) ? 0 : -ENOMEM;
}

/* cap is a power of two. */
static uint32_t *bucket_of(const struct section *s, uint32_t src, uint32_t dst)
{
	uint64_t h = ((uint64_t)src << 32 | dst) * 0x9e3779b97f4a7c15;

	return &s->bucket[h >> 32 & (s->cap - 1)];
}

static void put_in(struct section *s, uint32_t i)
{
	uint32_t *bucket = bucket_of(s, s->session[i].src, s->session[i].dst);

	s->session[i].chain = *bucket;
	*bucket = i + 1;
}

static int grow_sessions(struct section *s, const struct sp_mem *mem)
{
	uint32_t cap = s->cap;
	struct session *session = sp_alloc_more(mem, s->session, &cap, 16, s->n + 1,
						SP_INFO_SESSIONS, sizeof *session);
	uint32_t *bucket = session ? sp_alloc_array(mem, cap, sizeof *bucket) : NULL;

	if (!bucket) {
		sp_free(mem, session);
		return -ENOMEM;
	}
	sp_free(mem, s->session);
	sp_free(mem, s->bucket);
	s->session = session;
	s->bucket = bucket;
	s->cap = cap;
	for (uint32_t i = 0; i < s->n; i++)
		put_in(s, i);
	return 0;
}

/* Room for a session and two ends more. */
static int grow(struct section *s, const struct sp_mem *mem)
{
	bool *spoke;

	if (s->ends.n + 2 > s->ends_cap) {
		spoke = sp_alloc_more(mem, s->spoke, &s->ends_cap, 16, s->ends.n + 2,
				      2 * SP_INFO_SESSIONS + 2, sizeof *spoke);
		if (!spoke)
			return -ENOMEM;
		sp_free(mem, s->spoke);
		s->spoke = spoke;
	}
	return s->n == s->cap ? grow_sessions(s, mem) : 0;
}

static struct session *find(const struct section *s, const struct sp_endpoint *src,
			    const struct sp_endpoint *dst)
{
	int from = sp_endpoint_set_find(&s->ends, src);
	int to = from < 0 ? from : sp_endpoint_set_find(&s->ends, dst);
	uint32_t i = to < 0 || !s->cap ? 0 : *bucket_of(s, (uint32_t)from, (uint32_t)to);

	for (; i; i = s->session[i - 1].chain)
		if (s->session[i - 1].src == (uint32_t)from &&
		    s->session[i - 1].dst == (uint32_t)to)
			return &s->session[i - 1];
	return NULL;
}

/* A new session's state in *st, or NULL: there is no room for it. */
static int add_session(struct sp_info *info, struct section *s, const struct sp_endpoint *src,
		       const struct sp_endpoint *dst, void **st)
{
	const struct sp_endpoint address = { .addr = src->addr };
	bool added, first;
	int from, to, rc;

	if (info->full || info->sessions == SP_INFO_SESSIONS)
		return 0;
	rc = grow(s, info->mem);
	if (rc)
		return rc;
	from = sp_endpoint_set_add(&s->ends, src, &added);
	to = from < 0 ? from : sp_endpoint_set_add(&s->ends, dst, &added);
	rc = to < 0 ? to : sp_endpoint_set_add(&s->addresses, &address, &first);
	if (rc < 0)
		return rc;
	*st = s->codec->open(&info->states.mem);
	if (!*st) {
		info->full = info->states.refused;
		return info->full ? 0 : -ENOMEM;
	}
	s->session[s->n] = (struct session){ .src = (uint32_t)from,
					     .dst = (uint32_t)to,
					     .first_address = first,
					     .first_source = !s->spoke[from],
					     .state = *st };
	s->spoke[from] = true;
	put_in(s, s->n++);
	info->sessions++;
	return 0;
}

/* 0: *st is the session's state, or NULL: there are too many. */
static int state_of(struct sp_info *info, struct section *s, const struct sp_endpoint *src,
		    const struct sp_endpoint *dst, void **st)
{
	const struct session *known = find(s, src, dst);

	*st = NULL;
	if (!known)
		return add_session(info, s, src, dst, st);
	*st = known->state;
	return 0;
}

int sp_info_message(struct sp_info *info, const struct sp_codec_ops *codec,
		    const struct sp_endpoint *src, const struct sp_endpoint *dst,
		    const uint8_t *message, size_t len, struct sp_codec_note *note)
{
	struct section *s = section_of(info, codec, NULL);
	struct sp_codec_note own = { 0 };
	void *st = NULL;
	int rc;

	info->states.refused = false;
	rc = s ? state_of(info, s, src, dst, &st) : -ENOMEM;
	if (rc)
		return rc;
	if (st)
		codec->read(st, message, len, &own);
	if (!st || info->states.refused)
		info->left_out++;
	if (note)
		*note = own;
	return 0;
}

/* The address, as upstream has it; of further sessions of one the endpoint, or both. */
static const char *name_of(const struct section *s, const struct session *x, char buf[160])
{
	char src[72], dst[72];

	if (x->first_address)
		return sp_addr_format(buf, 160, &s->ends.of[x->src].addr);
	sp_endpoint_format(src, sizeof src, &s->ends.of[x->src]);
	sp_endpoint_format(dst, sizeof dst, &s->ends.of[x->dst]);
	snprintf(buf, 160, x->first_source ? "%s" : "%s to %s", src, dst);
	return buf;
}

void sp_info_json(const struct sp_info *info, struct sp_json *js)
{
	char name[160];

	for (const struct section *s = info->sections; s; s = s->next) {
		if (!s->codec) {
			sp_json_null(js, s->name);
			continue;
		}
		sp_json_open(js, s->name, '{');
		for (uint32_t i = 0; i < s->n; i++) {
			sp_json_open(js, name_of(s, &s->session[i], name), '{');
			s->codec->describe(s->session[i].state, js);
			sp_json_close(js, '}');
		}
		sp_json_close(js, '}');
	}
}

uint32_t sp_info_sessions(const struct sp_info *info)
{
	return info->sessions;
}

uint64_t sp_info_left_out(const struct sp_info *info)
{
	return info->left_out;
}
