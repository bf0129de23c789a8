/* Filters in tcpdump's language (pcap-filter(7)) for Ethernet frames: compiled by libpcap, run here
 * or by the kernel. */
#ifndef SP_PKT_FILTER_H
#define SP_PKT_FILTER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/mem.h"

struct sp_filter;

/* "" takes everything. -EINVAL with the caller's exit class, and what libpcap says of the text. */
int sp_filter_new(struct sp_filter **, const char *text, enum sp_exit wrong,
		  const struct sp_mem *, struct sp_err *);
/* The same for packets of another link type than Ethernet (pkt/link_type.h). */
int sp_filter_new_link(struct sp_filter **, const char *text, uint16_t link, enum sp_exit wrong,
		       const struct sp_mem *, struct sp_err *);
void sp_filter_free(struct sp_filter *);
/* HOT. A frame with its VLAN tags in it, without FCS. */
bool sp_filter_takes(const struct sp_filter *, const uint8_t *frame, uint32_t len);
/* The program as the kernel's SO_ATTACH_FILTER wants it: *n instructions of 8 bytes each, which
 * live as long as the filter. */
const void *sp_filter_program(const struct sp_filter *, uint16_t *n);
/* Only whether the text is one. */
int sp_filter_check(const char *text, enum sp_exit wrong, struct sp_err *);

#endif
