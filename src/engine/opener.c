#include "engine/opener.h"

#include <string.h>

#include "base/cursor.h"
#include "base/endian.h"
#include "pkt/crc32c.h"

/* No text of a protocol begins like this, and a line ending that was mended shows. */
static const uint8_t magic[8] = { 0x8e, 's', 'p', 't', '1', '\r', '\n', 0x00 };

void sp_opener_put(const struct sp_opener *o, uint8_t out[SP_OPENER_LEN])
{
	struct sp_wr w = sp_wr_of(out, SP_OPENER_LEN);

	memset(out, 0, SP_OPENER_LEN);
	sp_wr_bytes(&w, magic, sizeof magic);
	sp_wr_u8(&w, (uint8_t)o->kind);
	sp_wr_take(&w, 3);
	sp_wr_be32(&w, o->flow);
	sp_wr_take(&w, 4);
	sp_wr_be32(&w, sp_crc32c(out, SP_OPENER_LEN - 4));
}

bool sp_opener_begins(const uint8_t *in, size_t n)
{
	return memcmp(in, magic, n < sizeof magic ? n : sizeof magic) == 0;
}

bool sp_opener_get(const uint8_t in[SP_OPENER_LEN], struct sp_opener *o)
{
	static const uint8_t zero[4];
	struct sp_rd r = sp_rd_of(in, SP_OPENER_LEN);
	uint8_t kind;

	if (!sp_opener_begins(in, SP_OPENER_LEN))
		return false;
	sp_rd_take(&r, sizeof magic);
	kind = sp_rd_u8(&r);
	if (memcmp(in + 9, zero, 3) != 0 || memcmp(in + 16, zero, 4) != 0)
		return false;
	sp_rd_take(&r, 3);
	o->flow = sp_rd_be32(&r);
	sp_rd_take(&r, 4);
	if (sp_rd_be32(&r) != sp_crc32c(in, SP_OPENER_LEN - 4))
		return false;
	if (kind != SP_OPEN_BULK && kind != SP_OPEN_MESSAGES)
		return false;
	o->kind = (enum sp_open_kind)kind;
	return true;
}
