#include "proto/dns/dns.h"

#include <errno.h>
#include <string.h>

#include "base/file.h"

#define OFF(member) offsetof(struct sp_dns_conf, member)
static const struct sp_opt opts[] = {
	{ "zone", SP_OPT_PATH, OFF(zone), NULL, NULL, 0, 0,
	  "file of records (RFC 1035): A, AAAA, CNAME, TXT, MX, NS, SOA, with wildcards" },
	{ "synth", SP_OPT_TEXT, OFF(synth), NULL, NULL, 0, 0,
	  "names that are in no zone get an address of this prefix (without a zone "
	  "198.18.0.0/15)" },
	{ "synth6", SP_OPT_TEXT, OFF(synth6), NULL, NULL, 0, 0,
	  "the same for IPv6 (without a zone 2001:db8::/32)" },
	{ "ttl", SP_OPT_TIME, OFF(ttl), "60s", NULL, 0, UINT64_C(2147483647000000000),
	  "how long such answers may be remembered" },
	{ .name = NULL },
};

static int check_prefix(const char *key, const char *text, uint8_t family,
			struct sp_prefix *out, struct sp_err *err)
{
	if (!text)
		return 0;
	if (!sp_prefix_parse(text, out) && out->addr.family == family)
		return 0;
	return sp_fail(err, -EINVAL, SP_EXIT_USAGE, "dns: %s: '%.60s' is no prefix such as %s",
		       key, text, family == 4 ? "198.18.0.0/15" : "2001:db8::/32");
}

static int read_prefixes(const struct sp_dns_conf *c, struct sp_prefix *synth,
			 struct sp_prefix *synth6, struct sp_err *err)
{
	bool neither = !c->zone && !c->synth && !c->synth6;
	int rc = check_prefix("synth", neither ? "198.18.0.0/15" : c->synth, 4, synth, err);

	return rc ? rc
		  : check_prefix("synth6", neither ? "2001:db8::/32" : c->synth6, 6, synth6,
				 err);
}

static int check(const void *conf, struct sp_err *err)
{
	struct sp_prefix ignored[2];

	return read_prefixes(conf, &ignored[0], &ignored[1], err);
}

static int read_zone(struct sp_proto *p, const char *path, struct sp_err *err)
{
	struct sp_str text;
	int rc;

	sp_str_init(&text, p->mem);
	rc = sp_file_read(&text, path, SP_ZONE_TEXT_MAX, err);
	if (!rc)
		rc = sp_zone_parse(&p->zone, text.text, text.len, path, p->mem, err);
	sp_str_fini(&text);
	return rc;
}

static int dns_open(struct sp_proto **out, const struct sp_proto_args *args,
		    const struct sp_mem *mem, struct sp_err *err)
{
	static const struct sp_dns_conf dflt = { .ttl = UINT64_C(60000000000) };
	const struct sp_dns_conf *c = args->conf ? args->conf : &dflt;
	struct sp_proto *p = sp_alloc(mem, sizeof *p);
	int rc;

	if (!p)
		return sp_fail(err, -ENOMEM, SP_EXIT_FAILED, "out of memory");
	*p = (struct sp_proto){ .mem = mem, .ttl = (uint32_t)(c->ttl / 1000000000u) };
	rc = read_prefixes(c, &p->synth, &p->synth6, err);
	if (!rc && c->zone)
		rc = read_zone(p, c->zone, err);
	if (rc)
		sp_free(mem, p);
	else
		*out = p;
	return rc;
}

static void dns_close(struct sp_proto *p)
{
	sp_zone_fini(&p->zone);
	sp_free(p->mem, p);
}

static void init(void *st, const struct sp_proto *p, uint64_t now_ns, struct sp_wish *w)
{
	(void)now_ns;
	(void)w;
	*(const struct sp_proto **)st = p;
}

static int on_msg(void *st, const struct sp_msg *m, struct sp_msg *reply, uint64_t now_ns)
{
	(void)now_ns;
	reply->len = sp_dns_answer(*(const struct sp_proto **)st, m->data, m->len, reply->data,
				   reply->len);
	return reply->len != 0;
}

const struct sp_proto_ops sp_proto_dns = {
	.name = "dns",
	.summary = "a DNS server: a small zone, or an address for every name",
	.abi = SP_PLUGIN_ABI,
	.opts = opts,
	.conf_size = sizeof(struct sp_dns_conf),
	.check = check,
	.roles = 1u << SP_ROLE_RESPONDER,
	.state_size = sizeof(const struct sp_proto *),
	.port = 53,
	.takes = SP_REPLY_PAYLOAD,
	.grows = SP_GROWS_OWN,
	.open = dns_open,
	.close = dns_close,
	.init = init,
	.on_msg = on_msg,
};
