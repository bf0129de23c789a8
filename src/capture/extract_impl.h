/* What extraction's files share: what was taken out of the captures, before it is written. */
#ifndef SP_CAPTURE_EXTRACT_IMPL_H
#define SP_CAPTURE_EXTRACT_IMPL_H

#include "base/mem.h"
#include "capio/pcap_write.h"
#include "capio/read.h"
#include "capio/reassembly.h"
#include "capture/endpoint_set.h"
#include "capture/extract.h"
#include "capture/info.h"

#define SP_EXT_STATES (8u << 20) /* octets, of all parts */

struct sp_ext_pair {
	struct sp_endpoint src, dst;
};

/* A message that is kept; of a generic part a frame, or, when type is not 0, a packet of that type
 * to which Ethernet is still to be put. */
struct sp_ext_unit {
	struct sp_ext_unit *next;
	const struct sp_ext_pair *pair;
	uint64_t before_ns, after_ns; /* as the codec noted */
	uint32_t len;
	uint16_t type;
	uint8_t data[];
};

struct sp_ext_units {
	struct sp_ext_unit *first, **end; /* end NULL: none yet */
	uint64_t n;
};

/* A clean session of a stream. */
struct sp_ext_session {
	struct sp_ext_session *next;
	struct sp_ext_pair pair;
	uint32_t stream; /* the stream's number */
	uint32_t number; /* of the part's sessions, as they were found */
	bool content;	 /* it says more than what opens, holds and closes it */
	struct sp_ext_units units;
};

struct sp_ext_stream;
struct sp_ext;

struct sp_ext_part {
	const struct sp_extract_part *conf;
	struct sp_ext *x;
	struct sp_reassembly *ra;  /* of codecs */
	struct sp_ext_units units; /* datagrams and frames, of all sources */
	struct sp_ext_pair *pair;  /* of the last unit */
	struct sp_endpoint_set sources;
	void **state; /* [state_cap], of each source of datagrams */
	uint32_t state_cap;
	bool full;		       /* there was no room for a source: no other begins */
	struct sp_ext_stream *streams; /* that have not ended */
	struct sp_ext_session *sessions, **sessions_end;
	/* What was left out, and is remarked upon. */
	uint64_t not_messages, unknown, odd, short_packets, no_room;
	const char *odd_reason;
	uint32_t headless, found;
};

struct sp_ext {
	const struct sp_extract_conf *conf;
	const struct sp_mem *mem;
	struct sp_arena arena;	    /* units, sessions */
	struct sp_mem_limit states; /* what codecs keep of sources and streams */
	struct sp_ext_part *part;
	uint64_t packets; /* read */
	unsigned remarks;
	const char *pcap;	   /* the path of traffic.pcap */
	struct sp_cap_file *files; /* the captures, open */
};

/* Reads the captures into the parts. Errors as sp_extract says; after damage (SP_EXIT_DATA) the
 * parts hold what was good. */
int sp_ext_take(struct sp_ext *, struct sp_err *);
/* The reassembly's calls for a part: messages and sessions are noted in it. */
extern const struct sp_reassembly_ops sp_ext_stream_ops, sp_ext_datagram_ops;
/* When everything was read: what codecs keep of the sources is not needed any more. */
void sp_ext_states_fini(struct sp_ext_part *);
void sp_ext_part_fini(struct sp_ext_part *);
/* Anything is kept of it. */
bool sp_ext_part_used(const struct sp_ext_part *);
/* A message that a state has to read: kept whole, in part or not at all. 1: it is in the list,
 * 0: not. -ENOMEM. */
int sp_ext_message(struct sp_ext_part *, void *st, struct sp_ext_units *,
		   const struct sp_ext_pair *, const uint8_t *, size_t len,
		   struct sp_codec_note *);
/* A state of the part's codec; *st NULL: there is no room for more. -ENOMEM. */
int sp_ext_open(struct sp_ext_part *, void **st);
/* The numbers by which this codec is known, at either end. */
bool sp_ext_port_known(const struct sp_codec_ops *, const struct sp_endpoint *,
		       const struct sp_endpoint *);

/* Sessions in the order in which their streams were seen; those of a part that guesses which only
 * listen are gone; no two of them, in any part, have the same source endpoint (one for which no
 * port is left is gone, too). -ENOMEM. */
int sp_ext_order(struct sp_ext *);
/* traffic.pcap, and what it holds in *result and info. */
int sp_ext_write_pcap(struct sp_ext *, const struct sp_pcap_place *, struct sp_info *,
		      struct sp_extract_result *, struct sp_err *);
/* The folder of the files, with what was made of its parents. */
struct sp_ext_folder {
	int fd, parent;	  /* -1: not open; parent: the deepest of its parents that was there */
	const char *made; /* of its path from parent on, NULL: it was there */
};
int sp_ext_folder_open(struct sp_ext_folder *, const char *path, struct sp_arena *,
		       struct sp_err *);
/* Takes away what was made and is empty. */
void sp_ext_folder_undo(const struct sp_ext_folder *);
void sp_ext_folder_close(struct sp_ext_folder *);

/* The text of traffic-reproducer.yml; pcap as it is to be named there. */
int sp_ext_yaml(const struct sp_ext *, const char *pcap, struct sp_str *out);
/* A sentence for the user; after the first 20 only their number is told, by the second. */
void sp_ext_remark(struct sp_ext *, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void sp_ext_remarks_end(struct sp_ext *);

#endif
