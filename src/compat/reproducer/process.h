/* -p: what a configuration says of pre-processing, done by capture/extract. */
#ifndef SP_COMPAT_REPRODUCER_PROCESS_H
#define SP_COMPAT_REPRODUCER_PROCESS_H

#include "capture/extract.h"
#include "compat/reproducer/config.h"

/* Writes the three files. folder is the caller's, initialised: where they are. Captures were found
 * (sp_repro_find). Errors as sp_extract's. */
int sp_repro_process(const struct sp_repro *, void (*remark)(void *arg, const char *text),
		     void *arg, struct sp_str *folder, struct sp_extract_result *,
		     struct sp_err *);

#endif
