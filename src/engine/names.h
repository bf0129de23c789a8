/* A map from text to index: unique names and references, without a quadratic search. */
#ifndef SP_ENGINE_NAMES_H
#define SP_ENGINE_NAMES_H

#include <stdbool.h>

#include "base/mem.h"

struct sp_names {
	const struct sp_mem *mem;
	struct sp_name_slot *slots;
	unsigned mask;
};

/* Room for n names. 0 or -ENOMEM. */
int sp_names_init(struct sp_names *, const struct sp_mem *, unsigned n);
void sp_names_fini(struct sp_names *);
/* text is borrowed. True: it is new. False: it is there already, *before is its index. */
bool sp_names_add(struct sp_names *, const char *text, unsigned index, unsigned *before);
bool sp_names_find(const struct sp_names *, const char *text, unsigned *index);

#endif
