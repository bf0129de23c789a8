/* The word that says what to do with departures that are late. */
#include <errno.h>
#include <string.h>

#include "base/str.h"
#include "core/clock.h"
#include "engine/schedule.h"

int sp_catch_up_parse(const char *text, struct sp_catch_up_conf *out, struct sp_err *err)
{
	struct sp_catch_up_conf conf = { .kind = SP_CATCH_CHASE,
					 .chase_x = 2,
					 .credit_ns = SP_NS_PER_S };
	size_t len = strlen(text);
	char number[16], shown[64];

	if (strcmp(text, "burst") == 0) {
		conf.kind = SP_CATCH_BURST;
	} else if (strcmp(text, "all") == 0) {
		conf.kind = SP_CATCH_BURST;
		conf.credit_ns = SP_NEVER;
	} else if (strcmp(text, "smooth") == 0) {
		conf.kind = SP_CATCH_SMOOTH;
		conf.credit_ns = SP_NEVER;
	} else if (strcmp(text, "skip") == 0) {
		conf.kind = SP_CATCH_SKIP;
	} else if (strncmp(text, "chase:", 6) == 0 && text[len - 1] == 'x' &&
		   len - 7 < sizeof number) {
		sp_strlcpy(number, text + 6, len - 6);
		if (sp_parse_real(number, &conf.chase_x) || !(conf.chase_x >= 1) ||
		    conf.chase_x > 1000)
			goto bad;
	} else if (strcmp(text, "chase") != 0) {
		goto bad;
	}
	*out = conf;
	return 0;
bad:
	sp_str_printable(shown, sizeof shown, text);
	return sp_fail(
		err, -EINVAL, SP_EXIT_USAGE,
		"'%s' is no way to catch up; there are chase:2x (1x to 1000x), burst, all, "
		"smooth and skip",
		shown);
}
