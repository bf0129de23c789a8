/* OPEN and its capabilities (RFC 4271 4.2, RFC 5492, RFC 9072). */
#include <errno.h>
#include <string.h>

#include "proto/bgp_message.h"

#define PARAM_CAPABILITY 2u
#define PARAM_EXTENDED	 255u

/* Lengths of capabilities: fixed + a multiple of each. */
static const struct cap_len {
	uint8_t code, fixed, each;
} cap_lens[] = {
	{ 1, 4, 0 },  /* multiprotocol, RFC 4760 */
	{ 2, 0, 0 },  /* route refresh, RFC 2918 */
	{ 5, 0, 6 },  /* extended next hop, RFC 8950 */
	{ 6, 0, 0 },  /* extended message, RFC 8654 */
	{ 9, 1, 0 },  /* role, RFC 9234 */
	{ 64, 2, 4 }, /* graceful restart, RFC 4724 */
	{ 65, 4, 0 }, /* AS numbers of four octets, RFC 6793 */
	{ 69, 0, 4 }, /* add-path, RFC 7911 */
	{ 70, 0, 0 }, /* enhanced route refresh, RFC 7313 */
	{ 71, 0, 7 }, /* long-lived graceful restart, RFC 9494 */
};

static bool cap_len_ok(uint8_t code, size_t len)
{
	for (size_t i = 0; i < sizeof cap_lens / sizeof *cap_lens; i++) {
		const struct cap_len *c = &cap_lens[i];

		if (c->code == code)
			return len == c->fixed ||
			       (c->each && len > c->fixed && (len - c->fixed) % c->each == 0);
	}
	return true;
}

static void keep_cap(struct sp_bgp_open *o, uint8_t code, const uint8_t *p, size_t len)
{
	struct sp_bgp_cap *c;

	o->extended |= code == 6;
	o->paths |= code == 69;
	if (o->n_caps == SP_BGP_CAPS) {
		o->caps_more++;
		return;
	}
	c = &o->cap[o->n_caps++];
	*c = (struct sp_bgp_cap){ .code = code };
	if (code == 1 && len >= 4) {
		c->afi = sp_get_be16(p);
		c->safi = p[3];
	}
}

static const char *read_caps(struct sp_rd r, struct sp_bgp_open *o)
{
	const char *reason = NULL;

	while (sp_rd_left(&r)) {
		uint8_t code = sp_rd_u8(&r);
		size_t len = sp_rd_u8(&r);
		const uint8_t *p = sp_rd_take(&r, len);

		if (!p)
			return "a capability that is longer than its place";
		if (!cap_len_ok(code, len) && !reason)
			reason = "a capability of wrong length";
		keep_cap(o, code, p, len);
	}
	return reason;
}

static const char *read_params(struct sp_rd r, bool extended, struct sp_bgp_open *o)
{
	const char *reason = NULL, *why;

	while (sp_rd_left(&r)) {
		uint8_t type = sp_rd_u8(&r);
		size_t len = extended ? sp_rd_be16(&r) : sp_rd_u8(&r);
		const uint8_t *p = sp_rd_take(&r, len);

		if (!p)
			return "an optional parameter that is longer than its place";
		why = type == PARAM_CAPABILITY ? read_caps(sp_rd_of(p, len), o)
					       : "an optional parameter of unknown type";
		if (!reason)
			reason = why;
	}
	return reason;
}

static const char *check_fixed(const struct sp_bgp_open *o)
{
	if (o->version != 4)
		return "a version of BGP that is not 4";
	if (o->hold_s == 1 || o->hold_s == 2)
		return "a hold time below three seconds";
	return o->as ? NULL : "AS number 0";
}

const char *sp_bgp_open_read(const uint8_t *p, size_t len, struct sp_bgp_open *o)
{
	struct sp_rd r = sp_rd_of(p, len);
	const uint8_t *id;
	bool extended;
	const char *reason, *why;
	size_t n;

	*o = (struct sp_bgp_open){ .seen = true };
	sp_rd_take(&r, SP_BGP_HEAD);
	o->version = sp_rd_u8(&r);
	o->as = sp_rd_be16(&r);
	o->hold_s = sp_rd_be16(&r);
	id = sp_rd_take(&r, 4);
	n = sp_rd_u8(&r);
	if (r.bad || !id)
		return "an OPEN that is cut";
	memcpy(o->id, id, sizeof o->id);
	reason = check_fixed(o);
	extended = n == 255 && sp_rd_left(&r) >= 3 && *r.p == PARAM_EXTENDED;
	if (extended) {
		sp_rd_u8(&r);
		n = sp_rd_be16(&r);
	}
	if (n != sp_rd_left(&r))
		return "optional parameters of another length than is left";
	why = read_params(r, extended, o);
	return reason ? reason : why;
}

void sp_bgp_router_id(uint8_t id[4], uint32_t k, const struct sp_addr *a)
{
	uint32_t v = sp_get_be32(id) + k;

	if (a->family == 4)
		memcpy(id, a->ip, 4);
	else
		sp_put_be32(id, v ? v : k + 1);
}
