/* What the messages of known protocols in a capture say about who sent them: the structure of
 * traffic-info.json, {"BGP Information": {SOURCE: {...}}, "IPFIX Information": {...}}. Knows no
 * protocol: each session has a state of its codec's, which reads its messages and describes itself.
 *
 * A session is one side of a connection, or the datagrams from one endpoint to another (RFC 7011's
 * transport session). SOURCE is its address; of an address's further sessions "ADDRESS:PORT", and of
 * an endpoint's further ones "ADDRESS:PORT to ADDRESS:PORT".
 *
 * Used by extraction (the messages that it keeps) and by summaries (all of them). Order is that in
 * which sections were added and sessions were first seen, so that the text is deterministic. One
 * thread. */
#ifndef SP_CAPTURE_INFO_H
#define SP_CAPTURE_INFO_H

#include <stddef.h>
#include <stdint.h>

#include "base/address.h"
#include "base/json.h"
#include "base/mem.h"
#include "plugin/codec.h"

/* Of all sections; of what comes when they are reached, messages are only counted. */
#define SP_INFO_SESSIONS 65536u
/* Of the states of all sessions: one with a template is below 1 KiB, and the text of what is in
 * them is up to five times as long. */
#define SP_INFO_BYTES	 (5u << 20)

struct sp_info;

/* -ENOMEM. */
int sp_info_new(struct sp_info **, const struct sp_mem *);
/* Makes sure that there is a section: of a codec (its title), or, codec being NULL, one that is
 * always null under that name ("UDP_GENERIC Information"). A section that exists stays where it is. -ENOMEM. */
int sp_info_section(struct sp_info *, const struct sp_codec_ops *codec, const char *name);
/* The next whole message of that session; adds section and session when they are new. What was noted
 * of it is in *note unless that is NULL. -ENOMEM. */
int sp_info_message(struct sp_info *, const struct sp_codec_ops *,
		    const struct sp_endpoint *src, const struct sp_endpoint *dst,
		    const uint8_t *, size_t len, struct sp_codec_note *note);
/* Members into the open object, a section each. */
void sp_info_json(const struct sp_info *, struct sp_json *);
/* How many sessions are described, and how many messages are not, or not in full: they came of others,
 * or defined more, than the limits allow. */
uint32_t sp_info_sessions(const struct sp_info *);
uint64_t sp_info_left_out(const struct sp_info *);
void sp_info_free(struct sp_info *);

#endif
