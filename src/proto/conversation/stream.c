#include <string.h>

#include "proto/conversation/machine.h"

static void skip(const struct machine *m, uint32_t *i)
{
	const struct sp_book_step *s;

	while ((s = conversation_step(m, *i)) && !s->by_server)
		++*i;
}

static size_t equal_octets(const uint8_t *a, const uint8_t *b, size_t n)
{
	size_t i = 0;

	if (memcmp(a, b, n) == 0)
		return n;
	while (a[i] == b[i])
		i++;
	return i;
}

void sp_conversation_compare(struct machine *m, const uint8_t *data, size_t len)
{
	const struct sp_book_step *s;

	skip(m, &m->hear);
	while (len && (s = conversation_step(m, m->hear))) {
		const uint8_t *want = sp_book_octets(m->p->book) + s->at + m->heard;
		size_t n = s->len - m->heard < len ? s->len - m->heard : len, same = n;

		if (m->p->conf.compare == COMPARE_BYTES && m->c->differ_at == SP_BOOK_NEVER)
			same = equal_octets(data, want, n);
		if (same < n) {
			m->c->differ_at = m->got + same;
			sp_conversation_note(m, m->hear, m->heard + same, data + same,
					     n - same);
		}
		m->got += n;
		m->heard += n;
		data += n;
		len -= n;
		if (m->heard < s->len)
			continue;
		m->heard = 0;
		m->hear++;
		skip(m, &m->hear);
	}
	if (len && m->p->conf.compare != COMPARE_NONE && m->c->differ_at == SP_BOOK_NEVER) {
		m->c->differ_at = m->got;
		sp_conversation_note(m, m->c->steps, 0, data, len);
	}
	m->got += len;
}
