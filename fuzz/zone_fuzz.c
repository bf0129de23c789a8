/* A zone of any text is refused with a sentence, or read; and then every query has an answer that is
 * no longer than its room. */
#include "proto/dns/dns.h"

#include <stdlib.h>
#include <string.h>

#include "base/endian.h"
#include "pkt/dns_name.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(bool ok)
{
	if (!ok)
		abort();
}

/* For each name of the zone, and one below it. */
static void ask(const struct sp_proto *p, const struct sp_zone_rr *rr)
{
	static const uint16_t types[] = { SP_DNS_A, SP_DNS_SOA, SP_DNS_TXT, SP_DNS_ANY };
	uint8_t q[12 + 3 + SP_DNS_NAME_MAX + 4] = { 0, 1, 1, 0, 0, 1 }, out[1500];
	uint32_t n;

	for (unsigned below = 0; below < 2; below++) {
		uint32_t at = 12;

		if (below && rr->name_len > SP_DNS_NAME_MAX - 2)
			return;
		if (below) {
			q[at++] = 1;
			q[at++] = 'x';
		}
		memcpy(q + at, p->zone.bytes + rr->name, rr->name_len);
		at += rr->name_len;
		for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
			sp_put_be16(q + at, types[i]);
			sp_put_be16(q + at + 2, 1);
			n = sp_dns_answer(p, q, at + 4, out, sizeof out);
			demand(n >= at + 4 && n <= 512);
			n = sp_dns_answer(p, q, at + 4, out, at + 4);
			demand(n == at + 4);
		}
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sp_proto p = { .mem = sp_mem_system(), .ttl = 60 };
	char *text = malloc(size + 1);
	struct sp_err err = { 0 };
	int rc;

	demand(text != NULL);
	memcpy(text, data, size);
	rc = sp_zone_parse(&p.zone, text, size, "z", p.mem, &err);
	demand(rc ? err.text[0] && err.exit == SP_EXIT_DATA : !err.text[0]);
	for (uint32_t i = 0; !rc && i < p.zone.n && i < 200; i++)
		ask(&p, &p.zone.rr[i]);
	if (!rc)
		sp_zone_fini(&p.zone);
	free(text);
	return 0;
}
