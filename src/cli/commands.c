#include "cli/commands.h"

#include <string.h>

#include "base/str.h"
#include "cli/cmd_agent.h"
#include "cli/cmd_capture.h"
#include "cli/cmd_compare.h"
#include "cli/cmd_conversations.h"
#include "cli/cmd_doctor.h"
#include "cli/cmd_fields.h"
#include "cli/cmd_help.h"
#include "cli/cmd_key.h"
#include "cli/cmd_lab.h"
#include "cli/cmd_named.h"
#include "cli/cmd_packet.h"
#include "cli/cmd_replay.h"
#include "cli/cmd_reproduce.h"
#include "cli/cmd_run.h"
#include "cli/cmd_scenario.h"
#include "cli/cmd_start.h"
#include "cli/help.h"
#include "scenario/words.h"

static const struct sp_cli_example send_examples[] = {
	{ "send -t 10.1.1.2 -p 5001 -r 100 -D 10",
	  "1,000 packets of 1024 bytes in ten seconds" },
	{ "send udp://10.1.1.2:5555 --rate 2Gbit/s --size 1400", "the same words as a URL" },
	{ "send udp://10.1.1.2 'udp://10.1.1.3?rate=5kpps&size=64' --streams 10",
	  "ten streams to each of two targets, the second with settings of its own" },
	{ "send udp://10.1.1.2 --departure exponential --seed 7", "Poisson departures" },
	{ "send udp://10.1.1.2 -r 1Gbit/s --packet-size imix",
	  "the Internet mix at a bit rate" },
	{ "send udp://10.1.1.2 --model voip:G.711.1 -D 1m",
	  "a telephone call, as D-ITG has it" },
	{ "send udp://10.1.1.2 -r max --count 1M --json",
	  "a million packets, then a document" },
	{ "send udp://10.1.1.2 --count 10 --out ten.pcap", "what would be sent, in a file" },
	{ "send udp://10.1.1.2 --mode burst --burst-count 100 --burst-interval 1s",
	  "a hundred at once, every second, for ten seconds" },
	{ "send udp://10.1.1.2 --steps 1kpps@0,5kpps@10s,0@20s", "rates by the clock" },
	{ "send tcp://10.1.1.2 -r 200 --size 4000", "messages over one connection" },
	{ "send tcp://10.1.1.2 -r max --streams 4 -D 30",
	  "as much as four connections carry for half a minute" },
	{ "send -t 10.1.1.2 --protocol udp:50,tcp:30 -r 800",
	  "one schedule: 500 datagrams and 300 messages a second" },
	{ "send http://10.1.1.2/index.html -r 500 -D 30",
	  "GET, 500 requests a second over kept connections, whatever the server does" },
	{ "send https://10.1.1.2 --size 2000 --close --insecure -r 50",
	  "POST 2,000 bytes, a connection and a handshake for each" },
	{ "send http://10.1.1.2 -r max --connections 64",
	  "64 connections, each with its next request when it has the answer" },
	{ 0 },
};

static const struct sp_cli_example recv_examples[] = {
	{ "recv", "count and verify what comes to UDP port 5001, until stopped" },
	{ "recv udp://:5001-5010 udp://[::1]:6001 -D 60", "several ports for a minute" },
	{ "recv -p 5001 --count 1000 --json", "a document after 1,000 packets" },
	{ "recv tcp://:5001 --verify full", "a sink that checks each byte of bulk data" },
	{ "recv --interface eth1 --address 10.0.0.5 --reply arp,icmp,echo",
	  "answer for an address that no kernel owns" },
	{ "recv udp://:5353 --reply 'dns(zone=lab.zone)'", "a small DNS server" },
	{ "recv --interface eth1 --filter 'udp port 8000' --checksum --capture seen.pcapng",
	  "frames, damaged ones counted, and a capture of them" },
	{ "recv http://:8080 https://:8443 --body 10k --delay 20ms",
	  "two servers; without --cert a certificate is made for the day" },
	{ 0 },
};

static const struct sp_cli_example replay_examples[] = {
	{ "replay office.pcap --interface eth1", "as it was recorded" },
	{ "replay office.pcap -i eth1 -x 2 --loop 10", "twice as fast, ten times" },
	{ "replay a.pcapng b.pcap.gz -i eth1 --pps 20k",
	  "two files, at 20,000 packets a second" },
	{ "replay small.pcap -i eth1 --topspeed --loop 0 -D 10",
	  "as fast as can be, for ten seconds" },
	{ "replay office.pcap -i eth1 -I eth2",
	  "clients' packets by one interface, servers' by the other" },
	{ "replay office.pcap -i eth1 -I eth2 --cachefile office.cache",
	  "as tcpprep has said it" },
	{ "replay night.pcap -i eth1 --max-gap 2", "no pause longer than two seconds" },
	{ "replay -t reproduce.yml -v", "the telemetry sessions of a reproduction" },
	{ "replay --cfg reproduce.yml --no-sync --keep-open",
	  "at once; sessions stay open until Ctrl-C" },
	{ "replay -t reproduce.yml --exporters 5000 --from 10.64.0.0/16 --retime now",
	  "5,000 exporters out of one capture, as if it were now" },
	{ "replay talk.pcap --as client --target 10.1.1.2:8080",
	  "what a client said to its server, to another one; the answers are compared" },
	{ "replay cooked.pcap --dst-mac 02:00:5e:10:00:01 --out frames.pcap",
	  "what would leave, in a file" },
	{ 0 },
};

static const struct sp_flag *const replay_ways[] = { sp_reproduce_flags, sp_conversations_flags,
						     NULL };

static const struct sp_cli_example compare_examples[] = {
	{ "compare runs/20261101T101500Z-send-1a2b3c runs/20261101T102000Z-send-4d5e6f",
	  "two runs, by their folders" },
	{ "compare before*.json --with after*.json",
	  "documents of --json, several a side: every figure is tested" },
	{ 0 },
};

static const struct sp_cli_example lab_examples[] = {
	{ "lab run -- sh", "a shell in the first of two hosts" },
	{ "lab run --hosts a,b,c -- spate send udp://10.99.0.2",
	  "three hosts; the command runs in the first" },
	{ "lab run examples/labs/office.yaml -- sh",
	  "what the file says: see LAB FILES; examples/labs has more" },
	{ "lab exec h2 -- ping -c 3 10.99.0.1", "from inside: a command in another host" },
	{ "lab up examples/labs/office.yaml",
	  "a lab that stays until 'lab down' or until its holder is killed" },
	{ "lab exec office pc -- sh", "from outside" },
	{ "lab link office wan loss=1% back.delay=50ms",
	  "the link changes while the lab runs" },
	{ "lab link wan down=true", "from inside: it is cut; down=false mends it" },
	{ 0 },
};

static const struct sp_cli_example run_examples[] = {
	{ "run examples/loopback.yaml", "two streams over loopback, with expectations" },
	{ "run examples/lab.yaml --json", "in a lab of its own; a document at the end" },
	{ "run test.yaml --repeats 5 --junit result.xml",
	  "five times, with medians; the expectations of each for a CI" },
	{ "run test.yaml --dry-run", "the plans and their digest; nothing is opened" },
	{ 0 },
};

static const struct sp_cli_example start_examples[] = {
	{ "start r1 recv udp://:5001",
	  "a receiver in the background; it listens when this returns" },
	{ "start s1 send udp://10.1.1.2 --mode continuous -r 1kpps",
	  "a sender, until stopped" },
	{ "poll s1 --plain", "Sent=N and Received=N, of now" },
	{ "stop s1 --plain", "the same when it has ended" },
	{ 0 },
};

static const struct sp_cli_example poll_examples[] = {
	{ "poll r1", "a document of one line" },
	{ "poll r1 --plain", "Received=N and Corrupted=N" },
	{ 0 },
};

static const struct sp_cli_example stop_examples[] = {
	{ "stop s1 --plain && spate stop r1 --plain",
	  "the sender first: then the receiver's counts are complete, too" },
	{ 0 },
};

static const struct sp_cli_example list_examples[] = {
	{ "list", "a line for each, with its run folder" },
	{ 0 },
};

static const struct sp_cli_example agent_examples[] = {
	{ "agent --stdio", "on standard input and output, as ssh gives them" },
	{ 0 },
};

static const struct sp_cli_example key_examples[] = {
	{ "key make", "make a key; prints the public half, for others to trust" },
	{ "key trust lab-7 mW3ZBO9bPpsnrGyJ2xJ4bHhHxqE6E3cUvs0aBrYhb9I=",
	  "trust what `spate key show` printed on another host, under the name lab-7" },
	{ "recv --pair", "instead of both: print a code ..." },
	{ "send --pair 4Q7K-9TNM-2XHD udp://HOST", "... that is used once, on the other host" },
	{ 0 },
};

static const struct sp_cli_example packet_examples[] = {
	{ "packet 'ip(dst=10.0.0.2,ttl=5)/tcp(dport=80,flags=S,options=[MSS=1460,NOP,WScale=7])'",
	  "a SYN with options" },
	{ "packet 'eth()/vlan(vlan=5)/ip(src=10.0.0.0/24,dst=10.0.0.2)/udp(sport=1024..65535)/\"hi\"'",
	  "every source port of every source address: 16 million packets" },
	{ "packet --decode 450000140001000040007ce77f0000017f000001",
	  "octets become an expression" },
	{ 0 },
};

static const struct sp_cli_example capture_examples[] = {
	{ "capture summary router.pcap", "what is in it" },
	{ "help capture summary", "the options of a verb" },
	{ 0 },
};

static const struct sp_cli_example fields_examples[] = {
	{ "fields", "the headers" },
	{ "fields tcp", "the fields of one" },
	{ "fields tcp.options", "the options that go into a list" },
	{ 0 },
};

static const struct sp_cli_example doctor_examples[] = {
	{ "doctor", "what works here, and what would mend the rest" },
	{ 0 },
};

static const struct sp_cli_example help_examples[] = {
	{ "help send", "the same as spate send --help" },
	{ "help --completion bash > ~/.local/share/bash-completion/completions/spate",
	  "completion for bash" },
	{ 0 },
};

/* In the order in which help shows them. */
const struct sp_cli_command sp_cli_commands[] = {
	{
		.name = "send",
		.summary = "send traffic to one or more targets, at a set rate",
		.usage = "[OPTIONS] udp|tcp://HOST[:PORT][?KEY=VALUE&...]...\n"
			 "[OPTIONS] http|https://HOST[:PORT][/PATH]...\n"
			 "[OPTIONS] dns://HOST[:PORT]...\n"
			 "[OPTIONS] --packet EXPR\n"
			 "[OPTIONS] -t HOST [-p PORT]\n"
			 "[OPTIONS] --targets FILE",
		.text = "Sends packets, messages or requests to each target: none leaves before its "
			"time, and "
			"whatever was asked and did not leave is counted. Where a spate receiver "
			"listens at the far end, both compare their counts, and the report says "
			"what was lost and where; elsewhere it says 'received: unknown'.\n"
			"Over tcp a stream is one connection with a message of --size at each "
			"departure; with --per-message a connection for each; with -r max, or a bit "
			"rate and no --size, as many bytes as that. A connection that is refused is "
			"an error and was not sent. Whether the far end is spate is asked by one "
			"datagram to the same port number (--no-control: not).\n"
			"Over http and https a unit is a request: GET, or POST where --size is "
			"given, over connections that are kept (--close: one each). With a rate "
			"requests start when they are due, on a free connection or a new one, 64 "
			"at most unless --connections says otherwise; where none is free they are "
			"late, and given up after a second. With -r max each of --connections has "
			"its next request when it has the answer. The round trip counts from the "
			"intended start; that from the actual start stands beside it, and hides "
			"what a slow server kept from starting. Answers are counted by status, and "
			"those from 400 on are errors, too.\n"
			"--mode says when packets leave otherwise than at a rate; its options say so "
			"by themselves, too (--burst-count 5 is --mode burst). Whatever the mode, "
			"the first limit of time, packets and bytes that is reached ends it. A "
			"trace is a file with TIME or TIME,SIZE a line (0.5, 20ms; # begins a "
			"comment). With random the seed draws protocol, mode and text, of those "
			"that are not given, and what it drew is printed.\n"
			"A target's settings after '?' go before the options: name, rate, size, "
			"duration, count, bytes, start, departure, packet_size, model, payload, stamp, streams, mode and "
			"what belongs to modes, with _ for - (burst_count). The "
			"URL and the plain spelling of a request give the same plan.\n"
			"Targets outside loopback, link-local, private and documentation networks "
			"get at most 1,000 packets/s and 10 Mbit/s in all, from a run with an end; "
			"more with a lease from a receiver there whose key is trusted (see "
			"spate help key).\n"
			"K M G are decimal, Ki Mi Gi binary, case does not matter. The first "
			"Ctrl-C stops and reports, the second quits.",
		.run = sp_cmd_send,
		.flags = sp_send_flags,
		.examples = send_examples,
	},
	{
		.name = "recv",
		.summary = "receive traffic, count, verify and measure it",
		.usage = "[OPTIONS] [udp|tcp|http|https://[ADDR][:PORT[-LAST]]...]",
		.text = "Listens on each port, on all addresses of both families unless one is "
			"named, and prints 'ready udp://...' on standard error when it does. Any "
			"number of senders may send at once and come and go; packets of a spate "
			"sender are verified by their stamps, others are counted.\n"
			"Over tcp it is a sink: it reads, counts and answers nothing, from "
			"thousands of connections at a time, however slow or silent they are. Over "
			"http and https it is a server that gives every request the same answer; a "
			"head may take ten seconds, and a connection be silent for a minute.\n"
			"With --interface and neither URL nor -p, or with --filter, --checksum, "
			"--count-as or --listener, it takes frames off the interface, whatever "
			"they carry, and prints 'ready packet://eth1': stamped ones are verified, "
			"all others are counted by addresses, protocol and port numbers. --count "
			"and --duration are exact; there is no control session.\n"
			"It answers no packet unless --reply says so. Senders on this host and in private networks may "
			"open a control session on the same TCP port number (for tcp on another "
			"one, which it tells), to compare counts; senders anywhere whose keys are "
			"trusted also get leases (see spate help key).",
		.run = sp_cmd_recv,
		.flags = sp_recv_flags,
		.examples = recv_examples,
	},
	{
		.name = "replay",
		.summary = "send captured packets again, at their times or faster",
		.usage = "[OPTIONS] FILE... --interface DEV\n"
			 "[OPTIONS] FILE... --interface DEV --interface2 DEV [--split RULE]\n"
			 "[OPTIONS] FILE... --out FILE.pcap\n"
			 "-t FILE.yml [OPTIONS]\n"
			 "FILE --as client --target HOST[:PORT] [OPTIONS]",
		.text = "Reads captures (pcap or pcapng, perhaps inside gzip or zstd; '-' is standard "
			"input), one after the other, and sends their frames as they are: each at "
			"its recorded distance from the first one, never before that, whatever "
			"happened to those before it (--multiplier: so many times as fast). With "
			"--pps, --mbps or --topspeed recorded times do not count. A thread reads "
			"ahead; where the file is slower than the schedule packets are late, and "
			"the report says that it was the file.\n"
			"TIMES that cannot be are put right, counted and reported: a packet up to a "
			"second older than the one before it leaves with that one (it was recorded "
			"out of order, and all others keep their places); one that is older still, "
			"or a day or more after the one before it, leaves with that one, too, and "
			"time goes on from there (the clock was set).\n"
			"FRAMES are Ethernet's. Packets that were recorded without (raw IP, Linux "
			"cooked, loopback) get an Ethernet header, see --target and --dst-mac; of "
			"other links they are refused. What is longer than the MTU is skipped and "
			"counted as not sent (not_sent_unfit; exit status 3 when it is more than 1 %), see "
			"--mtu-trunc. A packet that was not captured whole leaves as far as it "
			"is there, see --pktlen. Where a capture is damaged what is good before that "
			"leaves, and the exit status is 65.\n"
			"CONSENT. Into a test segment (/etc/spate/segments.d), a veth whose other "
			"end is in a namespace of this host with a process in it, or a lab, all packets may leave. "
			"Elsewhere all are looked at before the first one leaves, and one that goes "
			"to an address outside your own networks is refused by its number.\n"
			"REWRITING, see its options, is that of spate capture rewrite: what leaves "
			"is judged as it leaves. With --unique-ip and --unique-port each loop has "
			"addresses and ports of its own, of the same networks.\n"
			"CONVERSATIONS (--as client) need no rights and no interface: of each TCP "
			"conversation whose beginning was captured, and of all UDP datagrams between "
			"two endpoints, the client's side is played over a socket to the target. "
			"What was said is said again when as many octets of the server (UDP: "
			"datagrams) have come as had then, at once (--times answers) or after the "
			"recorded pauses. --await pause goes on, over TCP, when the server has said "
			"something and then no more for 200 ms, whatever its length; --await none "
			"waits for no answer. As many go on at a time "
			"as were recorded. Of UDP who spoke first is the client; every datagram leaves, "
			"equal ones too, and where no answer was recorded between two they keep "
			"their distance; an answer that does not come within --timeout is counted "
			"and the conversation goes on, while one over TCP ends there. UDP answers "
			"are taken for the recorded ones that they are equal to, in any order; one "
			"that is equal to none is compared with the one that was due and begins most "
			"alike, and a copy is one too many.\n"
			"Answers are compared (--compare), and of each conversation the first "
			"difference is named: message, packet of the capture, offset, octets. Exit "
			"status 5 when some are different, 1 when an answer did not come or a "
			"connection was cut, 69 when nobody listens for any, 65 when the capture is "
			"damaged (what is before that is played). After the last answer 20 ms, over "
			"TCP 500 ms unless the server ends, are waited for more. Targets outside "
			"your own networks are refused.\n"
			"TCPREPLAY's words are all known: where one has an effect here it stands beside "
			"the option that does it; one that has none says so and the run goes on; "
			"any other is refused with what to do instead (both are listed below). Its -t is -R "
			"here, since -t FILE is a reproduction.\n"
			"A REPRODUCTION (-t FILE, --test, --cfg) is traffic-reproducer's file, "
			"unchanged: recorded messages of IPFIX and NetFlow, BMP, BGP and others over "
			"sockets of their own, each recorded sender with an address of this host "
			"(network.map; the family may be the other one). Every key has a default: "
			"time_factor 1, no map all senders from the system's choice of address. Keys "
			"that nobody knows have no effect and are told with the nearest known one; "
			"what is of the wrong type, given twice or no such value is refused with line "
			"and column (65). A capture is looked for as seen from the working directory, "
			"then beside the file (66). Switches are on when the file or the command line "
			"says so. The first section that a packet matches has it, in this order: "
			"ipfix, bmp, bgp, other protocols, udp_generic, tcp_generic; without select "
			"every packet does. All messages are read before the first one leaves "
			"(optimize.preload and threading change nothing).\n"
			"Nothing leaves early: gaps are multiplied exactly (traffic-reproducer "
			"sends up to 10 ms early, and 1 s at a factor of 0.01), and what is late is sent "
			"all the same. Unless --no-sync (or no_sync) says otherwise each capture, and "
			"each repetition, waits for the second of the minute at which its first packet "
			"was recorded. Datagrams leave as they were, whole; streams are put together "
			"first, without padding, retransmissions or halves of messages. -v prints "
			"traffic-reproducer's table every two seconds: packets sent, and those of the "
			"captures that matched, were of a sender who is not in the map, or of no "
			"section. --ask-for-input asks for each capture before the run begins.",
		.run = sp_cmd_replay,
		.flags = sp_replay_flags,
		.more = replay_ways,
		.examples = replay_examples,
	},
	{
		.name = "run",
		.summary = "run a scenario: several hosts, streams and stages from a file",
		.usage = "[OPTIONS] FILE",
		.text = "Reads a scenario in YAML, starts an agent for each host's part (on this "
			"host, in network namespaces, or in a lab that it makes for the run), "
			"brings them to one start, and reports on all of them as one run: the "
			"ledger, each host, and what was expected of it. Expectations that are not "
			"met make the exit status 5; hosts that were lost 6.\n"
			"What is wrong in the file is refused with its line and column before "
			"anything starts (65). The folder examples has scenarios to begin with; "
			"`spate help --schema scenario` prints the JSON Schema, for editors.\n"
			"SCENARIOS are YAML and begin with 'spate: 1'. Further keys: name, seed, "
			"repeats (medians and spread of so many runs), on_loss (continue or abort "
			"when a host is lost), run (settings of all, such as cores, catch_up, "
			"verify), include (a file or a list of files, by a path from here: maps are "
			"joined, lists follow each other), and:\n"
			"'hosts: {NAME: {local: true}}', or {netns: NAME}, {lab: HOST}; left out: "
			"this host. 'lab:' is a lab that is made for each run, see spate help lab.\n"
			"'ports: {NAME: {host: HOST, transport: udp, ...}}': bind, interface, port, "
			"and the transport's settings. A port without a transport takes the one that "
			"its streams and receivers go over, and in a file without ports they are "
			"made. 'streams:' is a list: name, from (port), to (port) or target "
			"(HOST:NUMBER, or PROTOCOL://HOST:NUMBER/PATH), protocol, and the settings of "
			"send: rate, size, duration, count, bytes, start, departure, payload, stamp, "
			"per_message, connections, for http method, path, header, close, timeout, for "
			"https insecure, ca, resume, version; 'profile: {...}' may hold them. A port "
			"that a stream goes to receives what the stream sends; 'receivers:' lists "
			"others: name, from, protocol, and for http status, body, delay, stall, for "
			"https cert, key; who goes there and says no protocol speaks theirs.\n"
			"'groups:' is a list of streams that share one schedule: name, profile (or "
			"rate, duration, count, departure, start beside it), settings of them all, "
			"and streams, each with a share (of the sum of all, or 50%) and settings of "
			"its own. 'protocol: mixed', or 'udp:50,tcp:30', on a stream says the same in "
			"short; its parts are called NAME-udp and so on.\n"
			"'stages:' is a list: at (after the start), start and stop (lists of "
			"streams or groups; one that is started by a stage waits for it, and each "
			"start has its limits anew), set ({STREAM: {rate: RATE}}; not of closed "
			"loops over connections, which have rate max), link ({LINK: {down: true}}, or loss, delay, rate, ...: a "
			"link that changes is carried by the forwarder).\n"
			"'capture:' is a list: host, interface, filter (pcap-filter(7)), file (a "
			"name.pcap in the run folder).\n"
			"'expect:' is a list: METRIC [of STREAM] OP VALUE. METRIC is a count of the "
			"document (lost, duplicates, ...), loss (a share), tx_pps, rx_bps and the "
			"like, jitter, outage (the longest time in which nothing came and something "
			"was lost), or p50, p99, p99.9, mean, min or max of (delay), (rtt), (late), "
			"(gap_error); OP is < <= > >= == !=. What is not known is not met.",
		.run = sp_cmd_scenario,
		.flags = sp_run_flags,
		.examples = run_examples,
	},
	{
		.name = "agent",
		.summary = "be one host's part of a run, under a controller",
		.usage = "--stdio [--no-sandbox]\n"
			 "--capture INTERFACE [--filter FILTER]",
		.text = "Runs one plan for a controller and reports to it: `spate run` starts an "
			"agent on each host of a scenario. The messages are lines of JSON: hello, "
			"clock, prepare, arm, command, stop and quit come in; hello, clock, ready, "
			"armed, failed, sample (each second), remark, log and done go out. It ends "
			"when its controller says quit or is gone, and stops what runs.",
		.run = sp_cmd_agent,
		.flags = sp_cmd_agent_flags,
		.examples = agent_examples,
	},
	{
		.name = "start",
		.summary = "start a run in the background, under a name",
		.usage = "NAME send|recv|run WORDS...",
		.text = "The words are those of send, recv and run. Returns when the run is ready (a "
			"receiver listens, a sender is about to send), or, if it does not come to "
			"that, with its exit status; what it printed on standard error until then "
			"is printed. While a run of this NAME is there another one is refused. "
			"NAME is letters, digits, '-' and '_'.\n"
			"The run's report is in its run folder, as ever; `spate list` shows where. "
			"What it prints on standard error later is in NAME.log in the folder "
			"spate/named below $XDG_RUNTIME_DIR, else in /run (root) or "
			"~/.local/state. Nobody but its user can ask or stop it.",
		.flags = sp_cmd_start_flags,
		.examples = start_examples,
		.run = sp_cmd_start,
	},
	{
		.name = "poll",
		.summary = "ask a run in the background for its counts",
		.usage = "NAME [--plain|--json]",
		.text = "Sent, received (corrupted ones too) and corrupted up to now, from the run "
			"itself; of `run` as they were at the last second. A sender's received are "
			"answers that came back to it. What is not known is null, with --plain "
			"unknown. Of a run that has ended: its final counts, and the exit status is "
			"the run's. Of one that was killed: what it told last, exit status 1.",
		.flags = sp_cmd_poll_flags,
		.examples = poll_examples,
		.run = sp_cmd_poll,
	},
	{
		.name = "stop",
		.summary = "end a run in the background; print its final counts",
		.usage = "NAME [--plain|--json]",
		.text = "Returns when the run has ended and its report is written; the counts are "
			"complete then, and what was left of it is taken away. A run that is "
			"stopped has exit status 0, unless something else was wrong with it. One "
			"that had ended by itself gives its counts and its exit status. One that "
			"does not answer gets a SIGTERM, and after that it is said that it does "
			"not end.",
		.flags = sp_cmd_poll_flags,
		.examples = stop_examples,
		.run = sp_cmd_stop,
	},
	{
		.name = "list",
		.summary = "list the runs in the background",
		.usage = "[--json]",
		.text = "Each with its state (starting, running, ended, killed), its counts and its "
			"run folder. Ended and killed ones are there until `spate stop`, or until a "
			"run of the same name is started.",
		.flags = sp_cmd_list_flags,
		.examples = list_examples,
		.run = sp_cmd_list,
	},
	{
		.name = "compare",
		.summary = "compare runs: medians, intervals, a test, a plain sentence",
		.usage = "[OPTIONS] A B\n"
			 "[OPTIONS] A... --with B...",
		.text = "A and B are run folders, or documents that --json printed. Prints each "
			"figure of both sides, the change with its 95 % interval (Hodges and "
			"Lehmann), the p value of a Mann-Whitney test, corrected for the number of "
			"figures (Holm), and says in words what differs and what the plans asked "
			"differently.\n"
			"With one run a side, the rates of its seconds are compared; with several "
			"a side, every figure, one value a run.",
		.flags = sp_cmd_compare_flags,
		.examples = compare_examples,
		.run = sp_cmd_compare,
	},
	{
		.name = "lab",
		.summary = "run commands in a throw-away network on this machine",
		.usage = "run [FILE | --hosts H1,H2,...] -- COMMAND...\n"
			 "up FILE [--name NAME]\n"
			 "exec [LAB] HOST -- COMMAND...\n"
			 "link [LAB] LINK [KEY=VALUE...] [--json]\n"
			 "list [--json]\n"
			 "down [LAB | --all]",
		.text = "A lab is hosts, routers and bridges made of network namespaces, and links "
			"that may be slow, long, lossy or cut. No root is needed where the system "
			"allows user namespaces.\n"
			"'run' makes one, runs COMMAND in its first host and takes everything away "
			"when it ends; the exit status is COMMAND's. 'up' makes one that stays: a "
			"process holds it, and whatever ends that process takes the lab along. "
			"'exec' runs COMMAND in a host, from inside or outside; LAB may be left out "
			"when only one is up. 'link' shows a link or changes it. Nothing is left "
			"behind in the system, however a lab ends.\n"
			"LAB FILES are YAML. 'lab:' holds hosts, routers, bridges (lists of names), "
			"links, and perhaps name and seed. A link has 'ends: [A, B]', and if wanted: "
			"name (default l1, l2 ...), addresses (one for each end that is not a "
			"bridge, such as 10.1.0.1/24, a list of them, or ~ for none), and: rate, "
			"burst, queue, delay, jitter, loss, corrupt, duplicate, reorder (shares such "
			"as 1%), loss_every, corrupt_every, duplicate_every, reorder_every (exactly "
			"each n-th frame), corrupt_checksum (broken, repaired), reorder_by, "
			"reorder_hold, only (any, ip, udp, tcp, icmp), down, via. They act each way; "
			"'back: {...}' differs from B to A.\n"
			"Interfaces are eth0, eth1 in the order of links. Without addresses the "
			"first network is 10.99.0.0/24 and fd99::/64, the next 10.99.1.0/24 and "
			"fd99:0:0:1::/64, and ends are .1, .2 in the order of links. Routers "
			"forward; everybody has the shortest route to every network. A link without "
			"impairments is a veth; others are carried by the kernel's netem where it "
			"can do what is asked, else by spate's forwarder, which is exact, whose "
			"rate is a token bucket over whole frames without FCS (@l1, @l3, @l7 count "
			"otherwise), and which takes some 200,000 frames a second. 'via: forwarder' "
			"chooses it, and lets a plain link change later. 'lab link' and reports of "
			"runs in the lab say what carries a link.\n"
			"An ordinary user's lab has the users of /etc/subuid where the package "
			"uidmap is installed, else one. Named labs have a socket below "
			"$XDG_RUNTIME_DIR/spate/labs, else /run/spate/labs or "
			"~/.local/state/spate/labs.",
		.flags = sp_cmd_lab_flags,
		.examples = lab_examples,
		.run = sp_cmd_lab,
	},
	{
		.name = "key",
		.summary = "make and show this user's key, and say whose keys are trusted",
		.usage = "make\n"
			 "show\n"
			 "list\n"
			 "trust NAME KEY\n"
			 "forget NAME",
		.text = "Sender and receiver that know each other's keys talk TLS 1.3 on their "
			"control session. That is what it takes to send more than 1,000 packets/s "
			"or 10 Mbit/s to an address outside your own networks: the receiver there "
			"gives a lease of at most 30 seconds, and renews it as long as it runs; "
			"without it the sender stops. Between hosts of your own networks no key "
			"is needed.\n"
			"make makes a key and prints its public half, show prints it again; list "
			"prints the keys that are trusted, trust adds one under a name, forget "
			"takes one away. Where people are at both ends, `spate recv --pair` and "
			"`spate send --pair CODE` do all of it.\n"
			"The key is the file key, the others are lines NAME KEY of the file "
			"trusted in $XDG_CONFIG_HOME/spate (~/.config/spate), for their owner's "
			"eyes only. A private key is never part of a command line.",
		.flags = sp_cmd_key_flags,
		.examples = key_examples,
		.run = sp_cmd_key,
	},
	{
		.name = "capture",
		.summary = "look into captures, and make new ones of them",
		.usage = "VERB [OPTIONS] FILE...",
		.text = "Files are pcap or pcapng, of any byte order and resolution, perhaps inside "
			"gzip or zstd; - is standard input. Where one is damaged, what comes before "
			"the damage is used, then the packet and the byte are named (65).",
		.examples = capture_examples,
		.run = sp_cmd_capture,
		.verbs = sp_capture_verbs,
	},
	{
		.name = "packet",
		.summary = "show what a packet expression would send",
		.usage = "[--hex | --json] EXPRESSION...\n"
			 "--count N [--hex] EXPRESSION...\n"
			 "--decode [--first HEADER] [--hex | --json] HEX...\n"
			 "--read FILE [--count N] [--check]",
		.text = "An expression is headers between slashes, from the outermost to the "
			"innermost, each with the fields that matter in brackets: "
			"ip(dst=10.0.0.2,ttl=5)/udp(dport=53)/\"text\". `spate fields` lists headers, "
			"and `spate fields tcp` the fields of one, under Scapy's names and with Scapy's "
			"defaults. What depends on the rest (lengths, checksums, the number of the "
			"next header) is filled in, unless it is given: then it is kept, even when "
			"wrong.\n"
			"A VALUE is a number (80, 0x50), a name (flags=SA, type=echo-request), an "
			"address, \"text\" with \\n \\r \\t \\0 \\xNN \\\\ \\\" \\', or octets "
			"(0x0a0b). A field varies "
			"from packet to packet with a list [1,2,5..9], a range a..b or a..b/step or "
			"(a,b), a prefix 10.0.0.0/24 (each of its addresses), random or "
			"random(a..b), or @FILE (a value a line, # begins a comment); a list of "
			"texts has texts of one length. Several such fields walk through all combinations, the last "
			"written fastest.\n"
			"LISTS of options are options=[MSS=1460,NOP,Timestamp=(1,0)]; a kind by its "
			"number is 254=0x0a0b, and raw=0x0a0b are octets as they are. Padding to the "
			"right length is added.\n"
			"An ip header with an IPv6 address is an ipv6 header. Octets alone, \"text\" or "
			"0x0a0b, are a payload; raw(len=100) is one of that length; padding(len=18) "
			"lies behind the packet, and no length counts it.\n"
			"What is wrong is refused with the number of its character (exit status 2).",
		.flags = sp_cmd_packet_flags,
		.examples = packet_examples,
		.run = sp_cmd_packet,
	},
	{
		.name = "fields",
		.summary = "list the headers and fields of the packet expression",
		.usage = "[--json] [HEADER | HEADER.LIST]...",
		.text = "For each field its size in bits, what it is when not given, and its meaning. "
			"'automatic' is filled in from the rest of the packet. See spate help packet "
			"for how a packet is written.",
		.flags = sp_cmd_fields_flags,
		.examples = fields_examples,
		.run = sp_cmd_fields,
	},
	{
		.name = "doctor",
		.summary = "say what this host can do, why not, and how to mend it",
		.usage = "[OPTIONS]",
		.text = "Tries what spate needs of the kernel and the system, and prints for each "
			"thing that is missing the command that mends it. Changes nothing.",
		.flags = sp_cmd_doctor_flags,
		.examples = doctor_examples,
		.run = sp_cmd_doctor,
	},
	{
		.name = "help",
		.summary = "help on a command; man pages and shell completion",
		.usage = "[COMMAND [VERB]]\n"
			 "--man [COMMAND [VERB]]\n"
			 "--completion bash\n"
			 "--schema scenario|report",
		.text = "Without a COMMAND: the list of commands. `spate help laws` lists the laws of gaps "
			"and sizes, `spate help replies` the machines of recv --reply, and `spate "
			"help transports` the transports, each with their settings.",
		.flags = sp_cmd_help_flags,
		.examples = help_examples,
		.run = sp_cmd_help,
	},
	{ 0 },
};

const struct sp_cli_command *sp_cli_find(const struct sp_cli_command *table, const char *name)
{
	for (; table->name; table++)
		if (strcmp(table->name, name) == 0)
			return table;
	return NULL;
}

const struct sp_cli_command *sp_cli_verb(const struct sp_cli_command *const *verbs,
					 const char *word, const char **near)
{
	const char *best = NULL, *name;

	for (size_t i = 0; verbs && verbs[i]; i++) {
		name = sp_cli_verb_name(verbs[i]);
		if (strcmp(name, word) == 0)
			return verbs[i];
		best = sp_str_nearest(word, (const char *[]){ best ? best : name, name }, 2);
	}
	if (near)
		*near = best;
	return NULL;
}

const char *sp_cli_nearest(const struct sp_cli_command *table, const char *word)
{
	const char *best = NULL;

	for (; table->name; table++) {
		const char *pair[] = { best ? best : table->name, table->name };

		best = sp_str_nearest(word, pair, 2);
	}
	return best;
}
