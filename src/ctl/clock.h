/* How the receiver's clock relates to the sender's. Pure, but for sp_ctl_host_read. */
#ifndef SP_CTL_CLOCK_H
#define SP_CTL_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

/* Which kernel, and which view of its clock: two processes with the same one read the same
 * CLOCK_MONOTONIC. */
struct sp_ctl_host {
	bool known;
	uint8_t boot[16];	     /* boot id */
	uint64_t timens;	     /* the time namespace: its inode */
	int64_t offset_s, offset_ns; /* its offset of the monotonic clock */
};
/* This process's; known is false where the kernel does not say. */
void sp_ctl_host_read(struct sp_ctl_host *);
bool sp_ctl_host_same(const struct sp_ctl_host *, const struct sp_ctl_host *);

/* One exchange (NTP, RFC 5905 section 8): t1 asked, t4 answered by our clock; t2 received, t3
 * replied by theirs. */
struct sp_ctl_stamps {
	uint64_t t1, t2, t3, t4;
};
struct sp_ctl_estimate {
	bool known, same_host;
	int64_t offset_ns; /* theirs - ours */
	uint64_t error_ns; /* |offset_ns - true one| is at most this */
	uint64_t at_ns;	   /* when, by our clock */
};
/* offset ((t2 - t1) + (t3 - t4)) / 2, error half the round trip, rounded up, and the clock's
 * granularity. false: times that cannot be (a clock that goes back, or a lie). */
bool sp_ctl_clock_estimate(const struct sp_ctl_stamps *, struct sp_ctl_estimate *);
/* Takes one more exchange into e (zero at first) and keeps the better: the one with the
 * smallest error, where the older one's has grown by the clocks' possible drift since. true:
 * e changed. */
bool sp_ctl_clock_add(struct sp_ctl_estimate *e, const struct sp_ctl_stamps *);
/* The hosts say that they are the same: makes the offset exactly 0 with error 0, unless what
 * was measured contradicts it (the clones of one virtual machine share their boot id). */
void sp_ctl_clock_same_host(struct sp_ctl_estimate *, const struct sp_ctl_host *ours,
			    const struct sp_ctl_host *theirs);

#endif
