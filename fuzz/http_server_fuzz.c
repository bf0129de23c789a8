/* Requests to the HTTP server. Input: a number of cuts, so many lengths of pieces less one, then
 * what a client sends. */
#include "http_lane.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct sp_proto_ops *ops = sp_catalog_proto(&sp_catalog, "http");
	const struct sp_proto_args args = { .role = SP_ROLE_SERVER };
	static struct sp_proto *p;
	static struct lane l;

	if (!p)
		demand(ops && ops->state_size <= sizeof l.st &&
		       ops->open(&p, &args, sp_mem_system(), NULL) == 0);
	l.ops = ops;
	both_ways(&l, p, data, size);
	return 0;
}
