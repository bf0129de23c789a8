#include "pkt/pattern.h"

#include <string.h>

uint8_t *sp_pattern_new(const struct sp_mem *mem, const char *text, size_t len)
{
	size_t period = strlen(text);
	uint8_t *p = sp_alloc_array(mem, len ? len : 1, 1);

	for (size_t i = 0; p && i < len; i++)
		p[i] = (uint8_t)text[i % period];
	return p;
}

uint32_t sp_pattern_id(uint32_t id, const void *data, size_t len)
{
	const uint8_t *p = data;

	for (size_t i = 0; i < len; i++)
		id = (id ^ p[i]) * 16777619u;
	return id ? id : 1;
}
