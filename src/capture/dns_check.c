#include "capture/dns_check.h"

#include <stdbool.h>

#include "base/cursor.h"

#define HEADER	   12u
#define POINTER	   0xc0u
#define NAME_MOST  255u
#define JUMPS_MOST 127u /* more names than fit into one */

/* Follows the name at *at; *at is left behind it. */
static const char *check_name(const uint8_t *p, size_t len, size_t *at)
{
	size_t where = *at, octets = 0;
	unsigned jumps = 0;

	for (;;) {
		uint8_t n;

		if (where >= len)
			return "a DNS name beyond the message";
		n = p[where];
		if ((n & POINTER) == POINTER) {
			size_t to;

			if (where + 2 > len)
				return "a DNS name beyond the message";
			to = (size_t)(n & 0x3f) << 8 | p[where + 1];
			if (!jumps++)
				*at = where + 2;
			if (to >= where || jumps > JUMPS_MOST)
				return "a DNS name that points to itself or onwards";
			where = to;
			continue;
		}
		if (n & POINTER)
			return "a DNS label of unknown type";
		where += 1u + n;
		octets += 1u + n;
		if (octets > NAME_MOST)
			return "a DNS name of more than 255 octets";
		if (!n)
			break;
	}
	if (!jumps)
		*at = where;
	return where > len ? "a DNS name beyond the message" : NULL;
}

static const char *check_record(const uint8_t *p, size_t len, size_t *at, bool question)
{
	const char *what = check_name(p, len, at);

	if (what)
		return what;
	if (len - *at < (question ? 4u : 10u))
		return "a DNS record that is cut short";
	*at += question ? 4 : 10;
	if (question)
		return NULL;
	if (len - *at < sp_get_be16(p + *at - 2))
		return "a DNS record that is longer than the message";
	*at += sp_get_be16(p + *at - 2);
	return NULL;
}

const char *sp_dns_check(const uint8_t *p, size_t len)
{
	const char *what = NULL;
	size_t at = HEADER;
	uint32_t n;

	if (len < HEADER)
		return "a DNS header is cut short";
	n = sp_get_be16(p + 4);
	for (uint32_t i = 0; i < n && !what; i++)
		what = check_record(p, len, &at, true);
	n = (uint32_t)sp_get_be16(p + 6) + sp_get_be16(p + 8) + sp_get_be16(p + 10);
	for (uint32_t i = 0; i < n && !what; i++)
		what = check_record(p, len, &at, false);
	return !what && at < len ? "octets behind a DNS message" : what;
}
