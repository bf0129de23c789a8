#include "source/messages/sections.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"

static int no_memory(struct sp_err *err)
{
	return sp_fail(err, -ENOMEM, SP_EXIT_FAILED, "out of memory");
}

static int bad(struct sp_err *err, const char *what)
{
	char shown[120];

	return sp_fail(err, -EINVAL, SP_EXIT_DATA,
		       "sections: '%s' is not SECTION FIELD=VALUE|...",
		       sp_str_printable(shown, sizeof shown, what));
}

static int find_protocol(struct msg_section *s, const struct sp_catalog *catalog,
			 struct sp_err *err)
{
	char shown[80];

	s->tcp = strcmp(s->name, "tcp_generic") == 0;
	if (s->tcp || strcmp(s->name, "udp_generic") == 0)
		return 0;
	for (const struct sp_codec_ops *const *c = catalog->codec; *c; c++)
		if ((*c)->section && strcmp((*c)->section, s->name) == 0) {
			s->codec = *c;
			s->tcp = !((*c)->over & SP_CODEC_UDP); /* of both, datagrams */
			return 0;
		}
	return sp_fail(err, -ENOENT, SP_EXIT_DATA, "sections: there is no protocol for '%s'",
		       sp_str_printable(shown, sizeof shown, s->name));
}

static int add_number(struct msg_sections *all, struct msg_section *s, const char *name,
		      const char *value, struct sp_err *err)
{
	struct msg_field *f = s->fields;
	uint64_t *values;
	char *end, shown[80];
	uint64_t v;

	errno = 0;
	v = strtoull(value, &end, 0);
	if (errno || *end || end == value || *value == '-')
		return sp_fail(err, -EINVAL, SP_EXIT_DATA, "%s_h.%s: '%s' is not a number",
			       s->name, name, sp_str_printable(shown, sizeof shown, value));
	while (f && strcmp(f->name, name) != 0)
		f = f->next;
	if (!f) {
		f = sp_arena_alloc(all->arena, sizeof *f);
		if (!f)
			return no_memory(err);
		f->name = sp_arena_strdup(all->arena, name);
		f->next = s->fields;
		s->fields = f;
	}
	values = sp_arena_alloc(all->arena, (f->n + 1) * sizeof *values);
	if (!f->name || !values)
		return no_memory(err);
	if (f->n)
		memcpy(values, f->values, f->n * sizeof *values);
	values[f->n++] = v;
	f->values = values;
	return 0;
}

/* "layer.field=value|value", which is cut to pieces. */
static int add_condition(struct msg_sections *all, struct msg_section *s, char *word,
			 const struct sp_catalog *catalog, struct sp_err *err)
{
	char *dot = strchr(word, '.'), *eq = dot ? strchr(dot, '=') : NULL, *save = NULL;
	bool own;
	int rc = 0;

	if (!eq)
		return bad(err, word);
	*dot = *eq = '\0';
	own = s->codec && s->codec->header && strcmp(word, s->codec->header) == 0;
	if (own)
		rc = sp_codec_check_field(s->codec, word, dot + 1, err);
	for (char *v = strtok_r(eq + 1, "|", &save); v && !rc; v = strtok_r(NULL, "|", &save))
		rc = own ? add_number(all, s, dot + 1, v, err)
			 : sp_select_add(&s->select, catalog->hdr, word, dot + 1, v, err);
	return rc;
}

static int add_section(struct msg_sections *all, char *text, const struct sp_catalog *catalog,
		       struct sp_err *err)
{
	struct msg_section *s = &all->at[all->n];
	char *save = NULL, *word = strtok_r(text, " ", &save);
	int rc;

	if (!word || all->n == MSG_SECTIONS)
		return bad(err, text);
	*s = (struct msg_section){ .name = word, .select.arena = all->arena };
	rc = find_protocol(s, catalog, err);
	while (!rc && (word = strtok_r(NULL, " ", &save)))
		rc = add_condition(all, s, word, catalog, err);
	all->n += !rc;
	return rc;
}

int sp_msg_sections_parse(struct msg_sections *all, const char *text,
			  const struct sp_catalog *catalog, struct sp_err *err)
{
	char *copy = sp_arena_strdup(all->arena, text), *save = NULL;
	int rc = copy ? 0 : no_memory(err);

	for (char *part = rc ? NULL : strtok_r(copy, ";", &save); part && !rc;
	     part = strtok_r(NULL, ";", &save))
		rc = add_section(all, part, catalog, err);
	return rc;
}

uint32_t sp_msg_section_find(const struct msg_sections *all, const char *name)
{
	for (uint32_t i = 0; i < all->n; i++)
		if (strcmp(all->at[i].name, name) == 0)
			return i;
	return UINT32_MAX;
}

uint32_t sp_msg_section_of(const struct msg_sections *all, const struct sp_cap_packet *p,
			   const struct sp_cap_view *v)
{
	bool tcp = v->v.proto == SP_PROTO_TCP;

	if (!tcp && v->v.proto != SP_PROTO_UDP)
		return UINT32_MAX;
	for (uint32_t i = 0; i < all->n; i++)
		if (all->at[i].tcp == tcp && sp_select_match(&all->at[i].select, p, v))
			return i;
	return UINT32_MAX;
}

bool sp_msg_wanted(const struct msg_section *s, const uint8_t *data, size_t len)
{
	for (const struct msg_field *f = s->fields; f; f = f->next) {
		bool found = false;
		uint64_t v;

		if (!s->codec->field || s->codec->field(data, len, f->name, &v))
			return false;
		for (uint32_t i = 0; i < f->n; i++)
			found |= f->values[i] == v;
		if (!found)
			return false;
	}
	return true;
}
