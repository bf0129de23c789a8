#include "engine/statuses.h"

#include "core/shared.h"

void sp_statuses_add(struct sp_status_counts *c, uint32_t status, uint64_t n)
{
	for (uint32_t i = 0; i < c->n; i++) {
		if (c->row[i].status == status) {
			SP_ADD(c->row[i].count, n);
			return;
		}
	}
	if (c->n == SP_STATUSES) {
		SP_ADD(c->more, n);
		return;
	}
	c->row[c->n].status = status;
	c->row[c->n].count = n;
	__atomic_store_n(&c->n, c->n + 1, __ATOMIC_RELEASE);
}

void sp_statuses_merge(struct sp_status_counts *to, const struct sp_status_counts *from)
{
	uint32_t n = __atomic_load_n(&from->n, __ATOMIC_ACQUIRE);

	for (uint32_t i = 0; i < n; i++)
		sp_statuses_add(to, from->row[i].status, SP_LOAD(from->row[i].count));
	to->more += SP_LOAD(from->more);
}
