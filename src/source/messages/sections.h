/* The sections of a reproduction: which protocol's messages they are, and which packets are theirs.
 * The first section that a packet matches has it. */
#ifndef SP_SOURCE_MESSAGES_SECTIONS_H
#define SP_SOURCE_MESSAGES_SECTIONS_H

#include "capio/select.h"
#include "core/env.h"
#include "plugin/catalog.h"

#define MSG_SECTIONS 16u

/* A condition on a field of the protocol's own header. */
struct msg_field {
	struct msg_field *next;
	const char *name;
	uint64_t *values;
	uint32_t n;
};

struct msg_section {
	const char *name;
	const struct sp_codec_ops *codec; /* NULL: generic */
	bool tcp;
	struct sp_select select;
	struct msg_field *fields;
};

struct msg_sections {
	struct sp_arena *arena;
	struct msg_section at[MSG_SECTIONS];
	uint32_t n;
};

/* "ipfix udp.dport=9991|9992 ip.src=192.0.2.1;bmp tcp.dport=1790 bmp_h.type=0|3": sections in the
 * order in which they are asked. 0, -EINVAL or -ENOMEM. */
int sp_msg_sections_parse(struct msg_sections *, const char *text, const struct sp_catalog *,
			  struct sp_err *);
/* Index of the section of that name; UINT32_MAX. */
uint32_t sp_msg_section_find(const struct msg_sections *, const char *name);
/* HOT. The section that has a packet; UINT32_MAX: none. */
uint32_t sp_msg_section_of(const struct msg_sections *, const struct sp_cap_packet *,
			   const struct sp_cap_view *);
/* Do its conditions on the protocol's header hold for a message? */
bool sp_msg_wanted(const struct msg_section *, const uint8_t *, size_t len);

#endif
