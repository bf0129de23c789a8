/* Reads captures, one packet after the other: classic pcap of either byte order, with micro- or
 * nanoseconds, Kuznetzov's too; pcapng (draft-ietf-opsawg-pcapng) with several interfaces and
 * sections, any resolution of time; each of them perhaps inside gzip or zstd. Memory is bounded
 * whatever the file says. */
#ifndef SP_CAPIO_READ_H
#define SP_CAPIO_READ_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/mem.h"
#include "capio/input.h"
#include "capio/link_type.h"

#define SP_READ_PACKET_MOST 262144u /* octets of a packet; more is damage */

struct sp_cap_packet {
	uint64_t number;     /* in the file, from 1 */
	uint64_t offset;     /* of its record or block, in the file as it is decompressed */
	int64_t t_ns;	     /* since 1970, what is finer is cut */
	const uint8_t *data; /* until the next call */
	uint32_t len;	     /* captured */
	uint32_t orig_len;   /* on the link */
	uint32_t interface;  /* pcapng: of all in the file, from 0 */
	uint16_t link;	     /* enum sp_link_type and others */
	uint8_t fcs_len;     /* octets at the end that are the frame's check sequence */
	bool timed;	     /* pcapng's simple packets have no time: t_ns is the last one's */
};

/* What is odd in a file and yet was read. */
struct sp_read_odd {
	uint64_t above_original; /* captured length above the original */
	uint64_t bad_fraction;	 /* a fraction of a second of one second or more: carried */
	uint64_t back_in_time;	 /* packets older than the one before */
	uint64_t untimed;	 /* simple packets */
	uint64_t named_blocks;	 /* of pcapng, skipped: names, statistics, keys, journals */
	uint64_t other_blocks;	 /* of pcapng, skipped: custom ones, and of unknown type */
	uint64_t above_snaplen;	 /* captured length above the snap length */
	uint64_t told_drops;  /* packets of pcapng that say that others before them were lost */
	uint64_t drops;	      /* and how many these were */
	uint64_t told_errors; /* packets of pcapng whose flags say that the link saw an error */
	uint64_t bad_options; /* packets of pcapng with options that end behind their block */
	uint64_t
		odd_options; /* of pcapng's interfaces, ignored: of a length that they cannot have */
	uint32_t snaplen; /* of a classic file, if it is 0 or above 16 MiB; else 1 */
	bool kuznetzov;	  /* a modified classic file */
	bool shifted;	  /* a classic file with a time zone, which nobody uses */
};

struct sp_cap;

/* Reads the header. Exit 66: missing or unreadable; 65: no capture, a link type that is private or
 * not registered, a header that is damaged. */
int sp_cap_open(struct sp_cap **, const char *path, const struct sp_mem *, struct sp_err *);
/* The same of one that was opened before its turn. It is taken in any case. */
int sp_cap_open_file(struct sp_cap **, struct sp_cap_file *, const struct sp_mem *,
		     struct sp_err *);
/* 1: a packet; 0: the file's end; -EBADMSG (exit 65), -EIO (66), -ENOMEM: damage, with the number
 * of the packet and its offset in the sentence. What came before is good. */
int sp_cap_next(struct sp_cap *, struct sp_cap_packet *, struct sp_err *);
/* Back to the first packet, as sp_cap_open left it; of what is no file -ESPIPE (exit 66). The file is
 * not opened again. */
int sp_cap_rewind(struct sp_cap *, struct sp_err *);
const struct sp_read_odd *sp_cap_odd(const struct sp_cap *);
void sp_cap_close(struct sp_cap *);

#endif
