#include "base/file.h"
#include "payload/rows.h"

static int make(struct sp_rows *out, const struct sp_payload_args *a, const struct sp_mem *mem,
		struct sp_err *err)
{
	struct sp_str s;
	int rc = sp_rows_new(out, 1, a, mem, err);

	sp_str_init(&s, mem);
	if (!rc)
		rc = sp_file_read(&s, a->text, SP_PAYLOAD_ROOM, err);
	if (!rc && !s.len)
		rc = sp_fail(err, -EINVAL, SP_EXIT_DATA, "%s: it is empty", a->text);
	if (!rc)
		sp_rows_repeat(out->bytes, a->len, s.text, s.len);
	sp_str_fini(&s);
	return rc;
}

extern const struct sp_payload_ops sp_payload_file;
const struct sp_payload_ops sp_payload_file = {
	.name = "file",
	.summary = "the octets of a file, repeated",
	.abi = SP_PLUGIN_ABI,
	.is_file = true,
	.make = make,
};
