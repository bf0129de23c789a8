#include "capio/wlan.h"

#include <string.h>

#define RADIOTAP_HEAD 8u
#define MORE	      0x80000000u
#define HAS_TSFT      1u
#define HAS_FLAGS     2u
#define FLAG_FCS      0x10u
#define FLAG_PAD      0x20u
#define FLAG_BAD_FCS  0x40u
/* Frame control: type and subtype in the first octet, flags in the second. */
#define TYPE_DATA     2u
#define QOS	      0x80u
#define NO_DATA	      0x40u
#define TO_DS	      0x01u
#define FROM_DS	      0x02u
#define FRAGMENTS     0x04u
#define PROTECTED     0x40u
#define ORDER	      0x80u
#define MANY_MSDUS    0x80u

static uint16_t le16(const uint8_t *p)
{
	return (uint16_t)(p[0] | p[1] << 8);
}

static uint32_t le32(const uint8_t *p)
{
	return le16(p) | (uint32_t)le16(p + 2) << 16;
}

/* The flags that the header has for the frame; *odd is set where it contradicts itself. */
static uint8_t radiotap(const uint8_t *p, uint32_t len, const char **odd)
{
	uint32_t first = le32(p + 4), word = first, at = RADIOTAP_HEAD;

	while (word & MORE) {
		if (at + 4 > len) {
			*odd = "radiotap's list of fields has no end";
			return 0;
		}
		word = le32(p + at);
		at += 4;
	}
	if (first & HAS_TSFT)
		at = ((at + 7) & ~7u) + 8;
	if (!(first & HAS_FLAGS))
		return 0;
	if (at >= len) {
		*odd = "radiotap's fields are longer than its header";
		return 0;
	}
	return p[at];
}

/* Octets of an 802.11 header; 0: it is cut short. *data: what follows can be read. */
static uint32_t header(const uint8_t *p, uint32_t len, bool *data)
{
	uint32_t n = 24, qos;
	bool many = false;

	*data = false;
	if (len < 2)
		return 0;
	if ((p[0] >> 2 & 3) != TYPE_DATA)
		return 2; /* control and management: of many lengths */
	if ((p[1] & (TO_DS | FROM_DS)) == (TO_DS | FROM_DS))
		n += 6;
	qos = n;
	n += p[0] & QOS ? 2 + (p[1] & ORDER ? 4u : 0u) : 0;
	if (len < n)
		return 0;
	if (p[0] & QOS)
		many = p[qos] & MANY_MSDUS;
	*data = !(p[0] & NO_DATA) && !(p[1] & (PROTECTED | FRAGMENTS)) && !(p[22] & 15) &&
		!many;
	return n;
}

void sp_wlan_read(const uint8_t *p, uint32_t len, bool cut, struct sp_wlan *r)
{
	uint32_t skip, n;
	uint8_t flags;

	memset(r, 0, sizeof *r);
	if (len < RADIOTAP_HEAD) {
		r->odd = cut ? NULL : "a radiotap header is cut short";
		return;
	}
	skip = le16(p + 2);
	if (p[0])
		r->odd = "radiotap of a version that does not exist";
	else if (skip < RADIOTAP_HEAD)
		r->odd = "radiotap's length is below its header's";
	else if (skip > len)
		r->odd = cut ? NULL : "radiotap's length is above the packet's";
	if (r->odd || skip > len)
		return;
	flags = radiotap(p, skip, &r->odd);
	r->skip = skip;
	if (r->odd)
		return;
	r->fcs = flags & FLAG_FCS && !cut ? 4 : 0;
	if (flags & FLAG_BAD_FCS) {
		r->odd = "an 802.11 frame that was received damaged";
		return;
	}
	n = header(p + skip, len - skip, &r->data);
	if (!n && !cut)
		r->odd = "an 802.11 header is cut short";
	if (len > skip && p[skip] & 3)
		r->odd = "802.11 of a version that does not exist";
	r->data &= !r->odd;
	if (flags & FLAG_PAD)
		n = (n + 3) & ~3u;
	r->skip += n <= len - skip ? n : len - skip;
}
