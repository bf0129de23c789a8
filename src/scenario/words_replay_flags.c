/* The flags of replay: tcpreplay's words, and this program's own. */
#include "scenario/rewrite_flags.h"
#include "scenario/words_impl.h"
#include "scenario/words_rows.h"

#define G_WHERE	  "Where it leaves"
#define G_TIMES	  "When (default: as recorded)"
#define G_WHAT	  "What"
#define G_REWRITE "Rewriting"
#define G_THEIRS  "Further words of tcpreplay"

/* Words of tcpreplay that change nothing here, and say so; */
#define NOTED(spell, arg, meta, why)                                                           \
	{                                                                                      \
		spell, arg, meta, SP_THEIRS_NOTE, "", G_THEIRS, why                            \
	}
/* and those that are refused, with what to do instead. */
#define REFUSED(spell, arg, meta, why)                                                         \
	{                                                                                      \
		spell, arg, meta, SP_THEIRS_REFUSED, "", G_THEIRS, why                         \
	}

/* clang-format off */
#define THEIR_ROWS                                                                                    \
	NOTED("-T, --timer", SP_FLAG_VALUE, "NAME",                                                   \
	      "has no effect: there is one timer, by absolute times; see --spin"),                    \
	NOTED("-d, --dbug", SP_FLAG_VALUE, "N", "has no effect: --verbose says more"),                \
	NOTED("--no-flow-stats", SP_FLAG_NONE, NULL,                                                  \
	      "has no effect: flows are not counted here"),                                           \
	NOTED("--flow-expiry", SP_FLAG_VALUE, "SECONDS",                                              \
	      "has no effect: flows are not counted here; spate capture summary does it"),            \
	NOTED("--nm-delay", SP_FLAG_VALUE, "SECONDS", "has no effect: there is no netmap"),           \
	NOTED("--xdp-batch-size", SP_FLAG_VALUE, "N", "has no effect: it is chosen by itself"),       \
	NOTED("--no-load-opts", SP_FLAG_NONE, NULL, "has no effect: no file of options is read"),     \
	REFUSED("-t", SP_FLAG_NONE, NULL,                                                             \
		"is -R or --topspeed here; -t FILE.yml is a reproduction"),                           \
	REFUSED("-o, --oneatatime", SP_FLAG_NONE, NULL,                                               \
		"is not done: packets leave at their times; --pps 1 is one a second, and "            \
		"--limit N the first ones"),                                                          \
	REFUSED("-A, --decode", SP_FLAG_VALUE, "ARGS",                                                \
		"is not done: packets are not printed; write them with --out FILE.pcap, and read "    \
		"that with tcpdump or tshark"),                                                       \
	REFUSED("-2, --dualfile", SP_FLAG_NONE, NULL,                                                 \
		"is not done: join both files in the order of their times (mergecap -w BOTH.pcap "    \
		"A.pcap B.pcap), and send that with --interface2 and --split"),                       \
	REFUSED("--listnics", SP_FLAG_NONE, NULL,                                                     \
		"is not done: `ip link` lists interfaces, and spate doctor says what can be done"),   \
	REFUSED("--netmap", SP_FLAG_NONE, NULL,                                                       \
		"is not done: --transport xdp goes past the kernel's stack"),                         \
	REFUSED("--include, --exclude", SP_FLAG_VALUE, "RULE",                                        \
		"is not done while sending: spate capture extract --where EXPR writes what fits "     \
		"into a capture of its own"),                                                         \
	REFUSED("--save-opts, --load-opts", SP_FLAG_VALUE, "FILE",                                    \
		"is not done: a scenario (spate run FILE.yaml) keeps what is to be sent"),            \
	REFUSED("-V, --version", SP_FLAG_NONE, NULL, "is spate --version"),                           \
	REFUSED("-H, -!, --more-help, --less-help", SP_FLAG_NONE, NULL, "is --help")
/* clang-format on */

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
	{ "-c, --cachefile", SP_FLAG_VALUE, "FILE", "stream.cache", NULL, G_WHERE,
	  "a file of tcpprep that says it instead: which packets leave by -i, which by -I, and which "
	  "not at all; it counts the packets of each capture from 1" },
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
	SET_ROW(G_WHERE, ""),
	{ "--xdp", SP_FLAG_NONE, NULL, "transport", "xdp", G_WHERE,
	  "the same as --transport xdp" },
	OUT_ROW("--out, -w, --write", G_WHERE),

	{ "-x, --multiplier", SP_FLAG_VALUE, "X", "stream.multiplier", NULL, G_TIMES,
	  "so many times as fast as recorded" },
	{ "-p, --pps", SP_FLAG_VALUE, "N", "pps", NULL, G_TIMES,
	  "packets a second (10k is 10000)" },
	{ "--pps-multi", SP_FLAG_VALUE, "N", "stream.together", NULL, G_TIMES,
	  "with --pps: so many leave at once, and the pauses are that much longer" },
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
	  "end after so many packets of the captures in all" },
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
	{ "--unique-ip-loops", SP_FLAG_VALUE, "N", "stream.unique_loops", NULL, G_REWRITE,
	  "with --unique-ip or --unique-port: so many loops have the same (default 1)" },

	BROADCAST_ROW(G_ENGINE, "packets to broadcast addresses of an own network may leave"),
	SENDING_ROWS(
		"after a delay: smooth (up to 2 ms late a little at each gap, beyond that at once; the "
		"default), all (at once, however late), burst (the same, up to a second late), chase:2x "
		"(at most twice as fast), skip (not at all)"),

	{ "--stats", SP_FLAG_VALUE, "SECONDS", "out.live_every", NULL, G_OUT,
	  "the live table or lines every so many seconds (default 1)" },
	{ "-P, --pid", SP_FLAG_NONE, NULL, "theirs.pid", "yes", G_OUT,
	  "say the number of this process on standard error" },
	{ "--suppress-warnings", SP_FLAG_NONE, NULL, "out.quiet", "yes", G_OUT,
	  "the same as --quiet" },
	OUTPUT_ROWS,
	THEIR_ROWS,
	{ 0 },
};
