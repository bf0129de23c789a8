/* Records what crosses an interface into a pcap file, over AF_PACKET. One thread. */
#ifndef SP_CAPTURE_RECORD_H
#define SP_CAPTURE_RECORD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/mem.h"
#include "capture/record_file.h"

/* A socket that gathers frames of the interface, both ways, from now on. A descriptor, or -errno:
 * SP_EXIT_PERM with what is missing, SP_EXIT_DATA for the filter. The kernel runs the filter, unless
 * it asks for VLANs: the kernel takes a tag out of its frame before filters see it, so these are run
 * by sp_capture_step(). */
int sp_capture_open(const char *interface, const char *filter, struct sp_err *);

struct sp_capture_counts {
	uint64_t frames, bytes; /* in the file */
	uint64_t
		dropped; /* by the kernel, which found no room, or by a file that took no more */
};

struct sp_capture;

struct sp_capture_conf {
	struct sp_record_conf file; /* its interface: on which fd was opened */
	const char *filter;	    /* that of sp_capture_open; NULL or "": none */
	uint32_t snap;		    /* octets of each frame at most; 0: all */
	uint64_t count;		    /* frames at most; 0: no limit */
};

/* Makes the file, or the first of them. fd stays the caller's. -errno with SP_EXIT_IO. */
int sp_capture_new(struct sp_capture **, int fd, const struct sp_capture_conf *,
		   const struct sp_mem *, struct sp_err *);
/* Writes what has come; at most so many frames that it takes no longer than some ms. The number of
 * them, 0: there are none now, or the error of the interface or the file. */
int sp_capture_step(struct sp_capture *);
/* Of this moment; drops of the kernel are those up to the last call of it. */
void sp_capture_counts(struct sp_capture *, struct sp_capture_counts *);
/* The folder in which it still makes files, for a sandbox; -1: none. */
int sp_capture_folder(const struct sp_capture *);
/* Has it all that it may have? */
bool sp_capture_full(const struct sp_capture *);
/* Hands what is buffered to the kernel: a killed capture loses no more than since the last time.
 * 0, or the error of the file, which stays. */
int sp_capture_flush(struct sp_capture *);
/* Closes the file and frees; *counts are final. 0 or the error of the file. */
int sp_capture_free(struct sp_capture *, struct sp_capture_counts *counts);

#endif
