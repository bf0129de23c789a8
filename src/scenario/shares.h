/* Who shares a target's schedule: "mixed", or "udp:50,tcp:30". */
#ifndef SP_SCENARIO_SHARES_H
#define SP_SCENARIO_SHARES_H

#include <stdint.h>

#include "base/err.h"

#define SP_SHARES_MAX 8u

struct sp_share {
	char word[16]; /* a protocol, not looked up yet */
	uint32_t n;    /* of the shares' sum */
};
struct sp_shares {
	struct sp_share part[SP_SHARES_MAX];
	unsigned n;  /* 0: the word is one protocol */
	uint32_t of; /* the sum, in lowest terms */
};

/* A word without ',' and ':' other than "mixed" is one protocol. -EINVAL, exit 2; place opens the
 * sentence. */
int sp_shares_parse(const char *word, const char *place, struct sp_shares *, struct sp_err *);

/* To lowest terms; of becomes the sum. n > 0. */
void sp_shares_reduce(struct sp_shares *);

#endif
