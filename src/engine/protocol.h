/* What a protocol word stands for: the transport under it, the machine over it, and what is
 * between. Machines, layers and sources that are a protocol are found in the catalog: "http" is a
 * machine over tcp, "https" the same over the layer tls, "dns" a source over udp. Words for
 * frames (packet, icmp, arp, ...) have none of them. */
#ifndef SP_ENGINE_PROTOCOL_H
#define SP_ENGINE_PROTOCOL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "plugin/catalog.h"

/* When neither somebody nor the protocol says which. */
#define SP_PROTOCOL_PORT 5001

struct sp_protocol {
	const char *
		transport; /* what it goes over unless asked otherwise: "udp", "tcp", "packet" */
	bool frames;	   /* its packet is said by an expression (scenario/presets.h) */
	const struct sp_proto_ops *proto;   /* the machine; NULL: none, units of --size */
	const struct sp_source_ops *source; /* what makes its units; NULL: any that can */
	bool recorded;			    /* they have times of their own */
	/* The settings of whichever it is; NULL and 0: it has none. */
	const struct sp_opt *opts;
	size_t conf_size;
	int (*check)(const void *conf, struct sp_err *);
	const struct sp_wrap_ops *wrap; /* NULL: none */
	uint16_t port;			/* number unless somebody says otherwise */
};

/* 0, or -ENOENT. role is enum sp_role. */
int sp_protocol_find(const struct sp_catalog *, const char *word, int role,
		     struct sp_protocol *);
/* Does it know what its collector must have stored (plugin/truth.h)? */
bool sp_protocol_has_truth(const struct sp_catalog *, const char *word);
/* What a unit of a source is called that is a protocol. */
const char *sp_protocol_unit(const struct sp_source_ops *);
/* Has a stream (or, as a server, a receiver) of this protocol such a setting of its own? */
bool sp_protocol_has(const struct sp_protocol *, const char *key);
/* The same, with a sentence that lists those that work. */
int sp_protocol_need(const struct sp_catalog *, const char *word, int role, const char *place,
		     struct sp_protocol *, struct sp_err *);

#endif
