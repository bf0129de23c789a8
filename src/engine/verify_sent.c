#include "engine/verify.h"

#include "core/shared.h"

void sp_account_tx(struct sp_flow_tx *base, struct sp_tally_tx *tally, const struct sp_batch *b,
		   uint32_t from, uint32_t n, uint64_t now_ns)
{
	for (uint32_t i = from; i < from + n; i++) {
		const struct sp_msg *m = &b->m[i];
		struct sp_flow_tx *f = &base[m->flow];
		struct sp_tally_tx *t = &tally[f->tally];
		int64_t gap;

		sp_hist_add(&t->late, (int64_t)(now_ns - m->t_ns));
		if (SP_LIKELY(f->tx)) {
			gap = (int64_t)(now_ns - f->last_tx) - (int64_t)(m->t_ns - f->last_due);
			sp_hist_add(&t->gap_error, gap < 0 ? -gap : gap);
		} else {
			SP_STORE(f->first_tx, now_ns);
		}
		SP_ADD(f->tx, 1);
		SP_ADD(f->tx_bytes, m->len);
		SP_STORE(f->last_tx, now_ns);
		f->last_due = m->t_ns;
	}
}
