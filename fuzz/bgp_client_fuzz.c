/* A BGP peer's bytes, whole and one by one: every unit has one outcome, what is said is BGP, and a
 * machine that is over wants to be closed. */
#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "plugin/catalog.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void demand(bool ok)
{
	if (!ok)
		abort();
}

struct lane {
	const struct sp_proto_ops *ops;
	void *st;
	struct sp_wish w;
	unsigned started, done;
};

static void drive(struct lane *l, uint64_t now_ns)
{
	const struct sp_token t = { .intended_ns = now_ns };
	struct sp_txn txn;

	for (unsigned i = 0; i < 10000; i++) {
		demand(l->w.done <= 1 && l->w.sent <= 1);
		if (l->w.done) {
			l->ops->outcome(l->st, &txn);
			l->done++;
			demand(l->done <= l->started);
		}
		l->w.done = 0;
		if (l->w.n_out) {
			demand(l->w.out[0].iov_len >= 19 &&
			       memcmp(l->w.out[0].iov_base, "\xff\xff\xff\xff", 4) == 0);
			l->ops->on_wrote(l->st, l->w.out[0].iov_len, now_ns, &l->w);
		} else if (l->w.flags & SP_WISH_READY && l->started < 20) {
			l->started++;
			demand(l->ops->start(l->st, &t, now_ns, &l->w) == 0);
		} else {
			return;
		}
	}
	abort(); /* it never has enough */
}

/* step 0: all at once. */
static void hear(struct lane *l, const struct sp_proto *p, const uint8_t *data, size_t len,
		 size_t step)
{
	size_t shown = step ? 0 : len, used = 0, n;

	l->started = l->done = 0;
	l->ops->init(l->st, p, SP_NS_PER_S, &l->w);
	drive(l, SP_NS_PER_S);
	for (;;) {
		shown = shown + step < len ? shown + step : len;
		while (used < shown && !(l->w.flags & SP_WISH_CLOSE)) {
			n = l->ops->on_bytes(l->st, data + used, shown - used, SP_NS_PER_S,
					     &l->w);
			demand(n <= shown - used);
			used += n;
			drive(l, SP_NS_PER_S);
			if (!n)
				break;
		}
		demand(shown - used <= l->ops->keep_max || l->w.flags & SP_WISH_CLOSE);
		if (shown == len || l->w.flags & SP_WISH_CLOSE)
			break;
	}
	l->ops->on_end(l->st, SP_NS_PER_S, &l->w);
	demand(l->w.flags & SP_WISH_CLOSE);
	drive(l, SP_NS_PER_S);
	l->ops->on_close(l->st, SP_WHY_STOPPED, NULL, SP_NS_PER_S, &l->w);
	drive(l, SP_NS_PER_S);
	demand(l->started == l->done);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const struct sp_proto_ops *ops = sp_catalog_proto(&sp_catalog, "bgp");
	struct sp_arena arena;
	uint64_t conf[64] = { 0 };
	struct sp_proto_args args = { .role = SP_ROLE_CLIENT, .conf = conf };
	struct sp_proto *p = NULL;
	struct lane l = { .ops = ops };

	demand(ops && ops->conf_size <= sizeof conf);
	sp_arena_init(&arena, sp_mem_system());
	demand(sp_opts_default(ops->opts, conf, &arena, NULL) == 0 &&
	       ops->open(&p, &args, sp_mem_system(), NULL) == 0);
	l.st = sp_alloc(sp_mem_system(), ops->state_size);
	demand(l.st);
	hear(&l, p, data, len, 0);
	hear(&l, p, data, len, 1);
	sp_free(sp_mem_system(), l.st);
	ops->close(p);
	sp_arena_fini(&arena);
	return 0;
}
