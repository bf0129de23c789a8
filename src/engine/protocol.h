/* What a protocol word stands for: the transport under it, the machine over it, and what is
 * between. Machines and layers are found in the catalog: "http" is a machine over tcp, "https" the
 * same over the layer tls. */
#ifndef SP_ENGINE_PROTOCOL_H
#define SP_ENGINE_PROTOCOL_H

#include "base/err.h"
#include "plugin/catalog.h"

struct sp_protocol {
	const char *transport; /* what it goes over unless asked otherwise: "udp", "tcp" */
	const struct sp_proto_ops *proto; /* NULL: none, units of --size */
	const struct sp_wrap_ops *wrap;	  /* NULL: none */
};

/* 0, or -ENOENT. role is enum sp_role. */
int sp_protocol_find(const struct sp_catalog *, const char *word, int role,
		     struct sp_protocol *);
/* The same, with a sentence that lists those that work. */
int sp_protocol_need(const struct sp_catalog *, const char *word, int role, const char *place,
		     struct sp_protocol *, struct sp_err *);

#endif
