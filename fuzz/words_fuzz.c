/* A command line, an argument a line; the first byte chooses the command. Whatever is written,
 * there is a plan or one sentence, and a plan's text is the same the second time. */
#include <stdlib.h>
#include <string.h>

#include "engine/plan.h"
#include "plugin/catalog.h"
#include "scenario/words.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#define ARGS_MAX 32

static int cut(char *text, char *argv[])
{
	int n = 0;

	for (char *end; n < ARGS_MAX && text; text = end) {
		end = strchr(text, '\n');
		if (end)
			*end++ = '\0';
		argv[n++] = text;
	}
	return n;
}

static void check(const char *command, int argc, char *argv[])
{
	struct sp_words a, b;
	struct sp_err err = { 0 };

	if (sp_words_parse(command, argc, argv, sp_mem_system(), &sp_catalog, &a, &err)) {
		if (!err.text[0] || !err.exit || strchr(err.text, '\n'))
			abort();
		return;
	}
	if (!sp_words_parse(command, argc, argv, sp_mem_system(), &sp_catalog, &b, &err)) {
		if (!a.out.seed_drawn && strcmp(a.plan->sha256, b.plan->sha256) != 0)
			abort();
		sp_words_free(&b);
	} else {
		abort();
	}
	sp_words_free(&a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	char text[2048], *argv[ARGS_MAX];

	if (len < 1 || len >= sizeof text)
		return 0;
	memcpy(text, data + 1, len - 1);
	text[len - 1] = '\0';
	/* No files, and not a million streams a time. */
	if (strstr(text, "targets") || strstr(text, "streams"))
		return 0;
	check(data[0] & 1 ? "send" : "recv", cut(text, argv), argv);
	return 0;
}
