/* A trace of departures. Whatever is written, there are times that do not run backwards, or one
 * sentence with its line. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "engine/modes/trace_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	bool relative = len && data[0] == '+';
	FILE *f = len ? fmemopen((void *)(uintptr_t)data, len, "r") : NULL;
	struct sp_err err = { 0 };
	struct sp_trace t;

	if (!f)
		return 0;
	if (relative)
		(void)getc(f);
	if (sp_trace_read(&t, f, "t", relative, sp_mem_system(), &err)) {
		if (strncmp(err.text, "t:", 2) != 0 || strchr(err.text, '\n') ||
		    err.exit != SP_EXIT_DATA)
			abort();
	} else if (!t.n || t.n > len || !(t.peak_pps >= 1) || t.at_ns[t.n - 1] > INT64_MAX) {
		abort();
	}
	for (size_t i = 1; !err.code && i < t.n; i++)
		if (t.at_ns[i] < t.at_ns[i - 1])
			abort();
	for (size_t i = 0; !err.code && t.size && i < t.n; i++)
		if (t.size[i] < t.least || t.size[i] > t.most)
			abort();
	sp_trace_free(&t, sp_mem_system());
	fclose(f);
	return 0;
}
