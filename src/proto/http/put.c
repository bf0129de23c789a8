#include "proto/http/machine.h"

/* One piece of which at bytes are written: what is left goes into the wish. */
static inline bool put_piece(struct sp_wish *w, const uint8_t *p, size_t len, uint64_t *at)
{
	if (*at >= len) {
		*at -= len;
		return true;
	}
	if (w->n_out == SP_WISH_OUT)
		return false;
	sp_wish_out(w, p + *at, len - (size_t)*at);
	*at = 0;
	return true;
}

bool sp_http_put(struct sp_wish *w, const struct sp_proto *p, const struct sp_http_ready *r,
		 const uint8_t *tail, size_t n_tail, uint64_t body, uint64_t at)
{
	uint64_t skip;

	if (!put_piece(w, r->bytes, r->len, &at) || !put_piece(w, tail, n_tail, &at))
		return false;
	/* Whole blocks that are written need no turn of the loop. */
	skip = at / SP_HTTP_BLOCK * SP_HTTP_BLOCK;
	body -= skip;
	at -= skip;
	while (body) {
		size_t n = body < SP_HTTP_BLOCK ? (size_t)body : SP_HTTP_BLOCK;

		if (!put_piece(w, p->block, n, &at))
			return false;
		body -= n;
	}
	return true;
}
