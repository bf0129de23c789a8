/* Text files of lines of words, as people write them: words between blanks, '#' begins a comment
 * where a word would begin. What is wrong is said with its place. */
#ifndef SP_BASE_LINES_H
#define SP_BASE_LINES_H

#include <stddef.h>

#include "base/err.h"

struct sp_line {
	const char *place;  /* of the text: a file's name */
	const char *blanks; /* what stands between words */
	const char *text_end;
	const char *begin, *end; /* of the line that was gone to */
	const char *at;		 /* the next word is looked for from here */
	unsigned number;	 /* from 1 */
};

/* Before the first line. place and blanks (NULL: space, tab and carriage return) are borrowed. */
void sp_line_init(struct sp_line *, const char *text, size_t len, const char *place,
		  const char *blanks);

/* Goes to the next line: 1, 0 when there is none, or -EINVAL for a line with a zero byte. */
int sp_line_next(struct sp_line *, struct sp_err *);

/* The next word into out, cut to fit ("" at the end of the line or at a comment). Returns where
 * it began. */
const char *sp_line_word(struct sp_line *, char *out, size_t cap);

/* Says "place:line:column: what"; -EINVAL, exit 65. */
int sp_line_bad(const struct sp_line *, const char *at, const char *what, struct sp_err *);

#endif
