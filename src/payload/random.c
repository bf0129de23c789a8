#include "base/rng.h"
#include "payload/rows.h"

#define ROWS 16u

static int make_of(struct sp_rows *out, const struct sp_payload_args *a,
		   const struct sp_mem *mem, uint32_t letters, struct sp_err *err)
{
	int rc = sp_rows_new(out, ROWS, a, mem, err);
	struct sp_rng rng;

	if (rc)
		return rc;
	sp_rng_init(&rng, a->seed, "payload");
	for (size_t i = 0; i < (size_t)ROWS * a->len; i++)
		out->bytes[i] = (uint8_t)(letters ? 'a' + sp_rng_below(&rng, letters)
						  : sp_rng_below(&rng, 256));
	return 0;
}

static int make_octets(struct sp_rows *out, const struct sp_payload_args *a,
		       const struct sp_mem *mem, struct sp_err *err)
{
	return make_of(out, a, mem, 0, err);
}

static int make_letters(struct sp_rows *out, const struct sp_payload_args *a,
			const struct sp_mem *mem, struct sp_err *err)
{
	return make_of(out, a, mem, 26, err);
}

extern const struct sp_payload_ops sp_payload_random, sp_payload_letters;
const struct sp_payload_ops sp_payload_random = {
	.name = "random",
	.summary = "octets by the seed",
	.abi = SP_PLUGIN_ABI,
	.make = make_octets,
};
const struct sp_payload_ops sp_payload_letters = {
	.name = "letters",
	.summary = "lower-case letters by the seed",
	.abi = SP_PLUGIN_ABI,
	.make = make_letters,
};
