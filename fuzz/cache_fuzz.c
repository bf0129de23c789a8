/* A file of tcpprep. Whatever is in it, there is a way for each packet that it knows, or one sentence
 * with its place. */
#include <stdlib.h>
#include <string.h>

#include "source/capture/cache.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct sp_err err = { 0 };
	struct sp_cache c;

	if (sp_cache_parse(&c, data, len, "f", &err)) {
		if (strncmp(err.text, "f:", 2) != 0 || strchr(err.text, '\n') ||
		    err.exit != SP_EXIT_DATA)
			abort();
		return 0;
	}
	if (c.n > 4 * len)
		abort();
	for (uint64_t i = 1; i <= c.n; i++)
		if (sp_cache_of(&c, i) == SP_CACHE_UNKNOWN)
			abort();
	if (sp_cache_of(&c, c.n + 1) != SP_CACHE_UNKNOWN)
		abort();
	return 0;
}
