/* Routing tables that nobody has: prefixes with attributes, packed into UPDATE messages (RFC 4271,
 * 4760), for generators of BGP and BMP. Message number u is a function of (seed, u), so that what a
 * collector must have stored (plugin/truth.h) is known without keeping it. */
#ifndef SP_PROTO_ROUTES_GEN_H
#define SP_PROTO_ROUTES_GEN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/address.h"
#include "base/cursor.h"
#include "base/err.h"
#include "base/options.h"
#include "plugin/truth.h"
#include "proto/bgp_message.h"

#define SP_ROUTES_GROUPS 8u /* of different sizes, by turns */

enum sp_routes_family { SP_ROUTES_4, SP_ROUTES_6, SP_ROUTES_BOTH };

struct sp_routes_conf {
	uint64_t prefixes; /* of each family */
	int family;	   /* enum sp_routes_family */
	uint64_t per_update, path_min, path_max, communities;
	const char *next_hop, *next_hop6;
	bool churn;
};

/* Rows of a plug-in's table, whose settings have a struct sp_routes_conf at this offset. */
#define SP_ROUTES_AT(base, member) ((base) + offsetof(struct sp_routes_conf, member))
#define SP_ROUTES_ROWS(base)                                                                   \
	{ "prefixes", SP_OPT_U64, SP_ROUTES_AT(base, prefixes), "1000", NULL,                  \
	  1,	      14000000,	  "of each address family" },                                  \
		{ "family", SP_OPT_ENUM, SP_ROUTES_AT(base, family), "4", "4|6|both",          \
		  0,	    0,		 "of the prefixes" },                                  \
		{ "per_update",                                                                \
		  SP_OPT_U64,                                                                  \
		  SP_ROUTES_AT(base, per_update),                                              \
		  "8",                                                                         \
		  NULL,                                                                        \
		  1,                                                                           \
		  64,                                                                          \
		  "prefixes that share attributes, on average" },                              \
		{ "path_min",                                                                  \
		  SP_OPT_U64,                                                                  \
		  SP_ROUTES_AT(base, path_min),                                                \
		  "1",                                                                         \
		  NULL,                                                                        \
		  0,                                                                           \
		  32,                                                                          \
		  "AS numbers of a path, at least, beside the own" },                          \
		{ "path_max", SP_OPT_U64,   SP_ROUTES_AT(base, path_max), "6", NULL, 0,        \
		  32,	      "and at most" },                                                 \
		{ "communities",                                                               \
		  SP_OPT_U64,                                                                  \
		  SP_ROUTES_AT(base, communities),                                             \
		  "3",                                                                         \
		  NULL,                                                                        \
		  0,                                                                           \
		  16,                                                                          \
		  "of a route, at most" },                                                     \
		{ "next_hop",                                                                  \
		  SP_OPT_TEXT,                                                                 \
		  SP_ROUTES_AT(base, next_hop),                                                \
		  "192.0.2.1",                                                                 \
		  NULL,                                                                        \
		  0,                                                                           \
		  0,                                                                           \
		  "of IPv4 prefixes" },                                                        \
		{ "next_hop6",                                                                 \
		  SP_OPT_TEXT,                                                                 \
		  SP_ROUTES_AT(base, next_hop6),                                               \
		  "2001:db8::1",                                                               \
		  NULL,                                                                        \
		  0,                                                                           \
		  0,                                                                           \
		  "of IPv6 prefixes" },                                                        \
	{                                                                                      \
		"churn", SP_OPT_BOOL, SP_ROUTES_AT(base, churn), "no", NULL, 0, 0,             \
			"withdraw and announce again what was said, one message each, once "   \
			"the table is complete"                                                \
	}

struct sp_routes {
	uint64_t seed, n[2], updates[2]; /* of IPv4, IPv6 */
	uint64_t table; /* messages of all of it, with each family's end of RIB */
	uint32_t size[SP_ROUTES_GROUPS], from[SP_ROUTES_GROUPS + 1];
	uint32_t path_min, path_max, communities;
	struct sp_addr next_hop[2];
	bool churn;
};

/* By whom they are announced, as far as it changes what is said. */
struct sp_routes_speaker {
	uint32_t as;
	bool internal; /* to a peer of the same AS: its number is in no path */
};

/* -EINVAL with a sentence, exit 2. */
int sp_routes_init(struct sp_routes *, const struct sp_routes_conf *, uint64_t seed,
		   struct sp_err *);
/* HOT. Message number unit, whole, at most SP_BGP_MOST bytes. From sp_routes.table on they are
 * churn: withdrawals, and the same announced again, by turns. */
void sp_routes_put(const struct sp_routes *, uint64_t unit, const struct sp_routes_speaker *,
		   struct sp_wr *);
/* The header of a message, whose length sp_bgp_end fills in. */
void sp_bgp_begin(struct sp_wr *, uint8_t type);
void sp_bgp_end(struct sp_wr *, uint8_t *begin);
/* OPEN with both families, 4-octet AS numbers and route refresh. */
void sp_bgp_put_open(struct sp_wr *, uint32_t as, uint16_t hold_s, uint32_t id);
/* What is there once messages 0 .. units - 1 were heard; peer NULL: not known here. */
int sp_routes_truth(const struct sp_routes *, uint64_t units, const struct sp_routes_speaker *,
		    const char *peer, const struct sp_truth *);

#endif
