/* A protocol whose messages are told apart in a capture, described, kept or left out, rewritten so
 * that they look live, and answered in its name while they are replayed: telemetry (IPFIX with
 * NetFlow, BMP, BGP, ...). Without I/O or clock: bytes in, facts and bytes out; memory is for what
 * a state keeps alone. Used by replay, extraction, summaries and generators, which know no protocol
 * by name.
 *
 * A codec lives in its protocol's folder under src/proto, where its generator may be, too. */
#ifndef SP_PLUGIN_CODEC_H
#define SP_PLUGIN_CODEC_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/address.h"
#include "base/err.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/options.h"
#include "base/str.h"

enum sp_codec_over {
	SP_CODEC_UDP = 1u << 0, /* a datagram is one message (IPFIX, NetFlow, ...) */
	SP_CODEC_TCP = 1u << 1, /* a stream of them */
};

enum sp_codec_flag {
	SP_CM_BEGINS = 1u << 0, /* a session can begin with it: BGP OPEN, BMP INITIATION */
	SP_CM_ENDS = 1u << 1,	/* and end: NOTIFICATION, TERMINATION */
	SP_CM_FILLER = 1u << 2, /* says nothing but "still here": KEEPALIVE */
	SP_CM_WAITS = 1u << 3, /* may leave only when the peer has answered the beginning (BGP's
				 * KEEPALIVE, UPDATE, ...) */
	SP_CM_DEFINES = 1u << 4, /* others need it: templates, a BMP peer that comes or goes */
	SP_CM_UNKNOWN =
		1u << 5,     /* needs something that was not seen: data without a template */
	SP_CM_ODD = 1u << 6, /* malformed inside, see reason; its length could be trusted */
};

/* What a message is. */
struct sp_codec_note {
	uint32_t flags;
	uint16_t type;	 /* the protocol's own: BGP 1 .. 5, BMP 0 .. 6, IPFIX its version */
	uint32_t domain; /* observation domain, engine, source id; 0 */
	uint32_t seq;	 /* as it stands in the message */
	uint32_t units;	 /* what seq counts: records, flows, messages */
	/* Extraction leaves so much time before it, and after it (a collector must be able to do
	 * something before the next one comes). */
	uint64_t before_ns, after_ns;
	const char *reason; /* SP_CM_ODD: what is wrong, a static part of a sentence */
};

/* How a message is to be changed so that it looks as if it were made now by that exporter. Times
 * move by a shift; sequence numbers count what really left. */
struct sp_codec_live {
	bool retime;		/* export time, uptime, start and end of flows, BMP's time */
	int64_t shift_ns;	/* is added to every time */
	uint64_t now_ns;	/* since 1970: when it leaves */
	bool renumber;		/* domain, sequence numbers, router identity: of exporter k */
	uint32_t exporter;	/* k, from 0 */
	struct sp_addr address; /* its own: the router's identity where there is one */
};

struct sp_codec_ops {
	SP_PLUGIN_HEAD;	  /* opts: none by now */
	uint32_t over;	  /* enum sp_codec_over */
	uint16_t port[3]; /* numbers that it is known by; 0: none */
	/* What the section of a reproduction file is called ("ipfix", "bmp", "bgp"), and the header
	 * in whose fields its selectors speak ("ipfix_h"). */
	const char *section, *header;

	/* Length of the first message; 0: not all of it is there yet; -EBADMSG: this is not the
	 * protocol, or a length that cannot be (it is below a header's, above the protocol's most).
	 * Datagrams: one message, whatever follows it is odd; one that has no length of its own
	 * (NetFlow 9) is as long as its datagram. */
	ptrdiff_t (*boundary)(const uint8_t *, size_t);
	/* Does a datagram or the beginning of a stream look like this? For captures with port
	 * numbers that nobody knows. */
	bool (*guess)(const uint8_t *, size_t);

	/* Everything that one side of a session has said so far (templates, capabilities); new:
	 * NULL when memory is short. Its size is bounded whatever comes. It is small at first, and
	 * grows, out of the same memory, with what is defined for the first time: read() and
	 * rewrite() allocate then and only then. */
	void *(*open)(const struct sp_mem *);
	void (*close)(void *st);
	/* The next message, whole. Never fails: what is wrong is noted, and what finds no memory is
	 * forgotten, and counted as that. */
	void (*read)(void *st, const uint8_t *, size_t len, struct sp_codec_note *);
	/* A field of the header, by the name that selectors use ("version", "type"): -ENOENT. */
	int (*field)(const uint8_t *, size_t len, const char *name, uint64_t *value);
	const char *const *fields; /* the names that it knows; NULL ends */

	/* The same message without what is not understood, for clean sessions: data whose template
	 * was not seen. Writes to out (cap >= len) and returns its length; 0: nothing is left of
	 * it. After read() of the same message, with the state as read() left it. NULL: a message is
	 * kept or left out as a whole. */
	size_t (*clean)(void *st, const uint8_t *, size_t len, uint8_t *out, size_t cap);
	/* Rewrites in place; len never changes. st is a state of this exporter's own that read() has
	 * not seen: templates are followed as they come by. Times follow the exporter's own clock
	 * where the message shows it: when that and the capture's (now_ns - shift_ns) differ, the
	 * difference is taken away. -EBADMSG: not understood, unchanged. */
	int (*rewrite)(void *st, uint8_t *, size_t len, const struct sp_codec_live *);

	/* What a summary says of a session: members into the open object; key and shape are those
	 * of traffic-info.json. */
	const char *title; /* "BGP Information" */
	void (*describe)(const void *st, struct sp_json *);

	/* The replaying end of a stream, where the protocol answers or must be kept awake (BGP);
	 * NULL: the peer's bytes are read and mean nothing. */
	const struct sp_codec_peer_ops *peer;
};

/* Has its header such a field, as selectors name them? -ENOENT: "header.name: ..." with the nearest
 * name, exit 65. header: as the user wrote it. */
static inline int sp_codec_check_field(const struct sp_codec_ops *c, const char *header,
				       const char *name, struct sp_err *err)
{
	char shown[80], all[200] = "";
	const char *best;
	size_t n = 0;

	for (; c->fields && c->fields[n]; n++) {
		if (strcmp(c->fields[n], name) == 0)
			return 0;
		if (strlen(all) + strlen(c->fields[n]) + 3 < sizeof all)
			strcat(strcat(all, n ? ", " : ""), c->fields[n]);
	}
	best = n ? sp_str_nearest(name, c->fields, n) : NULL;
	return sp_fail(err, -ENOENT, SP_EXIT_DATA,
		       "%s.%s: messages of %s have no such field (there is %s)%s%s%s", header,
		       sp_str_printable(shown, sizeof shown, name), c->name, n ? all : "none",
		       best ? "; did you mean '" : "", best ? best : "", best ? "'?" : "");
}

/* What the peer's bytes mean for what we may send. State: of one connection, from open. */
struct sp_codec_talk {
	bool established; /* messages that wait may leave */
	bool over;	  /* the peer has ended the session: reason */
	uint64_t hold_ns; /* agreed; 0: none, or not known yet */
	uint64_t
		filler_ns; /* a filler is due when so much time has passed since our last message; 0:
			     * never */
	bool answer; /* a filler is owed at once, before anything else: it confirms the peer's
		      * beginning (BGP's KEEPALIVE after an OPEN). sent() clears it */
	const char *reason; /* static; NULL */
	uint32_t code;	    /* the protocol's: a NOTIFICATION's code << 8 | subcode */
};
struct sp_codec_peer_ops {
	size_t state_size; /* zeroed by the caller */
	void (*sent)(void *st, const uint8_t *message, size_t len, struct sp_codec_talk *);
	/* Takes whole messages from the peer's bytes and returns how many it has used. */
	size_t (*got)(void *st, const uint8_t *, size_t len, struct sp_codec_talk *);
	/* The filler; static bytes. */
	const uint8_t *(*filler)(size_t *len);
	/* What to say before a clean close; may be NULL. Static bytes. */
	const uint8_t *(*farewell)(size_t *len);
};

#endif
