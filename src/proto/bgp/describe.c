/* What a summary says of a session, in the words of traffic-info.json. */
#include <stdio.h>

#include "proto/bgp/session.h"

enum {
	MULTIPROTOCOL = 1,
	ORF = 3,
	EXTENDED_NEXT_HOP = 5,
	GRACEFUL_RESTART = 64,
	FOUR_OCTET_AS = 65,
};

static bool has(const struct sp_bgp_open *o, uint8_t code)
{
	for (uint16_t i = 0; i < o->n_caps; i++)
		if (o->cap[i].code == code)
			return true;
	return false;
}

static void put_families(const struct sp_bgp_open *o, struct sp_json *j)
{
	char text[64];

	for (uint16_t i = 0; i < o->n_caps; i++) {
		const struct sp_bgp_cap *c = &o->cap[i];

		if (c->code != MULTIPROTOCOL)
			continue;
		snprintf(text, sizeof text, "BGPCapMultiprotocol: AFI_%u + SAFI_%u", c->afi,
			 c->safi);
		sp_json_str(j, NULL, text);
	}
}

/* The others have no word of their own there, but for one, which is misspelt. */
static void put_others(const struct sp_bgp_open *o, struct sp_json *j)
{
	char text[64];

	for (uint16_t i = 0; i < o->n_caps; i++) {
		uint8_t code = o->cap[i].code;

		if (code == MULTIPROTOCOL || code == ORF || code == GRACEFUL_RESTART ||
		    code == FOUR_OCTET_AS)
			continue;
		snprintf(text, sizeof text, "BGPCapGeneric_%u", code);
		sp_json_str(j, NULL,
			    code == EXTENDED_NEXT_HOP ? "BGPCapExtendedNHEnconding" : text);
	}
}

static void put_open(const struct sp_bgp_open *o, struct sp_json *j)
{
	char id[16];

	snprintf(id, sizeof id, "%u.%u.%u.%u", o->id[0], o->id[1], o->id[2], o->id[3]);
	sp_json_u64(j, "bgp_version", o->version);
	sp_json_str(j, "bgp_id", id);
	sp_json_u64(j, "as_number", o->as);
	sp_json_open(j, "capabilities", '[');
	if (has(o, FOUR_OCTET_AS))
		sp_json_str(j, NULL, "BGPCapFourBytesASN");
	if (has(o, GRACEFUL_RESTART))
		sp_json_str(j, NULL, "BGPCapGracefulRestart");
	if (has(o, ORF))
		sp_json_str(j, NULL, "BGPCapORF");
	put_families(o, j);
	put_others(o, j);
	sp_json_close(j, ']');
	if (o->caps_more)
		sp_json_u64(j, "capabilities_more", o->caps_more);
}

void sp_bgp_describe(const void *st, struct sp_json *j)
{
	const struct sp_bgp *s = st;

	if (s->open.seen)
		put_open(&s->open, j);
	sp_json_u64(j, "updates_counter", s->updates);
	sp_json_u64(j, "keepalives_counter", s->keepalives);
}
