/* One row describes one option: how it parses, what it is when not given, where it lands in a
 * configuration struct, and what help says. Plan keys, plug-in settings, the command line, the
 * man pages and completion all come from such rows. */
#ifndef SP_BASE_OPTIONS_H
#define SP_BASE_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/units.h"

enum sp_opt_type {
	SP_OPT_BOOL,	 /* bool: true/false, yes/no, on/off, 1/0; NULL or "" = true */
	SP_OPT_U64,	 /* uint64_t, count with K M G */
	SP_OPT_SIZE,	 /* uint64_t bytes */
	SP_OPT_TIME,	 /* uint64_t ns */
	SP_OPT_RATE,	 /* struct sp_rate */
	SP_OPT_RATIO,	 /* double, 0 to 1, "1%" */
	SP_OPT_REAL,	 /* double */
	SP_OPT_TEXT,	 /* const char *, copied into the arena */
	SP_OPT_ENUM,	 /* int, index into values */
	SP_OPT_PATH,	 /* as TEXT: a file of this host, which no peer may name */
	SP_OPT_QUANTITY, /* struct sp_quantity: a number, or a time */
};

/* values of a row that sp_opts_print leaves out while its member is zero or "": texts, and digests
 * of them, that were made before there was such a row stay as they were. */
#define SP_OPT_QUIET "quiet"

struct sp_opt {
	const char *name; /* NULL ends a table */
	enum sp_opt_type type;
	size_t off;	    /* offsetof(conf, member) */
	const char *dflt;   /* text, parsed like a user's; NULL: the member stays zero */
	const char *values; /* ENUM: "auto|never|always"; of others SP_OPT_QUIET or NULL */
	uint64_t min, max;  /* U64, SIZE, TIME: inclusive bounds; max 0 = no upper bound.
			     * ENUM: min 1 is what SP_OPT_QUIET is for others */
	const char *help;   /* one line, no full stop */
};

/* Head of every plug-in's operations table; abi is SP_PLUGIN_ABI. check() may be NULL. */
#define SP_PLUGIN_ABI 1u
#define SP_PLUGIN_HEAD                                                                         \
	const char *name, *summary;                                                            \
	uint32_t abi;                                                                          \
	const struct sp_opt *opts;                                                             \
	size_t conf_size;                                                                      \
	int (*check)(const void *conf, struct sp_err *)

const struct sp_opt *sp_opt_find(const struct sp_opt *rows, const char *name);
/* Sets every row that has a default. */
int sp_opts_default(const struct sp_opt *rows, void *conf, struct sp_arena *, struct sp_err *);
/* Sets one. place names where the value was written ("--rate", "x.yaml:3:5") and opens the
 * sentence on error; an unknown key names the nearest known one. Errors: -EINVAL, -ERANGE,
 * -ENOENT (unknown key), -ENOMEM, exit class SP_EXIT_USAGE. */
int sp_opts_set(const struct sp_opt *rows, void *conf, const char *key, const char *value,
		const char *place, struct sp_arena *, struct sp_err *);
/* Writes every row as a key of the open JSON object, in table order, canonical texts. */
void sp_opts_print(const struct sp_opt *rows, const void *conf, struct sp_json *);

/* "name" or "name(key=value,key=value)": how laws and other plug-ins with settings are written.
 * Returns the name's plug-in settings in conf. */
struct sp_call {
	char name[32];
	char args[480]; /* inside the brackets, "" when none */
};
int sp_call_parse(const char *text, struct sp_call *, const char *place, struct sp_err *);
int sp_call_args(const struct sp_call *, const struct sp_opt *rows, void *conf,
		 const char *place, struct sp_arena *, struct sp_err *);

/* ---- command lines ---- */
enum sp_flag_arg { SP_FLAG_NONE, SP_FLAG_VALUE };
struct sp_flag {
	const char
		*spell; /* "-r, --rate": every spelling, comma and blank between; NULL ends */
	enum sp_flag_arg arg;
	const char *meta;  /* "RATE"; NULL for SP_FLAG_NONE */
	const char *key;   /* what it sets; the meaning is the caller's */
	const char *value; /* SP_FLAG_NONE: the value it stands for ("false" for --no-gso) */
	const char *group; /* heading in help and man page */
	const char *help;  /* one or more sentences */
};
/* The row that has this spelling ("--rate", "-r"); NULL: none. */
const struct sp_flag *sp_flag_find(const struct sp_flag *rows, const char *spelling);
/* Walks argv (without the program and command name). For each flag calls on(arg, flag, value,
 * spelling); words that are not flags get flag == NULL. "--x=v", "--x v", "-xv", "-x v" and
 * "--" work; long flags need not be abbreviated (abbreviations are refused, scripts break by
 * them). Unknown flags: -ENOENT, a usage error that begins with the spelling and a colon, and
 * names the nearest. A non-zero return of on() ends it and
 * is returned. spelling lives during the call; for a word it is the word, as value is. */
int sp_flags_parse(const struct sp_flag *rows, int argc, char *const argv[],
		   int (*on)(void *arg, const struct sp_flag *, const char *value,
			     const char *spelling, struct sp_err *),
		   void *arg, struct sp_err *);

#endif
