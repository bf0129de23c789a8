/* Octets become a packet by the tables of all headers (the first octet of the input says which one is
 * outermost), and the packet, as it is and by its text, the same octets again. */
#include <stdlib.h>
#include <string.h>

#include "pkt/packet.h"
#include "plugin/catalog.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void same_octets(const struct sp_packet *p, const uint8_t *octets, size_t len)
{
	static uint8_t buf[SP_PACKET_MAX];
	size_t n;

	if (sp_packet_encode(p, buf, sizeof buf, &n, NULL) || n != len ||
	    memcmp(buf, octets, len) != 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	unsigned n_hdrs = 0;
	struct sp_packet *p, *second;
	struct sp_str text;

	while (sp_catalog.hdr[n_hdrs])
		n_hdrs++;
	if (len < 2 || len > 4096)
		return 0;
	if (sp_packet_decode(&p, data + 1, len - 1,
			     data[0] == 255 ? NULL : sp_catalog.hdr[data[0] % n_hdrs]->name,
			     sp_catalog.hdr, sp_mem_system(), NULL))
		abort();
	same_octets(p, data + 1, len - 1);
	sp_str_init(&text, sp_mem_system());
	sp_packet_print(p, &text);
	if (sp_packet_parse(&second, text.text, "again", sp_catalog.hdr, sp_mem_system(), NULL))
		abort();
	same_octets(second, data + 1, len - 1);
	sp_str_fini(&text);
	sp_packet_free(second);
	sp_packet_free(p);
	return 0;
}
