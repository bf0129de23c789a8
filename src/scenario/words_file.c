/* --targets FILE: a URL a line. The file is read once and in whole: it may be a pipe. */
#include <errno.h>
#include <string.h>

#include "base/file.h"
#include "base/str.h"
#include "scenario/words_impl.h"

#define FILE_MAX (64u << 20)
#define LINE_LEN 1200u /* scheme, host, ports and query at their longest */

/* Without blanks at both ends and without a comment. In a URL a '#' cannot stand, so it begins
 * a comment wherever it does. */
static char *trim(char *s)
{
	size_t n;

	s[strcspn(s, "#")] = '\0';
	s += strspn(s, " \t\r");
	n = strlen(s);
	while (n && strchr(" \t\r", s[n - 1]))
		n--;
	s[n] = '\0';
	return s;
}

static int take_line(struct sp_reader *r, const char *path, unsigned line, char *text,
		     size_t len)
{
	const char *why = strlen(text) != len ? "a byte is 0: this is not text" : NULL;

	text = trim(text);
	if (!why && strlen(text) > LINE_LEN)
		why = "the line is too long for a target";
	if (why)
		return sp_fail(r->err, -EINVAL, SP_EXIT_DATA, "%s:%u: %s", path, line, why);
	return *text ? sp_reader_note(r, text, path, line) : 0;
}

int sp_reader_file(struct sp_reader *r, const char *path)
{
	unsigned line = 1, before = r->n_targets;
	struct sp_str read;
	char *text = NULL;
	int rc;

	sp_str_init(&read, r->mem);
	rc = sp_file_read(&read, path, FILE_MAX, r->err);
	if (rc)
		sp_err_prefix(r->err, "--targets");
	if (!rc) {
		text = sp_arena_alloc(&r->scratch, read.len + 1);
		if (text)
			memcpy(text, read.text, read.len);
		else
			rc = sp_fail(r->err, -ENOMEM, SP_EXIT_FAILED, "out of memory");
	}
	for (size_t at = 0; !rc && at < read.len; line++) {
		char *end = memchr(text + at, '\n', read.len - at);
		size_t len = end ? (size_t)(end - text) - at : read.len - at;

		text[at + len] = '\0';
		rc = take_line(r, path, line, text + at, len);
		at += len + 1;
	}
	if (!rc && r->n_targets == before)
		rc = sp_fail(r->err, -EINVAL, SP_EXIT_DATA, "%s: the file names no target",
			     path);
	sp_str_fini(&read);
	return rc;
}
