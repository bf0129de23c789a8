#include "capture/info.h"

#include <errno.h>
#include <string.h>

#include "capture/endpoint_set.h"

struct section {
	struct section *next;
	const struct sp_codec_ops *codec; /* NULL: nothing is said of it */
	const char *name;
	struct sp_endpoint_set sources; /* port 0 */
	void **state;			/* [cap], of each source */
	uint32_t cap;
};

struct sp_info {
	const struct sp_mem *mem;
	struct sp_mem_limit states; /* what codecs keep of the sources */
	bool full;		    /* there was no room for a source: no other begins */
	struct sp_arena arena;	    /* sections */
	struct section *sections;
	uint32_t sources;
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
		for (uint32_t i = 0; i < s->sources.n; i++)
			if (s->state[i])
				s->codec->close(s->state[i]);
		sp_free(info->mem, s->state);
		sp_endpoint_set_fini(&s->sources);
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
	sp_endpoint_set_init(&s->sources, info->mem);
	return *at = s;
}

int sp_info_section(struct sp_info *info, const struct sp_codec_ops *codec, const char *name)
{
	return section_of(info, codec, name) ? 0 : -ENOMEM;
}

static int grow(struct section *s, const struct sp_mem *mem)
{
	uint32_t cap = s->cap ? 2 * s->cap : 16;
	void **state = sp_alloc_array(mem, cap, sizeof *state);

	if (!state)
		return -ENOMEM;
	for (uint32_t i = 0; i < s->cap; i++)
		state[i] = s->state[i];
	sp_free(mem, s->state);
	s->state = state;
	s->cap = cap;
	return 0;
}

/* A new source: its state in *st, or NULL: there is no room for it. */
static int add_source(struct sp_info *info, struct section *s, const struct sp_endpoint *e,
		      void **st)
{
	bool added;
	int i, rc;

	if (info->full || info->sources == SP_INFO_SOURCES)
		return 0;
	if (s->sources.n == s->cap) {
		rc = grow(s, info->mem);
		if (rc)
			return rc;
	}
	*st = s->codec->open(&info->states.mem);
	if (!*st) {
		info->full = info->states.refused;
		return info->full ? 0 : -ENOMEM;
	}
	i = sp_endpoint_set_add(&s->sources, e, &added);
	if (i < 0) {
		s->codec->close(*st);
		return i;
	}
	s->state[i] = *st;
	info->sources++;
	return 0;
}

/* 0: *st is the source's state, or NULL: there are too many sources. */
static int state_of(struct sp_info *info, struct section *s, const struct sp_addr *source,
		    void **st)
{
	struct sp_endpoint e = { .addr = *source };
	int i = sp_endpoint_set_find(&s->sources, &e);

	*st = NULL;
	if (i < 0)
		return add_source(info, s, &e, st);
	*st = s->state[i];
	return 0;
}

int sp_info_message(struct sp_info *info, const struct sp_codec_ops *codec,
		    const struct sp_addr *source, const uint8_t *message, size_t len,
		    struct sp_codec_note *note)
{
	struct section *s = section_of(info, codec, NULL);
	struct sp_codec_note own = { 0 };
	void *st = NULL;
	int rc;

	info->states.refused = false;
	rc = s ? state_of(info, s, source, &st) : -ENOMEM;
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

void sp_info_json(const struct sp_info *info, struct sp_json *js)
{
	char name[64];

	for (const struct section *s = info->sections; s; s = s->next) {
		if (!s->codec) {
			sp_json_null(js, s->name);
			continue;
		}
		sp_json_open(js, s->name, '{');
		for (uint32_t i = 0; i < s->sources.n; i++) {
			if (!s->state[i])
				continue;
			sp_addr_format(name, sizeof name, &s->sources.of[i].addr);
			sp_json_open(js, name, '{');
			s->codec->describe(s->state[i], js);
			sp_json_close(js, '}');
		}
		sp_json_close(js, '}');
	}
}

uint32_t sp_info_sources(const struct sp_info *info)
{
	return info->sources;
}

uint64_t sp_info_left_out(const struct sp_info *info)
{
	return info->left_out;
}
