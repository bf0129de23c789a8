#include <errno.h>

#include "base/file.h"
#include "proto/conversation/machine.h"

static bool steps_fit(struct sp_book *b)
{
	const struct sp_book_step *s = sp_book_steps(b);

	for (uint32_t i = 0; i < b->steps; i++)
		if (s[i].at > b->octets || s[i].len > b->octets - s[i].at ||
		    s[i].by_server > 1 || s[i].answer ||
		    (b->datagrams ? s[i].len > UINT16_MAX : !s[i].len))
			return false;
	return true;
}

static bool fits(struct sp_book *b, uint64_t size)
{
	const struct sp_book_conversation *c;

	if (size < sizeof *b || b->magic != SP_BOOK_MAGIC || b->size != size ||
	    b->octets > size || b->datagrams > 1 ||
	    sp_book_size(b->conversations, b->steps, b->octets) != size)
		return false;
	c = sp_book_conversations(b);
	for (uint32_t i = 0; i < b->conversations; i++)
		if (c[i].first > b->steps || c[i].steps > b->steps - c[i].first)
			return false;
	return steps_fit(b);
}

int sp_conversation_map(struct sp_proto *p, struct sp_err *err)
{
	void *at;
	int rc;

	if (!*p->conf.book)
		return sp_fail(err, -EINVAL, SP_EXIT_USAGE,
			       "conversations are played by `spate replay FILE --as client`, "
			       "which says what is in them");
	rc = sp_file_map(&at, &p->size, p->conf.book, err);

	if (rc) {
		sp_err_prefix(err, "book");
		return rc;
	}
	p->book = at;
	return fits(at, p->size)
		       ? 0
		       : sp_fail(err, -EINVAL, SP_EXIT_DATA, "book: %s is none", p->conf.book);
}
