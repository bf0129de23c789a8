/* What stands in a payload before the stamp. Cold: rows are made once, when a source is opened. */
#ifndef SP_PLUGIN_PAYLOAD_H
#define SP_PLUGIN_PAYLOAD_H

#include "base/mem.h"
#include "base/options.h"
#include "pkt/rows.h"

/* What all rows of a stream may take. */
#define SP_PAYLOAD_ROOM (16u << 20)

struct sp_payload_args {
	const char *text; /* the stream's row `payload`: a text, a file, as the kind says */
	uint32_t len;	  /* of a row; 0 makes rows of no octets */
	uint64_t seed;
};

struct sp_payload_ops {
	SP_PLUGIN_HEAD;
	bool is_file; /* its text names a file of this host */
	bool plain;   /* its text is itself what is sent, over and over */
	/* bytes of *out are the caller's to sp_free. Errors: a sentence; what is wrong with a
	 * file: exit 65, 66. */
	int (*make)(struct sp_rows *out, const struct sp_payload_args *, const struct sp_mem *,
		    struct sp_err *);
};

#endif
