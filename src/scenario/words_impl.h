/* What the files of the command-line reader share; nobody else includes this. */
#ifndef SP_SCENARIO_WORDS_IMPL_H
#define SP_SCENARIO_WORDS_IMPL_H

#include <stdint.h>

#include "base/address.h"
#include "engine/plan_build.h"
#include "scenario/presets.h"
#include "scenario/words.h"

/* Keys of another program's words: one that changes nothing, and one that is refused. The row's help
 * says why, behind the word. */
#define SP_THEIRS_NOTE	  "theirs.note"
#define SP_THEIRS_REFUSED "theirs.refused"

#define SP_WORDS_PORTS	  4u	   /* transports that one command may use */
#define SP_WORDS_STREAMS  1000000u /* most that one command may make */
#define SP_WORDS_ENTRIES  64u	   /* most targets with histograms of their own */

/* A flag as given, or (flag NULL) a word. */
struct sp_given {
	const struct sp_flag *flag;
	const char *value, *spelling;
	bool taken; /* a protocol's own setting: somebody has it */
};

/* key=value for the plan, and where it was written. */
struct sp_setting {
	const char *key, *value, *place;
	struct sp_given *given;
};

/* A target as written. */
struct sp_target {
	const char *text;     /* NULL: the packet's own, or none */
	const char *spelling; /* of its flag; NULL: a word or a line */
	const char *file;     /* --targets'; NULL: the command line */
	unsigned line;
};

/* One reading of a command line. Everything it notes down lives in scratch. */
struct sp_reader {
	const struct sp_mem *mem;
	struct sp_arena scratch;
	const struct sp_catalog *catalog;
	struct sp_plan_build *build;
	struct sp_words *words;
	struct sp_err *err;
	struct sp_given *given;
	unsigned n_given;
	struct sp_setting *stream; /* for each stream that does not say otherwise */
	unsigned n_stream;
	const char *port; /* -p of send; NULL: none */
	const char *port_spelling;
	uint16_t port_first, port_last;
	bool port_used;
	uint16_t source_first, source_last; /* --source-ports; 0: none */
	bool source_used;
	uint16_t ether_type; /* --ether-type; 0: none */
	bool type_used;
	uint64_t streams;			/* per target */
	const char *transports[SP_WORDS_PORTS]; /* of tx0, tx1, ... */
	unsigned n_transports;
	const char *spoken; /* the first stream's protocol; NULL: none yet */
	bool mixed;	    /* a setting that one of several transports lacks is another's */
	struct sp_target *targets;
	unsigned n_targets, cap_targets;
	unsigned n_streams, n_listeners;
	bool frames; /* recv takes frames off an interface, not datagrams out of a socket */
	const char *notes; /* of words that change nothing; NULL or "": none */
	bool random;	   /* something will be drawn */
	const char *drawn; /* what --mode random has drawn; NULL: nothing */
};

/* The last value given for a key; NULL: none. */
const struct sp_given *sp_reader_last(const struct sp_reader *, const char *key);
/* Sets every given flag whose key begins with prefix on the plan's newest item. */
int sp_reader_set(struct sp_reader *, const char *prefix);
/* Is this a setting that other protocols have, and a stream (or receiver) of this word has not? Marks
 * it as taken where it is not so. */
bool sp_reader_lacks(const struct sp_reader *, enum sp_plan_item, const char *word,
		     struct sp_given *, const char *key);
/* After all items: a protocol's setting that nobody took is a mistake. */
int sp_reader_all_taken(const struct sp_reader *, enum sp_plan_item, const char *prefix);
/* The newest port: transport first, since its settings depend on it. word: of the protocol that
 * it is for, unless a flag says otherwise. */
int sp_reader_set_port(struct sp_reader *, const char *word);
/* The transport that a protocol of this word goes over, as the flags say or by itself. */
const char *sp_reader_transport(const struct sp_reader *, const char *word);

/* words_send.c, words_recv.c, words_replay.c: everything but the run's own rows. */
int sp_reader_send(struct sp_reader *);
int sp_reader_replay(struct sp_reader *);
int sp_reader_recv(struct sp_reader *);
/* words_send.c: one more target; text and file are borrowed. */
int sp_reader_note(struct sp_reader *, const char *text, const char *file, unsigned line);
/* words_packet.c: is what such a word sends said by an expression, given or the word's own? */
bool sp_reader_crafts(const struct sp_reader *, const char *word);
/* Does such a setting have something drawn by the seed? */
bool sp_reader_draws(const struct sp_reader *, const char *key, const char *value);
/* An expression names its target itself, and raw Ethernet has none. */
bool sp_reader_targetless(const struct sp_reader *);
/* The expression of the newest stream, for words that have one of their own. first, last: the
 * target's ports; 0: none were given. *size_said: somebody gave a size. */
int sp_reader_preset(struct sp_reader *, const char *word, const char *place, const char *host,
		     uint16_t first, uint16_t last, bool size_said);
/* --source-ports, and what contradicts --packet. */
int sp_reader_check_packet(struct sp_reader *);
/* words_random.c: --mode random becomes what it draws. Adds at most SP_WORDS_DRAWN words. */
#define SP_WORDS_DRAWN 6u
int sp_reader_random(struct sp_reader *);
/* words_file.c: notes each line. */
int sp_reader_file(struct sp_reader *, const char *path);
/* words_target.c: the streams of target number i. */
int sp_reader_target(struct sp_reader *, unsigned i);

#endif
