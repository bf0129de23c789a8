/* Command-line words to plan: `spate send`, `spate recv`, `spate replay`. The plain spellings and URLs of the
 * same request give the same plan. */
#ifndef SP_SCENARIO_WORDS_H
#define SP_SCENARIO_WORDS_H

#include <stdbool.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/options.h"
#include "plugin/catalog.h"

struct sp_plan;

enum sp_words_live { SP_LIVE_AUTO, SP_LIVE_ON, SP_LIVE_OFF };

/* Keys on the control channel. Texts live in the plan's arena. */
struct sp_words_keys {
	const char *key_file; /* NULL: the usual one */
	const char *trust;    /* "NAME,NAME"; NULL: everybody who is trusted */
	const char *code;     /* send: pair with this code; NULL: do not */
	bool pair;	      /* recv: let one sender pair */
	uint64_t lease_pps;   /* recv: most packets a second that a lease allows; 0: none */
};

/* What is not the plan's: how the result is shown and kept. Texts live in the plan's arena. */
struct sp_words_output {
	bool json, csv, plain; /* at most one */
	bool dry_run;
	bool verbose, quiet; /* at most one */
	enum sp_words_live live;
	const char *run_dir; /* NULL: the default place */
	bool no_run_dir;
	bool no_sandbox;
	const char *truth;    /* send, run: --truth's file; NULL: none */
	const char *out_pcap; /* --out's file (it is in the plan too); NULL: none */
	/* recv: --capture's file, and what goes into it; NULL: none */
	const char *capture, *interface, *filter;
	const char *name; /* the run's: "send", "recv" or --name's */
	struct sp_words_keys keys;
	unsigned live_every; /* seconds; 0: each */
	const char *notes; /* what was given and changes nothing, a line each; NULL: nothing */
	const char *drawn; /* what --mode random has drawn, as words; NULL: nothing */
	bool seed_drawn;   /* nobody gave one, something is drawn: say which it is */
};

struct sp_words {
	struct sp_plan *plan; /* sealed */
	struct sp_words_output out;
};

/* command is "send", "recv" or "replay"; argv begins after it. On error nothing has to be freed, and err
 * holds one sentence and the exit code: 2 for words, 65 and 66 for --targets files. */
int sp_words_parse(const char *command, int argc, char *const argv[], const struct sp_mem *,
		   const struct sp_catalog *, struct sp_words *, struct sp_err *);
void sp_words_free(struct sp_words *);

/* Whose collectors store something that is known, for sentences. */
#define SP_TRUTH_OF "ipfix, netflow9, netflow5, bgp and bmp"

/* `spate run FILE`: what is not in the file. Texts are those of argv. */
struct sp_words_run {
	const char *file;
	const char *junit;   /* NULL: none */
	const char *on_loss; /* NULL: as the file says */
	uint64_t repeats;    /* 0: as the file says */
	struct sp_words_output out;
};
int sp_words_run_parse(int argc, char *const argv[], const struct sp_mem *,
		       struct sp_words_run *, struct sp_err *);

/* The flags of a command, for help, man page and completion; NULL: no such command. */
const struct sp_flag *sp_words_flags(const char *command);
extern const struct sp_flag sp_send_flags[], sp_recv_flags[], sp_run_flags[], sp_replay_flags[];
/* The words that a flag takes, as "auto|never|always"; NULL: not one of a few. */
const char *sp_words_values(const struct sp_flag *);

#endif
