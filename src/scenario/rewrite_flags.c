#include "scenario/rewrite_flags.h"

#include <errno.h>
#include <string.h>

static const char prefix[] = "rewrite.";

bool sp_is_rewrite_flag(const struct sp_flag *flag)
{
	return strncmp(flag->key, prefix, sizeof prefix - 1) == 0;
}

int sp_rewrite_flag(struct sp_str *words, const struct sp_flag *flag, const char *value,
		    const char *spelling, struct sp_err *err)
{
	bool yes = flag->arg == SP_FLAG_NONE && strcmp(value, "yes") == 0;
	char shown[80];

	if (strpbrk(value, " \t\r\n"))
		return sp_fail(err, -EINVAL, SP_EXIT_USAGE, "%s: '%s' has a blank in it",
			       spelling, sp_str_printable(shown, sizeof shown, value));
	sp_str_printf(words, "%s%s%s%s", words->len ? " " : "", flag->key + sizeof prefix - 1,
		      yes ? "" : "=", yes ? "" : value);
	return 0;
}
