#include "capture/extract_choice.h"

#include <errno.h>
#include <string.h>

#include "base/units.h"
#include "capture/extract_frame.h"
#include "capture/extract_impl.h"
#include "pkt/filter.h"
#include "plugin/catalog.h"

#define PARTS_MOST  32u
#define VALUES_MOST 64u
#define FRAME_MOST  65535u

/* One --where. */
struct condition {
	struct condition *next;
	char field[32];
	uint64_t value[VALUES_MOST];
	unsigned n;
};

/* A part's arg. */
struct chosen {
	struct sp_extract_choice *all;
	const struct sp_codec_ops *codec;
	struct condition *conditions;
};

struct sp_extract_choice {
	const struct sp_mem *mem;
	struct sp_arena arena;
	struct sp_filter *filter;
	uint8_t *frame; /* for the filter: a packet of another link */
	struct sp_extract_part part[PARTS_MOST];
	struct chosen chosen[PARTS_MOST];
	unsigned n;
};

void sp_extract_choice_names(struct sp_str *out)
{
	for (const struct sp_codec_ops *const *c = sp_catalog.codec; *c; c++)
		sp_str_printf(out, "%s%s", c == sp_catalog.codec ? "" : ", ", (*c)->section);
}

static const struct sp_codec_ops *codec_of(const char *section, size_t len)
{
	for (const struct sp_codec_ops *const *c = sp_catalog.codec; *c; c++)
		if (strlen((*c)->section) == len && strncmp((*c)->section, section, len) == 0)
			return *c;
	return NULL;
}

/* Its port numbers are another codec's: BGP inside of BMP is not BGP. */
static bool is_foreign(const struct sp_codec_ops *codec, const struct sp_view *v)
{
	if (sp_ext_port_known(codec, &v->src, &v->dst))
		return false;
	for (const struct sp_codec_ops *const *c = sp_catalog.codec; *c; c++)
		if (sp_ext_port_known(*c, &v->src, &v->dst))
			return true;
	return false;
}

static bool wants(const void *arg, const struct sp_cap_packet *pkt,
		  const struct sp_cap_view *view)
{
	const struct chosen *c = arg;
	const struct sp_view *v = &view->v;
	uint8_t *ip = c->all->frame + 14;

	if (is_foreign(c->codec, v))
		return false;
	if (!c->all->filter)
		return true;
	if (pkt->link == SP_LINK_ETHERNET)
		return sp_filter_takes(c->all->filter, pkt->data, pkt->len - pkt->fcs_len);
	if (v->l3_len > FRAME_MOST || v->l3_off > pkt->len || v->l3_len > pkt->len - v->l3_off)
		return false;
	memcpy(ip, pkt->data + v->l3_off, v->l3_len);
	return sp_filter_takes(
		c->all->filter,
		sp_extract_ip_frame(ip, v->src.addr.family == 4 ? SP_ETHER_IP4 : SP_ETHER_IP6),
		v->l3_len + 14);
}

static bool holds(const struct condition *c, uint64_t value)
{
	for (unsigned i = 0; i < c->n; i++)
		if (c->value[i] == value)
			return true;
	return false;
}

static bool keeps(const void *arg, const uint8_t *message, size_t len)
{
	const struct chosen *chosen = arg;
	uint64_t value;

	for (const struct condition *c = chosen->conditions; c; c = c->next)
		if (chosen->codec->field(message, len, c->field, &value) || !holds(c, value))
			return false;
	return true;
}

static void add(struct sp_extract_choice *ch, const struct sp_codec_ops *codec)
{
	struct chosen *c = &ch->chosen[ch->n];

	for (unsigned i = 0; i < ch->n; i++)
		if (ch->chosen[i].codec == codec)
			return;
	*c = (struct chosen){ .all = ch, .codec = codec };
	ch->part[ch->n++] = (struct sp_extract_part){
		.section = codec->section,
		.codec = codec,
		.over = codec->over & SP_CODEC_UDP ? SP_CODEC_UDP : SP_CODEC_TCP,
		.wants = wants,
		.keeps = keeps,
		.arg = c,
		.guess = true,
	};
}

static int unknown(const char *name, size_t len, const struct sp_mem *mem, struct sp_err *err)
{
	struct sp_str names;
	char text[64], shown[80];

	sp_strlcpy(text, name, len < sizeof text ? len + 1 : sizeof text);
	sp_str_init(&names, mem);
	sp_extract_choice_names(&names);
	sp_fail(err, -EINVAL, SP_EXIT_USAGE, "there is no protocol '%s'; there is %s",
		sp_str_printable(shown, sizeof shown, text), names.text);
	sp_str_fini(&names);
	return -EINVAL;
}

static int add_named(struct sp_extract_choice *ch, const char *names, struct sp_err *err)
{
	const struct sp_codec_ops *codec;
	size_t len;

	for (; *names; names += len + (names[len] == ',')) {
		len = strcspn(names, ",");
		codec = codec_of(names, len);
		if (!codec || ch->n == PARTS_MOST)
			return unknown(names, len, ch->mem, err);
		add(ch, codec);
	}
	return ch->n ? 0 : unknown(names, 0, ch->mem, err);
}

int sp_extract_choice_new(struct sp_extract_choice **out, const char *protocols,
			  const struct sp_mem *mem, struct sp_err *err)
{
	struct sp_extract_choice *ch = sp_alloc(mem, sizeof *ch);
	int rc = 0;

	if (!ch)
		return sp_fail(err, -ENOMEM, SP_EXIT_FAILED, "out of memory");
	ch->mem = mem;
	sp_arena_init(&ch->arena, mem);
	ch->frame = sp_arena_alloc(&ch->arena, FRAME_MOST + 14);
	if (!ch->frame)
		rc = sp_fail(err, -ENOMEM, SP_EXIT_FAILED, "out of memory");
	else if (protocols)
		rc = add_named(ch, protocols, err);
	else
		for (unsigned i = 0; sp_catalog.codec[i] && i < PARTS_MOST; i++)
			add(ch, sp_catalog.codec[i]);
	if (rc)
		sp_extract_choice_free(ch);
	else
		*out = ch;
	return rc;
}

int sp_extract_choice_filter(struct sp_extract_choice *ch, const char *text, struct sp_err *err)
{
	if (ch->filter)
		return sp_fail(err, -EINVAL, SP_EXIT_USAGE,
			       "one filter only: join the two by 'and'");
	return sp_filter_new(&ch->filter, text, SP_EXIT_USAGE, ch->mem, err);
}

static int read_values(struct condition *c, char *text)
{
	char *more = text, *word;

	while ((word = strsep(&more, ",")))
		if (c->n == VALUES_MOST || sp_parse_u64(word, &c->value[c->n++]))
			return -EINVAL;
	return 0;
}

static int bad_where(const char *text, struct sp_err *err)
{
	char shown[80];

	return sp_fail(err, -EINVAL, SP_EXIT_USAGE,
		       "--where %s: PROTOCOL.FIELD=N[,N...] is expected, such as bgp.type=1,2; "
		       "the protocol is one that is extracted",
		       sp_str_printable(shown, sizeof shown, text));
}

/* The chosen one that this prefix of a field means, by section or header. */
static struct chosen *chosen_by(struct sp_extract_choice *ch, const char *prefix)
{
	for (unsigned i = 0; i < ch->n; i++) {
		const struct sp_codec_ops *c = ch->chosen[i].codec;

		if (strcmp(c->section, prefix) == 0 || strcmp(c->header, prefix) == 0)
			return &ch->chosen[i];
	}
	return NULL;
}

int sp_extract_choice_where(struct sp_extract_choice *ch, const char *text, struct sp_err *err)
{
	struct condition *c = sp_arena_alloc(&ch->arena, sizeof *c);
	char *copy = sp_arena_strdup(&ch->arena, text), *dot, *equal;
	struct chosen *of;

	if (!c || !copy)
		return sp_fail(err, -ENOMEM, SP_EXIT_FAILED, "out of memory");
	dot = strchr(copy, '.');
	equal = dot ? strchr(dot, '=') : NULL;
	if (!equal)
		return bad_where(text, err);
	*dot = *equal = '\0';
	of = chosen_by(ch, copy);
	if (!of || sp_strlcpy(c->field, dot + 1, sizeof c->field) >= sizeof c->field ||
	    read_values(c, equal + 1))
		return bad_where(text, err);
	c->next = of->conditions;
	of->conditions = c;
	return 0;
}

const struct sp_extract_part *sp_extract_choice_parts(const struct sp_extract_choice *ch,
						      unsigned *n)
{
	*n = ch->n;
	return ch->part;
}

void sp_extract_choice_free(struct sp_extract_choice *ch)
{
	if (!ch)
		return;
	sp_filter_free(ch->filter);
	sp_arena_fini(&ch->arena);
	sp_free(ch->mem, ch);
}
