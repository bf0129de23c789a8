#include "pkt/hdr.h"

static const struct sp_field fields[] = {
	{ .name = "label", .bits = 20, .dflt = "3", .help = "label" },
	{ .name = "cos",
	  .aliases = "exp|tc",
	  .bits = 3,
	  .help = "traffic class",
	  .rfc = "RFC 5462" },
	{ .name = "s",
	  .bits = 1,
	  .rule = SP_RULE_NEXT,
	  .dflt = "1",
	  .help = "the last label of the stack" },
	{ .name = "ttl", .bits = 8, .help = "how many routers may pass it on" },
	{ 0 },
};

static const struct sp_next next[] = { { 0, "mpls" }, { 0, NULL } };

/* No number says what is below the stack; IP is told by its version. */
static const char *follow(const struct sp_node *n, const uint8_t *p, size_t len)
{
	const char *hdr = sp_hdr_next(n);

	if (hdr || !len)
		return hdr;
	return *p >> 4 == 4 ? "ip" : *p >> 4 == 6 ? "ipv6" : NULL;
}

const struct sp_hdr_ops sp_hdr_mpls = {
	.name = "mpls",
	.summary = "MPLS label",
	.abi = SP_PLUGIN_ABI,
	.rfc = "RFC 3032",
	.fields = fields,
	.next_field = "s",
	.next = next,
	.follow = follow,
};
