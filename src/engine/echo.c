#include "engine/echo.h"

#include "core/shared.h"
#include "pkt/view.h"

/* The stream that a stamp at the end of these bytes names. */
static bool stream_of_stamp(const struct sp_echo *e, const struct sp_stamp_ops *ops,
			    uint8_t *data, uint32_t len, uint32_t *i)
{
	struct sp_msg m = { .data = data, .len = len };
	const struct sp_batch b = { .n = 1, .cap = 1, .m = &m };
	int8_t check = SP_STAMP_NONE;
	struct sp_stamp st;

	if (len < ops->len)
		return false;
	m.stamp_off = (uint16_t)(len - ops->len);
	ops->get(&b, 0, &st, &check);
	*i = st.flow - e->first_id;
	return check == SP_STAMP_GOOD && *i < e->n;
}

static bool stream_to(const struct sp_echo *e, const struct sp_addr *to, uint32_t *i)
{
	for (*i = 0; *i < e->n; ++*i)
		if (sp_addr_eq(&e->to[*i], to))
			return true;
	return false;
}

/* The quoted packet is whole when it was short: then its stamp says whose it was, else its target. */
static void note_error(struct sp_echo *e, uint8_t *packet, uint32_t len)
{
	struct sp_view v;
	uint8_t *payload;
	uint32_t i = 0;
	bool known;

	if (sp_view_quoted(packet, len, &v) || !sp_view_echo_request(&v))
		return;
	payload = packet + v.payload_off;
	known = v.payload_off + v.payload_len == v.l3_len &&
		(stream_of_stamp(e, e->native, payload, v.payload_len, &i) ||
		 stream_of_stamp(e, e->shorter, payload, v.payload_len, &i));
	if (known || stream_to(e, &v.dst.addr, &i))
		SP_ADD(e->errors[i], 1);
}

static bool is_stamped(const struct sp_echo *e, uint8_t *payload, uint32_t len)
{
	uint32_t i;

	return stream_of_stamp(e, e->native, payload, len, &i) ||
	       stream_of_stamp(e, e->shorter, payload, len, &i);
}

bool sp_echo_take(struct sp_echo *e, struct sp_msg *m)
{
	enum sp_csum_state known = m->flags & SP_M_CSUM_OK ? SP_CSUM_OK : SP_CSUM_UNKNOWN;
	struct sp_view v;

	if (m->flags & SP_M_CSUM_PARTIAL)
		known = SP_CSUM_PARTIAL;
	if (sp_view(m->data, m->len, true, known, &v) || v.fragment)
		return false;
	if (sp_view_icmp_error(&v) && !sp_view_corrupt(&v))
		note_error(e, m->data + v.payload_off, v.payload_len);
	if (!sp_view_echo_reply(&v))
		return false;
	if (e->n_plain && !is_stamped(e, m->data + v.payload_off, v.payload_len) &&
	    sp_echo_plain_take(e->plain, e->n_plain, &v, m))
		return false;
	if (sp_view_corrupt(&v))
		m->flags |= SP_M_CSUM_BAD;
	m->stamp_off = (uint16_t)(m->len - v.payload_len);
	m->data += v.payload_off;
	m->len = v.payload_len;
	m->ep = 0; /* the flow alone says whose it is: many may answer one stream */
	return true;
}
