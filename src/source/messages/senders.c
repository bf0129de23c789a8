#include "source/messages/senders.h"

#include <errno.h>
#include <string.h>

#define FIRST_PLACES 256u

static int no_memory(struct sp_err *err)
{
	return sp_fail(err, -ENOMEM, SP_EXIT_FAILED, "out of memory");
}

/* Doubles an array that is full; the old one is zeros behind n. */
static bool grow(const struct sp_mem *mem, void **array, uint32_t n, uint32_t *cap, size_t size)
{
	uint32_t more = *cap ? *cap * 2 : 64;
	void *bigger;

	if (n < *cap)
		return true;
	bigger = sp_alloc_array(mem, more, size);
	if (!bigger)
		return false;
	if (n)
		memcpy(bigger, *array, n * size);
	sp_free(mem, *array);
	*array = bigger;
	*cap = more;
	return true;
}

/* ---- sources ---- */

static uint64_t hash_of(const struct sp_addr *a)
{
	const struct sp_endpoint e = { .addr = *a };

	return sp_endpoint_hash(&e);
}

static int rehash(struct msg_senders *s, struct sp_err *err)
{
	uint32_t places = s->mask ? 2 * (s->mask + 1) : FIRST_PLACES;
	uint32_t *hash = sp_alloc_array(s->mem, places, sizeof *hash);

	if (!hash)
		return no_memory(err);
	for (uint32_t i = 0; i < s->n_sources; i++) {
		uint64_t h = hash_of(&s->sources[i].addr);

		while (hash[h & (places - 1)])
			h++;
		hash[h & (places - 1)] = i + 1;
	}
	sp_free(s->mem, s->hash);
	s->hash = hash;
	s->mask = places - 1;
	return 0;
}

/* The row of the map; NULL: it is nobody's. */
static const struct msg_map_row *row_of(const struct msg_senders_conf *c,
					const struct sp_addr *a)
{
	for (uint32_t i = 0; i < c->n_map; i++)
		if (sp_addr_eq(&c->map[i].from, a))
			return &c->map[i];
	return NULL;
}

static int check_family(const struct msg_senders_conf *c, const struct sp_addr *from,
			const struct sp_addr *to, struct sp_err *err)
{
	char a[64], b[64];

	if (!to->family ? c->rest : !c->family || to->family == c->family)
		return 0;
	if (!c->only)
		return MSG_ELSEWHERE;
	return sp_fail(
		err, -EAFNOSUPPORT, SP_EXIT_DATA,
		"%s is to be played from %s, but %s is of the other family: give the map "
		"an address of the collector's family, or the collector another address",
		sp_addr_format(a, sizeof a, from), sp_addr_format(b, sizeof b, to), c->target);
}

/* A new source. */
static int add_source(struct msg_senders *s, const struct sp_addr *addr,
		      const struct sp_addr *to, uint32_t *index, struct sp_err *err)
{
	void *sources = s->sources;
	bool ok = grow(s->mem, &sources, s->n_sources, &s->cap_sources, sizeof *s->sources);
	uint64_t h = hash_of(addr);

	s->sources = sources;
	if (!ok)
		return no_memory(err);
	s->sources[s->n_sources] = (struct msg_source){ .addr = *addr, .local = *to };
	*index = s->n_sources++;
	if (s->n_sources * 2 > s->mask)
		return rehash(s, err);
	while (s->hash[h & s->mask])
		h++;
	s->hash[h & s->mask] = *index + 1;
	return 0;
}

static int changed(struct sp_err *err, const char *what, const struct sp_addr *from)
{
	char text[64];

	return sp_fail(err, -EACCES, SP_EXIT_PERM,
		       "%s of %s, which was not there when the capture was judged: it has "
		       "changed since, and ends here; replay it when nobody writes to it",
		       what, sp_addr_format(text, sizeof text, from));
}

int sp_msg_senders_source(struct msg_senders *s, const struct sp_addr *addr, uint32_t *index,
			  struct sp_err *err)
{
	static const struct sp_addr any;
	const struct msg_map_row *row;
	uint32_t k;
	int rc;

	for (uint64_t h = hash_of(addr); (k = s->hash[h & s->mask]); h++)
		if (sp_addr_eq(&s->sources[k - 1].addr, addr)) {
			*index = k - 1;
			return 0;
		}
	row = row_of(&s->conf, addr);
	if (!row && s->conf.mapped)
		return MSG_NOBODY;
	rc = check_family(&s->conf, addr, row ? &row->to : &any, err);
	if (rc)
		return rc;
	if (s->sealed)
		return changed(err, "a packet", addr);
	return add_source(s, addr, row ? &row->to : &any, index, err);
}

/* ---- who is in which capture ---- */

static uint64_t present_hash(uint32_t capture, const struct sp_endpoint *src,
			     const struct sp_endpoint *dst)
{
	uint64_t h = (sp_endpoint_hash(src) + capture) * 0x9e3779b97f4a7c15u ^
		     sp_endpoint_hash(dst);

	return h ^ h >> 32;
}

static int refind(struct msg_senders *s, struct sp_err *err)
{
	uint32_t places = s->found_mask ? 2 * (s->found_mask + 1) : FIRST_PLACES;
	uint32_t *found = sp_alloc_array(s->mem, places, sizeof *found);

	if (!found)
		return no_memory(err);
	for (uint32_t i = 0; i < s->n_present; i++) {
		const struct msg_present *p = &s->present[i];
		uint64_t h = present_hash(p->capture, &p->src, &p->dst);

		while (found[h & (places - 1)])
			h++;
		found[h & (places - 1)] = i + 1;
	}
	sp_free(s->mem, s->found);
	s->found = found;
	s->found_mask = places - 1;
	return 0;
}

/* The place of these ends in `found`: free, or theirs. */
static uint32_t *place_of(const struct msg_senders *s, uint32_t capture,
			  const struct sp_endpoint *src, const struct sp_endpoint *dst)
{
	uint64_t h = present_hash(capture, src, dst);
	const struct msg_present *p;
	uint32_t k;

	for (; (k = s->found[h & s->found_mask]); h++) {
		p = &s->present[k - 1];
		if (p->capture == capture && sp_endpoint_eq(&p->src, src) &&
		    sp_endpoint_eq(&p->dst, dst))
			break;
	}
	return &s->found[h & s->found_mask];
}

static int note_present(struct msg_senders *s, const struct sp_endpoint *src,
			const struct sp_endpoint *dst, uint32_t session, struct sp_err *err)
{
	void *present = s->present;
	bool ok;

	if (*place_of(s, s->capture, src, dst))
		return 0;
	ok = grow(s->mem, &present, s->n_present, &s->cap_present, sizeof *s->present);
	s->present = present;
	if (!ok)
		return no_memory(err);
	s->present[s->n_present] = (struct msg_present){
		.src = *src, .dst = *dst, .capture = s->capture, .session = session
	};
	*place_of(s, s->capture, src, dst) = ++s->n_present;
	return s->n_present * 2 > s->found_mask ? refind(s, err) : 0;
}

/* ---- sessions ---- */

static int add_session(struct msg_senders *s, uint32_t source, const struct sp_endpoint *src,
		       const struct sp_endpoint *dst, uint32_t *index, struct sp_err *err)
{
	void *sessions = s->sessions;
	bool ok = grow(s->mem, &sessions, s->n_sessions, &s->cap_sessions, sizeof *s->sessions);

	s->sessions = sessions;
	if (!ok)
		return no_memory(err);
	s->sessions[s->n_sessions] = (struct msg_session){
		.source = source,
		.rank = s->sources[source].sessions++,
		.src = *src,
		.dst = *dst,
		.capture = s->capture
	};
	*index = s->n_sessions++;
	if (!s->sources[source].session)
		s->sources[source].session = *index + 1;
	return sp_msg_ends_add(&s->ends, s, s->mem) ? no_memory(err) : 0;
}

/* Does the source have as many as it may? Then what is not known is its first session's. */
static bool is_many(const struct msg_senders *s, uint32_t source)
{
	return !s->conf.tcp && s->sources[source].sessions >= MSG_SESSIONS_MOST;
}

static int known_session(const struct msg_senders *s, uint32_t capture, uint32_t source,
			 const struct sp_endpoint *src, const struct sp_endpoint *dst,
			 uint32_t *index, struct sp_err *err)
{
	uint32_t k = *place_of(s, capture, src, dst);

	if (!k && !is_many(s, source))
		return changed(err, "a session", &src->addr);
	*index = k ? s->present[k - 1].session : s->sources[source].session - 1;
	return 0;
}

int sp_msg_senders_session(struct msg_senders *s, uint32_t capture, uint32_t source,
			   const struct sp_endpoint *src, const struct sp_endpoint *dst,
			   uint32_t *index, struct sp_err *err)
{
	int rc = 0;

	if (s->sealed)
		return known_session(s, capture, source, src, dst, index, err);
	*index = sp_msg_ends_find(&s->ends, s, source, src, dst);
	if (*index == UINT32_MAX && is_many(s, source)) {
		*index = s->sources[source].session - 1;
		return 0;
	}
	if (*index == UINT32_MAX)
		rc = add_session(s, source, src, dst, index, err);
	return rc ? rc : note_present(s, src, dst, *index, err);
}

void sp_msg_senders_look(struct msg_senders *s, uint32_t capture)
{
	s->capture = capture;
}

void sp_msg_senders_seal(struct msg_senders *s)
{
	sp_msg_ends_free(&s->ends, s->mem);
	s->sealed = true;
}

int sp_msg_senders_init(struct msg_senders *s, const struct msg_senders_conf *conf,
			const struct sp_mem *mem, struct sp_err *err)
{
	int rc;

	*s = (struct msg_senders){ .mem = mem, .conf = *conf };
	rc = rehash(s, err);
	return rc ? rc : refind(s, err);
}

void sp_msg_senders_fini(struct msg_senders *s)
{
	if (!s->mem)
		return;
	sp_msg_ends_free(&s->ends, s->mem);
	sp_free(s->mem, s->sources);
	sp_free(s->mem, s->hash);
	sp_free(s->mem, s->sessions);
	sp_free(s->mem, s->present);
	sp_free(s->mem, s->found);
	*s = (struct msg_senders){ 0 };
}
