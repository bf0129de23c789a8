/* Makes clean sessions out of raw captures, ready to be replayed: a folder with traffic.pcap,
 * traffic-reproducer.yml and traffic-info.json. Knows no protocol: codecs come in by pointer. The
 * same input gives the same bytes.
 *
 * Packets are dealt to the parts, which do not share: a packet may be of several. Each part is
 * written after the one before, in their order:
 *
 * - datagrams of a codec: the messages that are kept, in order of the capture; of each what the
 *   codec's clean() leaves, with one state for each source address (templates before data);
 * - streams of a codec: session after session in the order in which they were first seen. A
 *   session is one direction of one connection, from the first message that BEGINS one; streams
 *   without one are left out, and so is what follows a gap up to the next such message. Messages
 *   of one type that follow each other are packed into one segment up to tcp_payload_size, a
 *   message never being split for that; segments are cut at SP_EXTRACT_SEGMENT;
 * - generic parts (no codec): the packets as they are.
 *
 * Times: packet n of a part leaves at its start + n * inter_packet_delay + what the codec's
 * before_ns and after_ns have added so far; the first part starts at SP_EXTRACT_EPOCH +
 * initial_delay, the next at the last packet + inter_protocol_delay. */
#ifndef SP_CAPTURE_EXTRACT_H
#define SP_CAPTURE_EXTRACT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/address.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "capio/packet_view.h"
#include "plugin/codec.h"

#define SP_EXTRACT_EPOCH_NS	     1672534800000000000ll /* 2023-01-01 01:00:00 UTC */
#define SP_EXTRACT_INITIAL_NS	     5000000000ull
#define SP_EXTRACT_INTER_PACKET_NS   1000000ull
#define SP_EXTRACT_INTER_PROTOCOL_NS 1000000000ull
#define SP_EXTRACT_SEGMENT	     1424u /* octets of a segment, and the default packing */
#define SP_EXTRACT_MISSING	     "<MISSING_PARAM>"

/* A protocol's section of the file. */
struct sp_extract_part {
	const char *section; /* "ipfix", "bgp", "udp_generic", ... as it stands in the file */
	const struct sp_codec_ops *codec; /* NULL: generic */
	uint32_t over; /* enum sp_codec_over: SP_CODEC_UDP or SP_CODEC_TCP, one of them */
	/* The selectors of packets (ip, tcp, udp): is this one of the part? It is of the right
	 * protocol already. NULL: each is. */
	int (*wants)(const void *arg, const struct sp_cap_packet *, const struct sp_cap_view *);
	/* The selectors of messages (bgp_h, ...): is it kept? NULL: each is. */
	bool (*keeps)(const void *arg, const uint8_t *message, size_t len);
	const void *arg;
	/* Nobody has said what is there: streams and datagrams of which neither the port numbers
	 * nor the codec's guess() say that they are this codec's are not the part's; a side of a
	 * connection that only opens, holds and closes the session, while the other says more, is
	 * left out; and so is the section when nothing is found. */
	bool guess;
	const char *collector_ip, *collector_port; /* for the new file; NULL: missing */
};

/* From where the new file is to replay a source of the capture. */
struct sp_extract_map {
	struct sp_addr src;
	const char *repro_ip;
};

/* The rest of the new file. Texts are values, which are quoted where YAML wants that. */
struct sp_extract_file {
	const char *time_factor; /* NULL: 1 */
	bool keep_open, no_sync, threading, preload;
	const char *so_sndbuf, *so_rcvbuf, *interface; /* NULL: null */
	const struct sp_extract_map *map;	       /* sources that are not in it: missing */
	unsigned n_map;
	const char *more; /* lines that are added at the end as they are; may be NULL */
};

struct sp_extract_conf {
	const char *const *inputs; /* captures, read one after the other as if they were one */
	unsigned n_inputs;
	const char *folder; /* is made, with its parents, when it is not there */
	/* 0 is 0: sp_extract_defaults() fills in the defaults. */
	uint64_t initial_delay_ns, inter_packet_delay_ns, inter_protocol_delay_ns;
	uint32_t tcp_payload_size; /* 1: a message a segment */
	const struct sp_extract_part *parts;
	unsigned n_parts;
	struct sp_extract_file file;
	/* Called once everything is open, before anything is read: files are still made in folder,
	 * and empty folders removed beneath parent, and nothing else is opened. May be NULL. */
	void (*opened)(void *arg, int folder, int parent);
	void *opened_arg;
	/* Sentences for the user: what was left out and why. May be NULL. */
	void (*remark)(void *arg, const char *text);
	void *remark_arg;
};

struct sp_extract_result {
	uint64_t read;		   /* packets of the captures */
	uint64_t packets;	   /* in traffic.pcap */
	uint64_t messages;	   /* in them */
	uint32_t sessions;	   /* streams, and sources of datagrams */
	uint32_t left_out;	   /* streams that looked like the protocol and do not begin */
	int64_t first_ns, last_ns; /* of traffic.pcap; 0 when it is empty */
};

void sp_extract_defaults(struct sp_extract_conf *);
/* The folder that stands for a capture when none is named: its path without the extension. */
int sp_extract_folder(const char *pcap, struct sp_str *out);

/* Writes the three files. Errors: as sp_cap_open and sp_cap_next say; SP_EXIT_IO for the folder. A
 * capture that is damaged (exit 65) has given its good part: the files are written and *result is
 * filled, as after 0. Nothing found is -ENODATA (SP_EXIT_DATA), and no file is written: folders that
 * were made for them are gone again. The files appear whole, or not at all. */
int sp_extract(const struct sp_extract_conf *, const struct sp_mem *,
	       struct sp_extract_result *, struct sp_err *);

#endif
