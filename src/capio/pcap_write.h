/* Writes a capture file with nanosecond time stamps: pcapng (draft-ietf-opsawg-pcapng) when its
 * name ends so, else classic pcap (draft-ietf-opsawg-pcap). One thread a writer. */
#ifndef SP_CAPIO_PCAP_WRITE_H
#define SP_CAPIO_PCAP_WRITE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/out_file.h"

#define SP_LINKTYPE_ETHERNET 1u
#define SP_PCAP_SNAPLEN	     262144u

struct sp_pcap_writer;

/* What was, or would have been, captured. */
struct sp_pcap_link {
	uint32_t linktype;
	const char *interface; /* pcapng says it; NULL: not known */
};

/* Where it is written, as base/out_file.h does: pcapng when path ends so, or is "-", or ng says so. */
struct sp_pcap_place {
	const char *path;
	struct sp_out *out; /* what was opened as path, and is taken; NULL: path is opened */
	bool live; /* it can be read while it grows; else it appears when it is closed */
	bool ng;
};

/* Makes the file and writes its header at once, so that a place where nothing can be written is
 * known here. Errors: a sentence in err, exit class SP_EXIT_IO; a negative errno. */
int sp_pcap_writer_open_at(struct sp_pcap_writer **, const struct sp_pcap_place *,
			   const struct sp_pcap_link *, const struct sp_mem *, struct sp_err *);
/* The same of a live one at path. */
int sp_pcap_writer_open(struct sp_pcap_writer **, const char *path, const struct sp_pcap_link *,
			const struct sp_mem *, struct sp_err *);

/* It can be read from now on, while it grows. 0 or -errno. */
int sp_pcap_writer_show(struct sp_pcap_writer *);

/* HOT, buffered: no system call but one write for each 256 KiB. real_ns is the wall clock's.
 * 0; -EMSGSIZE when len > SP_PCAP_SNAPLEN, -ERANGE when the time is not between 1970 and 2106
 * (pcapng: before 1970)
 * (nothing is written, the next one may be better); or the error of the file. That one stays:
 * the file ends at its last whole packet and nothing is added any more. */
int sp_pcap_writer_put(struct sp_pcap_writer *, int64_t real_ns, const void *data,
		       uint32_t len);

/* The same for a packet that had orig_len bytes and was cut, of an interface that the next
 * function numbered; 0: the first, and in classic pcap the only one. */
int sp_pcap_writer_put_cut(struct sp_pcap_writer *, uint32_t interface, int64_t real_ns,
			   const void *data, uint32_t len, uint32_t orig_len);

/* A further interface, of pcapng: its number, from 1; -ENOTSUP: classic pcap has one link type; or
 * the error of the file. */
int sp_pcap_writer_interface(struct sp_pcap_writer *, const struct sp_pcap_link *);

/* Hands what is buffered to the kernel. 0 or the error of the file. */
int sp_pcap_writer_flush(struct sp_pcap_writer *);

/* How many packets are in the file or will be at the next flush, and how many were taken and
 * then lost to an error. */
uint64_t sp_pcap_writer_packets(const struct sp_pcap_writer *);
uint64_t sp_pcap_writer_lost(const struct sp_pcap_writer *);

/* How long the file is or will be at the next flush; around a packet there are up to so many
 * octets. */
#define SP_PCAP_AROUND 40u
uint64_t sp_pcap_writer_size(const struct sp_pcap_writer *);

/* How many packets there were, and how many of them were dropped, written by pcapng's close. */
void sp_pcap_writer_stats(struct sp_pcap_writer *, uint64_t received, uint64_t dropped);

/* Flushes, closes and frees. The error of the file, its flush or its close; 0 for NULL. After an
 * error a file that is not live is gone, and what was there before it is still there. */
int sp_pcap_writer_close(struct sp_pcap_writer *);
/* Frees without an end: what is not live is gone. NULL: nothing. */
void sp_pcap_writer_drop(struct sp_pcap_writer *);

#endif
