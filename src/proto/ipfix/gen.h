/* Flow records that nobody observed: NetFlow v5, v9 and IPFIX without a capture. Record r of a stream
 * is a function of (seed, r), so that what a collector must have stored (plugin/truth.h) is known
 * without keeping anything. No I/O, no clock. */
#ifndef SP_PROTO_IPFIX_GEN_H
#define SP_PROTO_IPFIX_GEN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/cursor.h"
#include "base/err.h"
#include "base/prefix.h"
#include "plugin/truth.h"

/* The settings of all three; v5 has no templates. */
struct sp_ipfix_gen_conf {
	uint64_t flows;	      /* records of a message; 0: as many as an Ethernet frame holds */
	uint64_t cardinality; /* distinct 5-tuples */
	const char *sources, *destinations; /* prefixes of one family */
	uint64_t interfaces, as_numbers;
	uint64_t sampling; /* interval; 1: every packet */
	uint64_t template_packets,
		template_time_ns; /* refresh, whichever comes first; 0: never */
	uint64_t domain, domains; /* observation domains (v9: source ids; v5: engines) */
	uint64_t uptime_ns;	  /* of the exporter, at its first message */
};

struct sp_ipfix_gen_flow {
	struct sp_addr src, dst, next_hop;
	uint32_t in, out, src_as, dst_as;
	uint16_t src_port, dst_port;
	uint8_t proto, tos, flags, src_mask, dst_mask;
	uint64_t packets, bytes;   /* as exported; below 2^32 */
	uint32_t begin_ms, end_ms; /* so long before its message; end_ms is not the larger */
};

/* What flows are drawn from. */
struct sp_ipfix_gen_model {
	uint64_t seed, cardinality;
	struct sp_prefix src, dst;
	uint64_t n_src, n_dst; /* addresses */
	uint32_t interfaces, as_numbers;
};

/* -EINVAL with a sentence, exit 2. */
int sp_ipfix_gen_model(struct sp_ipfix_gen_model *, const struct sp_ipfix_gen_conf *,
		       uint64_t seed, struct sp_err *);
/* HOT. Records r and r + cardinality have one 5-tuple, others have not. */
void sp_ipfix_gen_flow(const struct sp_ipfix_gen_model *, uint64_t r,
		       struct sp_ipfix_gen_flow *);

/* A stream's messages: the model, in what words, by whom. */
/* As many fields as a record can have. */
#define SP_IPFIX_GEN_FIELDS 25u

struct sp_ipfix_gen {
	struct sp_ipfix_gen_model model;
	uint16_t version; /* 5, 9, 10 */
	uint32_t flows, domain, domains, sampling;
	uint64_t template_packets;
	int64_t boot_ns;		    /* since 1970 */
	uint8_t field[SP_IPFIX_GEN_FIELDS]; /* of a record of v9 or IPFIX, in wire order */
	uint32_t n_fields, record_len;	    /* octets */
};

/* Settles flows; -EINVAL, -EMSGSIZE with a sentence, exit 2. boot_ns is the caller's. */
int sp_ipfix_gen_init(struct sp_ipfix_gen *, const struct sp_ipfix_gen_conf *, uint16_t version,
		      uint64_t seed, struct sp_err *);
/* The longest message. */
uint32_t sp_ipfix_gen_longest(const struct sp_ipfix_gen *);
/* HOT. Is it due by the number of messages? Then options data go with it, else never. */
bool sp_ipfix_gen_templates_due(const struct sp_ipfix_gen *, uint64_t unit);
/* HOT. Message number unit, as it leaves at now_ns since 1970; templates: with them in front. It
 * has room. */
void sp_ipfix_gen_put(const struct sp_ipfix_gen *, uint64_t unit, int64_t now_ns,
		      bool templates, struct sp_wr *);
/* The truth of messages 0 .. units - 1. 0, or what take() said. */
int sp_ipfix_gen_truth(const struct sp_ipfix_gen *, uint64_t units, const struct sp_truth *);

#endif
