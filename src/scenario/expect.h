/* Expectations: "METRIC [of STREAM] OP VALUE", checked against a result. METRIC is a key of the
 * report's total (tx_packets, rx_bps, ...), loss (lost / tx), or pNN|mean|min|max(delay|rtt|late|...);
 * OP one of < <= > >= == !=. Without `of` it is about the run's total. A metric that is not known
 * at the end fails its expectation. */
#ifndef SP_SCENARIO_EXPECT_H
#define SP_SCENARIO_EXPECT_H

#include "base/err.h"
#include "base/mem.h"
#include "engine/run.h"

enum sp_expect_kind {
	SP_EXPECT_COUNT, /* of the ledger */
	SP_EXPECT_REAL,	 /* a double of the measure */
	SP_EXPECT_LOSS,
	SP_EXPECT_TIMES, /* of a summary */
};
enum sp_expect_op {
	SP_EXPECT_LT,
	SP_EXPECT_LE,
	SP_EXPECT_GT,
	SP_EXPECT_GE,
	SP_EXPECT_EQ,
	SP_EXPECT_NE,
};

struct sp_expect {
	const char *text;
	enum sp_expect_kind kind;
	unsigned which;	    /* counter, or row of the kind's table */
	int part;	    /* TIMES: -1 mean, -2 min, -3 max, else 0: the quantile */
	double quantile;    /* 0 to 1 */
	const char *stream; /* NULL: the total */
	enum sp_expect_op op;
	double value;
};

/* text lives on; the rest goes to the arena. -EINVAL: err holds a sentence without a place. */
int sp_expect_parse(struct sp_expect *, const char *text, struct sp_arena *, struct sp_err *);
/* Fills one row of a report; its texts are in the arena. */
void sp_expect_check(const struct sp_expect *, const struct sp_result *, struct sp_arena *,
		     struct sp_expectation *out);

#endif
