/* libyaml's events become a tree. Its tokenizer is trusted with bytes that were checked here
 * before; depth, size, duplicates and aliases are judged here while the events come in. */
#include "base/yaml.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "base/file.h"
#include "base/str.h"

struct level {
	struct sp_yaml_node *node;
	struct sp_yaml_item *last;	/* of the node's items */
	const struct sp_yaml_node *key; /* a MAP's, that waits for its value */
};

struct anchor {
	const char *name;
	const struct sp_yaml_node *node;
};

struct builder {
	struct sp_yaml *doc;
	struct sp_err *err;
	uint32_t depth, n_anchors, made;
	struct level stack[SP_YAML_DEPTH];
	struct anchor anchors[SP_YAML_ANCHORS];
};

/* ---- the bytes ---- */

static uint32_t code_point(const unsigned char *p, size_t n)
{
	uint32_t v = n == 1 ? p[0] : p[0] & (0x7fu >> n);

	for (size_t i = 1; i < n; i++)
		v = v << 6 | (p[i] & 0x3f);
	return v;
}

/* YAML 1.2, 5.1; U+FEFF only at the very front. */
static bool is_printable(uint32_t c)
{
	return c == '\t' || c == '\n' || c == '\r' || (c >= 0x20 && c <= 0x7e) || c == 0x85 ||
	       (c >= 0xa0 && c <= 0xd7ff) || (c >= 0xe000 && c <= 0xfffd && c != 0xfeff) ||
	       c >= 0x10000;
}

static int check_bytes(const struct sp_yaml *doc, const char *text, size_t len,
		       struct sp_err *err)
{
	struct sp_yaml_node at = { .line = 1, .column = 1, .file = doc->n_files };
	size_t i = len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;

	for (size_t n; i < len; i += n, at.column++) {
		n = sp_utf8_len(text + i);
		if (!text[i])
			return sp_yaml_fail(doc, &at, err,
					    "a byte is 0; save the file as UTF-8 text");
		if (!n)
			return sp_yaml_fail(doc, &at, err,
					    "byte 0x%02x is not UTF-8; save the file as UTF-8",
					    (unsigned)(unsigned char)text[i]);
		uint32_t c = code_point((const unsigned char *)text + i, n);
		if (!is_printable(c))
			return sp_yaml_fail(doc, &at, err,
					    "the character U+%04X may not stand in YAML; in "
					    "double quotes write it as \"\\u%04X\"",
					    (unsigned)c, (unsigned)c);
		if (c == '\n' || (c == '\r' && text[i + 1] != '\n')) {
			at.line++;
			at.column = 0;
		}
	}
	return 0;
}

/* ---- building ---- */

/* Of the file that is being read: the last. */
static struct sp_yaml_node mark_of(const struct builder *b, const yaml_mark_t *m)
{
	return (struct sp_yaml_node){ .line = (uint32_t)m->line + 1,
				      .column = (uint32_t)m->column + 1,
				      .file = b->doc->n_files };
}

static int refuse(struct builder *b, const yaml_event_t *e, const char *sentence)
{
	struct sp_yaml_node at = mark_of(b, &e->start_mark);

	return sp_yaml_fail(b->doc, &at, b->err, "%s", sentence);
}

static int no_memory(struct builder *b)
{
	return sp_fail(b->err, -ENOMEM, SP_EXIT_FAILED, "out of memory");
}

static int too_many(struct builder *b, const struct sp_yaml_node *at)
{
	return sp_yaml_fail(
		b->doc, at, b->err,
		"the document has more than %u keys and values (aliases count as what "
		"they stand for); cut it into smaller ones",
		SP_YAML_NODES);
}

static bool is_open(const struct builder *b, const struct sp_yaml_node *node)
{
	for (uint32_t i = 0; i < b->depth; i++)
		if (b->stack[i].node == node)
			return true;
	return false;
}

/* Puts a finished node (or an alias to one) where the document says; its weight is known. */
static int place_node(struct builder *b, const struct sp_yaml_node *node,
		      const struct sp_yaml_node *at)
{
	struct level *l = b->depth ? &b->stack[b->depth - 1] : NULL;

	if (!l) {
		b->doc->root = node;
		return 0;
	}
	if (l->node->weight + node->weight > SP_YAML_NODES)
		return too_many(b, at);
	l->node->weight += node->weight;
	if (node->height >= l->node->height)
		l->node->height = (uint8_t)(node->height + 1);
	if (l->node->kind == SP_YAML_MAP && !l->key) {
		if (node->kind != SP_YAML_SCALAR)
			return sp_yaml_fail(
				b->doc, at, b->err,
				"a map or a list cannot be a key; write key: value, "
				"and quote a key that holds brackets or braces");
		l->key = node;
		return 0;
	}
	struct sp_yaml_item *item = sp_arena_alloc(&b->doc->arena, sizeof *item);
	if (!item)
		return no_memory(b);
	*item = (struct sp_yaml_item){ .key = l->key, .value = node };
	if (l->last)
		l->last->next = item;
	else
		l->node->items = item;
	l->last = item;
	l->key = NULL;
	l->node->n++;
	return 0;
}

static struct sp_yaml_node *make_node(struct builder *b, const yaml_event_t *e,
				      enum sp_yaml_kind kind)
{
	struct sp_yaml_node at = mark_of(b, &e->start_mark), *node = NULL;

	if (++b->made > SP_YAML_NODES)
		too_many(b, &at);
	else if (!(node = sp_arena_alloc(&b->doc->arena, sizeof *node)))
		no_memory(b);
	if (!node)
		return NULL;
	at.kind = kind;
	at.weight = 1;
	at.height = kind != SP_YAML_SCALAR;
	*node = at;
	return node;
}

static int note_anchor(struct builder *b, const yaml_event_t *e, const yaml_char_t *name,
		       const struct sp_yaml_node *node)
{
	if (!name)
		return 0;
	if (b->n_anchors == SP_YAML_ANCHORS)
		return refuse(b, e,
			      "the document has more than 64 anchors; write the values out");
	char *copy = sp_arena_strdup(&b->doc->arena, (const char *)name);
	if (!copy)
		return no_memory(b);
	b->anchors[b->n_anchors++] = (struct anchor){ copy, node };
	return 0;
}

static int on_alias(struct builder *b, const yaml_event_t *e)
{
	struct sp_yaml_node at = mark_of(b, &e->start_mark);
	const char *name = (const char *)e->data.alias.anchor;
	const struct sp_yaml_node *node = NULL;
	char shown[80];

	/* The last of that name counts. */
	for (uint32_t i = b->n_anchors; i-- && !node;)
		if (!strcmp(b->anchors[i].name, name))
			node = b->anchors[i].node;
	sp_str_printable(shown, sizeof shown, name);
	if (!node)
		return sp_yaml_fail(
			b->doc, &at, b->err,
			"there is no anchor '%s' before this alias; write &%s where "
			"the value stands first",
			shown, shown);
	if (is_open(b, node))
		return sp_yaml_fail(b->doc, &at, b->err,
				    "the alias '%s' stands inside its own anchor, which never "
				    "ends; write the value out",
				    shown);
	if (b->depth + node->height > SP_YAML_DEPTH)
		return refuse(b, e,
			      "maps and lists are nested deeper than 32; make it flatter");
	return place_node(b, node, &at);
}

static int refuse_tag(struct builder *b, const yaml_event_t *e, const yaml_char_t *tag)
{
	return tag ? refuse(b, e,
			    "a tag (such as !!str) has no meaning here; leave it out, and put "
			    "texts in quotes")
		   : 0;
}

static int on_scalar(struct builder *b, const yaml_event_t *e)
{
	const char *text = (const char *)e->data.scalar.value;
	size_t len = e->data.scalar.length;
	int rc = refuse_tag(b, e, e->data.scalar.tag);

	if (rc)
		return rc;
	if (memchr(text, 0, len))
		return refuse(b, e, "a text holds the character \\0; leave it out");
	struct sp_yaml_node *node = make_node(b, e, SP_YAML_SCALAR);
	if (!node)
		return b->err->code;
	char *copy = sp_arena_alloc(&b->doc->arena, len + 1);
	if (!copy)
		return no_memory(b);
	memcpy(copy, text, len);
	node->text = copy;
	node->plain = e->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
	rc = note_anchor(b, e, e->data.scalar.anchor, node);
	return rc ? rc : place_node(b, node, node);
}

static int on_begin(struct builder *b, const yaml_event_t *e, enum sp_yaml_kind kind,
		    const yaml_char_t *anchor, const yaml_char_t *tag)
{
	int rc = refuse_tag(b, e, tag);

	if (rc)
		return rc;
	if (b->depth == SP_YAML_DEPTH)
		return refuse(b, e,
			      "maps and lists are nested deeper than 32; make it flatter");
	struct sp_yaml_node *node = make_node(b, e, kind);
	if (!node)
		return b->err->code;
	b->stack[b->depth++] = (struct level){ .node = node };
	return note_anchor(b, e, anchor, node);
}

/* ---- keys given twice ---- */

static int compare_keys(const void *a, const void *b)
{
	const struct sp_yaml_node *x = *(const struct sp_yaml_node *const *)a;
	const struct sp_yaml_node *y = *(const struct sp_yaml_node *const *)b;
	int d = strcmp(x->text, y->text);

	if (d)
		return d;
	if (x->line != y->line)
		return x->line < y->line ? -1 : 1;
	return (x->column > y->column) - (x->column < y->column);
}

static int check_duplicates(struct builder *b, const struct sp_yaml_node *map)
{
	const struct sp_yaml_node **keys, *twice = NULL, *first = NULL;
	uint32_t n = 0;
	char shown[80];

	if (map->n < 2)
		return 0;
	keys = sp_alloc_array(b->doc->arena.mem, map->n, sizeof *keys);
	if (!keys)
		return no_memory(b);
	for (const struct sp_yaml_item *i = map->items; i; i = i->next)
		keys[n++] = i->key;
	qsort(keys, n, sizeof *keys, compare_keys);
	for (uint32_t i = 1; i < n && !twice; i++)
		if (!strcmp(keys[i - 1]->text, keys[i]->text)) {
			first = keys[i - 1];
			twice = keys[i];
		}
	sp_free(b->doc->arena.mem, keys);
	if (!twice)
		return 0;
	return sp_yaml_fail(b->doc, twice, b->err,
			    "the key '%s' is given twice, first in line %u; leave one of them",
			    sp_str_printable(shown, sizeof shown, twice->text),
			    (unsigned)first->line);
}

static int on_end(struct builder *b)
{
	const struct sp_yaml_node *node = b->stack[--b->depth].node;
	int rc = node->kind == SP_YAML_MAP ? check_duplicates(b, node) : 0;

	return rc ? rc : place_node(b, node, node);
}

/* ---- events ---- */

static int on_event(struct builder *b, const yaml_event_t *e)
{
	switch (e->type) {
	case YAML_DOCUMENT_START_EVENT:
		return b->doc->root
			       ? refuse(b, e,
					"a second document begins; put each into a file of "
					"its own")
			       : 0;
	case YAML_ALIAS_EVENT:
		return on_alias(b, e);
	case YAML_SCALAR_EVENT:
		return on_scalar(b, e);
	case YAML_SEQUENCE_START_EVENT:
		return on_begin(b, e, SP_YAML_LIST, e->data.sequence_start.anchor,
				e->data.sequence_start.tag);
	case YAML_MAPPING_START_EVENT:
		return on_begin(b, e, SP_YAML_MAP, e->data.mapping_start.anchor,
				e->data.mapping_start.tag);
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT:
		return on_end(b);
	default:
		return 0;
	}
}

static const char *remedy(const char *problem)
{
	static const struct {
		const char *part, *remedy;
	} rows[] = {
		{ "cannot start any token",
		  "indent with spaces and not with tabs, and put a value that begins with @, ` "
		  "or % in quotes" },
		{ "mapping values are not allowed",
		  "put a value that holds ': ' in quotes, and check the indentation" },
		{ "',' or ']'", "close the list with ] and put commas between its items" },
		{ "',' or '}'", "close the map with } and put commas between its pairs" },
		{ "expected ':'", "a key is followed by ': ' and a value" },
		{ "unexpected end of stream", "close the quotes" },
		{ "unknown escape", "write \\\\ for a backslash, or use single quotes" },
		{ "expected alphabetic or numeric",
		  "put a value that begins with & or * in quotes" },
		{ "directive", "leave out lines that begin with %" },
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (strstr(problem, rows[i].part))
			return rows[i].remedy;
	return "check the indentation here and in the lines before";
}

static int syntax_error(struct builder *b, const yaml_parser_t *p)
{
	const char *problem = p->problem ? p->problem : "it cannot be read";
	struct sp_yaml_node at = mark_of(b, &p->problem_mark);
	char context[120] = "";

	if (p->error == YAML_MEMORY_ERROR)
		return no_memory(b);
	if (p->context)
		snprintf(context, sizeof context, " %s that begins in line %zu", p->context,
			 p->context_mark.line + 1);
	return sp_yaml_fail(b->doc, &at, b->err, "this is not YAML: %s%s; %s", problem, context,
			    remedy(problem));
}

static int build(struct builder *b, const char *text, size_t len)
{
	yaml_parser_t parser;
	yaml_event_t event;
	bool end = false;
	int rc = 0;

	if (!yaml_parser_initialize(&parser))
		return no_memory(b);
	yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&parser, (const unsigned char *)text, len);
	while (!rc && !end) {
		if (!yaml_parser_parse(&parser, &event)) {
			rc = syntax_error(b, &parser);
			break;
		}
		end = event.type == YAML_STREAM_END_EVENT;
		rc = on_event(b, &event);
		yaml_event_delete(&event);
	}
	yaml_parser_delete(&parser);
	return rc;
}

static int make_empty(struct builder *b)
{
	struct sp_yaml_node *node = sp_arena_alloc(&b->doc->arena, sizeof *node);

	if (!node)
		return no_memory(b);
	*node = (struct sp_yaml_node){ .plain = true,
				       .file = b->doc->n_files,
				       .line = 1,
				       .column = 1,
				       .weight = 1,
				       .text = "" };
	b->doc->root = node;
	return 0;
}

/* Reads text into the document's root; text[len] is a NUL. */
static int read_root(struct sp_yaml *doc, const char *text, size_t len, struct sp_err *err)
{
	struct sp_err own = { 0 };
	struct builder b = { .doc = doc, .err = err ? err : &own };
	struct sp_yaml_node top = { .line = 1, .column = 1, .file = doc->n_files };
	int rc;

	doc->root = NULL;
	if (len > SP_YAML_BYTES)
		return sp_yaml_fail(
			doc, &top, b.err,
			"the document is larger than %u bytes; cut it into smaller ones",
			SP_YAML_BYTES);
	rc = check_bytes(doc, text, len, b.err);
	if (!rc)
		rc = build(&b, text, len);
	if (!rc && !doc->root)
		rc = make_empty(&b);
	return rc;
}

static int parse(struct sp_yaml *doc, const char *name, const char *text, size_t len,
		 const struct sp_mem *mem, struct sp_err *err)
{
	int rc;

	*doc = (struct sp_yaml){ 0 };
	sp_arena_init(&doc->arena, mem);
	doc->name = sp_arena_strdup(&doc->arena, name);
	rc = doc->name ? read_root(doc, text, len, err)
		       : sp_fail(err, -ENOMEM, SP_EXIT_FAILED, "out of memory");
	if (rc)
		sp_yaml_free(doc);
	return rc;
}

int sp_yaml_parse(struct sp_yaml *doc, const char *name, const char *text, size_t len,
		  const struct sp_mem *mem, struct sp_err *err)
{
	struct sp_str copy;
	int rc;

	/* The check of UTF-8 wants a NUL at the end. */
	sp_str_init(&copy, mem);
	sp_str_put(&copy, text, len <= SP_YAML_BYTES ? len : SP_YAML_BYTES + 1);
	rc = copy.failed ? sp_fail(err, -ENOMEM, SP_EXIT_FAILED, "out of memory")
			 : parse(doc, name, copy.text, len, mem, err);
	sp_str_fini(&copy);
	return rc;
}

int sp_yaml_read(struct sp_yaml *doc, const char *path, const struct sp_mem *mem,
		 struct sp_err *err)
{
	struct sp_str text;
	int rc;

	sp_str_init(&text, mem);
	rc = sp_file_read(&text, path, SP_YAML_BYTES, err);
	if (!rc)
		rc = parse(doc, path, text.text, text.len, mem, err);
	sp_str_fini(&text);
	return rc;
}

int sp_yaml_take_in(struct sp_yaml *doc, const char *path, const struct sp_yaml_node **root,
		    struct sp_err *err)
{
	const struct sp_yaml_node *own = doc->root;
	char *name = sp_arena_strdup(&doc->arena, path);
	struct sp_str text;
	int rc;

	if (!name)
		return sp_fail(err, -ENOMEM, SP_EXIT_FAILED, "out of memory");
	if (doc->n_files == SP_YAML_FILES)
		return sp_fail(err, -EMFILE, SP_EXIT_DATA, "more than %u files are taken in",
			       SP_YAML_FILES);
	sp_str_init(&text, doc->arena.mem);
	rc = sp_file_read(&text, path, SP_YAML_BYTES, err);
	if (!rc) {
		doc->files[doc->n_files++] = name;
		rc = read_root(doc, text.text, text.len, err);
		*root = doc->root;
		doc->root = own;
	}
	sp_str_fini(&text);
	return rc;
}

void sp_yaml_free(struct sp_yaml *doc)
{
	sp_arena_fini(&doc->arena);
	*doc = (struct sp_yaml){ 0 };
}
