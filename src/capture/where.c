#include "capture/where.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "pkt/build.h"

struct span {
	struct span *next;
	sp_u128 first, last;
};

struct condition {
	struct condition *next;
	const struct sp_hdr_ops *hdr;
	const char *field;
	bool not ;
	struct span *spans;
};

struct sp_where {
	const struct sp_mem *mem;
	const struct sp_hdr_ops *const *hdrs;
	struct sp_arena arena;
	struct condition *conditions;
	struct sp_build *build;
};

static int no_memory(struct sp_err *err)
{
	return sp_fail(err, -ENOMEM, SP_EXIT_FAILED, "out of memory");
}

/* ---- the words ---- */

static const struct sp_field *find_field(const struct sp_hdr_ops *h, const char *name)
{
	for (const struct sp_field *f = h->fields; f->name; f++)
		if (f->bits && sp_name_is(name, strlen(name), f->name, f->aliases))
			return f;
	return NULL;
}

static int no_field(const struct sp_hdr_ops *h, const char *name, struct sp_err *err)
{
	const char *names[SP_FIELDS_MAX], *near;
	char shown[80];
	size_t n = 0;

	for (const struct sp_field *f = h->fields; f->name && n < SP_FIELDS_MAX; f++)
		if (f->bits)
			names[n++] = f->name;
	near = sp_str_nearest(name, names, n);
	return sp_fail(err, -EINVAL, SP_EXIT_USAGE,
		       "--where: %s has no field '%s' of fixed size%s%s%s; see spate fields %s",
		       h->name, sp_str_printable(shown, sizeof shown, name),
		       near ? ", did you mean '" : "", near ? near : "", near ? "'?" : "",
		       h->name);
}

static int bad_value(const struct condition *c, const struct sp_field *f, const char *text,
		     struct sp_err *err)
{
	char shown[80], wants[80];

	return sp_fail(err, -EINVAL, SP_EXIT_USAGE, "--where: %s.%s: '%s' is not %s",
		       c->hdr->name, c->field, sp_str_printable(shown, sizeof shown, text),
		       sp_field_wants(f, wants, sizeof wants));
}

/* "80", "10.0.0.0/8", "1000..1999". */
static bool read_span(const struct sp_field *f, const char *text, struct span *s)
{
	const char *dots = strstr(text, ".."), *slash = strchr(text, '/');
	char *end;
	unsigned long bits;

	if (dots && f->type != SP_F_IP6)
		return !sp_field_scalar(f, text, (size_t)(dots - text), &s->first) &&
		       !sp_field_scalar(f, dots + 2, strlen(dots + 2), &s->last);
	if (slash && (f->type == SP_F_IP4 || f->type == SP_F_IP6)) {
		bits = strtoul(slash + 1, &end, 10);
		if (end == slash + 1 || *end || bits > f->bits ||
		    sp_field_scalar(f, text, (size_t)(slash - text), &s->first))
			return false;
		s->last = bits ? sp_field_max(f) >> bits : sp_field_max(f);
		s->last = bits == f->bits ? 0 : s->last;
		s->first &= ~s->last;
		s->last |= s->first;
		return true;
	}
	if (sp_field_scalar(f, text, strlen(text), &s->first))
		return false;
	s->last = s->first;
	return true;
}

static int add_span(struct sp_where *w, struct condition *c, const char *text,
		    struct sp_err *err)
{
	const struct sp_field *f = find_field(c->hdr, c->field);
	const struct sp_hdr_ops *other = NULL;
	struct span *s = sp_arena_alloc(&w->arena, sizeof *s);

	if (!s)
		return no_memory(err);
	if (!read_span(f, text, s)) {
		/* ip.src=2001:db8::/32 is ipv6's. */
		if (!c->spans && c->hdr->other)
			other = sp_hdr_find(w->hdrs, c->hdr->other);
		if (!other || !find_field(other, c->field) ||
		    !read_span(find_field(other, c->field), text, s))
			return bad_value(c, f, text, err);
		c->hdr = other;
	}
	s->next = c->spans;
	c->spans = s;
	return 0;
}

/* One condition; text is ours to cut. */
static int add(struct sp_where *w, char *text, struct sp_err *err)
{
	struct condition *c = sp_arena_alloc(&w->arena, sizeof *c);
	char *value = strchr(text, '='), *dot, *next, shown[80];
	int rc = 0;

	if (!c)
		return no_memory(err);
	dot = strchr(text, '.');
	if (!value || !dot || dot > value)
		return sp_fail(err, -EINVAL, SP_EXIT_USAGE,
			       "--where: '%s' is not HEADER.FIELD=VALUE, such as "
			       "ip.src=10.0.0.0/8",
			       sp_str_printable(shown, sizeof shown, text));
	*dot = '\0';
	c->not = value > dot + 1 && value[-1] == '!';
	value[c->not ? -1 : 0] = '\0';
	c->field = dot + 1;
	c->hdr = sp_hdr_find(w->hdrs, text);
	if (!c->hdr)
		return sp_fail(err, -EINVAL, SP_EXIT_USAGE,
			       "--where: there is no header '%s'; 'spate fields' lists them",
			       sp_str_printable(shown, sizeof shown, text));
	if (!find_field(c->hdr, c->field))
		return no_field(c->hdr, c->field, err);
	for (value++; value && !rc; value = next) {
		next = strchr(value, '|');
		if (next)
			*next++ = '\0';
		rc = add_span(w, c, value, err);
	}
	c->next = w->conditions;
	w->conditions = c;
	return rc;
}

int sp_where_new(struct sp_where **out, const char *text, const struct sp_hdr_ops *const *hdrs,
		 const struct sp_mem *mem, struct sp_err *err)
{
	struct sp_where *w = sp_alloc(mem, sizeof *w);
	char *words, *next;
	int rc = 0;

	*out = NULL;
	if (!w)
		return no_memory(err);
	w->mem = mem;
	w->hdrs = hdrs;
	sp_arena_init(&w->arena, mem);
	w->build = sp_alloc(mem, sizeof *w->build);
	words = sp_arena_strdup(&w->arena, text);
	if (!w->build || !words)
		rc = no_memory(err);
	for (; words && !rc; words = next) {
		next = strchr(words, ',');
		if (next)
			*next++ = '\0';
		rc = add(w, words, err);
	}
	if (rc)
		sp_where_free(w);
	else
		*out = w;
	return rc;
}

void sp_where_free(struct sp_where *w)
{
	if (!w)
		return;
	sp_free(w->mem, w->build);
	sp_arena_fini(&w->arena);
	sp_free(w->mem, w);
}

/* ---- packets ---- */

static sp_u128 bits_at(const uint8_t *octets, uint32_t bit, unsigned width)
{
	sp_u128 v = 0;

	for (unsigned i = 0; i < width; i++, bit++)
		v = v << 1 | (octets[bit / 8] >> (7 - bit % 8) & 1);
	return v;
}

static bool has_value(const struct condition *c, const struct sp_node *n,
		      const struct sp_build *b, unsigned layer)
{
	for (unsigned i = 0; i < n->n_fields; i++) {
		const struct sp_field *f = &n->fields[i];
		sp_u128 v;

		if (!f->bits || !sp_name_is(c->field, strlen(c->field), f->name, f->aliases) ||
		    !sp_node_has(n, i))
			continue;
		v = bits_at(b->octets, b->pos[layer][i], f->bits);
		for (const struct span *s = c->spans; s; s = s->next)
			if (v >= s->first && v <= s->last)
				return true;
	}
	return false;
}

static bool holds(const struct condition *c, const struct sp_packet *p,
		  const struct sp_build *b)
{
	bool any = false;

	for (unsigned k = 0; k < p->n && !any; k++)
		any = p->node[k].hdr == c->hdr && has_value(c, &p->node[k], b, k);
	return any != c->not ;
}

static bool all_hold(const struct sp_where *w, const struct sp_packet *p)
{
	for (const struct condition *c = w->conditions; c; c = c->next)
		if (!holds(c, p, w->build))
			return false;
	return true;
}

int sp_where_takes(struct sp_where *w, const struct sp_cap_packet *p,
		   const struct sp_cap_view *c)
{
	static const struct sp_packet nothing;
	bool ethernet = p->link == SP_LINK_ETHERNET;
	uint32_t from = ethernet ? 0 : c->v.l3_off, len = p->len - from;
	struct sp_packet *packet;
	struct sp_err err = { 0 };
	int rc;

	if (!len || (!ethernet && !c->v.src.addr.family))
		return all_hold(w, &nothing);
	rc = sp_packet_decode(&packet, p->data + from,
			      len < SP_PACKET_MAX ? len : SP_PACKET_MAX,
			      ethernet ? "eth" : NULL, w->hdrs, w->mem, &err);
	if (rc)
		return rc;
	rc = sp_build_packet(w->build, packet, &err);
	/* What was decoded can be built; what cannot has no fields. */
	rc = rc == -ENOMEM ? rc : rc ? all_hold(w, &nothing) : all_hold(w, packet);
	sp_packet_free(packet);
	return rc;
}
