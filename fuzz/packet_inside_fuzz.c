/* Octets behind headers that say tunnel (which, the first octet says; the second is a number in them):
 * what is inside is found, and where it is plainly IP its destination is among the targets. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/packet.h"

#define LONGEST 600u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static const char *const before[] = {
	"ip(dst=10.0.0.2,proto=4,id=%u)/raw(load=0x",
	"ipv6(dst=fd99::2,nh=41,fl=%u)/raw(load=0x",
	"ip(dst=10.0.0.2,proto=%u)/raw(load=0x",
	"ip(dst=10.0.0.2,proto=%u..255)/raw(load=0x",
	"ipv6(dst=fd99::2,nh=0..%u)/raw(load=0x",
	"ip(dst=10.0.0.2)/udp(dport=%u..6081)/raw(load=0x",
	"ip(dst=10.0.0.2)/gre(key_present=0..1,key=%u)/raw(load=0x",
	"eth(type=0x8847)/mpls(ttl=%u)/raw(load=0x",
	"eth(type=[0x8100,0x8864,0x86dd,%u])/raw(load=0x",
};

static bool is_target(const struct sp_packet_facts *f, const uint8_t *ip4)
{
	struct sp_addr a = { .family = 4 };

	memcpy(a.ip, ip4, 4);
	for (unsigned i = 0; i < f->n_to; i++)
		if (f->to[i].first.family == 4 && sp_addr_compare(&f->to[i].first, &a) <= 0 &&
		    sp_addr_compare(&a, &f->to[i].last) <= 0)
			return true;
	return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const struct sp_endpoint nobody = { .port = 0 };
	char text[2 * LONGEST + 100];
	struct sp_packet_facts f;
	struct sp_arena arena;
	unsigned which;
	int at;

	if (len < 3 || len - 2 > LONGEST)
		return 0;
	which = data[0] % (sizeof before / sizeof *before);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	at = snprintf(text, sizeof text, before[which], data[1]);
#pragma GCC diagnostic pop
	for (size_t i = 2; i < len; i++)
		at += snprintf(text + at, sizeof text - (size_t)at, "%02x", data[i]);
	snprintf(text + at, sizeof text - (size_t)at, ")");
	sp_arena_init(&arena, sp_mem_system());
	if (sp_packet_look(text, "packet", &nobody, &sp_catalog, &arena, &f, NULL) == 0 &&
	    which < 2 && len >= 22 && data[2] >> 4 == 4 && !is_target(&f, data + 18))
		abort();
	sp_arena_fini(&arena);
	return 0;
}
