#include "capture/extract_choice.h"

#include <errno.h>
#include <string.h>

#include "base/units.h"
#include "capio/select.h"
#include "capture/extract_frame.h"
#include "capture/extract_impl.h"
#include "pkt/filter.h"
#include "plugin/catalog.h"

#define PARTS_MOST  32u
#define VALUES_MOST 64u
#define FRAME_MOST  65535u
#define WHERE_MOST  64u
#define NAMES_MOST  64u

/* Of messages. Values first .. last. */
struct condition {
	struct condition *next;
	const struct sp_selector *of; /* NULL: of the --where that is being read */
	const char *field;
	bool not ;
	struct {
		uint64_t first, last;
	} value[VALUES_MOST];
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
	struct sp_selector *where[WHERE_MOST];
	unsigned n_where;
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

static bool filter_takes(const struct sp_extract_choice *ch, const struct sp_cap_packet *pkt,
			 const struct sp_view *v)
{
	uint8_t *ip = ch->frame + 14;

	if (!ch->filter)
		return true;
	if (pkt->link == SP_LINK_ETHERNET)
		return sp_filter_takes(ch->filter, pkt->data, pkt->len - pkt->fcs_len);
	if (v->l3_len > FRAME_MOST || v->l3_off > pkt->len || v->l3_len > pkt->len - v->l3_off)
		return false;
	memcpy(ip, pkt->data + v->l3_off, v->l3_len);
	return sp_filter_takes(
		ch->filter,
		sp_extract_ip_frame(ip, v->src.addr.family == 4 ? SP_ETHER_IP4 : SP_ETHER_IP6),
		v->l3_len + 14);
}

static int wants(const void *arg, const struct sp_cap_packet *pkt,
		 const struct sp_cap_view *view)
{
	const struct chosen *c = arg;
	int rc = !is_foreign(c->codec, &view->v) && filter_takes(c->all, pkt, &view->v);

	for (unsigned i = 0; i < c->all->n_where && rc == 1; i++)
		rc = sp_selector_takes(c->all->where[i], pkt, view);
	return rc;
}

static bool holds(const struct condition *c, uint64_t value)
{
	for (unsigned i = 0; i < c->n; i++)
		if (value >= c->value[i].first && value <= c->value[i].last)
			return true;
	return false;
}

static bool keeps(const void *arg, const uint8_t *message, size_t len)
{
	const struct chosen *chosen = arg;
	uint64_t value;

	for (const struct condition *c = chosen->conditions; c; c = c->next) {
		bool has = !chosen->codec->field(message, len, c->field, &value) &&
			   holds(c, value);

		if (has == c->not )
			return false;
	}
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

static bool is_message(const void *arg, const char *name)
{
	const struct sp_extract_choice *ch = arg;

	return chosen_by((struct sp_extract_choice *)(uintptr_t)ch, name);
}

static struct condition *condition(struct sp_extract_choice *ch, struct chosen *of,
				   const char *field, bool not )
{
	struct condition *c;

	for (c = of->conditions; c; c = c->next)
		if (!c->of && c->not == not &&strcmp(c->field, field) == 0)
			return c;
	c = sp_arena_alloc(&ch->arena, sizeof *c);
	if (!c)
		return NULL;
	c->field = sp_arena_strdup(&ch->arena, field);
	c->not = not ;
	if (!c->field)
		return NULL;
	c->next = of->conditions;
	return of->conditions = c;
}

static bool read_value(const char *text, uint64_t *first, uint64_t *last)
{
	const char *dots = strstr(text, "..");
	char low[24];

	if (!dots)
		return !sp_parse_u64(text, first) && !sp_parse_u64(text, last);
	return sp_strlcpy(low, text, sizeof low) && (size_t)(dots - text) < sizeof low &&
	       (low[dots - text] = '\0', !sp_parse_u64(low, first)) &&
	       !sp_parse_u64(dots + 2, last) && *first <= *last;
}

static int add_condition(void *arg, const char *name, const char *field, bool not,
			 const char *value, struct sp_err *err)
{
	struct sp_extract_choice *ch = arg;
	struct chosen *of = chosen_by(ch, name);
	int rc = sp_codec_check_field(of->codec, name, field, err);
	struct condition *c;
	uint64_t first, last;
	char shown[80];

	if (rc)
		return rc;
	if (!read_value(value, &first, &last))
		return sp_fail(err, -EINVAL, SP_EXIT_USAGE,
			       "%s.%s: '%s' is not a number, or a range a..b", name, field,
			       sp_str_printable(shown, sizeof shown, value));
	c = condition(ch, of, field, not );
	if (!c)
		return sp_fail(err, -ENOMEM, SP_EXIT_FAILED, "out of memory");
	if (c->n == VALUES_MOST)
		return sp_fail(err, -E2BIG, SP_EXIT_USAGE, "%s.%s: more than %u values", name,
			       field, VALUES_MOST);
	c->value[c->n].first = first;
	c->value[c->n++].last = last;
	return 0;
}

/* Each --where is a condition of its own; of NULL: it was wrong. */
static void settle(struct sp_extract_choice *ch, const struct sp_selector *of)
{
	for (unsigned i = 0; i < ch->n; i++) {
		struct chosen *all = &ch->chosen[i];

		while (!of && all->conditions && !all->conditions->of)
			all->conditions = all->conditions->next;
		for (struct condition *c = all->conditions; c; c = c->next)
			c->of = c->of ? c->of : of;
	}
}

int sp_extract_choice_where(struct sp_extract_choice *ch, const char *text, struct sp_err *err)
{
	const char *names[NAMES_MOST + 1];
	const struct sp_select_others others = { is_message, add_condition, names, ch };
	struct sp_selector *w;
	unsigned n = 0;
	int rc;

	for (unsigned i = 0; i < ch->n && n + 2 <= NAMES_MOST; i++) {
		names[n++] = ch->chosen[i].codec->section;
		names[n++] = ch->chosen[i].codec->header;
	}
	names[n] = NULL;
	if (ch->n_where == WHERE_MOST)
		return sp_fail(err, -E2BIG, SP_EXIT_USAGE, "--where: at most %u", WHERE_MOST);
	rc = sp_selector_new(&w, "--where", text, sp_catalog.hdr, &others, ch->mem, err);
	settle(ch, rc ? NULL : w);
	if (!rc)
		ch->where[ch->n_where++] = w;
	return rc;
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
	for (unsigned i = 0; i < ch->n_where; i++)
		sp_selector_free(ch->where[i]);
	sp_arena_fini(&ch->arena);
	sp_free(ch->mem, ch);
}
