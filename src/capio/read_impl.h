/* What the files of the capture reader share. Nobody else includes this. */
#ifndef SP_CAPIO_READ_IMPL_H
#define SP_CAPIO_READ_IMPL_H

#include "capio/input.h"
#include "capio/read.h"

#define SP_NG_INTERFACES_MOST 65536u

/* How times of an interface become nanoseconds. */
struct interface {
	uint16_t link;
	uint8_t fcs_len;
	uint8_t resolution; /* as if_tsresol: 10^-n, or 2^-n with bit 7 */
	uint32_t snaplen;   /* 0: no limit */
	int64_t offset_s;
};

struct sp_cap {
	const struct sp_mem *mem;
	struct sp_input *in;
	int (*next)(struct sp_cap *, struct sp_cap_packet *, struct sp_err *);
	bool swapped; /* the other byte order than ours */
	uint64_t packets;
	int64_t last_ns;
	struct sp_read_odd odd;
	char path[200];
	/* classic */
	struct interface only;
	uint32_t record_len, unit_ns;
	/* pcapng: of the section that is being read, and how many there were before */
	struct interface *interface;
	uint32_t n_interfaces, cap_interfaces, before;
};

static inline uint32_t sp_cap_u32(const struct sp_cap *c, const uint8_t *p)
{
	uint32_t v;

	__builtin_memcpy(&v, p, sizeof v);
	return c->swapped ? __builtin_bswap32(v) : v;
}

static inline uint16_t sp_cap_u16(const struct sp_cap *c, const uint8_t *p)
{
	uint16_t v;

	__builtin_memcpy(&v, p, sizeof v);
	return c->swapped ? __builtin_bswap16(v) : v;
}

/* "FILE: packet 12 at byte 3456: what"; -EBADMSG. at: the record's offset. */
int sp_cap_bad(const struct sp_cap *, uint64_t at, struct sp_err *, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
/* The file ended inside the record at at, or could not be read any further. */
int sp_cap_cut(const struct sp_cap *, uint64_t at, struct sp_err *);
/* What is the same for each packet: its number, order of time, oddities. */
int sp_cap_note(struct sp_cap *, struct sp_cap_packet *);
int sp_cap_check_link(const struct sp_cap *, uint16_t link, uint64_t at, struct sp_err *);

/* pcap_read.c and pcapng_read.c: read a file's header when its magic is theirs. 1: it is; 0: not; or
 * an error. */
int sp_cap_begin_classic(struct sp_cap *, struct sp_err *);
int sp_cap_begin_ng(struct sp_cap *, struct sp_err *);

#endif
