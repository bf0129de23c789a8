/* Prefixes and other things that can be reached, by family. */
#include "proto/bgp_message.h"

enum shape {
	PREFIX,	 /* length in bits, prefix */
	LABELED, /* and labels before it: RFC 8277 */
	VPN,	 /* and a route distinguisher between them: RFC 4364 */
	RD,	 /* only a route distinguisher: RFC 6514 */
	RTC,	 /* RFC 4684 */
	TLV8,	 /* type, length of one octet each: RFC 6514, 7432 */
	TLV16,	 /* of two: RFC 9552 */
	LEN16,	 /* RFC 4761 */
	FLOW,	 /* RFC 8955 */
};

static const struct family {
	uint16_t afi;
	uint8_t safi, shape, bits;
} families[] = {
	{ 1, 1, PREFIX, 32 },	 { 2, 1, PREFIX, 128 },	  { 1, 2, PREFIX, 32 },
	{ 2, 2, PREFIX, 128 },	 { 1, 4, LABELED, 32 },	  { 2, 4, LABELED, 128 },
	{ 1, 128, VPN, 32 },	 { 2, 128, VPN, 128 },	  { 1, 129, RD, 32 },
	{ 2, 129, RD, 128 },	 { 1, 132, RTC, 96 },	  { 1, 5, TLV8, 0 },
	{ 2, 5, TLV8, 0 },	 { 25, 70, TLV8, 0 },	  { 25, 65, LEN16, 0 },
	{ 16388, 71, TLV16, 0 }, { 16388, 72, TLV16, 0 }, { 1, 133, FLOW, 0 },
	{ 2, 133, FLOW, 0 },	 { 1, 134, FLOW, 0 },	  { 2, 134, FLOW, 0 },
};

/* Bits that labels take; those of a withdrawal may lack the bottom's mark (0x800000, 0). More than
 * bits: there is no end of them. */
static unsigned label_bits(const uint8_t *p, unsigned bits)
{
	unsigned at = 0;

	while (at + 24 <= bits) {
		const uint8_t *l = p + at / 8;
		bool withdrawn = (l[0] == 0x80 || l[0] == 0) && !l[1] && !l[2];

		at += 24;
		if (l[2] & 1 || withdrawn)
			return at;
	}
	return bits + 1;
}

static bool prefix_ok(struct sp_rd *r, const struct family *f)
{
	unsigned bits = sp_rd_u8(r), before = 0;
	const uint8_t *p = sp_rd_take(r, (bits + 7) / 8);

	if (!p)
		return false;
	if (f->shape == RTC)
		return bits == 0 || (bits >= 32 && bits <= 96);
	if (f->shape == LABELED || f->shape == VPN)
		before = label_bits(p, bits);
	if (f->shape == VPN || f->shape == RD)
		before += 64;
	return bits >= before && bits - before <= f->bits;
}

static bool item_ok(struct sp_rd *r, const struct family *f)
{
	size_t n;

	switch ((enum shape)f->shape) {
	case TLV8:
		sp_rd_u8(r);
		return sp_rd_take(r, sp_rd_u8(r));
	case TLV16:
		sp_rd_be16(r);
		return sp_rd_take(r, sp_rd_be16(r));
	case LEN16:
		return sp_rd_take(r, sp_rd_be16(r));
	case FLOW:
		n = sp_rd_u8(r);
		if (n >= 0xf0)
			n = (n & 0xf) << 8 | sp_rd_u8(r);
		return sp_rd_take(r, n);
	default:
		return prefix_ok(r, f);
	}
}

static bool items_ok(struct sp_rd r, const struct family *f, bool path_ids)
{
	while (sp_rd_left(&r)) {
		if (path_ids)
			sp_rd_be32(&r);
		if (!item_ok(&r, f) || r.bad)
			return false;
	}
	return true;
}

bool sp_bgp_nlri_ok(uint16_t afi, uint8_t safi, struct sp_rd r, bool paths)
{
	if (r.bad)
		return false;
	for (size_t i = 0; i < sizeof families / sizeof *families; i++) {
		const struct family *f = &families[i];

		if (f->afi == afi && f->safi == safi)
			return items_ok(r, f, false) || (paths && items_ok(r, f, true));
	}
	return true;
}
