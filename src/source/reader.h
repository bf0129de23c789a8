/* Reads ahead of whoever sends, through a ring that a thread of its own keeps full. In virtual time
 * there is no thread: the sender's hand reads. */
#ifndef SP_SOURCE_READER_H
#define SP_SOURCE_READER_H

#include "base/err.h"
#include "core/clock.h"
#include "source/store.h"

struct sp_reader_conf {
	/* Puts the next units, one or more, into the store. 1; 0: there is none; or an error. It is asked
	 * by one thread at a time, and no more after it had nothing. */
	int (*read)(void *arg, struct sp_store *, struct sp_err *);
	void *arg;
	struct sp_clock *clock;
	const char *way_out; /* where there can be no thread: "use --preload-pcap" */
};

struct sp_reader;

/* The store is borrowed. -ENOMEM. */
int sp_reader_new(struct sp_reader **, const struct sp_reader_conf *, struct sp_store *,
		  const struct sp_mem *);
void sp_reader_free(struct sp_reader *);
/* Starts the thread. 0 or -errno. */
int sp_reader_run(struct sp_reader *, struct sp_err *);

/* ---- the sender ---- */

/* HOT. Is unit i there, or any before it? With a thread it waits where the ring is empty: what comes is
 * late then, and it is counted. false: nothing comes any more. */
bool sp_reader_has(struct sp_reader *, uint64_t i);
/* HOT. Units before i are not wanted any more. */
void sp_reader_drop(struct sp_reader *, uint64_t i);

/* Control thread, when the sender is done; or about, while it goes on. */
struct sp_reader_waits {
	uint64_t n, ns; /* how often the sender had to wait, and how long in all */
};
void sp_reader_waited(const struct sp_reader *, struct sp_reader_waits *);
/* Nothing is read any more. 0, or what had ended the reading before its time. */
int sp_reader_stop(struct sp_reader *, struct sp_err *);

#endif
