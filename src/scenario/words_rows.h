/* Rows that several commands have. Inside the folder only. */
#ifndef SP_SCENARIO_WORDS_ROWS_H
#define SP_SCENARIO_WORDS_ROWS_H

#define G_ENGINE "Engine"
#define G_OUT	 "Output"

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
