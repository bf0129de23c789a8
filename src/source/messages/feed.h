/* Units in the order in which captures are played, repetitions counted: out of memory, or out of the
 * captures, which are read a second time, ahead of whoever plays them.
 *
 * What is read ahead is bounded: MSG_AHEAD octets (setting read_ahead) and what one packet completes
 * beyond them, SP_STORE_UNITS - 1 units, beside the limits of source/messages/cut.h. A capture that
 * is not any more what the first look at it has seen ends there, with an error: who was not judged, or
 * is too late for its time, does not leave. One that has only become longer is played as far as it was
 * looked at. */
#ifndef SP_SOURCE_MESSAGES_FEED_H
#define SP_SOURCE_MESSAGES_FEED_H

#include "source/messages/store.h"
#include "source/reader.h"

#define MSG_AHEAD (8u << 20)

struct msg_feed_conf {
	struct msg_store *store; /* its captures are read */
	const struct msg_load *load;
	const uint32_t *order; /* captures in the order in which they are played */
	uint32_t n;
	struct sp_clock *clock;
};

struct msg_feed;

/* conf's pointers are borrowed. -ENOMEM. */
int sp_msg_feed_new(struct msg_feed **, const struct msg_feed_conf *, const struct sp_mem *,
		    struct sp_err *);
void sp_msg_feed_free(struct msg_feed *);
/* As sp_reader_run. */
int sp_msg_feed_run(struct msg_feed *, struct sp_err *);
/* HOT. The next unit, unless there is none; its octets are there until it is dropped. May wait, as
 * sp_reader_has. */
bool sp_msg_feed_next(struct msg_feed *, struct msg_unit *);
/* HOT. The first n of all units are not wanted any more. */
void sp_msg_feed_drop(struct msg_feed *, uint64_t n);
/* Do octets stay, whatever is dropped? */
bool sp_msg_feed_stays(const struct msg_feed *);
void sp_msg_feed_waited(const struct msg_feed *, struct sp_reader_waits *);
/* As sp_reader_stop. */
int sp_msg_feed_stop(struct msg_feed *, struct sp_err *);

#endif
