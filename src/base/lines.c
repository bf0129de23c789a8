#include "base/lines.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

void sp_line_init(struct sp_line *l, const char *text, size_t len, const char *place,
		  const char *blanks)
{
	*l = (struct sp_line){
		.place = place,
		.blanks = blanks ? blanks : " \t\r",
		.at = text,
		.text_end = text + len,
	};
}

int sp_line_next(struct sp_line *l, struct sp_err *err)
{
	const char *end;

	l->begin = l->number ? l->end + 1 : l->at;
	if (l->begin >= l->text_end)
		return 0;
	end = memchr(l->begin, '\n', (size_t)(l->text_end - l->begin));
	l->end = end ? end : l->text_end;
	l->at = l->begin;
	l->number++;
	if (memchr(l->begin, '\0', (size_t)(l->end - l->begin)))
		return sp_line_bad(l, l->begin, "a zero byte: this is not text", err);
	return 1;
}

static bool blank(const struct sp_line *l)
{
	return strchr(l->blanks, *l->at) != NULL;
}

const char *sp_line_word(struct sp_line *l, char *out, size_t cap)
{
	const char *from;
	size_t n = 0;

	while (l->at < l->end && blank(l))
		l->at++;
	from = l->at;
	for (; l->at < l->end && !blank(l) && (l->at > from || *l->at != '#'); l->at++)
		if (n < cap - 1)
			out[n++] = *l->at;
	out[n] = '\0';
	return from;
}

int sp_line_bad(const struct sp_line *l, const char *at, const char *what, struct sp_err *err)
{
	return sp_fail(err, -EINVAL, SP_EXIT_DATA, "%s:%u:%u: %s", l->place, l->number,
		       (unsigned)(at - l->begin) + 1, what);
}
