/* A list of trusted keys. Whatever is written, there is a list whose text reads back the same, or one
 * sentence with its place. */
#include <stdlib.h>
#include <string.h>

#include "keys/trust.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct sp_err err = { 0 };
	struct sp_trust a, b;
	struct sp_str text, again;

	sp_trust_init(&a, sp_mem_system());
	sp_trust_init(&b, sp_mem_system());
	sp_str_init(&text, sp_mem_system());
	sp_str_init(&again, sp_mem_system());
	if (sp_trust_parse(&a, (const char *)data, len, "f", &err)) {
		if (strncmp(err.text, "f:", 2) != 0 || strchr(err.text, '\n') ||
		    err.exit != SP_EXIT_DATA)
			abort();
	} else {
		sp_trust_print(&a, &text);
		if (sp_trust_parse(&b, text.text, text.len, "f", &err) || a.n != b.n)
			abort();
		sp_trust_print(&b, &again);
		if (text.len && strcmp(text.text, again.text) != 0)
			abort();
	}
	sp_trust_fini(&a);
	sp_trust_fini(&b);
	sp_str_fini(&text);
	sp_str_fini(&again);
	return 0;
}
