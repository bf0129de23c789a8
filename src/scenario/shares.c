#include "scenario/shares.h"

#include <errno.h>
#include <string.h>

#include "base/str.h"
#include "base/units.h"
#include "engine/deal.h"

#define MIXED "mixed"

static int wrong(const char *place, const char *what, struct sp_err *err)
{
	return sp_fail(err, -EINVAL, SP_EXIT_USAGE,
		       "%s: %s; shares are written udp:50,tcp:30 (whole numbers, up to %u in "
		       "all, of up to %u protocols)",
		       place, what, SP_DEAL_MAX, SP_SHARES_MAX);
}

/* NAME or NAME:N, len bytes. NULL: fine. */
static const char *read_one(const char *text, size_t len, struct sp_shares *s)
{
	const char *colon = memchr(text, ':', len);
	size_t name = colon ? (size_t)(colon - text) : len;
	struct sp_share *p = &s->part[s->n];
	char number[8];
	uint64_t n = 1;

	if (s->n == SP_SHARES_MAX)
		return "these are too many";
	if (!name || name >= sizeof p->word)
		return "a protocol's name is missing or too long";
	if (colon && (len - name - 1 >= sizeof number || len - name - 1 == 0))
		return "a share is not a number";
	sp_strlcpy(p->word, text, name + 1);
	if (colon) {
		sp_strlcpy(number, colon + 1, len - name);
		if (sp_parse_u64(number, &n) || !n || n > SP_DEAL_MAX)
			return "a share is not a number from 1 to 1000";
	}
	for (unsigned i = 0; i < s->n; i++)
		if (strcmp(s->part[i].word, p->word) == 0)
			return "a protocol is named twice";
	p->n = (uint32_t)n;
	s->n++;
	return NULL;
}

void sp_shares_reduce(struct sp_shares *s)
{
	uint32_t common = 0;

	for (unsigned i = 0; i < s->n; i++)
		for (uint32_t b = s->part[i].n, rest; b; b = rest) {
			rest = common % b;
			common = b;
		}
	s->of = 0;
	for (unsigned i = 0; i < s->n; i++) {
		s->part[i].n /= common;
		s->of += s->part[i].n;
	}
}

int sp_shares_parse(const char *word, const char *place, struct sp_shares *s,
		    struct sp_err *err)
{
	const char *bad = NULL, *next;

	*s = (struct sp_shares){ .of = 1 };
	if (strcmp(word, MIXED) == 0)
		word = "udp:1,tcp:1";
	if (!strpbrk(word, ",:"))
		return 0;
	for (; word && !bad; word = next) {
		next = strchr(word, ',');
		bad = read_one(word, next ? (size_t)(next - word) : strlen(word), s);
		next = next ? next + 1 : NULL;
	}
	if (bad)
		return wrong(place, bad, err);
	sp_shares_reduce(s);
	if (s->of > SP_DEAL_MAX)
		return wrong(place, "the shares' sum is too large", err);
	return 0;
}
