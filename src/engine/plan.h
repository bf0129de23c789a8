/* The plan: a request with every default filled in, canonical, host-independent, immutable after
 * seal. Read by the engine; built by front ends through plan_build.h only. Names (hosts,
 * interfaces) are still names here: the job resolves them. */
#ifndef SP_ENGINE_PLAN_H
#define SP_ENGINE_PLAN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/mem.h"
#include "base/units.h"

enum sp_spin { SP_SPIN_AUTO, SP_SPIN_NEVER, SP_SPIN_ALWAYS };
enum sp_plan_control { SP_CONTROL_ON, SP_CONTROL_OFF };
enum sp_tally_mode { SP_TALLY_AUTO, SP_TALLY_STREAM };
enum sp_verify_mode { SP_VERIFY_STAMP, SP_VERIFY_FULL };
enum sp_stamp_mode { SP_STAMP_AUTO, SP_STAMP_NATIVE, SP_STAMP_SHORT, SP_STAMP_OFF };

/* "run" rows. */
struct sp_plan_run {
	const char *name; /* "send", "recv" or the user's */
	uint64_t seed;
	uint64_t duration_ns; /* a receiver's end; streams have their own. 0: until stopped */
	uint64_t count;	      /* a receiver's end by received units; 0: none */
	uint64_t cores;	      /* workers; 0: 1 */
	int spin;	      /* enum sp_spin */
	const char *catch_up; /* "chase:2x", "burst", "all", "smooth", "skip" */
	uint64_t coalesce_ns; /* 0: nothing waits for a neighbour */
	bool control;
	bool best_effort;
	bool allow_broadcast;
	bool is_virtual; /* virtual time: the transports must be SP_T_VIRTUAL */
	uint64_t max_flows;
	int tally, verify;
};

/* "port" rows: a transport opened on an address or interface. */
struct sp_plan_port {
	const char *name;      /* "tx0", "rx0" */
	const char *transport; /* catalog word */
	const char *bind;      /* "10.1.1.1%eth1", "" = any; with :port allowed */
	const char *interface; /* "" = none */
	uint64_t port,
		port_last; /* recv: the numbers to listen on; send: 0 or the source port */
	const void *conf;  /* the transport's own settings; rows in its ops */
};

struct sp_profile;

/* A stream's duration and size before anybody has set them: seal decides. */
#define SP_PLAN_UNSET UINT64_MAX

/* "stream" rows. */
struct sp_plan_stream {
	const char *name;
	const char *from;     /* port name */
	const char *protocol; /* "udp", "tcp", a machine of the catalog */
	const char *host;     /* target as written, without brackets */
	uint64_t port;	      /* target's number */
	struct sp_rate rate;
	uint64_t size;
	const char *departure; /* "constant", "exponential", "name(args)" */
	uint64_t count, bytes; /* 0: no limit */
	uint64_t duration_ns;  /* 0: no limit */
	uint64_t start_ns;     /* after T0 */
	const char *payload;   /* a text or a file, as fill says */
	const char *fill;      /* what the payload is, a word of the catalog; "": text */
	const char *packet;    /* the packet expression, canonical; "": plain UDP */
	int stamp;	       /* enum sp_stamp_mode */
	const char *entry;     /* what it was written as: streams of one entry share a tally */
	bool per_message;      /* byte streams: a connection for each unit */
	uint64_t connections;  /* at a time; 0: what the protocol is used to */
	uint64_t
		reconnect_ns; /* recorded messages: a session that was lost is tried for so long */
	uint64_t deal_of;     /* of so many departures of its schedule */
	uint64_t deal_at;     /* from this seat on (engine/deal.h) */
	uint64_t deal_n;      /* it takes so many */
	const char *packet_size;    /* law of sizes; NULL: all have size */
	const void *conf;	    /* the protocol's own settings; rows in its ops */
	const void *wrap_conf;	    /* those of the layer under it */
	struct sp_profile *profile; /* engine/modes/profile.h; NULL: it has none */
	/* Filled by seal: */
	unsigned from_port; /* index into ports */
	uint32_t
		packet_head; /* packet: of its frame, what stands before octets that may be added */
	bool waits;	     /* a stage starts it */
	uint64_t end_ns;     /* after T0, its stages considered; UINT64_MAX: none */
	double own_gap_ns; /* the mean of a law that has one of its own; rate is NONE then */
	double gap_cv; /* of a law of gaps: standard deviation over mean; NAN: there is none */
	double mean_size; /* with packet_size its mean, of size_least .. size; else size */
	uint64_t size_least;
	double size_sd;	     /* of the law itself; NAN: there is none */
	double size_clamped; /* share of the law that is below or above */
	uint32_t size_less;  /* bytes that a law of frames counts, and size does not */
	struct sp_rate top;  /* the highest rate that it ever has */
	bool bulk;	     /* its unit is the byte: no departures */
	bool recorded;	     /* its source says when units leave, and how long they are */
};

/* "recv" rows. */
struct sp_plan_recv {
	const char *name;
	const char *from;     /* port name */
	const char *protocol; /* "udp" */
	/* Of frames: */
	const char *filter;   /* pcap-filter(7); "" or NULL: all */
	bool checksum;	      /* verify those of IP and L4 */
	const char *count_as; /* "contrail": what that counts; "" or NULL: all */
	const char *listener; /* "udp://ADDR:PORT": sockets that let the kernel answer */
	const void *conf;     /* the protocol's own settings; rows in its ops */
	const void *wrap_conf;
	const char *reply; /* machines that answer: "arp,dns(zone=z)"; NULL: none */
	const char *
		address; /* that they answer for: "10.0.0.0/24,10.1.0.5"; NULL: those bound to */
	unsigned from_port;
};

enum sp_plan_do { SP_DO_START, SP_DO_STOP, SP_DO_SET };

/* "stage" rows: what happens to a stream at a set time. A stream whose first start or stop is a
 * start waits for it; each start begins the stream's schedule anew, at the rate last set. */
struct sp_plan_stage {
	uint64_t at_ns; /* after T0 */
	const char *stream;
	int action;	     /* enum sp_plan_do */
	struct sp_rate rate; /* SET */
	/* Filled by seal: */
	unsigned stream_at; /* index into streams */
	unsigned order;	    /* as written */
};

struct sp_plan {
	struct sp_arena arena; /* all texts and settings live here */
	struct sp_plan_run run;
	struct sp_plan_port *ports;
	unsigned n_ports;
	struct sp_plan_stream *streams;
	unsigned n_streams;
	struct sp_plan_recv *recvs;
	unsigned n_recvs;
	struct sp_plan_stage *stages; /* in order of time, then as written */
	unsigned n_stages;
	char sha256[65]; /* of its canonical text, hexadecimal */
};

#endif
