/* YAML 1.2 documents as a tree of nodes, each with its place, for files that people write.
 *
 * What is read: one document of maps, lists and scalars in UTF-8, with comments, quotes, block
 * scalars, and anchors with aliases (an alias shares the anchored node). What is refused, with
 * "FILE:LINE:COLUMN: what is wrong; the way out" and SP_EXIT_DATA: keys that are given twice or are
 * no scalars, tags (!!str), several documents, an alias inside its own anchor, text that is not
 * UTF-8 or holds a NUL or control characters, and whatever passes the limits below. Merge keys (<<)
 * are YAML 1.1 and are a key like any other. Scalars stay text: what "10" or "yes" means is said
 * by the option row or the getter that takes it.
 *
 * Lines and columns count from 1, columns in characters. Whatever the input, time is linear in its
 * length (n log n in the size of a map) and memory stays below 16 MiB. */
#ifndef SP_BASE_YAML_H
#define SP_BASE_YAML_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/options.h"

#define SP_YAML_BYTES	(1u << 20) /* of a document */
#define SP_YAML_NODES	100000u	   /* keys, values and lists, aliases expanded */
#define SP_YAML_DEPTH	32u	   /* maps and lists in each other, aliases expanded */
#define SP_YAML_ANCHORS 64u
#define SP_YAML_FILES	16u /* that one document may take in */

enum sp_yaml_kind { SP_YAML_SCALAR, SP_YAML_LIST, SP_YAML_MAP };

struct sp_yaml_item;

struct sp_yaml_node {
	enum sp_yaml_kind kind;
	bool plain;	/* SCALAR: written without quotes and not as a block */
	uint16_t file;	/* 0: the document itself; else number file - 1 of those taken in */
	uint8_t height; /* maps and lists below and including this one; 0 for a SCALAR */
	uint32_t line, column; /* where it begins; an alias is where its anchor is */
	uint32_t n;	       /* items of a LIST, pairs of a MAP */
	uint32_t weight;       /* nodes below and including this one, aliases expanded */
	union {
		const char *text;		  /* SCALAR; never NULL */
		const struct sp_yaml_item *items; /* the first, in the order written; or NULL */
	};
};

struct sp_yaml_item {
	const struct sp_yaml_item *next;
	const struct sp_yaml_node *key; /* always a SCALAR; NULL in a LIST */
	const struct sp_yaml_node *value;
};

struct sp_yaml {
	const char *name;		  /* of the file, as errors show it */
	const struct sp_yaml_node *root;  /* an empty document is an empty plain SCALAR */
	const char *files[SP_YAML_FILES]; /* those taken in */
	uint16_t n_files;
	struct sp_arena arena; /* holds all of it; for the owner's use too */
};

/* Reads a document out of memory (copied) or a file; on success sp_yaml_free frees it, on failure
 * there is nothing to free. A file that cannot be read: SP_EXIT_NOINPUT; else as above, and -ENOMEM
 * with SP_EXIT_FAILED. */
int sp_yaml_parse(struct sp_yaml *, const char *name, const char *text, size_t len,
		  const struct sp_mem *, struct sp_err *);
int sp_yaml_read(struct sp_yaml *, const char *path, const struct sp_mem *, struct sp_err *);
/* Reads another file whose nodes live with this document; what it makes of them is the caller's. On
 * failure the document is as before, and the file's name and line stand in the sentence. -EMFILE with
 * SP_EXIT_DATA: it is one too many. */
int sp_yaml_take_in(struct sp_yaml *, const char *path, const struct sp_yaml_node **root,
		    struct sp_err *);
/* The file that a node was read from, as errors show it. */
const char *sp_yaml_file(const struct sp_yaml *, const struct sp_yaml_node *);
void sp_yaml_free(struct sp_yaml *);

/* "FILE:LINE:COLUMN". Returns buf; 256 bytes are always enough. */
const char *sp_yaml_place(const struct sp_yaml *, const struct sp_yaml_node *, char *buf,
			  size_t cap);
/* Puts the place before the sentence; SP_EXIT_DATA. Returns -EINVAL. */
int sp_yaml_fail(const struct sp_yaml *, const struct sp_yaml_node *, struct sp_err *,
		 const char *fmt, ...) __attribute__((format(printf, 4, 5)));

/* The value of a key, or NULL: there is none, or the node is no map. */
const struct sp_yaml_node *sp_yaml_get(const struct sp_yaml_node *map, const char *key);
/* No value was written: NULL, or a plain scalar that is empty, "~" or "null". */
bool sp_yaml_is_null(const struct sp_yaml_node *);
/* -EINVAL with a sentence unless the node is of this kind; a null is no map, list or value. what
 * opens the sentence: "hosts" -> "x.yaml:2:8: hosts: a list is expected ([a, b])...". */
int sp_yaml_want(const struct sp_yaml *, const struct sp_yaml_node *, enum sp_yaml_kind,
		 const char *what, struct sp_err *);
/* -EINVAL for the first key of the map that is neither in words (NULL-terminated, or NULL) nor the
 * name of a row (or NULL); the sentence names the nearest known word, or all when none is near. */
int sp_yaml_known(const struct sp_yaml *, const struct sp_yaml_node *map,
		  const char *const *words, const struct sp_opt *rows, struct sp_err *);
/* Sets one row of a table from a scalar, with the row's units and bounds. Texts go to arena. */
int sp_yaml_set(const struct sp_yaml *, const struct sp_yaml_node *value,
		const struct sp_opt *rows, const char *key, void *conf, struct sp_arena *,
		struct sp_err *);
/* Sets every row whose name is a key of the map; other keys are sp_yaml_known's business. */
int sp_yaml_set_all(const struct sp_yaml *, const struct sp_yaml_node *map,
		    const struct sp_opt *rows, void *conf, struct sp_arena *, struct sp_err *);
/* One scalar without a table: out points at what the type of sp_opt_type says (SP_OPT_TEXT: const
 * char *, which lives as long as the document; SP_OPT_ENUM has no meaning here). what names it. */
int sp_yaml_value(const struct sp_yaml *, const struct sp_yaml_node *value, const char *what,
		  enum sp_opt_type, void *out, struct sp_err *);

#endif
