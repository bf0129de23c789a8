/* Machines that answer, as users write them: "arp,icmp(10.0.0.0/24),dns(zone=lab.zone,port=5353)".
 * In the brackets stand addresses and prefixes that the machine answers for, port= (or a range) of
 * those that answer payloads, and its own settings. */
#ifndef SP_ENGINE_REPLY_WORDS_H
#define SP_ENGINE_REPLY_WORDS_H

#include "base/err.h"
#include "base/mem.h"
#include "base/prefix.h"
#include "plugin/catalog.h"

#define SP_REPLY_WORDS 16u

struct sp_reply_word {
	const struct sp_proto_ops *ops;
	const void *conf;      /* its settings, in the arena */
	struct sp_prefixes at; /* n 0: as said for all */
	uint16_t first, last;  /* port numbers; 0: its own, or the socket's */
	bool names_file;       /* one of its settings is a file of this host */
};

struct sp_reply_words {
	struct sp_reply_word w[SP_REPLY_WORDS];
	uint32_t n;
};

/* place opens the sentence on error. An unknown machine names the nearest and those that exist.
 * 0, -EINVAL, -ENOMEM. */
int sp_reply_words(const char *text, const struct sp_catalog *, const char *place,
		   struct sp_arena *, struct sp_reply_words *, struct sp_err *);
/* "10.0.0.0/24,10.1.0.5" */
int sp_reply_addresses(const char *text, const char *place, struct sp_prefixes *,
		       struct sp_err *);
/* One of them is a machine of whole frames. */
bool sp_reply_needs_frames(const struct sp_reply_words *);

#endif
