/* Classic pcap (draft-ietf-opsawg-pcap). */
#include <errno.h>
#include <string.h>

#include "capio/read_impl.h"

#define FILE_HEADER    24u
#define MICRO	       0xa1b2c3d4u
#define NANO	       0xa1b23c4du
#define KUZNETZOV      0xa1b2cd34u
#define RECORD	       16u
#define KUZNETZOV_MORE 8u
#define NS_PER_S       1000000000u
#define SNAPLEN_MOST   (16u << 20) /* that anybody means */
#define HAS_FCS	       0x04000000u

static int next(struct sp_cap *c, struct sp_cap_packet *out, struct sp_err *err)
{
	uint64_t at = sp_input_offset(c->in), fraction;
	const uint8_t *p;
	size_t n = sp_input_need(c->in, c->record_len, &p);
	uint32_t len;

	if (!n && !sp_input_error(c->in, NULL))
		return 0;
	if (n < c->record_len)
		return sp_cap_cut(c, at, err);
	len = sp_cap_u32(c, p + 8);
	if (len > SP_READ_PACKET_MOST)
		return sp_cap_bad(c, at, err,
				  "a captured length of %u octets is not to be believed "
				  "(%u at most)",
				  len, SP_READ_PACKET_MOST);
	fraction = (uint64_t)sp_cap_u32(c, p + 4) * c->unit_ns;
	*out = (struct sp_cap_packet){
		.offset = at,
		.t_ns = (int64_t)sp_cap_u32(c, p) * NS_PER_S + (int64_t)fraction,
		.len = len,
		.orig_len = sp_cap_u32(c, p + 12),
		.link = c->only.link,
		.fcs_len = c->only.fcs_len,
		.timed = true,
	};
	sp_input_take(c->in, c->record_len);
	if (sp_input_need(c->in, len, &out->data) < len)
		return sp_cap_cut(c, at, err);
	sp_input_take(c->in, len);
	c->odd.bad_fraction += fraction >= NS_PER_S;
	c->odd.above_snaplen += c->only.snaplen && len > c->only.snaplen;
	return sp_cap_note(c, out);
}

static bool is_ours(struct sp_cap *c, uint32_t magic)
{
	switch (magic) {
	case MICRO:
		c->unit_ns = 1000;
		c->record_len = RECORD;
		return true;
	case NANO:
		c->unit_ns = 1;
		c->record_len = RECORD;
		return true;
	case KUZNETZOV:
		c->unit_ns = 1000;
		c->record_len = RECORD + KUZNETZOV_MORE;
		c->odd.kuznetzov = true;
		return true;
	default:
		return false;
	}
}

int sp_cap_begin_classic(struct sp_cap *c, struct sp_err *err)
{
	uint32_t magic, type;
	const uint8_t *p;
	size_t n = sp_input_need(c->in, FILE_HEADER, &p);

	if (n < sizeof magic)
		return 0;
	memcpy(&magic, p, sizeof magic);
	if (!is_ours(c, magic)) {
		c->swapped = true;
		if (!is_ours(c, __builtin_bswap32(magic))) {
			c->swapped = false;
			return 0;
		}
	}
	if (n < FILE_HEADER)
		return sp_fail(err, -EBADMSG, SP_EXIT_DATA,
			       "%s: byte %zu: the file ends in its header", c->path, n);
	if (sp_cap_u16(c, p + 4) != 2)
		return sp_fail(err, -EBADMSG, SP_EXIT_DATA,
			       "%s: byte 4: version %u of the format; 2.4 is known", c->path,
			       (unsigned)sp_cap_u16(c, p + 4));
	c->odd.shifted = sp_cap_u32(c, p + 8) != 0;
	c->only.snaplen = sp_cap_u32(c, p + 16);
	if (!c->only.snaplen || c->only.snaplen > SNAPLEN_MOST)
		c->odd.snaplen = c->only.snaplen;
	type = sp_cap_u32(c, p + 20);
	c->only.link = sp_link_type_plain((uint16_t)type);
	c->only.fcs_len = type & HAS_FCS ? (uint8_t)(type >> 28 << 1) : 0;
	c->next = next;
	if (type >> 16 & 0x3ff)
		return sp_fail(err, -EBADMSG, SP_EXIT_DATA, "%s: byte 20: %#x is no link type",
			       c->path, type);
	if (sp_cap_check_link(c, c->only.link, 20, err))
		return -EBADMSG;
	sp_input_take(c->in, FILE_HEADER);
	return 1;
}
