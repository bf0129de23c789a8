/* Command lines. getopt is not used: its rows cannot carry help, and it takes abbreviations. */
#include "base/options.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"

#define SPELL_MAX 48

/* Copies the spelling at *p ("-r, --rate") and moves behind it; false at the end. */
static bool next_spelling(const char **p, char *word)
{
	size_t n;

	*p += strspn(*p, ", ");
	n = strcspn(*p, ", ");
	if (!n)
		return false;
	snprintf(word, SPELL_MAX, "%.*s", (int)n, *p);
	*p += n;
	return true;
}

const struct sp_flag *sp_flag_find(const struct sp_flag *rows, const char *spelling)
{
	char word[SPELL_MAX];

	for (; rows->spell; rows++) {
		const char *p = rows->spell;

		while (next_spelling(&p, word))
			if (strcmp(word, spelling) == 0)
				return rows;
	}
	return NULL;
}

/* The nearest long spelling; else the only one that begins so, since an abbreviation is the
 * likely intention then. "" when there is none. */
static void suggest(const struct sp_flag *rows, const char *given, char *best)
{
	char word[SPELL_MAX], longer[SPELL_MAX] = "";
	size_t len = strlen(given), begin_so = 0;

	best[0] = '\0';
	for (; rows->spell; rows++) {
		const char *p = rows->spell;

		while (next_spelling(&p, word)) {
			const char *pair[] = { *best ? best + 2 : word + 2, word + 2 };

			if (word[1] != '-')
				continue;
			if (strncmp(word, given, len) == 0 && ++begin_so == 1)
				sp_strlcpy(longer, word, sizeof longer);
			if (sp_str_nearest(given + 2, pair, 2) == word + 2)
				sp_strlcpy(best, word, SPELL_MAX);
		}
	}
	if (!*best && begin_so == 1)
		sp_strlcpy(best, longer, SPELL_MAX);
}

static int fail_unknown(const struct sp_flag *rows, const char *given, struct sp_err *e)
{
	char best[SPELL_MAX] = "", shown[100];

	if (strncmp(given, "--", 2) == 0)
		suggest(rows, given, best);
	sp_str_printable(shown, sizeof shown, given);
	return sp_fail(e, -ENOENT, SP_EXIT_USAGE, "%s: no such option%s%s%s", shown,
		       *best ? "; did you mean " : "", best, *best ? "?" : "");
}

struct walk {
	const struct sp_flag *rows;
	int argc, at; /* at: the next word to look at */
	char *const *argv;
	int (*on)(void *arg, const struct sp_flag *, const char *value, const char *spelling,
		  struct sp_err *);
	void *arg;
	struct sp_err *err;
};

/* given: what was written behind the spelling, NULL if nothing was. */
static int hand_over(struct walk *w, const struct sp_flag *f, const char *given,
		     const char *spelling)
{
	if (f->arg == SP_FLAG_NONE) {
		if (given)
			return sp_fail(w->err, -EINVAL, SP_EXIT_USAGE, "%s: takes no value",
				       spelling);
		return w->on(w->arg, f, f->value, spelling, w->err);
	}
	if (!given) {
		if (w->at >= w->argc)
			return sp_fail(w->err, -EINVAL, SP_EXIT_USAGE, "%s: needs a value%s%s",
				       spelling, f->meta ? ": " : "", f->meta ? f->meta : "");
		given = w->argv[w->at++];
	}
	return w->on(w->arg, f, given, spelling, w->err);
}

static int long_flag(struct walk *w, const char *word)
{
	const char *value = strchr(word, '=');
	size_t n = value ? (size_t)(value - word) : strlen(word);
	const struct sp_flag *f;
	char spelling[128];

	snprintf(spelling, sizeof spelling, "%.*s", n < sizeof spelling ? (int)n : 127, word);
	f = n < SPELL_MAX ? sp_flag_find(w->rows, spelling) : NULL;
	if (!f)
		return fail_unknown(w->rows, spelling, w->err);
	return hand_over(w, f, value ? value + 1 : NULL, spelling);
}

/* "-r100", "-r 100", and several that take no value in one word: "-4v". */
static int short_flags(struct walk *w, const char *word)
{
	int rc = 0;

	for (const char *p = word + 1; *p && !rc; p++) {
		const char spelling[] = { '-', *p, '\0' };
		const struct sp_flag *f = sp_flag_find(w->rows, spelling);

		if (!f)
			return fail_unknown(w->rows, p == word + 1 ? word : spelling, w->err);
		if (f->arg == SP_FLAG_VALUE)
			return hand_over(w, f, p[1] ? p + 1 : NULL, spelling);
		rc = hand_over(w, f, NULL, spelling);
	}
	return rc;
}

int sp_flags_parse(const struct sp_flag *rows, int argc, char *const argv[],
		   int (*on)(void *arg, const struct sp_flag *, const char *value,
			     const char *spelling, struct sp_err *),
		   void *arg, struct sp_err *err)
{
	struct walk w = { rows, argc, 0, argv, on, arg, err };
	bool words_only = false;
	int rc = 0;

	while (w.at < argc && !rc) {
		const char *word = argv[w.at++];

		if (words_only || word[0] != '-' || word[1] == '\0')
			rc = on(arg, NULL, word, word, err);
		else if (strcmp(word, "--") == 0)
			words_only = true;
		else if (word[1] == '-')
			rc = long_flag(&w, word);
		else
			rc = short_flags(&w, word);
	}
	return rc;
}
