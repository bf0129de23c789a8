#include "core/counters.h"

#include <string.h>

#define SP_COUNTER(name, unit, sentence) [SP_C_##name] = { #name, unit, sentence, false },
#define SP_ERROR(name, unit, sentence)	 [SP_C_error_##name] = { #name, unit, sentence, true },
const struct sp_counter_info sp_counter_table[SP_C__N] = {
#include "core/counters.def"
};

/* left = the sum of right. Texts come from the same rows, so that they cannot differ from what
 * is evaluated. */
struct identity {
	const char *name, *text;
	enum sp_counter left;
	unsigned n_right;
	enum sp_counter right[5];
};

#define PLUS3(a, b, c)		    #a " + " #b " + " #c
#define PLUS4(a, b, c, d)	    #a " + " #b " + " #c " + " #d
#define PLUS5(a, b, c, d, e)	    PLUS4(a, b, c, d) " + " #e
#define LIST3(a, b, c)		    SP_C_##a, SP_C_##b, SP_C_##c
#define LIST4(a, b, c, d)	    LIST3(a, b, c), SP_C_##d
#define LIST5(a, b, c, d, e)	    LIST4(a, b, c, d), SP_C_##e
#define PICK(a, b, c, d, e, m, ...) m
#define PLUS(...)		    PICK(__VA_ARGS__, PLUS5, PLUS4, PLUS3, )(__VA_ARGS__)
#define LIST(...)		    PICK(__VA_ARGS__, LIST5, LIST4, LIST3, )(__VA_ARGS__)
#define COUNT(...)		    PICK(__VA_ARGS__, 5, 4, 3, )
#define SP_IDENTITY(name, left, ...)                                                           \
	{ name,                                                                                \
	  #left " = " PLUS(__VA_ARGS__),                                                       \
	  SP_C_##left,                                                                         \
	  COUNT(__VA_ARGS__),                                                                  \
	  { LIST(__VA_ARGS__) } },
static const struct identity identities[] = {
#include "core/counters.def"
};

_Static_assert(sizeof identities / sizeof identities[0] == SP_IDENTITIES,
	       "SP_IDENTITIES counts the SP_IDENTITY rows");

void sp_counts_zero(struct sp_counts *c)
{
	memset(c->v, 0, sizeof c->v);
	c->known = SP_C__N == 64 ? UINT64_MAX : (1ull << SP_C__N % 64) - 1;
}

void sp_counts_add(struct sp_counts *a, const struct sp_counts *b)
{
	a->known &= b->known;
	for (unsigned i = 0; i < SP_C__N; i++)
		a->v[i] = a->known >> i & 1 ? a->v[i] + b->v[i] : 0;
}

uint32_t sp_counts_check(const struct sp_counts *c, uint32_t *unknown)
{
	uint32_t violated = 0;

	*unknown = 0;
	for (unsigned i = 0; i < SP_IDENTITIES; i++) {
		const struct identity *id = &identities[i];
		bool known = sp_counts_has(c, id->left);
		uint64_t sum = 0;

		for (unsigned k = 0; k < id->n_right; k++) {
			known = known && sp_counts_has(c, id->right[k]);
			sum += c->v[id->right[k]];
		}
		if (!known)
			*unknown |= 1u << i;
		else if (sum != c->v[id->left])
			violated |= 1u << i;
	}
	return violated;
}

const char *sp_identity_name(unsigned i)
{
	return i < SP_IDENTITIES ? identities[i].name : NULL;
}

const char *sp_identity_text(unsigned i)
{
	return i < SP_IDENTITIES ? identities[i].text : NULL;
}
