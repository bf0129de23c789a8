/* The first octet says how, the rest is a capture that is to be sent again, twice. Frames are long
 * enough to be frames and no longer than they may be, their places never go back, the second pass
 * has the same frames, and what ends a pass names the file. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "source/capture/walk.h"

#define MTU  100u
#define MOST (MTU + SP_WALK_ETH + 16u) /* four tags */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static uint32_t sum;

static struct sp_walk_conf conf_of(uint8_t how, const char *path)
{
	static const char *const rules[] = { NULL, "auto", "server", "10.0.0.0/8" };

	return (struct sp_walk_conf){
		.files = path,
		.times = { .by = (enum sp_times_by)(how & 3),
			   .micro = 7,
			   .num = 3,
			   .den = 2,
			   .max_gap_ns = how & 4 ? 1000 : 0 },
		.split = rules[how >> 3 & 3],
		.side = how & 32 ? SP_SIDE_SERVER : SP_SIDE_CLIENT,
		.mtu = MTU,
		.cut = how & 64,
		.pad = how & 128,
		.mac = true,
	};
}

static void look(const struct sp_walk_frame *f, uint64_t *place)
{
	if (sp_walk_len(f) < SP_WALK_ETH || sp_walk_len(f) > MOST || f->place < *place)
		abort();
	*place = f->place;
	for (uint32_t i = 0; i < f->data_len; i++)
		sum += f->data[i];
}

/* One pass: how many frames it has. */
static uint64_t walk(struct sp_walk *w, const char *path, uint64_t *place)
{
	struct sp_walk_frame f;
	struct sp_err err = { 0 };
	uint64_t n = 0;
	int rc;

	while ((rc = sp_walk_next(w, &f, &err)) == 1) {
		if (!f.unfit)
			look(&f, place);
		n++;
	}
	if (rc && (strncmp(err.text, path, strlen(path)) != 0 || strchr(err.text, '\n')))
		abort();
	return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	int fd = memfd_create("walk", MFD_CLOEXEC);
	struct sp_walk_conf conf;
	uint64_t n, place = 0;
	struct sp_walk *w;
	char path[40];

	if (fd < 0 || (len && write(fd, data + 1, len - 1) != (ssize_t)len - 1))
		abort();
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	conf = conf_of(len ? data[0] : 0, path);
	if (!sp_walk_new(&w, &conf, sp_mem_system(), NULL)) {
		n = walk(w, path, &place);
		if (!sp_walk_rewind(w, NULL) && walk(w, path, &place) != n)
			abort();
		sp_walk_free(w);
	}
	close(fd);
	return 0;
}
