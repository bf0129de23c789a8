/* -p: what a configuration says of pre-processing, done by capture/extract. */
#ifndef SP_COMPAT_REPRODUCER_PROCESS_H
#define SP_COMPAT_REPRODUCER_PROCESS_H

#include "capture/extract.h"
#include "compat/reproducer/config.h"

/* The files that are written, in their folder. */
#define SP_REPRO_OUTPUTS 3u
#define SP_REPRO_CONFIG	 1u /* the next reproduction's */
extern const char *const sp_repro_output[SP_REPRO_OUTPUTS];

/* folder: where they are to be written; the caller's, initialised. Exit 2: one of them is what is read:
 * a capture, or the configuration itself. Captures were found (sp_repro_find). */
int sp_repro_process_check(const struct sp_repro *, struct sp_str *folder, struct sp_err *);
/* Writes the three files; after the check, with its folder. Errors as sp_extract's. */
int sp_repro_process(const struct sp_repro *, void (*remark)(void *arg, const char *text),
		     void *arg, const struct sp_str *folder, struct sp_extract_result *,
		     struct sp_err *);

#endif
