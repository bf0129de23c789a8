#include "transport/one_way.h"

int sp_one_way_rx_burst(struct sp_queue *q, struct sp_batch *b)
{
	(void)q;
	b->n = 0;
	return 0;
}

void sp_one_way_rx_release(struct sp_queue *q, struct sp_batch *b)
{
	(void)q;
	b->n = 0;
}

uint64_t sp_one_way_next_ns(const struct sp_queue *q)
{
	(void)q;
	return SP_NEVER;
}

int sp_one_way_fd(const struct sp_queue *q)
{
	(void)q;
	return -1;
}

int sp_one_way_flush(struct sp_queue *q)
{
	(void)q;
	return 0;
}
