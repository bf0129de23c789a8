#include "plugin/catalog.h"

#include <string.h>

/* The tables differ in type and in nothing else that matters here. */
#define LOOKUP(kind)                                                                           \
	const struct sp_##kind##_ops *sp_catalog_##kind(const struct sp_catalog *c,            \
							const char *name)                      \
	{                                                                                      \
		for (const struct sp_##kind##_ops *const *p = c->kind; *p; p++)                \
			if (!strcmp((*p)->name, name))                                         \
				return *p;                                                     \
		return NULL;                                                                   \
	}

LOOKUP(transport)
LOOKUP(source)
LOOKUP(payload)
LOOKUP(dist)
LOOKUP(stamp)
LOOKUP(wrap)
LOOKUP(proto)
LOOKUP(hdr)
LOOKUP(codec)
