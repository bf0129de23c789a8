#include <stddef.h>

#include "engine/deal.h"
#include "engine/modes/profile.h"
#include "engine/plan_impl.h"

#define NUMBER_MAX 65535u     /* of a UDP port */
#define UNIT_MAX   (1u << 30) /* seal knows what each protocol holds */
#define CONNS_MAX  100000u
#define FLOWS_MAX  4194304u /* ids that control may grant are 23 bits */

#define AT(member) offsetof(struct sp_plan_run, member)
static const struct sp_opt run_rows[] = {
	{ "name", SP_OPT_TEXT, AT(name), "run", NULL, 0, 0, "name of the run, in its report" },
	{ "seed", SP_OPT_U64, AT(seed), "1", NULL, 0, 0, "seed of everything that is drawn" },
	{ "duration", SP_OPT_TIME, AT(duration_ns), "0", NULL, 0, 0,
	  "a receiver's end; 0: until stopped" },
	{ "count", SP_OPT_U64, AT(count), "0", NULL, 0, 0,
	  "a receiver ends after so many units; 0: no limit" },
	{ "cores", SP_OPT_U64, AT(cores), "1", NULL, 1, 1024, "number of workers" },
	{ "spin", SP_OPT_ENUM, AT(spin), "auto", "auto|never|always", 0, 0,
	  "wait for a departure by spinning: shortly before, never, or all the time" },
	{ "catch_up", SP_OPT_TEXT, AT(catch_up), "chase:2x", NULL, 0, 0,
	  "after a stall: chase:2x (at most twice the rate), burst, all (however late), skip" },
	{ "coalesce", SP_OPT_TIME, AT(coalesce_ns), "0", NULL, 0, 1000000000u,
	  "let packets wait so long for neighbours, to leave together" },
	{ "control", SP_OPT_BOOL, AT(control), "yes", NULL, 0, 0,
	  "compare counts with the other side over a control session" },
	{ "best_effort", SP_OPT_BOOL, AT(best_effort), "no", NULL, 0, 0,
	  "sending less than asked is no failure" },
	{ "allow_broadcast", SP_OPT_BOOL, AT(allow_broadcast), "no", NULL, 0, 0,
	  "broadcast addresses may be targets" },
	{ "virtual", SP_OPT_BOOL, AT(is_virtual), "no", NULL, 0, 0,
	  "run in virtual time, as fast as the machine can" },
	{ "max_flows", SP_OPT_U64, AT(max_flows), "10000", NULL, 1, FLOWS_MAX,
	  "flows that are kept apart at a time; others count for their stream only" },
	{ "tally", SP_OPT_ENUM, AT(tally), "auto", "auto|stream", 0, 0,
	  "what shares histograms: auto (a stream, beyond 64 an entry), stream" },
	{ "verify", SP_OPT_ENUM, AT(verify), "stamp", "stamp|full", 0, 0,
	  "what a receiver verifies: the stamp, or the payload too" },
	{ 0 },
};
#undef AT

#define AT(member) offsetof(struct sp_plan_port, member)
static const struct sp_opt port_rows[] = {
	{ "name", SP_OPT_TEXT, AT(name), "", NULL, 0, 0, "name of the port" },
	{ "transport", SP_OPT_TEXT, AT(transport), "udp", NULL, 0, 0,
	  "how traffic leaves and enters" },
	{ "bind", SP_OPT_TEXT, AT(bind), "", NULL, 0, 0,
	  "own address: ADDR, ADDR%DEV, ADDR:PORT; empty: any" },
	{ "interface", SP_OPT_TEXT, AT(interface), "", NULL, 0, 0, "interface; empty: any" },
	{ "port", SP_OPT_U64, AT(port), "0", NULL, 0, NUMBER_MAX,
	  "own port number; 0: the system's choice" },
	{ "port_last", SP_OPT_U64, AT(port_last), "0", NULL, 0, NUMBER_MAX,
	  "last number of a range; 0: one" },
	{ 0 },
};
#undef AT

#define AT(member) offsetof(struct sp_plan_stream, member)
static const struct sp_opt stream_rows[] = {
	{ "name", SP_OPT_TEXT, AT(name), "", NULL, 0, 0, "name of the stream" },
	{ "from", SP_OPT_TEXT, AT(from), "tx0", NULL, 0, 0, "the port that it leaves from" },
	{ "protocol", SP_OPT_TEXT, AT(protocol), "udp", NULL, 0, 0, "protocol" },
	{ "host", SP_OPT_TEXT, AT(host), "", NULL, 0, 0, "target: address or name" },
	{ "port", SP_OPT_U64, AT(port), "5001", NULL, 1, NUMBER_MAX, "target: port number" },
	{ "rate", SP_OPT_RATE, AT(rate), "100pps", NULL, 0, 0,
	  "100pps, 50kpps, 2Gbit/s, max; a bare number is packets a second" },
	{ "size", SP_OPT_SIZE, AT(size), NULL, NULL, 0, UNIT_MAX,
	  "payload of a unit; over frame transports the frame without FCS; not given: 1024, or "
	  "what the protocol does without one" },
	{ "departure", SP_OPT_TEXT, AT(departure), "constant", NULL, 0, 0,
	  "law of the gaps between departures" },
	{ "count", SP_OPT_U64, AT(count), "0", NULL, 0, 0, "so many units; 0: no limit" },
	{ "bytes", SP_OPT_SIZE, AT(bytes), "0", NULL, 0, 0, "so many bytes; 0: no limit" },
	{ "duration", SP_OPT_TIME, AT(duration_ns), NULL, NULL, 0, 0,
	  "so long; 0: no limit; not given: 10 s, or no limit beside count or bytes" },
	{ "start", SP_OPT_TIME, AT(start_ns), "0", NULL, 0, 0, "starts so long after the run" },
	{ "payload", SP_OPT_TEXT, AT(payload), "X", NULL, 0, 0,
	  "text that is repeated to fill the payload" },
	{ "stamp", SP_OPT_ENUM, AT(stamp), "auto", "auto|native|short|off", 0, 0,
	  "sequence and time in the payload's last 18 (native) or 10 (short) bytes" },
	{ "entry", SP_OPT_TEXT, AT(entry), "", NULL, 0, 0,
	  "beyond 64 streams those of one entry share histograms" },
	{ "per_message", SP_OPT_BOOL, AT(per_message), "no", NULL, 0, 0,
	  "a connection for each unit" },
	{ "connections", SP_OPT_U64, AT(connections), "0", NULL, 0, CONNS_MAX,
	  "connections at a time; 0: what the protocol is used to" },
	{ "deal_of", SP_OPT_U64, AT(deal_of), "1", NULL, 1, SP_DEAL_MAX,
	  "streams of one entry share a schedule: of every so many departures" },
	{ "deal_at", SP_OPT_U64, AT(deal_at), "0", NULL, 0, SP_DEAL_MAX - 1,
	  "from this seat on; the one with seat 0 begins" },
	{ "deal_n", SP_OPT_U64, AT(deal_n), "1", NULL, 1, SP_DEAL_MAX,
	  "so many are this stream's" },
	{ "packet_size", SP_OPT_TEXT, AT(packet_size), NULL, NULL, 0, 0,
	  "law of the sizes, instead of size: imix, uniform(64,1400), ..." },
	{ "fill", SP_OPT_TEXT, AT(fill), "", SP_OPT_QUIET, 0, 0,
	  "what the payload is: text (the default), random, letters, file, messages, domains; "
	  "of the last three payload names the file" },
	{ "packet", SP_OPT_TEXT, AT(packet), "", SP_OPT_QUIET, 0, 0,
	  "frames: what is sent, as an expression: ip(dst=10.0.0.2)/udp(dport=80)" },
	{ "reconnect", SP_OPT_TIME, AT(reconnect_ns), NULL, SP_OPT_QUIET, 0, 0,
	  "recorded messages over connections: a session that was lost is begun again, and tried "
	  "for so long; 0: it has failed" },
	{ 0 },
};
#undef AT

#define AT(member) offsetof(struct sp_plan_recv, member)
static const struct sp_opt recv_rows[] = {
	{ "name", SP_OPT_TEXT, AT(name), "", NULL, 0, 0, "name of the receiver" },
	{ "from", SP_OPT_TEXT, AT(from), "rx0", NULL, 0, 0, "the port that it listens on" },
	{ "protocol", SP_OPT_TEXT, AT(protocol), "udp", NULL, 0, 0, "protocol" },
	{ "filter", SP_OPT_TEXT, AT(filter), NULL, SP_OPT_QUIET, 0, 0,
	  "of frames: which count, in tcpdump's language; not given: all" },
	{ "checksum", SP_OPT_BOOL, AT(checksum), NULL, SP_OPT_QUIET, 0, 0,
	  "of frames: verify the checksums of IP and of what it carries" },
	{ "count_as", SP_OPT_TEXT, AT(count_as), NULL, SP_OPT_QUIET, 0, 0,
	  "of frames: all (the default), or contrail: data segments of TCP (PSH and ACK and no "
	  "other flag) but ssh's, whole UDP, echo requests" },
	{ "listener", SP_OPT_TEXT, AT(listener), NULL, SP_OPT_QUIET, 0, 0,
	  "of frames: a socket beside, so that the kernel answers: udp://ADDR:PORT or "
	  "tcp://ADDR:PORT" },
	{ "reply", SP_OPT_TEXT, AT(reply), NULL, SP_OPT_QUIET, 0, 0,
	  "machines that answer: arp, icmp, icmp6, nd, echo, dns, tcp, each with its settings" },
	{ "address", SP_OPT_TEXT, AT(address), NULL, SP_OPT_QUIET, 0, 0,
	  "addresses and prefixes that they answer for; not given: the port's own" },
	{ 0 },
};
#undef AT

#define AT(member) offsetof(struct sp_plan_stage, member)
static const struct sp_opt stage_rows[] = {
	{ "at", SP_OPT_TIME, AT(at_ns), "0", NULL, 0, 0, "so long after the run's start" },
	{ "stream", SP_OPT_TEXT, AT(stream), "", NULL, 0, 0, "the stream that it is about" },
	{ "do", SP_OPT_ENUM, AT(action), "set", "start|stop|set", 0, 0,
	  "start (anew), stop, or set its rate" },
	{ "rate", SP_OPT_RATE, AT(rate), NULL, NULL, 0, 0, "set: the rate from then on" },
	{ 0 },
};
#undef AT

const struct sp_opt *sp_plan_profile_rows(void)
{
	return sp_profile_rows;
}

const struct sp_opt *sp_plan_rows(enum sp_plan_item item)
{
	switch (item) {
	case SP_PLAN_PORT:
		return port_rows;
	case SP_PLAN_STREAM:
		return stream_rows;
	case SP_PLAN_RECV:
		return recv_rows;
	case SP_PLAN_STAGE:
		return stage_rows;
	default:
		return run_rows;
	}
}
