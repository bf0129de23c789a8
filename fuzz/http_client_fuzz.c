/* Answers to the HTTP client. Input: the method (GET, HEAD, or POST with a size), then a number of
 * cuts, so many lengths of pieces less one, then what a server sends. */
#include "http_lane.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* One for each way to ask. */
static struct sp_proto *open_client(const struct sp_proto_ops *ops, unsigned kind)
{
	static const char *const methods[] = { "GET", "HEAD", "POST" };
	struct sp_proto_args args = { .role = SP_ROLE_CLIENT,
				      .size = 100,
				      .size_given = kind == 2,
				      .size_varies = kind == 2,
				      .authority = "x" };
	uint64_t conf[64] = { 0 };
	struct sp_proto *p = NULL;
	struct sp_arena arena;

	demand(ops->conf_size <= sizeof conf);
	sp_arena_init(&arena, sp_mem_system());
	demand(sp_opts_default(ops->opts, conf, &arena, NULL) == 0 &&
	       sp_opts_set(ops->opts, conf, "method", methods[kind], "", &arena, NULL) == 0);
	args.conf = conf;
	demand(ops->open(&p, &args, sp_mem_system(), NULL) == 0);
	sp_arena_fini(&arena);
	return p;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct sp_proto_ops *ops = sp_catalog_proto(&sp_catalog, "http");
	static struct sp_proto *p[3];
	static struct lane l;
	unsigned kind = size ? data[0] % 3 : 0;

	demand(ops && ops->state_size <= sizeof l.st);
	if (!p[kind])
		p[kind] = open_client(ops, kind);
	l.ops = ops;
	if (size)
		both_ways(&l, p[kind], data + 1, size - 1);
	return 0;
}
