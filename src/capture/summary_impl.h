/* What the files of the summary share. Nobody else includes this. */
#ifndef SP_CAPTURE_SUMMARY_IMPL_H
#define SP_CAPTURE_SUMMARY_IMPL_H

#include "capio/reassembly.h"
#include "capio/select.h"
#include "capture/flow_count.h"
#include "capture/info.h"
#include "capture/protocols.h"
#include "capture/remarks.h"
#include "capture/summary.h"
#include "pkt/filter.h"
#include "plugin/codec.h"

#define SP_SUM_LINKS 32u /* different link types in a capture that is filtered */

struct sp_sum_talk;

struct sp_capsum {
	const struct sp_mem *mem;
	struct sp_arena arena; /* names of files */
	const struct sp_codec_ops *const *codecs;
	struct sp_capsum_conf conf;
	struct sp_selector *where;
	struct {
		uint16_t link;
		struct sp_filter *filter;
	} filter[SP_SUM_LINKS]; /* of the link types that are looked into, and of others that were met */
	uint32_t n_filters;
	char *file[SP_SUMMARY_FILES];
	uint32_t n_files;
	bool opened;
	bool read; /* a packet of this file */
	uint64_t packets, bytes, first_bytes;
	uint64_t number; /* of the packet in its file */
	int64_t first_ns, last_ns, before_ns;
	struct sp_flow_count flows;
	struct sp_protocols protocols;
	struct sp_remarks remarks;
	struct sp_info *info;
	struct sp_reassembly *ra;
	struct sp_reassembly_odd seen; /* of ra's, as far as they are remarks */
	struct sp_sum_talk *talks;
	size_t memory; /* of what waits in talks */
	bool udp_generic, tcp_generic;
};

/* A packet of the file that is being read is odd. */
static inline void sp_sum_remark(struct sp_capsum *s, const char *about, const char *what,
				 uint64_t packet)
{
	sp_remarks_note(&s->remarks, about, what, s->n_files ? s->n_files - 1 : 0, packet);
}

/* Streams and datagrams, to codecs; arg is the summary. */
extern const struct sp_reassembly_ops sp_sum_messages;
/* Frees what sessions have left. */
void sp_sum_messages_fini(struct sp_capsum *);

#endif
