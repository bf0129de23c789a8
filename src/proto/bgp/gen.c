/* What a speaker is, and what its peer must have stored. */
#include "proto/bgp/gen.h"

#include <errno.h>
#include <stddef.h>

#include "core/clock.h"
#include "core/shared.h"

#define OFF(member) offsetof(struct sp_bgp_gen_conf, member)

const struct sp_opt sp_bgp_gen_opts[] = {
	SP_ROUTES_ROWS(OFF(routes)),
	{ "as", SP_OPT_U64, OFF(as), "64496", NULL, 1, UINT32_MAX, "own AS number" },
	{ "router_id", SP_OPT_TEXT, OFF(router_id), "192.0.2.1", NULL, 0, 0, "own identifier" },
	{ "hold", SP_OPT_TIME, OFF(hold_ns), "90s", NULL, 3000000000, UINT64_C(65535000000000),
	  "hold time that is offered" },
	{ "update_rate", SP_OPT_U64, OFF(rate), "0", NULL, 0, 10000000,
	  "UPDATEs a second; 0: as fast as the peer takes them" },
	{ .name = NULL },
};

int sp_bgp_gen_check(const void *conf, struct sp_err *err)
{
	const struct sp_bgp_gen_conf *c = conf;
	struct sp_routes r;
	struct sp_addr id;

	if (!c)
		return 0;
	if (sp_addr_parse(c->router_id, &id) || id.family != 4)
		return sp_fail(err, -EINVAL, SP_EXIT_USAGE,
			       "router_id is written as an IPv4 address");
	return sp_routes_init(&r, &c->routes, 0, err);
}

int sp_bgp_gen_open(struct sp_proto **out, const struct sp_proto_args *args,
		    const struct sp_mem *mem, struct sp_err *err)
{
	const struct sp_bgp_gen_conf *c = args->conf;
	struct sp_proto *p = sp_alloc(mem, sizeof *p);
	struct sp_addr id;
	int rc;

	if (!p)
		return sp_fail(err, -ENOMEM, SP_EXIT_FAILED, "out of memory");
	*p = (struct sp_proto){ .mem = mem,
				.as = (uint32_t)c->as,
				.hold_ns = c->hold_ns,
				.gap_ns = c->rate ? SP_NS_PER_S / c->rate : 0 };
	p->said = sp_alloc(mem, sizeof *p->said);
	rc = p->said ? sp_routes_init(&p->routes, &c->routes, args->seed, err)
		     : sp_fail(err, -ENOMEM, SP_EXIT_FAILED, "out of memory");
	if (rc) {
		sp_free(mem, p->said);
		sp_free(mem, p);
		return rc;
	}
	sp_addr_parse(c->router_id, &id);
	p->id = sp_get_be32(id.ip);
	*out = p;
	return 0;
}

void sp_bgp_gen_close(struct sp_proto *p)
{
	sp_free(p->mem, p->said);
	sp_free(p->mem, p);
}

int sp_bgp_gen_truth(const struct sp_proto *p, const struct sp_truth *t)
{
	const struct sp_routes_speaker by = { p->as, SP_LOAD(p->said->internal) };

	return sp_routes_truth(&p->routes, SP_LOAD(p->said->updates), &by, NULL, t);
}
