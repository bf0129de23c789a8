/* A capture file, summed up. Whatever it holds: one JSON document if anything in it was good, and one
 * sentence where it is damaged. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <jansson.h>

#include "capture/summary.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void print(const struct sp_capsum *s)
{
	struct sp_str out;
	json_t *document;

	sp_str_init(&out, sp_mem_system());
	sp_capsum_json(s, &out);
	document = json_loads(out.text, JSON_REJECT_DUPLICATES, NULL);
	if (!json_is_integer(json_object_get(document, "packets")))
		abort();
	json_decref(document);
	sp_str_clear(&out);
	sp_capsum_text(s, &out);
	sp_str_fini(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const struct sp_capsum_conf all;
	int rc, fd = memfd_create("capture", MFD_CLOEXEC);
	struct sp_err err = { 0 };
	struct sp_capsum *s;
	char path[40];

	if (fd < 0 || write(fd, data, len) != (ssize_t)len)
		abort();
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	if (sp_capsum_new(&s, &all, sp_mem_system(), &err))
		abort();
	rc = sp_capsum_read(s, path, &err);
	if (rc && (strncmp(err.text, path, strlen(path)) != 0 || strchr(err.text, '\n')))
		abort();
	if (sp_capsum_end(s, &err))
		abort();
	if (sp_capsum_opened(s))
		print(s);
	else if (!rc)
		abort();
	sp_capsum_free(s);
	close(fd);
	return 0;
}
