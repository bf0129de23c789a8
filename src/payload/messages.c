#include "payload/lines.h"
#include "payload/rows.h"

static int put_line(uint8_t *row, const struct sp_payload_args *a, uint32_t i,
		    const struct sp_payload_line *l, struct sp_err *err)
{
	(void)i;
	(void)err;
	sp_rows_repeat(row, a->len, l->at, l->len);
	return 0;
}

static int make(struct sp_rows *out, const struct sp_payload_args *a, const struct sp_mem *mem,
		struct sp_err *err)
{
	return sp_payload_rows_of_lines(out, a, put_line, mem, err);
}

extern const struct sp_payload_ops sp_payload_messages;
const struct sp_payload_ops sp_payload_messages = {
	.name = "messages",
	.summary = "one of the lines of a file, repeated",
	.abi = SP_PLUGIN_ABI,
	.is_file = true,
	.make = make,
};
