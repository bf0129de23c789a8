/* The flags of replay: tcpreplay's words, and this program's own. */
#include "scenario/rewrite_flags.h"
#include "scenario/words_impl.h"
#include "scenario/words_rows.h"

#define G_WHERE	  "Where it leaves"
#define G_TIMES	  "When (default: as recorded)"
#define G_WHAT	  "What"
#define G_REWRITE "Rewriting"

const struct sp_flag sp_replay_flags[] = {
	{ "-i, --interface, --intf1", SP_FLAG_VALUE, "DEV", "port.interface", NULL, G_WHERE,
	  "interface that frames leave by; with -I those of clients" },
	{ "-I, --interface2, --intf2", SP_FLAG_VALUE, "DEV", "interface2", NULL, G_WHERE,
	  "interface that frames of servers leave by" },
	{ "--split", SP_FLAG_VALUE, "RULE", "stream.split", NULL, G_WHERE,
	  "who is a server: auto (whoever is sent a SYN or an echo request, or has the "
	  "well-known or lower port number; the default), client or server (what no SYN, echo or "
	  "well-known number tells is one), port (numbers alone), or the servers' addresses: "
	  "10.1.0.0/16,192.0.2.7. What is not IP is a client's" },
	{ "--target", SP_FLAG_VALUE, "HOST", "target", NULL, G_WHERE,
	  "next hop of packets that were recorded without Ethernet header (raw IP, cooked, "
	  "loopback): its hardware address is asked for" },
	{ "--dst-mac", SP_FLAG_VALUE, "MAC", "stream.dst_mac", NULL, G_WHERE,
	  "the same, as a hardware address" },
	{ "--src-mac", SP_FLAG_VALUE, "MAC", "stream.src_mac", NULL, G_WHERE,
	  "where those packets come from (default: the interface's own)" },
	{ "--transport", SP_FLAG_VALUE, "WORD", "transport", NULL, G_WHERE,
	  "packet (the default), xdp (past the kernel's stack), auto (the faster of the two "
	  "that can be had), null (nowhere), pcap (into a file)" },
	{ "--set", SP_FLAG_VALUE, "KEY=VALUE", "setting", NULL, G_WHERE,
	  "a setting of the transport; may be given several times; spate help transports lists "
	  "them" },
	{ "--out", SP_FLAG_VALUE, "FILE.pcap", "out_pcap", NULL, G_WHERE,
	  "write what would leave into a capture file, in virtual time" },

	{ "-x, --multiplier", SP_FLAG_VALUE, "X", "stream.multiplier", NULL, G_TIMES,
	  "so many times as fast as recorded" },
	{ "-p, --pps", SP_FLAG_VALUE, "N", "pps", NULL, G_TIMES,
	  "packets a second (10k is 10000)" },
	{ "-M, --mbps", SP_FLAG_VALUE, "N", "mbps", NULL, G_TIMES,
	  "megabits a second, of frames without FCS" },
	{ "-R, --topspeed", SP_FLAG_NONE, NULL, "topspeed", "max", G_TIMES,
	  "as fast as possible (tcpreplay's -t; here -t FILE is a reproduction)" },
	{ "--max-gap", SP_FLAG_VALUE, "TIME", "stream.max_gap", NULL, G_TIMES,
	  "a pause that would be longer when it is sent is so long, and what follows comes that "
	  "much sooner (default: no limit, but a day or more is no pause: the clock was set, and "
	  "the next packet leaves at once)" },
	{ "--maxsleep", SP_FLAG_VALUE, "MS", "maxsleep", NULL, G_TIMES,
	  "--max-gap in milliseconds, as tcpreplay has it" },
	{ "-l, --loop", SP_FLAG_VALUE, "N", "stream.loops", NULL, G_TIMES,
	  "all files so often; 0: until stopped (default 1). A loop, or file, begins when the "
	  "last packet of the one before it leaves" },
	{ "--loopdelay-ms", SP_FLAG_VALUE, "MS", "loopdelay", NULL, G_TIMES,
	  "pause between loops" },
	{ "-L, --limit", SP_FLAG_VALUE, "N", "stream.limit", NULL, G_TIMES,
	  "end after so many packets in all" },
	{ "-D, --duration", SP_FLAG_VALUE, "TIME", "stream.duration", NULL, G_TIMES,
	  "end after so long: 500ms, 10, 2m" },

	{ "-K, --preload-pcap", SP_FLAG_NONE, NULL, "stream.preload", "yes", G_WHAT,
	  "read everything before the first packet leaves (small files always are)" },
	{ "--mtu-trunc", SP_FLAG_NONE, NULL, "stream.oversize", "cut", G_WHAT,
	  "cut frames that are longer than the interface's MTU allows (default: skip and count "
	  "them)" },
	{ "--pktlen", SP_FLAG_NONE, NULL, "stream.pad", "yes", G_WHAT,
	  "what the capture cut off (snap length) becomes zeros (default: send what is there)" },

	SP_REWRITE_MAC_FLAGS(G_REWRITE, "--enet-smac", "--enet-dmac"),
	SP_REWRITE_FLAGS(G_REWRITE),

	{ "--allow-broadcast", SP_FLAG_NONE, NULL, "run.allow_broadcast", "yes", G_ENGINE,
	  "packets to broadcast addresses of an own network may leave" },
	{ "--spin", SP_FLAG_VALUE, "WHEN", "run.spin", NULL, G_ENGINE,
	  "wait for a departure by spinning: auto (shortly before it, the default), never, "
	  "always" },
	{ "--coalesce", SP_FLAG_VALUE, "TIME", "run.coalesce", NULL, G_ENGINE,
	  "let packets wait so long for neighbours, to leave together (default 0)" },
	{ "--catch-up", SP_FLAG_VALUE, "HOW", "run.catch_up", NULL, G_ENGINE,
	  "after a delay: smooth (up to 2 ms late a little at each gap, beyond that at once; the "
	  "default), all (at once, however late), burst (the same, up to a second late), chase:2x "
	  "(at most twice as fast), skip (not at all)" },
	{ "--best-effort", SP_FLAG_NONE, NULL, "run.best_effort", "yes", G_ENGINE,
	  "sending less than asked is no failure (exit 0 instead of 3)" },

	OUTPUT_ROWS,
	{ 0 },
};
