/* The tables of plug-ins, generated at build time from the words in src/<kind>/meson.build. */
#ifndef SP_PLUGIN_CATALOG_H
#define SP_PLUGIN_CATALOG_H

#include "pkt/hdr.h"
#include "plugin/codec.h"
#include "plugin/conn.h"
#include "plugin/dist.h"
#include "plugin/payload.h"
#include "plugin/proto.h"
#include "plugin/source.h"
#include "plugin/stamp.h"
#include "plugin/transport.h"

/* Each array ends with NULL. */
struct sp_catalog {
	const struct sp_transport_ops *const *transport;
	const struct sp_source_ops *const *source;
	const struct sp_payload_ops *const *payload;
	const struct sp_dist_ops *const *dist;
	const struct sp_stamp_ops *const *stamp;
	const struct sp_wrap_ops *const *wrap; /* conn/: layers over a connection */
	const struct sp_proto_ops *const *proto;
	const struct sp_hdr_ops *const *hdr; /* headers of the packet expression */
	const struct sp_codec_ops *const *codec;
};

/* By name; NULL if there is none. */
const struct sp_transport_ops *sp_catalog_transport(const struct sp_catalog *, const char *);
const struct sp_source_ops *sp_catalog_source(const struct sp_catalog *, const char *);
const struct sp_payload_ops *sp_catalog_payload(const struct sp_catalog *, const char *);
const struct sp_dist_ops *sp_catalog_dist(const struct sp_catalog *, const char *);
const struct sp_stamp_ops *sp_catalog_stamp(const struct sp_catalog *, const char *);
const struct sp_wrap_ops *sp_catalog_wrap(const struct sp_catalog *, const char *);
const struct sp_proto_ops *sp_catalog_proto(const struct sp_catalog *, const char *);
const struct sp_hdr_ops *sp_catalog_hdr(const struct sp_catalog *, const char *);
const struct sp_codec_ops *sp_catalog_codec(const struct sp_catalog *, const char *);

/* What this build has. */
extern const struct sp_catalog sp_catalog;

#endif
