/* The ledger: counts that add up, and which of them are known. */
#ifndef SP_CORE_COUNTERS_H
#define SP_CORE_COUNTERS_H

#include <stdbool.h>
#include <stdint.h>

enum sp_counter {
#define SP_COUNTER(name, unit, sentence) SP_C_##name,
#include "core/counters.def"
	SP_C__N
};

_Static_assert(SP_C__N <= 64, "the known mask has 64 bits");

/* A counter whose bit in known is not set is unknown (null, never 0). */
struct sp_counts {
	uint64_t v[SP_C__N];
	uint64_t known;
};

struct sp_counter_info {
	const char *name; /* the JSON key; errors without "error_" */
	const char *unit, *sentence;
	bool is_error; /* a member of "errors" */
};
extern const struct sp_counter_info sp_counter_table[SP_C__N];

static inline bool sp_counts_has(const struct sp_counts *c, enum sp_counter i)
{
	return c->known >> i & 1;
}

static inline void sp_counts_set(struct sp_counts *c, enum sp_counter i, uint64_t v)
{
	c->v[i] = v;
	c->known |= 1ull << i;
}

static inline void sp_counts_forget(struct sp_counts *c, enum sp_counter i)
{
	c->v[i] = 0;
	c->known &= ~(1ull << i);
}

/* Adds b to a; known only where both are known. The start value is sp_counts_zero(): all 0, all
 * known. */
void sp_counts_zero(struct sp_counts *);
void sp_counts_add(struct sp_counts *a, const struct sp_counts *b);

/* Evaluates the identities whose terms are all known. Returns a mask of the violated ones
 * (bit i = identity i); *unknown gets the mask of those not evaluated. */
#define SP_IDENTITIES 4u
uint32_t sp_counts_check(const struct sp_counts *, uint32_t *unknown);
/* Its name ("asked") and its text in the counters' own names: "asked_packets = tx_packets +
 * not_sent_late + tx_refused + pending + not_sent_unfit". NULL past the last. */
const char *sp_identity_name(unsigned i);
const char *sp_identity_text(unsigned i);

#endif
