/* The file of a recording, or, rotated, one after the other of them. One thread. */
#ifndef SP_CAPTURE_RECORD_FILE_H
#define SP_CAPTURE_RECORD_FILE_H

#include <stdbool.h>

#include "capio/pcap_write.h"

struct sp_record_conf {
	const char *path; /* pcapng when it ends so or is "-" (standard output), else pcap */
	uint64_t
		rotate_bytes; /* a file no longer than this, unless for one frame; 0: no limit */
	uint64_t rotate_ns;   /* of the wall clock; 0: no limit */
	uint32_t keep;	      /* so many files, the oldest goes; 0: all */
	const char *interface; /* for pcapng */
};

struct sp_record_file {
	const struct sp_mem *mem;
	struct sp_record_conf conf;
	struct sp_pcap_writer *w;
	int dir;		/* rotated: where the files are; else -1 */
	uint32_t number;	/* of the file, from 1 */
	uint64_t packets, lost; /* of those that are closed */
	uint64_t told;		/* drops that files have told */
	int64_t until_ns;	/* when this one is over */
	bool begun;		/* it has a frame */
	int error;		/* the first one; it stays */
};

/* Rotated, a.pcap is a-00001.pcap, a-00002.pcap, ... Makes the (first) file; each can be read while it
 * grows. -errno with a sentence, SP_EXIT_IO, or SP_EXIT_USAGE: what is no file cannot be rotated. */
int sp_record_file_open(struct sp_record_file *, const struct sp_record_conf *,
			const struct sp_mem *, struct sp_err *);
/* HOT. As sp_pcap_writer_put_cut; dropped: frames that the kernel has lost until now. */
int sp_record_file_put(struct sp_record_file *, int64_t real_ns, const void *data, uint32_t len,
		       uint32_t orig_len, uint64_t dropped);
int sp_record_file_flush(struct sp_record_file *);
uint64_t sp_record_file_packets(const struct sp_record_file *);
uint64_t sp_record_file_lost(const struct sp_record_file *);
/* The first error of any of them. */
int sp_record_file_close(struct sp_record_file *, uint64_t dropped);

#endif
