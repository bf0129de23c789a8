/* A selector. For the files of select alone. */
#ifndef SP_CAPIO_SELECT_TEXT_H
#define SP_CAPIO_SELECT_TEXT_H

#include "capio/select.h"

struct sp_build;

struct sp_selector {
	const struct sp_mem *mem;
	const struct sp_hdr_ops *const *hdr;
	struct sp_arena arena;
	struct sp_select select;
	struct sp_build *build;
};

#endif
