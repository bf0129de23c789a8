#include "source/capture/look.h"

#include <errno.h>
#include <string.h>

#include "pkt/view.h"

#define ROOM	  (2 * SP_READ_PACKET_MOST + SP_WALK_ETH + 64)
#define LOOPS_ALL 254u /* after so many IPv4 addresses begin again (pkt/rewrite.h) */
#define SEEN	  4096u

struct look {
	const struct sp_look_conf *conf;
	struct sp_walk *walk;
	sp_source_see *see;
	void *arg;
	uint8_t *frame, *other; /* of loop 0, and of another */
	struct sp_addr
		*seen; /* targets that were shown in all loops; by their hash, the last */
};

static uint32_t build(const struct look *l, const struct sp_walk_frame *f)
{
	uint32_t len = sp_walk_len(f);

	memcpy(l->frame, f->head, f->head_len);
	memcpy(l->frame + f->head_len, f->data, f->data_len);
	memset(l->frame + f->head_len + f->data_len, 0, f->zeros);
	if (l->conf->once)
		len = (uint32_t)sp_rewrite_apply(l->conf->once, SP_LINK_ETHERNET, l->frame, len,
						 len + sp_rewrite_room(l->conf->once), 0, NULL);
	return len;
}

/* May its target have more addresses than this one, that were not shown yet? */
static bool has_others(struct look *l, uint32_t len, struct sp_addr *target)
{
	struct sp_endpoint to;
	struct sp_view v;
	struct sp_addr *seen;

	if (!l->conf->each || l->conf->loops == 1)
		return false;
	(void)sp_view(l->frame, len, false, SP_CSUM_UNKNOWN, &v);
	to = (struct sp_endpoint){ .addr = v.dst.addr };
	*target = v.dst.addr;
	if (!to.addr.family)
		return false;
	seen = &l->seen[sp_endpoint_hash(&to) % SEEN];
	if (seen->family && sp_addr_eq(seen, &to.addr))
		return false;
	*seen = to.addr;
	return true;
}

/* Is it what only its port makes different? */
static bool stays(const struct look *l, const struct sp_addr *target, uint32_t len)
{
	struct sp_view v;

	memcpy(l->other, l->frame, len);
	(void)sp_rewrite_apply(l->conf->each, SP_LINK_ETHERNET, l->other, len, len, 1, NULL);
	(void)sp_view(l->other, len, false, SP_CSUM_UNKNOWN, &v);
	return sp_addr_eq(&v.dst.addr, target);
}

/* Of public IPv4 these are all; of IPv6, whose addresses follow one another, the last, too. In the own
 * networks one stands for its block. */
static int see_others(const struct look *l, const struct sp_walk_frame *f,
		      const struct sp_addr *target, uint32_t len)
{
	const char *file = sp_walk_file(l->walk, f->file);
	uint64_t last = l->conf->loops ? l->conf->loops - 1 : UINT32_MAX;
	int rc = 0;

	if (stays(l, target, len))
		return 0;
	if (sp_addr_is_own(target))
		return l->see(l->arg, file, f->number, l->other, len, SP_SOURCE_OTHER);
	for (uint64_t n = 1; n <= LOOPS_ALL && !rc; n++) {
		uint64_t loop = n == LOOPS_ALL ? last : n;

		if (loop > last)
			return 0;
		memcpy(l->other, l->frame, len);
		(void)sp_rewrite_apply(l->conf->each, SP_LINK_ETHERNET, l->other, len, len,
				       loop, NULL);
		rc = l->see(l->arg, file, f->number, l->other, len, SP_SOURCE_OTHER);
	}
	return rc;
}

static int each(struct look *l, struct sp_err *err)
{
	const struct sp_times_conf *times = &l->conf->walk.times;
	bool timed = times->by != SP_TIMES_AT_ONCE;
	struct sp_walk_frame f;
	struct sp_addr target;
	uint32_t len;
	int rc, seen = 0;

	while (!seen && (rc = sp_walk_next(l->walk, &f, NULL)) > 0) {
		if (f.unfit)
			continue;
		len = build(l, &f);
		seen = l->see(l->arg, sp_walk_file(l->walk, f.file), f.number, l->frame, len,
			      timed ? sp_times_due(times, f.place, 0) : UINT64_MAX);
		if (!seen && has_others(l, len, &target))
			seen = see_others(l, &f, &target, len);
	}
	/* It has to be there a second time. */
	return seen ? seen : sp_walk_rewind(l->walk, err);
}

int sp_look(const struct sp_look_conf *conf, const struct sp_mem *mem, sp_source_see *see,
	    void *arg, struct sp_err *err)
{
	struct look l = { .conf = conf, .see = see, .arg = arg };
	int rc = sp_walk_new(&l.walk, &conf->walk, mem, err);

	l.frame = sp_alloc_array(mem, ROOM, 1);
	l.other = sp_alloc_array(mem, ROOM, 1);
	l.seen = sp_alloc_array(mem, SEEN, sizeof *l.seen);
	if (!rc && (!l.frame || !l.other || !l.seen))
		rc = sp_fail(err, -ENOMEM, SP_EXIT_FAILED, "capture: out of memory");
	if (!rc)
		rc = each(&l, err);
	sp_walk_free(l.walk);
	sp_free(mem, l.frame);
	sp_free(mem, l.other);
	sp_free(mem, l.seen);
	return rc;
}
