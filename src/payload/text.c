#include <string.h>

#include "payload/rows.h"

static int make(struct sp_rows *out, const struct sp_payload_args *a, const struct sp_mem *mem,
		struct sp_err *err)
{
	int rc = sp_rows_new(out, 1, a, mem, err);

	if (!rc && !*a->text)
		return sp_fail(err, -EINVAL, SP_EXIT_USAGE,
			       "payload: its text is empty: it needs at least one character");
	if (!rc)
		sp_rows_repeat(out->bytes, a->len, a->text, strlen(a->text));
	return rc;
}

extern const struct sp_payload_ops sp_payload_text;
const struct sp_payload_ops sp_payload_text = {
	.name = "text",
	.summary = "a text, repeated",
	.abi = SP_PLUGIN_ABI,
	.plain = true,
	.make = make,
};
