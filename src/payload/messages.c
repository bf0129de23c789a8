#include "payload/lines.h"
#include "payload/rows.h"

static int make(struct sp_rows *out, const struct sp_payload_args *a, const struct sp_mem *mem,
		struct sp_err *err)
{
	struct sp_payload_lines l;
	int rc = sp_payload_lines_read(&l, a->text, mem, err);

	if (!rc)
		rc = sp_rows_new(out, l.n, a, mem, err);
	for (uint32_t i = 0; i < l.n && !rc; i++)
		sp_rows_repeat(out->bytes + (size_t)i * a->len, a->len, l.line[i].at,
			       l.line[i].len);
	out->drawn = true;
	sp_payload_lines_fini(&l, mem);
	return rc;
}

extern const struct sp_payload_ops sp_payload_messages;
const struct sp_payload_ops sp_payload_messages = {
	.name = "messages",
	.summary = "one of the lines of a file, repeated",
	.abi = SP_PLUGIN_ABI,
	.is_file = true,
	.make = make,
};
