/* --mode random: protocol, mode, text and domain are drawn by the seed, once, as if they had been
 * written; what was written is not drawn. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "base/rng.h"
#include "base/str.h"
#include "engine/protocol.h"
#include "plugin/proto.h"
#include "scenario/words_impl.h"

/* S3's; those that this build has, and that go where the words say. */
static const char *const protocols[] = { "icmp", "udp", "tcp", "arp", "dns", "eth" };
static const char *const modes[] = { "continuous", "rate-limited", "burst",
				     "exponential-backoff" };
#define RATED 2u /* so many of them have a rate */
static const char *const messages[] = { "Hello via UDP!", "Hello via TCP!", "Hello from TX VM",
					"The quick brown fox jumps over the lazy dog" };
static const char *const domains[] = { "example.com", "example.net", "example.org",
				       "www.example.com" };

#define N(list) (sizeof(list) / sizeof *(list))

static int no_memory(struct sp_err *err)
{
	return sp_fail(err, -ENOMEM, SP_EXIT_FAILED, "out of memory");
}

static const struct sp_flag *flag_of(const char *key)
{
	const struct sp_flag *f = sp_send_flags;

	while (f->spell && strcmp(f->key, key) != 0)
		f++;
	return f->spell ? f : NULL;
}

/* As if it had been written last. */
static int give(struct sp_reader *r, const char *key, const char *value)
{
	const struct sp_flag *flag = flag_of(key);
	char *text = sp_arena_strdup(&r->scratch, value);

	if (!flag || !text)
		return no_memory(r->err);
	r->given[r->n_given++] = (struct sp_given){ .flag = flag,
						    .value = text,
						    .spelling = "--mode random" };
	return 0;
}

static int read_seed(struct sp_reader *r, uint64_t *seed)
{
	const struct sp_given *g = sp_reader_last(r, "run.seed");
	char text[16];
	uint32_t drawn;

	if (g) {
		(void)sp_parse_u64(g->value, seed); /* the plan says what is wrong with it */
		return 0;
	}
	if (getrandom(&drawn, sizeof drawn, 0) != sizeof drawn)
		return sp_fail(r->err, -errno, SP_EXIT_FAILED,
			       "the system gives no random number; give a --seed");
	*seed = drawn;
	r->words->out.seed_drawn = true;
	snprintf(text, sizeof text, "%u", (unsigned)drawn);
	return give(r, "run.seed", text);
}

/* Each from a series of its own: what is written changes nothing of the rest. */
static const char *draw(uint64_t seed, const char *series, const char *const *list, size_t n)
{
	struct sp_rng rng;

	sp_rng_init(&rng, seed, series);
	return list[sp_rng_below(&rng, n)];
}

/* Does it go over the transport that the words ask for? */
static bool fits(const struct sp_reader *r, const char *word)
{
	const char *transport = sp_reader_transport(r, word);
	const struct sp_transport_ops *ops = sp_catalog_transport(r->catalog, transport);
	struct sp_protocol p;

	if (sp_protocol_find(r->catalog, word, SP_ROLE_CLIENT, &p))
		return false;
	return ops && (strcmp(p.transport, "udp") != 0) == (ops->conn != NULL);
}

static bool names_protocol(const struct sp_reader *r)
{
	for (unsigned i = 0; i < r->n_given; i++) {
		const struct sp_given *g = &r->given[i];
		bool target = !g->flag || strcmp(g->flag->key, "target") == 0;

		if (g->flag && strcmp(g->flag->key, "stream.protocol") == 0)
			return true;
		if ((target && strstr(g->value, "://")) ||
		    (g->flag && strcmp(g->flag->key, "targets") == 0))
			return true;
	}
	return false;
}

static int say(struct sp_reader *r, struct sp_str *told, const char *key, const char *value)
{
	const struct sp_flag *flag = flag_of(key);
	const char *spell = flag ? strstr(flag->spell, "--") : NULL;

	if (spell)
		sp_str_printf(told, " %.*s '%s'", (int)strcspn(spell, ","), spell, value);
	return give(r, key, value);
}

static int draw_protocol(struct sp_reader *r, uint64_t seed, struct sp_str *told)
{
	const char *can[N(protocols)];
	size_t n = 0;

	if (names_protocol(r))
		return 0;
	for (size_t i = 0; i < N(protocols); i++)
		if (fits(r, protocols[i]))
			can[n++] = protocols[i];
	if (!n)
		return 0; /* the plan says what does not go there */
	return say(r, told, "stream.protocol", draw(seed, "random protocol", can, n));
}

/* A protocol's own setting, where the one that is spoken has it. */
static int draw_domain(struct sp_reader *r, uint64_t seed, struct sp_str *told)
{
	static const char *const keys[] = { "stream.domain", "stream.qname",
					    "stream.host_header" };
	const struct sp_given *word = sp_reader_last(r, "stream.protocol");
	struct sp_protocol p;

	if (!word || sp_reader_last(r, "stream.domains") ||
	    sp_protocol_find(r->catalog, word->value, SP_ROLE_CLIENT, &p))
		return 0;
	for (size_t i = 0; i < N(keys); i++)
		if (flag_of(keys[i]) && sp_protocol_has(&p, keys[i] + strlen("stream.")) &&
		    !sp_reader_last(r, keys[i]))
			return say(r, told, keys[i],
				   draw(seed, "random domain", domains, N(domains)));
	return 0;
}

static int draw_all(struct sp_reader *r, uint64_t seed, struct sp_str *told)
{
	size_t can = sp_reader_last(r, "stream.rate") ? RATED : N(modes);
	const char *mode = draw(seed, "random mode", modes, can);
	bool limited = sp_reader_last(r, "stream.duration") ||
		       sp_reader_last(r, "stream.count") || sp_reader_last(r, "stream.bytes");
	int rc = draw_protocol(r, seed, told);

	if (!rc)
		rc = say(r, told, "stream.mode", mode);
	if (!rc && !sp_reader_last(r, "stream.payload"))
		rc = say(r, told, "stream.payload",
			 draw(seed, "random message", messages, N(messages)));
	if (!rc)
		rc = draw_domain(r, seed, told);
	/* Who did not ask for a run without an end does not get one by chance. */
	if (!rc && !limited)
		rc = say(r, told, "stream.duration", "10s");
	return rc;
}

int sp_reader_random(struct sp_reader *r)
{
	const struct sp_given *mode = sp_reader_last(r, "stream.mode");
	uint64_t seed = 0;
	struct sp_str told;
	int rc;

	if (!mode || !sp_str_ieq(mode->value, "random"))
		return 0;
	rc = read_seed(r, &seed);
	if (rc)
		return rc;
	sp_str_init(&told, r->mem);
	sp_str_printf(&told, "drawn by --seed %llu:", (unsigned long long)seed);
	rc = draw_all(r, seed, &told);
	r->drawn = rc || told.failed ? NULL : sp_arena_strdup(&r->scratch, told.text);
	sp_str_fini(&told);
	return rc || r->drawn ? rc : no_memory(r->err);
}
