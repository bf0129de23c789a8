/* What an IP packet is and where: its header, extension headers, and the header behind them. */
#include "base/endian.h"
#include "pkt/ip6.h"
#include "pkt/rewrite_impl.h"

static bool read4(const struct sp_rw_frame *f, struct sp_rw_packet *p)
{
	const uint8_t *h = f->b + p->at;
	uint32_t room = p->end - p->at, total;
	uint16_t frag;

	if (room < 20 || h[0] >> 4 != 4 || (h[0] & 15) < 5)
		return false;
	p->hdr = p->at + (h[0] & 15u) * 4;
	total = sp_get_be16(h + 2);
	if (!total) /* a segment of an interface that cuts it itself */
		total = room;
	if (p->hdr > p->end || total < p->hdr - p->at)
		return false;
	frag = sp_get_be16(h + 6);
	p->whole = total <= room && !(frag & 0x3fff);
	p->later = frag & 0x1fff;
	if (total < room)
		p->end = p->at + total;
	else
		p->cut = total - room;
	p->proto = h[9];
	p->src = p->at + 12;
	p->dst = p->at + 16;
	p->octets = 4;
	p->l4 = p->later ? 0 : p->hdr;
	return true;
}

uint32_t sp_rw_route(const struct sp_rw_frame *f, uint32_t at, uint32_t end)
{
	uint32_t n = at && at + 8 <= end ? sp_ip6_route(f->b + at) : 0;

	return at + 8 + n * 16 > end ? 0 : n;
}

/* Where the address of the last station stands, which the pseudo header means. */
static void read_route(const struct sp_rw_frame *f, struct sp_rw_packet *p)
{
	const uint8_t *h = f->b + p->routing;
	uint32_t n = sp_rw_route(f, p->routing, p->end);

	if (n && h[3])
		p->dst = p->routing + 8 + (h[2] == 4 ? 0 : (n - 1) * 16);
	else if (h[3])
		p->dst = p->src; /* of a kind that nobody knows: the sum has another address */
}

static bool read6(const struct sp_rw_frame *f, struct sp_rw_packet *p)
{
	const uint8_t *h = f->b + p->at;
	uint32_t room = p->end - p->at, at = p->at + 40, payload;
	uint8_t next;

	if (room < 40 || h[0] >> 4 != 6)
		return false;
	payload = sp_get_be16(h + 4);
	if (!payload)
		payload = room - 40;
	p->whole = payload <= room - 40;
	if (payload < room - 40)
		p->end = at + payload;
	else
		p->cut = payload - (room - 40);
	p->v6 = true;
	p->hdr = at;
	p->src = p->at + 8;
	p->dst = p->at + 24;
	p->octets = 16;
	next = h[6];
	for (unsigned i = 0; sp_ip6_is_extension(next) && !p->later; i++) {
		const uint8_t *x = f->b + at;

		if (at + 8 > p->end || i == SP_IP6_EXTENSIONS) {
			p->proto = next;
			return true;
		}
		if (next == SP_IP6_ROUTING)
			p->routing = at;
		if (next == SP_IP6_FRAGMENT) {
			p->later = sp_get_be16(x + 2) & 0xfff8;
			p->whole = p->whole && !(sp_get_be16(x + 2) & 0xfff9);
		}
		at += sp_ip6_extension_len(next, x);
		next = x[0];
	}
	p->proto = next;
	p->l4 = p->later || at > p->end ? 0 : at;
	if (p->routing)
		read_route(f, p);
	return true;
}

bool sp_rw_read(const struct sp_rw_frame *f, uint32_t at, uint32_t end, struct sp_rw_packet *p)
{
	*p = (struct sp_rw_packet){ .at = at, .end = end };
	return at < end &&
	       ((f->b[at] >> 4 == 4 && read4(f, p)) || (f->b[at] >> 4 == 6 && read6(f, p)));
}
