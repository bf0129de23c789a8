/* Sentences about what was left out. */
#ifndef SP_SOURCE_MESSAGES_TOLD_H
#define SP_SOURCE_MESSAGES_TOLD_H

#include "plugin/source.h"
#include "source/messages/strangers.h"

/* Senders that are not in the map: the first of them by name, how many others. What only the recorded far
 * ends of played sessions said is their affair, and not told. */
void sp_msg_tell_strangers(const struct msg_strangers *, const uint32_t *plays,
			   const char *section, const struct sp_source_report *);
/* Octets of TCP streams that are missing in the captures, and that are no whole messages. */
void sp_msg_tell_holes(uint64_t missing, uint64_t broken, const char *section,
		       const struct sp_source_report *);

#endif
