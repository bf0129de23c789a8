/* What comes back to a sender of echo requests: any frame is taken as a reply whose bytes lie inside
 * it, or counted at most once. */
#include "engine/echo.h"

#include <stdlib.h>
#include <string.h>

#include "plugin/catalog.h"

#define STREAMS 2u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(bool ok)
{
	if (!ok)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct sp_mem *mem = sp_mem_system();
	const struct sp_addr to[STREAMS] = { { .family = 4, .ip = { 10, 0, 0, 2 } } };
	uint64_t errors[STREAMS] = { 0 };
	struct sp_flow_rx rx = { 0 };
	struct sp_flow_meta meta = { 0 };
	struct sp_echo_plain plain = { .rx = &rx, .meta = &meta };
	struct sp_echo e = { .native = sp_catalog_stamp(&sp_catalog, "native"),
			     .shorter = sp_catalog_stamp(&sp_catalog, "short"),
			     .first_id = 1,
			     .n = STREAMS,
			     .to = to,
			     .plain = &plain,
			     .n_plain = 1,
			     .errors = errors };
	uint32_t len = size < 2048 ? (uint32_t)size : 2048;
	uint8_t *frame = malloc(len + 1u);
	struct sp_msg m = { .data = frame, .len = len, .stamp_off = SP_NO_STAMP };
	bool taken;

	plain.key = sp_alloc_array(mem, SP_ECHO_KEYS, sizeof *plain.key);
	plain.tally = sp_alloc_array(mem, 1, sizeof *plain.tally);
	demand(frame && plain.key && plain.tally);
	memcpy(frame, data, len);
	/* As a request it is waited for, as a reply it comes twice. */
	sp_echo_plain_put(&plain, &m);
	sp_echo_plain_sent(&plain, &m, 1);
	taken = sp_echo_take(&e, &m);
	demand(errors[0] + errors[1] + rx.rx + taken <= 1);
	if (taken)
		demand(m.data >= frame && m.data + m.len <= frame + len && m.ep == 0);
	sp_free(mem, plain.key);
	sp_free(mem, plain.tally);
	free(frame);
	return 0;
}
