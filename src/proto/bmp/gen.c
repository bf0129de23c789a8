/* Who the router's peers are, what they have announced, and what its collector must have stored. */
#include "proto/bmp/gen.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "core/clock.h"
#include "core/shared.h"

#define OFF(member) offsetof(struct sp_bmp_gen_conf, member)
#define SEED_STEP   0x9e3779b97f4a7c15ull

const struct sp_opt sp_bmp_gen_opts[] = {
	SP_ROUTES_ROWS(OFF(routes)),
	{ "peers", SP_OPT_U64, OFF(peers), "1", NULL, 1, 65536,
	  "peers of the router, from 198.18.0.1 on; each has announced all prefixes" },
	{ "as", SP_OPT_U64, OFF(as), "64496", NULL, 1, UINT32_MAX, "the router's AS number" },
	{ "router_id", SP_OPT_TEXT, OFF(router_id), "192.0.2.1", NULL, 0, 0,
	  "the router's identifier and address" },
	{ "sys_name", SP_OPT_TEXT, OFF(sys_name), "spate", NULL, 0, 0, "sysName" },
	{ "stats_every", SP_OPT_TIME, OFF(stats_ns), "60s", NULL, 0, 0,
	  "a statistics report of each peer; 0: none" },
	{ "update_rate", SP_OPT_U64, OFF(rate), "0", NULL, 0, 10000000,
	  "Route Monitoring messages a second; 0: as fast as the collector takes them" },
	{ .name = NULL },
};

int sp_bmp_gen_check(const void *conf, struct sp_err *err)
{
	const struct sp_bmp_gen_conf *c = conf;
	struct sp_routes r;
	struct sp_addr id;

	if (!c)
		return 0;
	if (sp_addr_parse(c->router_id, &id) || id.family != 4)
		return sp_fail(err, -EINVAL, SP_EXIT_USAGE,
			       "router_id is written as an IPv4 address");
	if (strlen(c->sys_name) >= sizeof((struct sp_proto *)0)->sys_name)
		return sp_fail(err, -EINVAL, SP_EXIT_USAGE, "sys_name has 127 bytes at most");
	return sp_routes_init(&r, &c->routes, 0, err);
}

void sp_bmp_gen_close(struct sp_proto *p)
{
	sp_free(p->mem, p->said);
	sp_free(p->mem, p);
}

int sp_bmp_gen_open(struct sp_proto **out, const struct sp_proto_args *args,
		    const struct sp_mem *mem, struct sp_err *err)
{
	const struct sp_bmp_gen_conf *c = args->conf;
	struct sp_proto *p = sp_alloc(mem, sizeof *p);
	struct sp_addr id;
	int rc;

	if (!p)
		return sp_fail(err, -ENOMEM, SP_EXIT_FAILED, "out of memory");
	*p = (struct sp_proto){ .mem = mem,
				.as = (uint32_t)c->as,
				.peers = (uint32_t)c->peers,
				.gap_ns = c->rate ? SP_NS_PER_S / c->rate : 0,
				.stats_ns = c->stats_ns,
				.real_offset_ns = args->real_offset_ns };
	p->said = sp_alloc(mem, sizeof *p->said);
	rc = p->said ? sp_routes_init(&p->routes, &c->routes, args->seed, err)
		     : sp_fail(err, -ENOMEM, SP_EXIT_FAILED, "out of memory");
	if (rc) {
		sp_bmp_gen_close(p);
		return rc;
	}
	sp_addr_parse(c->router_id, &id);
	p->id = sp_get_be32(id.ip);
	snprintf(p->sys_name, sizeof p->sys_name, "%s", c->sys_name);
	*out = p;
	return 0;
}

/* ---- what peers have announced ---- */

struct sp_routes sp_bmp_gen_routes(const struct sp_proto *p, uint32_t peer)
{
	struct sp_routes r = p->routes;

	r.seed += peer * SEED_STEP;
	return r;
}

struct sp_routes_speaker sp_bmp_gen_speaker(uint32_t peer)
{
	return (struct sp_routes_speaker){ .as = SP_BMP_GEN_AS + peer % SP_BMP_GEN_AS_N };
}

/* Whose message is it, and which of his? */
uint64_t sp_bmp_gen_split(const struct sp_proto *p, uint64_t unit, uint32_t *peer)
{
	uint64_t table = p->routes.table, pair;

	if (unit < table * p->peers) {
		*peer = (uint32_t)(unit / table);
		return unit % table;
	}
	pair = (unit - table * p->peers) / 2;
	*peer = (uint32_t)(pair % p->peers);
	return table + pair / p->peers * 2 + (unit - table * p->peers) % 2;
}

/* Of so many messages: how many are this peer's? */
static uint64_t part_of(const struct sp_proto *p, uint64_t units, uint32_t peer)
{
	uint64_t table = p->routes.table, all = table * p->peers, pairs, n;

	if (units <= all)
		return units <= peer * table	      ? 0
		       : units - peer * table < table ? units - peer * table
						      : table;
	pairs = (units - all) / 2;
	n = table + 2 * (pairs / p->peers + (pairs % p->peers > peer));
	return n + ((units - all) % 2 && pairs % p->peers == peer);
}

int sp_bmp_gen_truth(const struct sp_proto *p, const struct sp_truth *t)
{
	uint64_t units = SP_LOAD(*p->said);
	struct sp_addr a = { .family = 4 };
	char text[64];
	int rc = 0;

	for (uint32_t k = 0; k < p->peers && !rc; k++) {
		struct sp_routes r = sp_bmp_gen_routes(p, k);
		struct sp_routes_speaker by = sp_bmp_gen_speaker(k);

		sp_put_be32(a.ip, SP_BMP_GEN_PEER + k);
		rc = sp_routes_truth(&r, part_of(p, units, k), &by,
				     sp_addr_format(text, sizeof text, &a), t);
	}
	return rc;
}
