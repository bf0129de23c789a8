#include "base/err.h"

#include <stdio.h>
#include <string.h>

/* A sentence that does not fit says so instead of ending in the middle of a word. */
static void mark_cut(char *text, int wanted)
{
	if (wanted >= SP_ERR_TEXT)
		memcpy(text + SP_ERR_TEXT - 4, "...", 4);
}

int sp_fail(struct sp_err *e, int code, enum sp_exit exit, const char *fmt, ...)
{
	char text[SP_ERR_TEXT]; /* e->text may be among the arguments */
	va_list ap;
	int n;

	if (!e)
		return code;
	va_start(ap, fmt);
	n = vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	if (n < 0)
		text[0] = '\0';
	mark_cut(text, n);
	e->code = code;
	e->exit = exit;
	memcpy(e->text, text, sizeof text);
	return code;
}

void sp_err_prefix(struct sp_err *e, const char *fmt, ...)
{
	char text[SP_ERR_TEXT];
	va_list ap;
	size_t len;
	int n;

	if (!e)
		return;
	va_start(ap, fmt);
	n = vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	if (n < 0)
		return;
	mark_cut(text, n);
	len = strlen(text);
	n = snprintf(text + len, sizeof text - len, ": %s", e->text);
	mark_cut(text, n < 0 ? 0 : (int)len + n);
	memcpy(e->text, text, sizeof text);
}

enum sp_exit sp_exit_worse(enum sp_exit a, enum sp_exit b)
{
	static const enum sp_exit order[] = { SP_EXIT_FAILED, SP_EXIT_UNTRUSTED, SP_EXIT_IO,
					      SP_EXIT_INTR,   SP_EXIT_AGENTS,	 SP_EXIT_UNMET,
					      SP_EXIT_EXPECT };

	for (size_t i = 0; i < sizeof order / sizeof *order; i++)
		if (a == order[i] || b == order[i])
			return order[i];
	return a ? a : b;
}
