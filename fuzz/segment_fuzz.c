/* A file of /etc/spate/segments.d. Whatever is written, there is a whole segment or one sentence with
 * its place. */
#include <stdlib.h>
#include <string.h>

#include "engine/segment.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const uint8_t mac[6];
	struct sp_addr a = { .family = 4 };
	struct sp_err err = { 0 };
	struct sp_segment s;

	if (sp_segment_parse(&s, (const char *)data, len, "f", &err)) {
		if (strncmp(err.text, "f:", 2) != 0 || strchr(err.text, '\n') ||
		    err.exit != SP_EXIT_DATA)
			abort();
		return 0;
	}
	if (!s.interface[0] || !s.pps || s.until_s <= 0 || (!s.n_prefixes && !s.n_macs))
		abort();
	for (unsigned i = 0; i < s.n_prefixes; i++)
		if (!sp_segment_has_addr(&s, &s.prefix[i].addr))
			abort();
	sp_segment_has_addr(&s, &a);
	sp_segment_has_mac(&s, mac);
	return 0;
}
