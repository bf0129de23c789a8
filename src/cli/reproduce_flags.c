#include "cli/cmd_reproduce.h"

#define WHAT "A reproduction (with -t)"
#define LIVE "A reproduction: as if it were now"
#define OUT  "Output"

const struct sp_flag sp_reproduce_flags[] = {
	{ "-t, --test, --cfg", SP_FLAG_VALUE, "FILE", "cfg", NULL, WHAT,
	  "the reproduction: traffic-reproducer's file, unchanged" },
	{ "-p, --pcap-proc", SP_FLAG_NONE, NULL, "process", "yes", WHAT,
	  "makes clean sessions out of the capture first (pcap_processing in the file)" },
	{ "--no-sync", SP_FLAG_NONE, NULL, "no_sync", "yes", WHAT,
	  "begins at once; else each capture waits for its own second of the minute" },
	{ "--keep-open", SP_FLAG_NONE, NULL, "keep_open", "yes", WHAT,
	  "sessions stay open at the end, until a signal" },
	{ "--reconnect", SP_FLAG_VALUE, "TIME", "reconnect", NULL, WHAT,
	  "a session over TCP that is lost begins again with its opening messages, and is tried "
	  "for so long (default 0: it has failed)" },
	{ "--preload-pcap", SP_FLAG_NONE, NULL, "preload", "yes", WHAT,
	  "reads all messages into memory before the first one leaves (optimize.preload in the "
	  "file); else what is more than 8 MiB of them is read ahead" },
	{ "--connections", SP_FLAG_VALUE, "N", "connections", NULL, WHAT,
	  "sessions over TCP that a protocol may have, a connection each (default 1024)" },
	{ "--ask-for-input", SP_FLAG_NONE, NULL, "ask", "yes", WHAT,
	  "asks before each capture: y plays it, any other answer leaves it out" },
	{ "--retime", SP_FLAG_VALUE, "now", "retime", NULL, LIVE,
	  "times inside the messages become those of the replay" },
	{ "--exporters", SP_FLAG_VALUE, "N", "exporters", NULL, LIVE,
	  "so many exporters out of what was recorded, each with an address, a domain and "
	  "sequence numbers of its own; the recorded sources in turn" },
	{ "--from", SP_FLAG_VALUE, "PREFIX", "from", NULL, LIVE,
	  "the addresses of the exporters, which must be this host's (`ip route add local "
	  "PREFIX dev lo`)" },
	{ "--spread", SP_FLAG_VALUE, "TIME", "spread", NULL, LIVE,
	  "time over which the exporters begin, one after the other (default 1s)" },
	{ "-v, --verbose", SP_FLAG_NONE, NULL, "verbose", "yes", OUT,
	  "statistics every two seconds, and what is going on, on stderr" },
	{ "-d, --debug", SP_FLAG_NONE, NULL, "debug", "yes", OUT, "the same, and more" },
	{ "-q, --quiet", SP_FLAG_NONE, NULL, "quiet", "yes", OUT, "nothing but errors" },
	{ "--json", SP_FLAG_NONE, NULL, "json", "yes", OUT,
	  "the final document, and nothing else, on standard output" },
	{ "--dry-run", SP_FLAG_NONE, NULL, "dry_run", "yes", OUT,
	  "prints the plan and its digest, and sends nothing" },
	{ "--run-dir", SP_FLAG_VALUE, "DIR", "run_dir", NULL, OUT,
	  "folder for plan, events and report" },
	{ "--no-run-dir", SP_FLAG_NONE, NULL, "no_run_dir", "yes", OUT,
	  "keeps no such folder" },
	{ "--no-sandbox", SP_FLAG_NONE, NULL, "no_sandbox", "yes", OUT,
	  "gives up no rights after everything is open" },
	{ 0 },
};
