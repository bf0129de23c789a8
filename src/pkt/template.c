#include "pkt/template.h"

void sp_template_free(struct sp_template *t)
{
	sp_arena_fini(&t->arena);
	*t = (struct sp_template){ 0 };
}
