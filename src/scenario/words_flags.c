/* The flags of send and recv. A key is PART.ROW for a row of the plan (run, port, stream, recv),
 * or a word of the reader's own. */
#include <string.h>

#include "engine/protocol.h"
#include "scenario/words_impl.h"
#include "scenario/words_rows.h"

#define G_TARGET  "Target"
#define G_LISTEN  "Where to listen"
#define G_TRAFFIC "Traffic"
#define G_MODE	  "Modes: when packets leave"
#define G_END	  "End (the first that is reached)"
#define G_WAY	  "How it leaves"
#define G_IN	  "How it enters"
#define G_REPLY	  "What it answers"
#define G_KEYS	  "Keys (see spate help key)"
#define G_HTTP	  "HTTP (http, https)"
#define G_TLS	  "TLS (https)"
#define G_DNS	  "DNS (dns)"
#define G_ROUTES  "Routing tables (bgp, bmp)"
#define G_FLOWS	  "Flow records (ipfix, netflow9, netflow5)"

#define STRING(x) #x
#define TEXT(x)	  STRING(x)
#define NUMBER	  TEXT(SP_PROTOCOL_PORT)

#define KEY_ROW                                                                                \
	{                                                                                      \
		"--key", SP_FLAG_VALUE, "FILE", "keys.file", NULL, G_KEYS,                     \
			"file of the own private key (default $XDG_CONFIG_HOME/spate/key)"     \
	}

const struct sp_flag sp_send_flags[] = {
	{ "-t, --target, --target-ip", SP_FLAG_VALUE, "HOST", "target", NULL, G_TARGET,
	  "address or name to send to; may be given several times. A URL "
	  "udp://HOST:PORT says the same" },
	{ "-p, --port, --target-port", SP_FLAG_VALUE, "PORT", "target_port", NULL, G_TARGET,
	  "port number of targets that name none (default " NUMBER ", http 80, https "
	  "443); frames take a range, 80-65535" },
	{ "--protocol", SP_FLAG_VALUE, "WORD", "stream.protocol", NULL, G_TARGET,
	  "udp (the default), tcp (one long-lived connection a stream, messages of --size; with "
	  "-r max or a bit rate without --size as many bytes as that), mixed (one schedule, "
	  "first udp, then tcp, by turns), http, https, dns, ipfix, netflow9, netflow5 (generated flow records; the unit is the message), bgp, bmp (generated routing tables, in a session that is held until the end; one that is "
	  "refused or lost is begun again after 0.1 s, and after twice as long each time, up to 5 s, "
	  "until the end (that of --count alone comes then); when none stands then, the exit status is 69), or shares of one schedule: "
	  "udp:50,tcp:30,http:20; as frames: icmp, icmp6 (echo requests), arp (requests for the "
	  "target), eth (raw Ethernet), syn (TCP SYNs to -p 80-65535 in order)" },
	{ "--packet", SP_FLAG_VALUE, "EXPR", "stream.packet", NULL, G_TARGET,
	  "frames of any headers, as `spate fields` lists them: "
	  "'ip(dst=10.1.1.2,ttl=5)/tcp(dport=80,flags=S)'. The target is the expression's dst, "
	  "or -t where it has none" },
	{ "--targets", SP_FLAG_VALUE, "FILE", "targets", NULL, G_TARGET,
	  "a URL a line, with ?key=value settings of its own; # begins a comment" },
	{ "--streams", SP_FLAG_VALUE, "N", "streams", NULL, G_TARGET,
	  "streams to each target, each at the full rate (default 1)" },

	{ "-r, --rate", SP_FLAG_VALUE, "RATE", "stream.rate", NULL, G_TRAFFIC,
	  "of each stream: 100pps, 50kpps, 2Gbit/s, 1Gbit/s@l1, max; a bare number is "
	  "packets a second (default 100)" },
	{ "--size", SP_FLAG_VALUE, "BYTES", "stream.size", NULL, G_TRAFFIC,
	  "payload of a packet or message; over frame transports the frame without FCS (default "
	  "1024)" },
	{ "--model", SP_FLAG_VALUE, "NAME", "stream.model", NULL, G_TRAFFIC,
	  "rate, gaps and sizes of an application, as D-ITG has them: voip:CODEC[,crtp][,vad] "
	  "(G.711.1 G.711.2 G.729.2 G.729.3 G.723.1), telnet, dns, quake3, cs-active, cs-idle" },
	{ "--packet-size", SP_FLAG_VALUE, "LAW", "stream.packet_size", NULL, G_TRAFFIC,
	  "law of the sizes, instead of --size: imix, uniform(64,1400), "
	  "pareto(shape=1.3,scale=80,max=1400); spate help laws lists them" },
	{ "--departure", SP_FLAG_VALUE, "LAW", "stream.departure", NULL, G_TRAFFIC,
	  "law of the gaps: constant (default), exponential, weibull(shape=0.7), ... with mean "
	  "1/rate; or with times of its own, weibull(shape=0.7,scale=2ms), and then no rate. "
	  "spate help laws lists them" },
	{ "--payload", SP_FLAG_VALUE, "TEXT", "stream.payload", NULL, G_TRAFFIC,
	  "text that is repeated to fill the payload (default X)" },
	{ "--fill", SP_FLAG_VALUE, "KIND", "stream.fill", NULL, G_TRAFFIC,
	  "payloads drawn by the seed: random (any bytes) or letters; text is the default" },
	{ "--payload-file", SP_FLAG_VALUE, "FILE", "fill.file", NULL, G_TRAFFIC,
	  "bytes that are repeated to fill the payload" },
	{ "--messages", SP_FLAG_VALUE, "FILE", "fill.messages", NULL, G_TRAFFIC,
	  "payloads are lines of this file, drawn by the seed" },
	{ "--queries", SP_FLAG_VALUE, "FILE", "fill.domains", NULL, G_TRAFFIC,
	  "payloads are DNS queries for the names in this file, drawn by the seed" },
	{ "--source-ports", SP_FLAG_VALUE, "PORT-LAST", "source_ports", NULL, G_TRAFFIC,
	  "udp, tcp and syn as frames: each packet from the next of these port numbers" },
	{ "--ether-type", SP_FLAG_VALUE, "NUMBER", "ether_type", NULL, G_TRAFFIC,
	  "eth: what the frames carry, as 0x0800 (default 0x88b5, experimental); --payload is "
	  "their text" },
	{ "--stamp", SP_FLAG_VALUE, "KIND", "stream.stamp", NULL, G_TRAFFIC,
	  "sequence number and time in the payload's last bytes: auto (what fits, the "
	  "default), native (18 bytes), short (10 bytes, no time), off" },
	{ "--per-message", SP_FLAG_NONE, NULL, "stream.per_message", "yes", G_TRAFFIC,
	  "tcp: a connection for each message" },
	{ "--connections", SP_FLAG_VALUE, "N", "stream.connections", NULL, G_TRAFFIC,
	  "over connections: so many at a time, at most (with -r max: all the time; one that fails "
	  "is followed after 10 ms, and after twice as long each time, up to 1 s); dns with -r max: "
	  "so many queries wait at a time (default 128)" },
	{ "--no-stamp", SP_FLAG_NONE, NULL, "stream.stamp", "off", G_TRAFFIC,
	  "the same as --stamp off" },

	{ "--mode", SP_FLAG_VALUE, "MODE", "stream.mode", NULL, G_MODE,
	  "auto (by --rate and the limits, the default), standard (--count packets, 10 when "
	  "nothing says how many), continuous (until stopped, 1 a second unless --rate is "
	  "given), rate or rate-limited (1 kpps unless --rate is given), burst, backoff or "
	  "exponential-backoff, ramp, steps, onoff, trace, random (protocol, mode and text are "
	  "drawn by the seed, and printed)" },
	{ "--burst-count", SP_FLAG_VALUE, "N", "stream.burst_count", NULL, G_MODE,
	  "packets of a burst (default 10)" },
	{ "--burst-interval", SP_FLAG_VALUE, "TIME", "stream.burst_interval", NULL, G_MODE,
	  "pause after the last packet of a burst (default 5 s)" },
	{ "--burst-gap", SP_FLAG_VALUE, "TIME", "stream.burst_gap", NULL, G_MODE,
	  "time between the packets of a burst (default 0: at once; 10 ms when neither count "
	  "nor interval is given)" },
	{ "--bursts", SP_FLAG_VALUE, "N", "stream.bursts", NULL, G_MODE,
	  "so many bursts, each whole (default: as long as --duration)" },
	{ "--backoff-first", SP_FLAG_VALUE, "TIME", "stream.backoff_first", NULL, G_MODE,
	  "the first pause (default 100 ms)" },
	{ "--backoff-factor", SP_FLAG_VALUE, "X", "stream.backoff_factor", NULL, G_MODE,
	  "each pause is so many times the one before (default 2)" },
	{ "--backoff-cap", SP_FLAG_VALUE, "TIME", "stream.backoff_cap", NULL, G_MODE,
	  "no pause is longer: then the first follows again (default 1.6 s)" },
	{ "--backoff-reset", SP_FLAG_VALUE, "WHEN", "stream.backoff_reset", NULL, G_MODE,
	  "reply: an answer begins with the first pause again (default never)" },
	{ "--ramp-from", SP_FLAG_VALUE, "RATE", "stream.ramp_from", NULL, G_MODE,
	  "ramp: the rate at the beginning (default 0)" },
	{ "--ramp-to", SP_FLAG_VALUE, "RATE", "stream.ramp_to", NULL, G_MODE,
	  "ramp: the rate at the end, and from then on (default 0)" },
	{ "--ramp-time", SP_FLAG_VALUE, "TIME", "stream.ramp_time", NULL, G_MODE,
	  "ramp: how long that takes (default 10 s, which is the duration then, too)" },
	{ "--ramp-up", SP_FLAG_VALUE, "TIME", "stream.ramp_up", NULL, G_MODE,
	  "rate: from nothing to the rate" },
	{ "--ramp-down", SP_FLAG_VALUE, "TIME", "stream.ramp_down", NULL, G_MODE,
	  "rate: from the rate to nothing, at the end of the duration" },
	{ "--steps", SP_FLAG_VALUE, "LIST", "stream.steps", NULL, G_MODE,
	  "rates and since when: 100pps@0,1kpps@10s,0@20s" },
	{ "--on-time", SP_FLAG_VALUE, "TIME", "stream.on_time", NULL, G_MODE,
	  "onoff: so long at the rate (default 1 s)" },
	{ "--off-time", SP_FLAG_VALUE, "TIME", "stream.off_time", NULL, G_MODE,
	  "onoff: and then so long nothing (default 1 s)" },
	{ "--trace", SP_FLAG_VALUE, "FILE", "stream.trace", NULL, G_MODE,
	  "times to send at, one a line: TIME or TIME,SIZE; # begins a comment" },
	{ "--trace-times", SP_FLAG_VALUE, "HOW", "stream.trace_times", NULL, G_MODE,
	  "absolute (since the start, the default) or relative (since the line before)" },

	{ "-D, --duration", SP_FLAG_VALUE, "TIME", "stream.duration", NULL, G_END,
	  "500ms, 10, 2m, 1h; 0: until stopped (default 10 s, unless --count or --bytes is "
	  "given or the mode has an end of its own)" },
	{ "--count", SP_FLAG_VALUE, "N", "stream.count", NULL, G_END,
	  "packets of each stream; 0: no limit" },
	{ "--bytes", SP_FLAG_VALUE, "BYTES", "stream.bytes", NULL, G_END,
	  "bytes of each stream; 0: no limit" },

	{ "--method", SP_FLAG_VALUE, "WORD", "stream.method", NULL, G_HTTP,
	  "GET, HEAD, POST, PUT, DELETE, OPTIONS, PATCH (default: POST with --size, else GET)" },
	{ "--path", SP_FLAG_VALUE, "PATH", "stream.path", NULL, G_HTTP,
	  "what is asked for, unless the URL says (default /)" },
	{ "--host-header", SP_FLAG_VALUE, "HOST", "stream.host_header", NULL, G_HTTP,
	  "the request's Host (default: the target as written)" },
	{ "--header", SP_FLAG_VALUE, "LINE", "stream.header", NULL, G_HTTP,
	  "a further header line, NAME: VALUE" },
	{ "--close", SP_FLAG_NONE, NULL, "stream.close", "yes", G_HTTP,
	  "a connection for each request" },
	{ "--timeout", SP_FLAG_VALUE, "TIME", "stream.timeout", NULL, G_HTTP,
	  "how long an answer may take (default 10 s; dns 5 s)" },
	{ "--insecure", SP_FLAG_NONE, NULL, "stream.insecure", "yes", G_TLS,
	  "take any certificate of the server (else it must be trusted, and for the host)" },
	{ "--ca", SP_FLAG_VALUE, "FILE", "stream.ca", NULL, G_TLS,
	  "certificates to trust (default: the system's)" },
	{ "--no-resume", SP_FLAG_NONE, NULL, "stream.resume", "no", G_TLS,
	  "a whole handshake for each connection" },
	{ "--tls", SP_FLAG_VALUE, "VERSION", "stream.version", NULL, G_TLS,
	  "1.2 or 1.3 and nothing else (default: what both can)" },

	{ "--domain", SP_FLAG_VALUE, "NAMES", "stream.domain", NULL, G_DNS,
	  "name to ask for, or several with commas, by turns (default example.com)" },
	{ "--domains", SP_FLAG_VALUE, "FILE", "stream.domains", NULL, G_DNS,
	  "a name a line, perhaps with its type (NAME TYPE)" },
	{ "--qtype", SP_FLAG_VALUE, "TYPE", "stream.qtype", NULL, G_DNS,
	  "A (the default), AAAA, MX, TXT, ..., TYPEn" },
	{ "--edns", SP_FLAG_NONE, NULL, "stream.edns", "yes", G_DNS,
	  "EDNS, with room for answers of 1232 bytes" },
	{ "--dnssec", SP_FLAG_NONE, NULL, "stream.dnssec", "yes", G_DNS,
	  "EDNS that asks for signatures (DO)" },

	{ "--flows", SP_FLAG_VALUE, "N", "stream.flows", NULL, G_FLOWS,
	  "records of a message (default: as many as an Ethernet frame holds)" },
	{ "--cardinality", SP_FLAG_VALUE, "N", "stream.cardinality", NULL, G_FLOWS,
	  "distinct 5-tuples (default 10000)" },
	{ "--sources", SP_FLAG_VALUE, "PREFIX", "stream.sources", NULL, G_FLOWS,
	  "prefix of the flows' source addresses (default 10.0.0.0/16)" },
	{ "--destinations", SP_FLAG_VALUE, "PREFIX", "stream.destinations", NULL, G_FLOWS,
	  "and of their destinations, of the same family (default 192.0.2.0/24)" },
	{ "--interfaces", SP_FLAG_VALUE, "N", "stream.interfaces", NULL, G_FLOWS,
	  "numbers of interfaces, from 1 on (default 8)" },
	{ "--as-numbers", SP_FLAG_VALUE, "N", "stream.as_numbers", NULL, G_FLOWS,
	  "autonomous systems, from 64496 on (default 16)" },
	{ "--sampling", SP_FLAG_VALUE, "N", "stream.sampling", NULL, G_FLOWS,
	  "sampling interval that is said (v5: in the header, else by an options template); 1 "
	  "(the default): nothing is said" },
	{ "--observation-domain", SP_FLAG_VALUE, "N", "stream.observation_domain", NULL,
	  G_FLOWS, "observation domain, source id (v9), engine (v5) (default 1)" },
	{ "--observation-domains", SP_FLAG_VALUE, "N", "stream.observation_domains", NULL,
	  G_FLOWS,
	  "so many from there on, by turns, each with its own sequence numbers (default 1)" },
	{ "--template-packets", SP_FLAG_VALUE, "N", "stream.template_packets", NULL, G_FLOWS,
	  "templates with every so many messages (default 20; 0: the first only)" },
	{ "--template-time", SP_FLAG_VALUE, "TIME", "stream.template_time", NULL, G_FLOWS,
	  "and so often at least (default 60 s; 0: never)" },
	{ "--uptime", SP_FLAG_VALUE, "TIME", "stream.uptime", NULL, G_FLOWS,
	  "of the exporter, at its first message (default 1 h)" },

	{ "--prefixes", SP_FLAG_VALUE, "N", "stream.prefixes", NULL, G_ROUTES,
	  "of each address family (default 1000)" },
	{ "--family", SP_FLAG_VALUE, "WORD", "stream.family", NULL, G_ROUTES,
	  "4 (the default), 6 or both" },
	{ "--as", SP_FLAG_VALUE, "N", "stream.as", NULL, G_ROUTES,
	  "own AS number (default 64496); the session is internal when the peer has the same" },
	{ "--router-id", SP_FLAG_VALUE, "ADDR", "stream.router_id", NULL, G_ROUTES,
	  "own identifier (default 192.0.2.1)" },
	{ "--hold", SP_FLAG_VALUE, "TIME", "stream.hold", NULL, G_ROUTES,
	  "hold time that is offered (default 90 s)" },
	{ "--next-hop", SP_FLAG_VALUE, "ADDR", "stream.next_hop", NULL, G_ROUTES,
	  "of IPv4 prefixes (default 192.0.2.1)" },
	{ "--next-hop6", SP_FLAG_VALUE, "ADDR", "stream.next_hop6", NULL, G_ROUTES,
	  "of IPv6 prefixes (default 2001:db8::1)" },
	{ "--per-update", SP_FLAG_VALUE, "N", "stream.per_update", NULL, G_ROUTES,
	  "prefixes that share attributes, on average (default 8)" },
	{ "--path-min", SP_FLAG_VALUE, "N", "stream.path_min", NULL, G_ROUTES,
	  "AS numbers of a path, at least, beside the own (default 1)" },
	{ "--path-max", SP_FLAG_VALUE, "N", "stream.path_max", NULL, G_ROUTES,
	  "and at most (default 6)" },
	{ "--communities", SP_FLAG_VALUE, "N", "stream.communities", NULL, G_ROUTES,
	  "of a route, at most (default 3)" },
	{ "--update-rate", SP_FLAG_VALUE, "N", "stream.update_rate", NULL, G_ROUTES,
	  "messages a second (default: as fast as the peer takes them)" },
	{ "--peers", SP_FLAG_VALUE, "N", "stream.peers", NULL, G_ROUTES,
	  "bmp: peers of the router, each with all prefixes (default 1)" },
	{ "--sys-name", SP_FLAG_VALUE, "TEXT", "stream.sys_name", NULL, G_ROUTES,
	  "bmp: the router's name (default spate)" },
	{ "--stats-every", SP_FLAG_VALUE, "TIME", "stream.stats_every", NULL, G_ROUTES,
	  "bmp: a statistics report of each peer (default 60 s; 0: none)" },
	{ "--churn", SP_FLAG_NONE, NULL, "stream.churn", "yes", G_ROUTES,
	  "once the table is complete, withdraw and announce again what was said, a message each" },

	{ "--bind", SP_FLAG_VALUE, "ADDR", "port.bind", NULL, G_WAY,
	  "own address, as ADDR[%DEV][:PORT]" },
	{ "--interface", SP_FLAG_VALUE, "DEV", "port.interface", NULL, G_WAY,
	  "leave by this interface" },
	{ "--congestion", SP_FLAG_VALUE, "NAME", "setting.congestion", NULL, G_WAY,
	  "tcp: congestion control, such as cubic or bbr (default: the system's; bulk data on "
	  "loopback reno, since one that paces halves what a host carries to itself)" },
	{ "--mss", SP_FLAG_VALUE, "BYTES", "setting.mss", NULL, G_WAY,
	  "tcp: largest segment (default: as the path allows)" },
	{ "--nagle", SP_FLAG_NONE, NULL, "setting", "nodelay=no", G_WAY,
	  "tcp: let the kernel gather small messages (default: each leaves at once)" },
	{ "--sndbuf", SP_FLAG_VALUE, "BYTES", "setting.sndbuf", NULL, G_WAY,
	  "send buffer of each socket (default: udp 4Mi, tcp as the kernel sizes it)" },
	{ "--rcvbuf", SP_FLAG_VALUE, "BYTES", "setting.rcvbuf", NULL, G_WAY,
	  "receive buffer of each socket (default: the same)" },
	{ "--tos", SP_FLAG_VALUE, "N", "setting.tos", NULL, G_WAY,
	  "type of service or traffic class octet: DSCP times 4" },
	{ "--ttl", SP_FLAG_VALUE, "N", "setting.ttl", NULL, G_WAY,
	  "time to live or hop limit (default: the system's)" },
	{ "--transport", SP_FLAG_VALUE, "WORD", "transport", NULL, G_WAY,
	  "udp and tcp (sockets, as the protocol wants), packet (frames on an interface), xdp "
	  "(frames past the kernel's stack), auto (the faster of the two that can be had), utcp "
	  "(TCP of its own over frames), loop (in memory), null (nowhere), pcap (into a file)" },
	SET_ROW(G_WAY, ", such as loss=1% of loop"),
	OUT_ROW("--out", G_WAY),
	{ "--virtual", SP_FLAG_NONE, NULL, "run.virtual", "yes", G_WAY,
	  "run in virtual time (loop, null, pcap)" },
	{ "--no-gso", SP_FLAG_NONE, NULL, "setting", "gso=no", G_WAY,
	  "hand each packet to the kernel by itself" },
	BROADCAST_ROW(G_WAY, "a broadcast address of an own network may be the target"),

	{ "--seed", SP_FLAG_VALUE, "N", "run.seed", NULL, G_ENGINE,
	  "seed of everything that is drawn; the same seed gives the same run" },
	CORES_ROW,
	SENDING_ROWS(
		"after a stall: chase:2x (at most twice the rate, the default), burst (at once), "
		"smooth (also of a delay too short to be a stall, a little at each gap), skip (not at all)"),
	{ "--no-control", SP_FLAG_NONE, NULL, "run.control", "no", G_ENGINE,
	  "do not look for a spate receiver at the far end" },
	{ "--max-flows", SP_FLAG_VALUE, "N", "run.max_flows", NULL, G_ENGINE,
	  "flows kept apart; further ones fold into their stream (default 10000)" },
	TALLY_ROW,
	{ "--verify", SP_FLAG_VALUE, "WHAT", "run.verify", NULL, G_ENGINE,
	  "full: the check covers the payload too (default stamp)" },

	{ "--truth", SP_FLAG_VALUE, "FILE", "out.truth", NULL, G_OUT,
	  "what the collector must have stored, as JSON lines (written after the run; spate capture "
	  "score compares). Only what was handed over: datagrams that the kernel took; of bgp and bmp "
	  "the messages that it took whole for a session that stood until we ended it in order, and "
	  "nothing of one that the peer refused, closed or reset" },

	KEY_ROW,
	{ "--trust", SP_FLAG_VALUE, "NAME,...", "keys.trust", NULL, G_KEYS,
	  "show the own key to receivers in own networks, too, and talk to those with the "
	  "keys of these names only" },
	{ "--pair", SP_FLAG_VALUE, "CODE", "keys.pair", NULL, G_KEYS,
	  "exchange keys with the receiver that printed this code (`recv --pair`), then go on" },

	OUTPUT_ROWS,
	{ 0 },
};

const struct sp_flag sp_recv_flags[] = {
	{ "-p, --port", SP_FLAG_VALUE, "PORT[-LAST]", "listen", NULL, G_LISTEN,
	  "the same as udp://:PORT; may be given several times (default " NUMBER ")" },
	{ "--bind", SP_FLAG_VALUE, "ADDR", "port.bind", NULL, G_LISTEN,
	  "own address for ports without one, as ADDR[%DEV][:PORT] (default: all addresses, "
	  "both families)" },
	{ "--protocol", SP_FLAG_VALUE, "WORD", "recv.protocol", NULL, G_LISTEN,
	  "udp (the default), tcp (a sink: reads, counts and answers nothing), mixed (udp and "
	  "tcp), http, https (servers), or several with commas between; of frames udp, tcp, icmp "
	  "or sctp" },

	{ "--status", SP_FLAG_VALUE, "N", "recv.status", NULL, G_HTTP,
	  "of the answers (default 200)" },
	{ "--body", SP_FLAG_VALUE, "BYTES", "recv.body", NULL, G_HTTP,
	  "length of the answers' bodies (default 0)" },
	{ "--delay", SP_FLAG_VALUE, "TIME", "recv.delay", NULL, G_HTTP,
	  "wait so long before each answer" },
	{ "--stall", SP_FLAG_VALUE, "TIME", "recv.stall", NULL, G_HTTP,
	  "once in each --stall-every answer nothing for so long" },
	{ "--stall-every", SP_FLAG_VALUE, "TIME", "recv.stall_every", NULL, G_HTTP,
	  "from one stall to the next (default 1 s)" },
	{ "--header", SP_FLAG_VALUE, "LINE", "recv.header", NULL, G_HTTP,
	  "a further header line, NAME: VALUE" },
	{ "--close", SP_FLAG_NONE, NULL, "recv.close", "yes", G_HTTP,
	  "end the connection after each answer" },
	{ "--cert", SP_FLAG_VALUE, "FILE", "recv.cert", NULL, G_TLS,
	  "certificate (PEM); without one, a throw-away one is made" },
	{ "--cert-key", SP_FLAG_VALUE, "FILE", "recv.key", NULL, G_TLS,
	  "its key (default: in the same file)" },
	{ "--tls", SP_FLAG_VALUE, "VERSION", "recv.version", NULL, G_TLS,
	  "1.2 or 1.3 and nothing else (default: what both can)" },

	{ "--reply", SP_FLAG_VALUE, "WORD,...", "recv.reply", NULL, G_REPLY,
	  "machines that answer, beside counting: echo and dns over sockets and frames; arp, "
	  "icmp, icmp6, nd, tcp over frames, for addresses that no kernel owns. Each may have "
	  "settings: arp(10.0.0.0/24), echo(port=9), dns(zone=FILE); spate help replies lists them. No answer is longer than "
	  "what asked, but dns to own networks and tcp after its handshake" },
	{ "--address", SP_FLAG_VALUE, "ADDR,...", "recv.address", NULL, G_REPLY,
	  "addresses and prefixes that machines of frames answer for (default: that of --bind)" },

	{ "-D, --duration", SP_FLAG_VALUE, "TIME", "run.duration", NULL, G_END,
	  "500ms, 10, 2m, 1h; 0: until stopped (default)" },
	{ "--count", SP_FLAG_VALUE, "N", "run.count", NULL, G_END,
	  "packets received; 0: no limit (default)" },

	{ "--interface", SP_FLAG_VALUE, "DEV", "port.interface", NULL, G_IN,
	  "with a URL or -p: a socket that takes only what comes in by this interface; without, "
	  "or with one of the next four: all frames that come in there, whatever they carry" },
	{ "--filter", SP_FLAG_VALUE, "FILTER", "recv.filter", NULL, G_IN,
	  "of frames: which count, in tcpdump's language: 'udp port 8000' (default: what -p and "
	  "--protocol say, else all)" },
	{ "--checksum", SP_FLAG_NONE, NULL, "recv.checksum", "yes", G_IN,
	  "of frames: verify the checksums of IP and of UDP, TCP, ICMP, IGMP or SCTP; damaged ones "
	  "count as received, and as corrupted" },
	{ "--count-as", SP_FLAG_VALUE, "WORD", "recv.count_as", NULL, G_IN,
	  "of frames: all (the default), or contrail: what that tool counts (TCP with exactly PSH "
	  "and ACK but no ssh, UDP without more fragments, echo requests)" },
	{ "--listener", SP_FLAG_VALUE, "URL", "recv.listener", NULL, G_IN,
	  "of frames: a socket beside, udp://ADDR:PORT or tcp://ADDR:PORT, so that the kernel "
	  "answers; the frames may be for another address (floating IP)" },
	{ "--rcvbuf", SP_FLAG_VALUE, "BYTES", "setting.rcvbuf", NULL, G_IN,
	  "receive buffer of each socket (default: udp 4Mi, tcp as the kernel sizes it)" },
	{ "--transport", SP_FLAG_VALUE, "WORD", "transport", NULL, G_IN,
	  "udp and tcp (sockets, as the protocol wants), or on --interface: packet (frames), xdp "
	  "(frames kept from the kernel's stack), auto (the faster of the two that can be had)" },
	SET_ROW(G_IN, ""),
	{ "--no-gro", SP_FLAG_NONE, NULL, "setting", "gro=no", G_IN,
	  "take each packet from the kernel by itself" },

	CORES_ROW,
	{ "--no-control", SP_FLAG_NONE, NULL, "run.control", "no", G_ENGINE,
	  "do not offer senders a control session" },
	{ "--max-flows", SP_FLAG_VALUE, "N", "run.max_flows", NULL, G_ENGINE,
	  "flows kept apart at a time; further ones are counted together (default 10000)" },
	TALLY_ROW,
	{ "--verify", SP_FLAG_VALUE, "WHAT", "run.verify", NULL, G_ENGINE,
	  "full: verify the payload too (default stamp)" },
	{ "--spin", SP_FLAG_VALUE, "WHEN", "run.spin", NULL, G_ENGINE,
	  "wait by spinning: auto (default), never, always" },

	KEY_ROW,
	{ "--trust", SP_FLAG_VALUE, "NAME,...", "keys.trust", NULL, G_KEYS,
	  "control sessions for senders with the keys of these names only, in own networks, "
	  "too (default: with a key anybody who is trusted, without one own networks)" },
	{ "--pair", SP_FLAG_NONE, NULL, "keys.pair", "yes", G_KEYS,
	  "print a code with which one sender can make itself known, within ten minutes and "
	  "in one try" },
	{ "--lease", SP_FLAG_VALUE, "RATE", "keys.lease", NULL, G_KEYS,
	  "most packets a second that a sender with a key gets leave for, when it sends here "
	  "over other people's networks (default max: what it asks for; 0: no leave)" },

	{ "--capture", SP_FLAG_VALUE, "FILE", "out.capture", NULL, G_OUT,
	  "record what crosses --interface, of it what --filter takes: pcapng when the name ends "
	  "so, else pcap" },
	OUTPUT_ROWS,
	{ 0 },
};

const struct sp_flag sp_run_flags[] = {
	{ "--repeats", SP_FLAG_VALUE, "N", "repeats", NULL, G_END,
	  "run it so many times and report medians and spread, whatever the file says" },
	{ "--on-loss", SP_FLAG_VALUE, "POLICY", "on_loss", NULL, G_END,
	  "when a host is lost: continue, or abort the rest" },
	{ "--junit", SP_FLAG_VALUE, "FILE", "junit", NULL, G_OUT,
	  "write JUnit XML: a suite for each repetition, with the run itself and each expectation" },
	{ "--truth", SP_FLAG_VALUE, "FILE", "out.truth", NULL, G_OUT,
	  "what the collectors must have stored of what the scenario's generators of flow records and "
	  "routing tables sent, of all hosts, as send --truth; of repetitions FILE.1, FILE.2, ..." },
	OUTPUT_ROWS,
	{ 0 },
};

const struct sp_flag *sp_words_flags(const char *command)
{
	if (strcmp(command, "send") == 0)
		return sp_send_flags;
	if (strcmp(command, "recv") == 0)
		return sp_recv_flags;
	if (strcmp(command, "replay") == 0)
		return sp_replay_flags;
	if (strcmp(command, "run") == 0)
		return sp_run_flags;
	return NULL;
}

const char *sp_words_values(const struct sp_flag *flag)
{
	static const struct {
		const char *part;
		enum sp_plan_item item;
	} parts[] = {
		{ "run.", SP_PLAN_RUN },
		{ "port.", SP_PLAN_PORT },
		{ "stream.", SP_PLAN_STREAM },
		{ "recv.", SP_PLAN_RECV },
	};

	for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
		size_t len = strlen(parts[i].part);
		const struct sp_opt *row;

		if (strncmp(flag->key, parts[i].part, len) != 0)
			continue;
		row = sp_opt_find(sp_plan_rows(parts[i].item), flag->key + len);
		if (!row && parts[i].item == SP_PLAN_STREAM)
			row = sp_opt_find(sp_plan_profile_rows(), flag->key + len);
		return row && row->type == SP_OPT_ENUM ? row->values : NULL;
	}
	return NULL;
}
