/* A capture file. Whatever it holds, there are packets within its bounds, numbered in order, and at
 * the end nothing, or one sentence that names the file. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "capio/read.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static uint32_t sum;

static void look(const struct sp_cap_packet *p, uint64_t n, uint64_t *offset)
{
	if (p->number != n || (n > 1 && p->offset <= *offset) || p->len > SP_READ_PACKET_MOST ||
	    p->orig_len < p->len || !sp_link_type_known(p->link))
		abort();
	*offset = p->offset;
	for (uint32_t i = 0; i < p->len; i++)
		sum += p->data[i];
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	int rc, fd = memfd_create("capture", MFD_CLOEXEC);
	struct sp_cap_packet p;
	struct sp_err err = { 0 };
	struct sp_cap *c;
	uint64_t n = 0, offset = 0;
	char path[40];

	if (fd < 0 || write(fd, data, len) != (ssize_t)len)
		abort();
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	rc = sp_cap_open(&c, path, sp_mem_system(), &err);
	while (!rc && (rc = sp_cap_next(c, &p, &err)) == 1) {
		look(&p, ++n, &offset);
		rc = 0;
	}
	if (rc && (strncmp(err.text, path, strlen(path)) != 0 || strchr(err.text, '\n')))
		abort();
	sp_cap_close(c);
	close(fd);
	return 0;
}
