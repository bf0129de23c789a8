#include "pkt/hdr.h"

static const struct sp_field fields[] = {
	{ .name = "sport", .bits = 16, .dflt = "53", .help = "source port number" },
	{ .name = "dport",
	  .bits = 16,
	  .rule = SP_RULE_NEXT,
	  .dflt = "53",
	  .help = "destination port number" },
	{ .name = "len",
	  .bits = 16,
	  .rule = SP_RULE_LENGTH,
	  .help = "length of header and payload" },
	{ .name = "chksum",
	  .bits = 16,
	  .rule = SP_RULE_SUM_UDP,
	  .help = "checksum with the IP addresses; 0: none" },
	{ 0 },
};

static const struct sp_next next[] = {
	{ 53, "dns" },
	{ 4789, "vxlan" },
	{ 6081, "geneve" },
	{ 0, NULL },
};

/* Answers come from the port. */
static const char *follow(const struct sp_node *n, const uint8_t *p, size_t len)
{
	const char *hdr = sp_hdr_next(n);

	(void)p;
	(void)len;
	return hdr || sp_hdr_number(n, "sport") != 53 ? hdr : "dns";
}

const struct sp_hdr_ops sp_hdr_udp = {
	.name = "udp",
	.summary = "UDP",
	.abi = SP_PLUGIN_ABI,
	.rfc = "RFC 768",
	.fields = fields,
	.next_field = "dport",
	.next = next,
	.follow = follow,
};
