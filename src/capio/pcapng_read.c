/* pcapng (draft-ietf-opsawg-pcapng). Blocks that hold no packets are skipped without being read into
 * memory. */
#include <errno.h>
#include <string.h>

#include "base/endian.h"
#include "capio/read_impl.h"

#define SECTION	     0x0a0d0d0au
#define INTERFACE    1u
#define OLD_PACKET   2u
#define SIMPLE	     3u
#define ENHANCED     6u
#define BYTE_ORDER_M 0x1a2b3c4du
#define FRAME	     12u /* type, length, length again */
#define HEAD	     8u
#define OPTIONS_MOST 65536u /* octets of an interface's options that are looked at */
#define OPT_END	     0u
#define OPT_FLAGS    2u /* of a packet */
#define OPT_DROPS    4u
#define OPT_TSRESOL  9u
#define OPT_FCSLEN   13u
#define OPT_TSOFFSET 14u
#define MICROSECONDS 6u
#define BINARY	     0x80u
#define NS_PER_S     1000000000u

struct block {
	uint64_t at;
	uint32_t type, len;
};

static int64_t to_ns(const struct interface *i, uint64_t units)
{
	static const uint64_t tens[] = { 1,	 10,	  100,	    1000,      10000,
					 100000, 1000000, 10000000, 100000000, 1000000000 };
	uint8_t n = i->resolution & (BINARY - 1);
	unsigned __int128 ns;

	if (i->resolution & BINARY)
		ns = ((unsigned __int128)units * NS_PER_S) >> n;
	else if (n <= 9)
		ns = (unsigned __int128)units * tens[9 - n];
	else
		ns = units / tens[n - 9 > 9 ? 9 : n - 9] / tens[n - 9 > 9 ? n - 18 : 0];
	ns = ns > INT64_MAX / 2 ? INT64_MAX / 2 : ns;
	return (int64_t)ns + i->offset_s * (int64_t)NS_PER_S;
}

/* Options of an interface from p on. */
static int read_options(struct sp_cap *c, const struct block *b, const uint8_t *p,
			const uint8_t *end, struct interface *i, struct sp_err *err)
{
	while (end - p >= 4) {
		uint16_t code = sp_cap_u16(c, p), len = sp_cap_u16(c, p + 2);
		uint64_t offset;

		p += 4;
		if (code == OPT_END)
			break;
		if (len > end - p)
			return sp_cap_bad(c, b->at, err,
					  "option %u of an interface is longer than its "
					  "block",
					  (unsigned)code);
		if (code == OPT_TSRESOL && len == 1) {
			i->resolution = *p;
			if ((*p & (BINARY - 1)) > (*p & BINARY ? 63 : 19))
				return sp_cap_bad(c, b->at, err,
						  "time in units of %s^-%u s is not to be "
						  "believed",
						  *p & BINARY ? "2" : "10",
						  (unsigned)(*p & (BINARY - 1)));
		} else if (code == OPT_FCSLEN && len == 1) {
			i->fcs_len = *p;
		} else if (code == OPT_TSOFFSET && len == 8) {
			memcpy(&offset, p, sizeof offset);
			offset = c->swapped ? __builtin_bswap64(offset) : offset;
			i->offset_s = (int64_t)offset;
			if (i->offset_s > INT64_MAX / 2 / NS_PER_S ||
			    i->offset_s < -(INT64_MAX / 2 / NS_PER_S))
				return sp_cap_bad(c, b->at, err,
						  "a time offset of %lld s is not to be "
						  "believed",
						  (long long)i->offset_s);
		} else if (code == OPT_TSRESOL || code == OPT_FCSLEN || code == OPT_TSOFFSET) {
			c->odd.odd_options++;
		}
		len = (uint16_t)((len + 3u) & ~3u);
		p = len > end - p ? end : p + len;
	}
	return 0;
}

static int add_interface(struct sp_cap *c, const struct interface *i, const struct block *b,
			 struct sp_err *err)
{
	if (c->n_interfaces == c->cap_interfaces) {
		uint32_t cap = c->cap_interfaces ? c->cap_interfaces * 2 : 8;
		struct interface *more;

		if (cap > SP_NG_INTERFACES_MOST)
			return sp_cap_bad(c, b->at, err, "more than %u interfaces",
					  SP_NG_INTERFACES_MOST);
		more = sp_alloc_array(c->mem, cap, sizeof *more);
		if (!more)
			return sp_fail(err, -ENOMEM, SP_EXIT_FAILED, "out of memory");
		if (c->n_interfaces)
			memcpy(more, c->interface, c->n_interfaces * sizeof *more);
		sp_free(c->mem, c->interface);
		c->interface = more;
		c->cap_interfaces = cap;
	}
	c->interface[c->n_interfaces++] = *i;
	return 0;
}

/* n octets of the block's body, from its beginning; shorter: the file is cut. */
static const uint8_t *body(struct sp_cap *c, size_t n)
{
	const uint8_t *p;

	return sp_input_need(c->in, HEAD + n, &p) < HEAD + n ? NULL : p + HEAD;
}

static int read_interface(struct sp_cap *c, const struct block *b, struct sp_err *err)
{
	uint32_t len = b->len - FRAME, seen = len < OPTIONS_MOST ? len : OPTIONS_MOST;
	struct interface i = { .resolution = MICROSECONDS };
	const uint8_t *p;
	int rc;

	if (len < 8)
		return sp_cap_bad(c, b->at, err, "an interface block of %u octets", b->len);
	p = body(c, seen);
	if (!p)
		return sp_cap_cut(c, b->at, err);
	i.link = sp_link_type_plain(sp_cap_u16(c, p));
	i.snaplen = sp_cap_u32(c, p + 4);
	rc = sp_cap_check_link(c, i.link, b->at + HEAD, err);
	if (!rc)
		rc = read_options(c, b, p + 8, p + seen, &i, err);
	return rc ? rc : add_interface(c, &i, b, err);
}

/* Where a packet's octets are, and how many of them. */
struct place {
	uint32_t interface, head, len, orig_len;
};

static int check_place(const struct sp_cap *c, const struct block *b, struct place *w,
		       struct sp_err *err)
{
	if (w->interface >= c->n_interfaces)
		return sp_cap_bad(c, b->at, err, "it is from interface %u, and there are %u",
				  w->interface, c->n_interfaces);
	if (w->len > SP_READ_PACKET_MOST)
		return sp_cap_bad(c, b->at, err,
				  "a captured length of %u octets is not to be believed "
				  "(%u at most)",
				  w->len, SP_READ_PACKET_MOST);
	if (w->len > b->len - FRAME - w->head)
		return sp_cap_bad(c, b->at, err,
				  "a captured length of %u octets in a block of %u", w->len,
				  b->len);
	return 0;
}

/* Enhanced packets and the old ones; 0: the block is too short for its kind. */
static uint32_t fixed_part(uint32_t type)
{
	return type == SIMPLE ? 4 : 20;
}

static void read_place(const struct sp_cap *c, const struct block *b, const uint8_t *p,
		       struct place *w)
{
	uint32_t room = b->len - FRAME - 4, snap;

	if (b->type == SIMPLE) {
		/* As much as there is, up to the interface's limit. */
		snap = c->n_interfaces ? c->interface[0].snaplen : 0;
		*w = (struct place){ .head = 4, .orig_len = sp_cap_u32(c, p) };
		w->len = w->orig_len;
		w->len = snap && snap < w->len ? snap : w->len;
		w->len = room < w->len ? room : w->len;
		return;
	}
	*w = (struct place){ .interface = b->type == ENHANCED ? sp_cap_u32(c, p)
							      : sp_cap_u16(c, p),
			     .head = 20,
			     .len = sp_cap_u32(c, p + 12),
			     .orig_len = sp_cap_u32(c, p + 16) };
}

/* What a packet's options say: how it came and what was lost before it. */
static void read_packet_options(struct sp_cap *c, const uint8_t *p, const uint8_t *end)
{
	uint64_t drops;

	while (end - p >= 4) {
		uint16_t code = sp_cap_u16(c, p), len = sp_cap_u16(c, p + 2);

		p += 4;
		if (code == OPT_END)
			return;
		if (((len + 3u) & ~3u) > (size_t)(end - p)) {
			c->odd.bad_options++;
			return;
		}
		if (code == OPT_FLAGS && len == 4 && sp_cap_u32(c, p) >> 16)
			c->odd.told_errors++;
		if (code == OPT_DROPS && len == 8) {
			memcpy(&drops, p, sizeof drops);
			drops = c->swapped ? __builtin_bswap64(drops) : drops;
			c->odd.told_drops += drops > 0;
			c->odd.drops += drops;
		}
		p += (len + 3u) & ~3u;
	}
}

static int read_packet(struct sp_cap *c, const struct block *b, struct sp_cap_packet *out,
		       struct sp_err *err)
{
	uint32_t fixed = fixed_part(b->type);
	const struct interface *i;
	struct place w;
	const uint8_t *p;
	int rc;

	if (b->len - FRAME < fixed)
		return sp_cap_bad(c, b->at, err, "a packet block of %u octets", b->len);
	p = body(c, fixed);
	if (!p)
		return sp_cap_cut(c, b->at, err);
	read_place(c, b, p, &w);
	rc = check_place(c, b, &w, err);
	if (rc)
		return rc;
	p = body(c, w.head + w.len);
	if (!p)
		return sp_cap_cut(c, b->at, err);
	i = &c->interface[w.interface];
	*out = (struct sp_cap_packet){
		.offset = b->at,
		.data = p + w.head,
		.len = w.len,
		.orig_len = w.orig_len,
		.interface = c->before + w.interface,
		.link = i->link,
		.fcs_len = i->fcs_len,
		.timed = b->type != SIMPLE,
	};
	c->odd.above_snaplen += i->snaplen && w.len > i->snaplen;
	if (b->type == ENHANCED && b->len - FRAME > fixed + ((w.len + 3) & ~3u))
		read_packet_options(c, p + fixed + ((w.len + 3) & ~3u), p + b->len - FRAME);
	if (out->timed)
		out->t_ns = to_ns(i,
				  (uint64_t)sp_cap_u32(c, p + 4) << 32 | sp_cap_u32(c, p + 8));
	return 1;
}

/* A section may have the other byte order. */
static int read_section(struct sp_cap *c, struct block *b, struct sp_err *err)
{
	const uint8_t *p = body(c, 16);
	uint32_t order;

	if (!p)
		return sp_cap_cut(c, b->at, err);
	memcpy(&order, p, sizeof order);
	c->swapped = order == __builtin_bswap32(BYTE_ORDER_M);
	if (!c->swapped && order != BYTE_ORDER_M)
		return sp_cap_bad(c, b->at, err, "a section without a byte order");
	b->len = sp_cap_u32(c, p - 4);
	if (b->len < FRAME + 16 || b->len % 4)
		return sp_cap_bad(c, b->at, err, "a section header of %u octets", b->len);
	if (sp_cap_u16(c, p + 4) != 1)
		return sp_cap_bad(c, b->at, err, "version %u of the format; 1.0 is known",
				  (unsigned)sp_cap_u16(c, p + 4));
	c->before += c->n_interfaces;
	c->n_interfaces = 0;
	return 0;
}

/* Goes behind the block, past its length at the end, which must be that at its beginning. */
static int leave(struct sp_cap *c, const struct block *b, uint64_t from, struct sp_err *err)
{
	uint64_t rest = b->at + b->len - 4 - from;
	const uint8_t *p;

	if (sp_input_skip(c->in, rest) < rest || sp_input_need(c->in, 4, &p) < 4)
		return sp_cap_cut(c, b->at, err);
	if (sp_cap_u32(c, p) != b->len)
		return sp_cap_bad(c, b->at, err,
				  "the block is %u octets long at its beginning and %u at its "
				  "end",
				  b->len, sp_cap_u32(c, p));
	sp_input_take(c->in, 4);
	return 0;
}

/* The lengths at both ends of a packet's block agree? They are looked at before the packet is given
 * out: it is gone when the input moves on. */
static int agree(struct sp_cap *c, const struct block *b, struct sp_err *err)
{
	const uint8_t *p;

	if (b->len > SP_INPUT_MOST)
		return sp_cap_bad(c, b->at, err,
				  "a packet's block of %u octets is not to be believed",
				  b->len);
	if (sp_input_need(c->in, b->len, &p) < b->len)
		return sp_cap_cut(c, b->at, err);
	if (sp_cap_u32(c, p + b->len - 4) != b->len)
		return sp_cap_bad(c, b->at, err,
				  "the block is %u octets long at its beginning and %u at its "
				  "end",
				  b->len, sp_cap_u32(c, p + b->len - 4));
	return 0;
}

static bool is_packet(uint32_t type)
{
	return type == ENHANCED || type == SIMPLE || type == OLD_PACKET;
}

/* The next block's type and length; 0: there is none. */
static int head(struct sp_cap *c, struct block *b, struct sp_err *err)
{
	const uint8_t *p;
	size_t n;
	int rc;

	b->at = sp_input_offset(c->in);
	n = sp_input_need(c->in, HEAD, &p);
	if (!n && !sp_input_error(c->in, NULL))
		return 0;
	if (n < HEAD)
		return sp_cap_cut(c, b->at, err);
	b->type = sp_cap_u32(c, p);
	b->len = sp_cap_u32(c, p + 4);
	if (b->type == SECTION) {
		rc = read_section(c, b, err);
		return rc ? rc : 1;
	}
	if (b->len < FRAME || b->len % 4)
		return sp_cap_bad(c, b->at, err, "a block of %u octets", b->len);
	return 1;
}

static void note_block(struct sp_cap *c, uint32_t type)
{
	switch (type) {
	case INTERFACE:
	case SECTION:
		return;
	case 4:	 /* names */
	case 5:	 /* statistics */
	case 9:	 /* systemd's journal */
	case 10: /* keys */
		c->odd.named_blocks++;
		return;
	default:
		c->odd.other_blocks++;
	}
}

static int next(struct sp_cap *c, struct sp_cap_packet *out, struct sp_err *err)
{
	struct block b;
	int rc;

	for (;;) {
		rc = head(c, &b, err);
		if (rc <= 0)
			return rc;
		if (is_packet(b.type)) {
			rc = agree(c, &b, err);
			if (!rc)
				rc = read_packet(c, &b, out, err);
			if (rc < 0)
				return rc;
			sp_input_take(c->in, b.len);
			return sp_cap_note(c, out);
		}
		rc = b.type == INTERFACE ? read_interface(c, &b, err) : 0;
		note_block(c, b.type);
		if (!rc)
			rc = leave(c, &b, b.at, err);
		if (rc)
			return rc;
	}
}

int sp_cap_begin_ng(struct sp_cap *c, struct sp_err *err)
{
	const uint8_t *p;
	struct block b;
	int rc;

	if (sp_input_need(c->in, 4, &p) < 4 || sp_get_be32(p) != SECTION)
		return 0;
	c->next = next;
	rc = head(c, &b, err);
	if (rc > 0)
		rc = leave(c, &b, b.at, err);
	return rc < 0 ? rc : 1;
}
