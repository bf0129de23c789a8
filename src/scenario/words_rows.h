/* Rows that several commands have. Inside the folder only. */
#ifndef SP_SCENARIO_WORDS_ROWS_H
#define SP_SCENARIO_WORDS_ROWS_H

#define G_ENGINE "Engine"
#define G_OUT	 "Output"

/* Rows of send, replay, and some of recv, too. Where they do not mean quite the same the arguments say
 * it. */
/* clang-format off */
#define SENDING_ROWS(catch_up)                                                                 \
	{ "--spin", SP_FLAG_VALUE, "WHEN", "run.spin", NULL, G_ENGINE,                         \
	  "wait for a departure by spinning: auto (shortly before it, the default), never, "   \
	  "always" },                                                                          \
	{ "--coalesce", SP_FLAG_VALUE, "TIME", "run.coalesce", NULL, G_ENGINE,                 \
	  "let packets wait so long for neighbours, to leave together (default 0)" },          \
	{ "--catch-up", SP_FLAG_VALUE, "HOW", "run.catch_up", NULL, G_ENGINE, catch_up },      \
	{ "--best-effort", SP_FLAG_NONE, NULL, "run.best_effort", "yes", G_ENGINE,             \
	  "sending less than asked is no failure (exit 0 instead of 3)" }
#define BROADCAST_ROW(group, what)                                                             \
	{ "--allow-broadcast", SP_FLAG_NONE, NULL, "run.allow_broadcast", "yes", group, what }
#define SET_ROW(group, such_as)                                                                \
	{ "--set", SP_FLAG_VALUE, "KEY=VALUE", "setting", NULL, group,                         \
	  "a setting of the transport" such_as "; may be given several times; spate help "     \
	  "transports lists them" }
#define OUT_ROW(spellings, group)                                                              \
	{ spellings, SP_FLAG_VALUE, "FILE.pcap", "out_pcap", NULL, group,                      \
	  "write what would leave into a capture file, in virtual time" }
#define CORES_ROW                                                                              \
	{ "--cores", SP_FLAG_VALUE, "N", "run.cores", NULL, G_ENGINE,                          \
	  "workers, one a core (default 1)" }
#define TALLY_ROW                                                                              \
	{ "--tally", SP_FLAG_VALUE, "HOW", "run.tally", NULL, G_ENGINE,                        \
	  "stream: histograms for each stream, also beyond 64 (default auto)" }
/* clang-format on */

#define OUTPUT_ROWS                                                                                    \
	{ "--json",                                                                                    \
	  SP_FLAG_NONE,                                                                                \
	  NULL,                                                                                        \
	  "out.json",                                                                                  \
	  "yes",                                                                                       \
	  G_OUT,                                                                                       \
	  "the final document, and nothing else, on standard output" },                                \
		{ "--csv",                                                                             \
		  SP_FLAG_NONE,                                                                        \
		  NULL,                                                                                \
		  "out.csv",                                                                           \
		  "yes",                                                                               \
		  G_OUT,                                                                               \
		  "a row a second for each stream (recv: flow) and the total, and the final ones, as " \
		  "CSV on standard output" },                                                          \
		{ "--plain",                                                                           \
		  SP_FLAG_NONE,                                                                        \
		  NULL,                                                                                \
		  "out.plain",                                                                         \
		  "yes",                                                                               \
		  G_OUT,                                                                               \
		  "a line 'Stats: ...' at every 100th packet, with the figures at that packet, "       \
		  "and one at the end, which is the report's; from 100,000 packets a second "          \
		  "on about ten lines a second, each at a multiple of 100" },                          \
		{ "--live",                                                                            \
		  SP_FLAG_NONE,                                                                        \
		  NULL,                                                                                \
		  "out.live",                                                                          \
		  "on",                                                                                \
		  G_OUT,                                                                               \
		  "on a terminal a live table, elsewhere a line a second; on standard error "          \
		  "beside --json and --csv (the default, there on a terminal only); not "              \
		  "beside --plain" },                                                                  \
		{ "--no-live", SP_FLAG_NONE, NULL, "out.live", "off", G_OUT, "neither" },              \
		{ "--run-dir",                                                                         \
		  SP_FLAG_VALUE,                                                                       \
		  "DIR",                                                                               \
		  "out.run_dir",                                                                       \
		  NULL,                                                                                \
		  G_OUT,                                                                               \
		  "folder for plan, events and report, instead of a new one below "                    \
		  "$SPATE_RUNS or ~/.local/state/spate/runs" },                                        \
		{ "--no-run-dir",	    SP_FLAG_NONE, NULL, "out.no_run_dir", "yes", G_OUT,        \
		  "keep nothing of the run" },                                                         \
		{ "--no-sandbox",                                                                      \
		  SP_FLAG_NONE,                                                                        \
		  NULL,                                                                                \
		  "out.no_sandbox",                                                                    \
		  "yes",                                                                               \
		  G_ENGINE,                                                                            \
		  "keep capabilities, system calls and files that a run does not need" },              \
		{ "--name", SP_FLAG_VALUE, "NAME", "run.name", NULL, G_OUT, "name of the run" },       \
		{ "--dry-run",                                                                         \
		  SP_FLAG_NONE,                                                                        \
		  NULL,                                                                                \
		  "out.dry_run",                                                                       \
		  "yes",                                                                               \
		  G_OUT,                                                                               \
		  "print the plan and its digest; open nothing" },                                     \
		{ "-v, --verbose",                                                                     \
		  SP_FLAG_NONE,                                                                        \
		  NULL,                                                                                \
		  "out.verbose",                                                                       \
		  "yes",                                                                               \
		  G_OUT,                                                                               \
		  "log what is detected and decided" },                                                \
		{ "-q, --quiet", SP_FLAG_NONE,	   NULL, "out.quiet", "yes",                           \
		  G_OUT,	 "log errors only" },                                                  \
	{                                                                                              \
		"-h, --help", SP_FLAG_NONE, NULL, "help", "yes", G_OUT, "this text"                    \
	}

#endif
