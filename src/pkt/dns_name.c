#include "pkt/dns_name.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#define POINTER 0xc0u

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* One octet of the text; *next is behind it. -1: a bad escape. */
static int octet(const char *s, const char **next)
{
	int value;

	if (*s != '\\') {
		*next = s + 1;
		return (unsigned char)*s;
	}
	s++;
	if (!*s)
		return -1;
	if (!is_digit(*s)) {
		*next = s + 1;
		return (unsigned char)*s;
	}
	if (!is_digit(s[1]) || !is_digit(s[2]))
		return -1;
	value = (s[0] - '0') * 100 + (s[1] - '0') * 10 + (s[2] - '0');
	*next = s + 3;
	return value > 255 ? -1 : value;
}

int sp_dns_name_put(uint8_t wire[SP_DNS_NAME_MAX], const char *text)
{
	unsigned head = 0, at = 1; /* of the label that is being written */
	int c;

	if (!*text)
		return -EINVAL;
	if (strcmp(text, ".") == 0)
		text++;
	for (const char *s = text; *s;) {
		if (*s == '.') {
			if (at == head + 1)
				return -EINVAL;
			wire[head] = (uint8_t)(at - head - 1);
			head = at++;
			s++;
			continue;
		}
		c = octet(s, &s);
		if (c < 0)
			return -EINVAL;
		/* The root's octet must still fit. */
		if (at - head > SP_DNS_LABEL_MAX || at + 1 >= SP_DNS_NAME_MAX)
			return -ENAMETOOLONG;
		wire[at++] = (uint8_t)c;
	}
	if (at == head + 1) {
		wire[head] = 0;
		return (int)head + 1;
	}
	wire[head] = (uint8_t)(at - head - 1);
	wire[at] = 0;
	return (int)at + 1;
}

static size_t put_octet(char *text, uint8_t c)
{
	if (c == '.' || c == '\\') {
		text[0] = '\\';
		text[1] = (char)c;
		return 2;
	}
	if (c > ' ' && c < 0x7f) {
		text[0] = (char)c;
		return 1;
	}
	text[0] = '\\';
	text[1] = (char)('0' + c / 100);
	text[2] = (char)('0' + c / 10 % 10);
	text[3] = (char)('0' + c % 10);
	return 4;
}

int sp_dns_name_get(char text[SP_DNS_TEXT_MAX], const uint8_t *msg, size_t len, size_t at)
{
	size_t n = 0, octets = 1, start = at, floor = at;
	int took = 0;

	for (;;) {
		uint8_t label;

		if (at >= len)
			return -EBADMSG;
		label = msg[at];
		if ((label & POINTER) == POINTER) {
			size_t to;

			if (at + 1 >= len)
				return -EBADMSG;
			to = (size_t)(label & ~POINTER) << 8 | msg[at + 1];
			if (!took)
				took = (int)(at + 2 - start);
			if (to >= floor)
				return -EBADMSG;
			at = floor = to;
			continue;
		}
		if (label & POINTER || label >= len - at)
			return -EBADMSG;
		if (!label)
			break;
		octets += label + 1u;
		if (octets > SP_DNS_NAME_MAX)
			return -EBADMSG;
		for (unsigned i = 1; i <= label; i++)
			n += put_octet(text + n, msg[at + i]);
		text[n++] = '.';
		at += label + 1u;
	}
	if (!n)
		text[n++] = '.';
	text[n] = '\0';
	return took ? took : (int)(at + 1 - start);
}
