/* The word that says what to do with departures that are late. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "core/clock.h"
#include "engine/schedule.h"

static const struct {
	const char *word;
	struct sp_catch_up_conf conf;
} words[] = {
	{ "burst", { SP_CATCH_BURST, 2, SP_NS_PER_S } },
	{ "all", { SP_CATCH_BURST, 2, SP_NEVER } },
	{ "smooth", { SP_CATCH_SMOOTH, 2, SP_NEVER } },
	{ "skip", { SP_CATCH_SKIP, 2, SP_NS_PER_S } },
	{ "chase", { SP_CATCH_CHASE, 2, SP_NS_PER_S } },
};
#define N_WORDS (sizeof words / sizeof words[0])

static int parse_chase(const char *text, struct sp_catch_up_conf *out)
{
	size_t len = strlen(text);
	char number[16];

	if (strncmp(text, "chase:", 6) != 0 || text[len - 1] != 'x' || len - 7 >= sizeof number)
		return -EINVAL;
	*out = (struct sp_catch_up_conf){ SP_CATCH_CHASE, 2, SP_NS_PER_S };
	sp_strlcpy(number, text + 6, len - 6);
	if (sp_parse_real(number, &out->chase_x) || !(out->chase_x >= 1) || out->chase_x > 1000)
		return -EINVAL;
	return 0;
}

int sp_catch_up_parse(const char *text, struct sp_catch_up_conf *out, struct sp_err *err)
{
	struct sp_catch_up_conf conf;
	char shown[64];

	for (size_t i = 0; i < N_WORDS; i++) {
		if (strcmp(text, words[i].word) == 0) {
			*out = words[i].conf;
			return 0;
		}
	}
	if (!parse_chase(text, &conf)) {
		*out = conf;
		return 0;
	}
	sp_str_printable(shown, sizeof shown, text);
	return sp_fail(
		err, -EINVAL, SP_EXIT_USAGE,
		"'%s' is no way to catch up; there are chase:2x (1x to 1000x), burst, all, "
		"smooth and skip",
		shown);
}

void sp_catch_up_print(const struct sp_catch_up_conf *conf, char text[SP_CATCH_UP_TEXT])
{
	if (conf->kind == SP_CATCH_CHASE) {
		snprintf(text, SP_CATCH_UP_TEXT, "chase:%.9gx", conf->chase_x);
		return;
	}
	for (size_t i = 0; i < N_WORDS; i++) {
		if (words[i].conf.kind == conf->kind &&
		    words[i].conf.credit_ns == conf->credit_ns)
			sp_strlcpy(text, words[i].word, SP_CATCH_UP_TEXT);
	}
}
