/* Several values of a field: a list in brackets, the lines of a file. */
#include "pkt/expr_impl.h"

#include <errno.h>
#include <string.h>

#include "base/file.h"

#define FILE_MAX ((size_t)4 << 20)

/* A list grows by doubling. Numbers and octets are kept apart: all octets of a list have one
 * length, because they go into one place of the packet. */
struct list {
	struct sp_value *v;
	sp_u128 *number;
	uint8_t *octets;
	uint64_t cap;
};

static int reserve(struct sp_expr *x, const char *at, struct list *l, uint64_t n)
{
	struct sp_arena *arena = &x->packet->arena;
	size_t len = l->v->len;

	if (n > SP_PACKET_VALUES || l->v->count + n > SP_PACKET_VALUES)
		return sp_expr_fail(x, at,
				    "a list holds at most %u values; write a range without "
				    "brackets",
				    SP_PACKET_VALUES);
	if (l->v->count + n <= l->cap)
		return 0;
	l->cap = (l->v->count + n) * 2;
	if (l->v->kind == SP_V_TABLE) {
		sp_u128 *more = sp_arena_alloc(arena, l->cap * sizeof *more);

		if (more && l->v->count)
			memcpy(more, l->number, l->v->count * sizeof *more);
		l->v->table = l->number = more;
		return more ? 0 : sp_expr_no_memory(x);
	}
	uint8_t *more = sp_arena_alloc(arena, l->cap * len);

	if (more && l->v->count)
		memcpy(more, l->octets, l->v->count * len);
	l->v->bytes = l->octets = more;
	return more ? 0 : sp_expr_no_memory(x);
}

static int add_numbers(struct sp_expr *x, const char *at, struct list *l,
		       const struct sp_value *one)
{
	uint64_t n = one->kind == SP_V_WALK ? one->count : 1;
	int rc = reserve(x, at, l, n);

	for (uint64_t k = 0; !rc && k < n; k++)
		l->number[l->v->count++] = one->first + (one->kind == SP_V_WALK
								 ? one->step * (sp_u128)k
								 : 0);
	return rc;
}

static int add_octets(struct sp_expr *x, const char *at, struct list *l,
		      const struct sp_value *one)
{
	int rc;

	if (!l->v->count)
		l->v->len = one->len;
	if (one->len != l->v->len)
		return sp_expr_fail(x, at,
				    "the values of a list have one length, %u octets, not %u",
				    l->v->len, one->len);
	rc = reserve(x, at, l, 1);
	if (!rc && one->len)
		memcpy(l->octets + l->v->count * one->len, one->bytes, one->len);
	l->v->count += !rc;
	return rc;
}

static int element(struct sp_expr *x, const struct sp_node *n, const struct sp_field *f,
		   struct list *l)
{
	struct sp_value one = { 0 };
	const char *at = x->p;
	int rc;

	if (l->v->kind == SP_V_TABLE) {
		rc = sp_expr_span(x, n, f, &one);
		return rc ? rc : add_numbers(x, at, l, &one);
	}
	rc = sp_expr_variable(x, n, f, &one);
	return rc ? rc : add_octets(x, at, l, &one);
}

/* The octets of a line as they are; of other fields as they are written in an expression. */
static int one_line(struct sp_expr *x, const struct sp_node *n, const struct sp_field *f,
		    struct list *l, const char *line, size_t len)
{
	struct sp_value raw = { .kind = SP_V_BYTES, .bytes = (const uint8_t *)line };
	struct sp_expr inner = *x;
	int rc;

	if (f->type == SP_F_BYTES) {
		raw.len = (uint32_t)len;
		return add_octets(x, x->p, l, &raw);
	}
	inner.text = inner.p = line;
	rc = element(&inner, n, f, l);
	return rc || inner.p == line + len ? rc : -EINVAL;
}

static int lines(struct sp_expr *x, const struct sp_node *n, const struct sp_field *f,
		 struct list *l, char *text, const char *path)
{
	const char *at = x->p;
	char wants[128];
	unsigned number = 0;

	for (char *line = text, *next; line; line = next) {
		size_t len = strcspn(line, "\n");
		int rc;

		next = line[len] ? line + len + 1 : NULL;
		number++;
		while (len && strchr(" \t\r", line[len - 1]))
			len--;
		line[len] = 0;
		if (!len || *line == '#')
			continue;
		rc = one_line(x, n, f, l, line, len);
		if (rc == -ENOMEM)
			return rc;
		if (rc)
			return sp_expr_fail(x, at, "%s.%s: line %u of %s is not %s%s",
					    sp_node_name(n), f->name, number, path,
					    sp_field_wants(f, wants, sizeof wants),
					    f->bits ? "" : " of the length of the others");
	}
	if (!l->v->count)
		return sp_expr_fail(x, at, "%s.%s: %s has no values", sp_node_name(n), f->name,
				    path);
	return 0;
}

/* Behind the @: a path, in quotes where it has blanks or brackets. */
static int path_of(struct sp_expr *x, char *path, size_t cap)
{
	const char *at = x->p;
	const uint8_t *bytes;
	uint32_t len;
	int rc;

	if (*at == '"' || *at == '\'') {
		rc = sp_expr_octets(x, &bytes, &len);
		if (rc)
			return rc;
	} else {
		len = (uint32_t)strcspn(at, " \t\r\n,()[]");
		bytes = (const uint8_t *)at;
		x->p += len;
	}
	if (!len || len >= cap || memchr(bytes, 0, len))
		return sp_expr_fail(x, at, "the path of a file is expected");
	memcpy(path, bytes, len);
	path[len] = 0;
	return 0;
}

static int file(struct sp_expr *x, const struct sp_node *n, const struct sp_field *f,
		struct list *l)
{
	const char *at = x->p++;
	struct sp_str text;
	char path[1024];
	int rc = path_of(x, path, sizeof path);

	if (rc)
		return rc;
	if (!x->files)
		return sp_expr_fail(x, at, "%s.%s: a file of values cannot be read from here",
				    sp_node_name(n), f->name);
	sp_str_init(&text, x->packet->arena.mem);
	rc = sp_file_read(&text, path, FILE_MAX, x->err);
	if (rc)
		sp_err_prefix(x->err, "%s:%zu", x->packet->place, (size_t)(at - x->text) + 1);
	else
		rc = lines(x, n, f, l, text.text, path);
	sp_str_fini(&text);
	return rc;
}

int sp_expr_list(struct sp_expr *x, const struct sp_node *n, const struct sp_field *f,
		 struct sp_value *v)
{
	struct list l = { .v = v };
	int rc;

	v->kind = f->bits ? SP_V_TABLE : SP_V_BYTES;
	v->count = 0;
	if (*x->p == '@')
		return file(x, n, f, &l);
	x->p++;
	do {
		sp_expr_blank(x);
		rc = *x->p == '@' ? file(x, n, f, &l) : element(x, n, f, &l);
		if (rc)
			return rc;
	} while (sp_expr_take(x, ','));
	if (!sp_expr_take(x, ']'))
		return sp_expr_fail(x, x->p, "%s.%s: ',' or ']' is expected", sp_node_name(n),
				    f->name);
	return 0;
}
