#include "forward/impair.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "core/clock.h"

#define HOUR_NS	    3600000000000ull
#define QUEUE_NS    (100 * SP_NS_PER_MS)
#define QUEUE_BYTES 32768u
/* Bits at one bit a second take 10^9 ns; the rate is in millionths. */
#define BIT_NS	    1000000000000000ull

typedef unsigned __int128 wide_t;

#define AT(member) offsetof(struct sp_impair_conf, member)

const struct sp_opt sp_impair_opts[] = {
	{ "rate", SP_OPT_RATE, AT(rate), NULL, NULL, 0, 0,
	  "bits a second, counted in frames without FCS unless @l1, @l3 or @l7 says otherwise" },
	{ "burst", SP_OPT_SIZE, AT(burst_bytes), "0", NULL, 0, 1u << 30,
	  "depth of the token bucket of rate; 0 = frames leave as from a wire of that speed" },
	{ "queue", SP_OPT_SIZE, AT(queue_bytes), "0", NULL, 0, 1u << 30,
	  "bytes that may wait for the rate; 0 = 100 ms of it, at least 32 KiB" },
	{ "delay", SP_OPT_TIME, AT(delay_ns), "0", NULL, 0, HOUR_NS, "one way" },
	{ "jitter", SP_OPT_TIME, AT(jitter_ns), "0", NULL, 0, HOUR_NS,
	  "the delay varies uniformly by so much up and down; keeps the order" },
	{ "loss", SP_OPT_RATIO, AT(loss), "0", NULL, 0, 0, "share of frames that are lost" },
	{ "loss_every", SP_OPT_U64, AT(loss_every), "0", NULL, 0, 0,
	  "lose exactly each n-th frame; 0 = none" },
	{ "corrupt", SP_OPT_RATIO, AT(corrupt), "0", NULL, 0, 0,
	  "share of frames of which one bit of the payload is flipped" },
	{ "corrupt_every", SP_OPT_U64, AT(corrupt_every), "0", NULL, 0, 0,
	  "corrupt exactly each n-th frame that is not lost; 0 = none" },
	{ "corrupt_checksum", SP_OPT_ENUM, AT(corrupt_checksum), "broken", "broken|repaired", 0,
	  0, "whether checksums tell of it" },
	{ "duplicate", SP_OPT_RATIO, AT(duplicate), "0", NULL, 0, 0,
	  "share of frames that arrive twice" },
	{ "duplicate_every", SP_OPT_U64, AT(duplicate_every), "0", NULL, 0, 0,
	  "duplicate exactly each n-th frame that was not struck before; 0 = none" },
	{ "reorder", SP_OPT_RATIO, AT(reorder), "0", NULL, 0, 0,
	  "share of frames that later ones of their flow overtake" },
	{ "reorder_every", SP_OPT_U64, AT(reorder_every), "0", NULL, 0, 0,
	  "reorder exactly each n-th frame that was not struck before; 0 = none" },
	{ "reorder_by", SP_OPT_U64, AT(reorder_by), "1", NULL, 1, 1000,
	  "frames that overtake it; 1 swaps neighbours" },
	{ "reorder_hold", SP_OPT_TIME, AT(reorder_hold_ns), "100ms", NULL, 0, HOUR_NS,
	  "how long it waits for them at most" },
	{ "only", SP_OPT_ENUM, AT(only), "any", "any|ip|udp|tcp|icmp", 0, 0,
	  "frames that loss, corrupt, duplicate and reorder mean" },
	{ "down", SP_OPT_BOOL, AT(down), "false", NULL, 0, 0,
	  "nothing passes, as if the wire was cut beyond the interface" },
	{ .name = NULL },
};

static bool has_rate(const struct sp_impair_conf *c)
{
	return c->rate.kind == SP_RATE_BPS;
}

int sp_impair_check(const struct sp_impair_conf *c, const char **key, struct sp_err *err)
{
	*key = "rate";
	if (c->rate.kind == SP_RATE_PPS)
		return sp_fail(err, -EINVAL, SP_EXIT_USAGE,
			       "rate: a link is as fast as its bits; write it as 10Mbit/s");
	if (has_rate(c) && c->rate.micro < 1000000000ull)
		return sp_fail(
			err, -EINVAL, SP_EXIT_USAGE,
			"rate: a link has at least 1kbit/s; to stop it write down: true");
	*key = "jitter";
	if (c->jitter_ns > c->delay_ns)
		return sp_fail(
			err, -EINVAL, SP_EXIT_USAGE,
			"jitter: it cannot be more than the delay, or frames would arrive "
			"before they left; raise delay or lower jitter");
	return 0;
}

bool sp_impair_is_wire(const struct sp_impair_conf *c)
{
	return !has_rate(c) && !c->delay_ns && !c->down && !(c->loss > 0) && !c->loss_every &&
	       !(c->corrupt > 0) && !c->corrupt_every && !(c->duplicate > 0) &&
	       !c->duplicate_every && !(c->reorder > 0) && !c->reorder_every;
}

/* ---- life ---- */

static uint64_t time_of(const struct sp_impair_conf *c, uint64_t bytes)
{
	wide_t ns = (wide_t)bytes * 8 * BIT_NS / c->rate.micro;

	return ns > HOUR_NS ? HOUR_NS : (uint64_t)ns;
}

void sp_impair_set(struct sp_impair *im, const struct sp_impair_conf *c)
{
	uint64_t queue = c->queue_bytes;

	if (im->conf.rate.micro != c->rate.micro)
		im->full_frac = 0;
	im->conf = *c;
	im->burst_ns = im->queue_ns = 0;
	if (!has_rate(c))
		return;
	im->burst_ns = time_of(c, c->burst_bytes);
	im->queue_ns = time_of(c, queue ? queue : QUEUE_BYTES);
	if (!queue && im->queue_ns < QUEUE_NS)
		im->queue_ns = QUEUE_NS;
}

static void series(struct sp_rng *rng, uint64_t seed, const char *name, const char *what)
{
	char text[80];

	snprintf(text, sizeof text, "%.60s %s", name, what);
	sp_rng_init(rng, seed, text);
}

int sp_impair_init(struct sp_impair *im, const struct sp_impair_conf *c, uint64_t seed,
		   const char *name, const struct sp_mem *mem, struct sp_err *err)
{
	*im = (struct sp_impair){ .mem = mem, .mask = SP_IMPAIR_RING - 1 };
	im->ring = sp_alloc_array(mem, SP_IMPAIR_RING, sizeof *im->ring);
	if (!im->ring)
		return sp_fail(err, -ENOMEM, SP_EXIT_FAILED, "out of memory");
	series(&im->loss.rng, seed, name, "loss");
	series(&im->corrupt.rng, seed, name, "corrupt");
	series(&im->duplicate.rng, seed, name, "duplicate");
	series(&im->reorder.rng, seed, name, "reorder");
	series(&im->jitter, seed, name, "jitter");
	series(&im->bit, seed, name, "bit");
	sp_impair_set(im, c);
	return 0;
}

void sp_impair_fini(struct sp_impair *im)
{
	sp_free(im->mem, im->ring);
	im->ring = NULL;
}

/* ---- the stages ---- */

static bool strikes(struct sp_impair_stage *s, double share, uint64_t every)
{
	bool hit = every && ++s->seen % every == 0;

	if (share > 0 && sp_rng_unit(&s->rng) < share)
		hit = true;
	return hit;
}

struct sp_impair_verdict sp_impair_judge(struct sp_impair *im, uint32_t bytes, bool meant)
{
	const struct sp_impair_conf *c = &im->conf;
	struct sp_impair_verdict v = { .fate = SP_IMPAIR_PASS };

	im->counts.frames_in++;
	im->counts.bytes_in += bytes;
	if (c->down) {
		im->counts.down++;
		v.fate = SP_IMPAIR_GONE;
	} else if (!meant) {
		;
	} else if (strikes(&im->loss, c->loss, c->loss_every)) {
		im->counts.lost++;
		v.fate = SP_IMPAIR_GONE;
	} else if (strikes(&im->corrupt, c->corrupt, c->corrupt_every)) {
		im->counts.corrupted++;
		v.fate = SP_IMPAIR_DAMAGED;
		v.random = sp_rng_u64(&im->bit);
	} else if (strikes(&im->duplicate, c->duplicate, c->duplicate_every)) {
		v.fate = SP_IMPAIR_TWICE;
	} else if (strikes(&im->reorder, c->reorder, c->reorder_every)) {
		v.fate = SP_IMPAIR_HELD_BACK;
	}
	return v;
}

/* ---- rate and delay ---- */

/* When the last bit of the frame leaves the bucket; SP_NEVER: the queue is full. A bucket that
 * fills in burst_ns is described by when it would be full again. */
static uint64_t leave_rate(struct sp_impair *im, uint64_t now_ns, uint32_t bytes)
{
	const struct sp_impair_conf *c = &im->conf;
	uint64_t full_ns = im->full_ns, leave_ns;
	wide_t ns;

	if (!has_rate(c))
		return now_ns;
	ns = (wide_t)bytes * 8 * BIT_NS;
	if (full_ns < now_ns)
		full_ns = now_ns;
	else
		ns += im->full_frac;
	full_ns += (uint64_t)(ns / c->rate.micro);
	leave_ns = full_ns - now_ns > im->burst_ns ? full_ns - im->burst_ns : now_ns;
	if (leave_ns - now_ns > im->queue_ns)
		return SP_NEVER;
	im->full_ns = full_ns;
	im->full_frac = (uint64_t)(ns % c->rate.micro);
	return leave_ns;
}

static uint64_t add_delay(struct sp_impair *im, uint64_t t_ns)
{
	const struct sp_impair_conf *c = &im->conf;

	t_ns += c->delay_ns;
	if (c->jitter_ns)
		t_ns += sp_rng_below(&im->jitter, 2 * c->jitter_ns + 1) - c->jitter_ns;
	if (t_ns < im->last_ns)
		t_ns = im->last_ns;
	im->last_ns = t_ns;
	return t_ns;
}

/* ---- waiting ---- */

static uint32_t waiting(const struct sp_impair *im)
{
	return im->last - im->first + im->n_held;
}

static void push(struct sp_impair *im, uint64_t due_ns, uint32_t id)
{
	im->ring[im->last++ & im->mask] = (struct sp_impair_entry){ due_ns, id };
}

/* A frame of flow goes by: those that it passes come nearer to their turn, and those that have
 * been passed often enough follow it. */
static void pass_held(struct sp_impair *im, uint32_t flow, uint64_t due_ns)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < im->n_held; i++) {
		struct sp_impair_held *h = &im->held[i];

		if (h->flow == flow && due_ns < h->limit_ns) {
			h->passed = true;
			if (--h->wait == 0) {
				push(im, due_ns, h->id);
				im->counts.reordered++;
				continue;
			}
		}
		im->held[kept++] = *h;
	}
	im->n_held = kept;
}

static bool find_time(struct sp_impair *im, uint64_t now_ns, uint32_t bytes, uint64_t *due_ns)
{
	*due_ns = waiting(im) < SP_IMPAIR_RING ? leave_rate(im, now_ns, bytes) : SP_NEVER;
	if (*due_ns == SP_NEVER) {
		im->counts.overflow++;
		return false;
	}
	*due_ns = add_delay(im, *due_ns);
	return true;
}

bool sp_impair_enter(struct sp_impair *im, uint64_t now_ns, uint32_t bytes, uint32_t flow,
		     uint32_t id, enum sp_impair_fate fate)
{
	uint64_t due_ns;

	if (!find_time(im, now_ns, bytes, &due_ns))
		return false;
	if (fate == SP_IMPAIR_HELD_BACK && im->n_held < SP_IMPAIR_HELD) {
		im->held[im->n_held++] = (struct sp_impair_held){
			.limit_ns = due_ns + im->conf.reorder_hold_ns,
			.id = id,
			.flow = flow,
			.wait = (uint32_t)im->conf.reorder_by,
		};
		return true;
	}
	push(im, due_ns, id);
	if (im->n_held && fate != SP_IMPAIR_DAMAGED)
		pass_held(im, flow, due_ns);
	return true;
}

bool sp_impair_enter_copy(struct sp_impair *im, uint64_t now_ns, uint32_t bytes, uint32_t id)
{
	uint64_t due_ns;

	im->counts.duplicated++;
	if (!find_time(im, now_ns, bytes, &due_ns))
		return false;
	push(im, due_ns, id);
	return true;
}

/* The held one that leaves first, or n_held. */
static uint32_t first_held(const struct sp_impair *im)
{
	uint32_t best = im->n_held;

	for (uint32_t i = 0; i < im->n_held; i++)
		if (best == im->n_held || im->held[i].limit_ns < im->held[best].limit_ns)
			best = i;
	return best;
}

bool sp_impair_take(struct sp_impair *im, uint64_t now_ns, uint32_t *id)
{
	const struct sp_impair_entry *e = &im->ring[im->first & im->mask];
	uint64_t due_ns = im->first == im->last ? SP_NEVER : e->due_ns;
	uint32_t h = first_held(im);

	if (h < im->n_held && im->held[h].limit_ns <= now_ns && im->held[h].limit_ns < due_ns) {
		*id = im->held[h].id;
		im->counts.reordered += im->held[h].passed;
		im->n_held--;
		memmove(im->held + h, im->held + h + 1, (im->n_held - h) * sizeof *im->held);
	} else if (due_ns <= now_ns) {
		*id = e->id;
		im->first++;
	} else {
		return false;
	}
	im->counts.frames_out++;
	return true;
}

uint64_t sp_impair_next(const struct sp_impair *im)
{
	uint64_t due_ns = im->first == im->last ? SP_NEVER
						: im->ring[im->first & im->mask].due_ns;
	uint32_t h = first_held(im);

	return h < im->n_held && im->held[h].limit_ns < due_ns ? im->held[h].limit_ns : due_ns;
}
