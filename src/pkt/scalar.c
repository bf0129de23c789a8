/* One value of a field of fixed width, as text and as a number. */
#include "pkt/field.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/address.h"
#include "base/endian.h"

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

static unsigned digit(char c)
{
	c = lower(c);
	if (c >= '0' && c <= '9')
		return (unsigned)(c - '0');
	return c >= 'a' && c <= 'f' ? (unsigned)(c - 'a') + 10 : 99;
}

static int number(const char *p, size_t len, sp_u128 max, sp_u128 *out)
{
	const char *end = p + len;
	unsigned base = 10;
	sp_u128 v = 0;

	if (len > 2 && p[0] == '0' && lower(p[1]) == 'x') {
		base = 16;
		p += 2;
	}
	if (p == end)
		return -EINVAL;
	for (; p < end; p++) {
		if (digit(*p) >= base)
			return -EINVAL;
		if (digit(*p) > max || v > (max - digit(*p)) / base)
			return -ERANGE;
		v = v * base + digit(*p);
	}
	*out = v;
	return 0;
}

static int mac(const char *p, size_t len, sp_u128 *out)
{
	uint8_t octets[6];
	int rc = sp_mac_parse(p, len, octets);

	*out = rc ? 0 : (sp_u128)sp_get_be16(octets) << 32 | sp_get_be32(octets + 2);
	return rc;
}

static sp_u128 address_number(const struct sp_addr *a)
{
	if (a->family == 4)
		return sp_get_be32(a->ip);
	return (sp_u128)sp_get_be64(a->ip) << 64 | sp_get_be64(a->ip + 8);
}

static int address(const char *p, size_t len, unsigned family, sp_u128 *out)
{
	char text[64];
	struct sp_addr a;

	if (len >= sizeof text)
		return -EINVAL;
	memcpy(text, p, len);
	text[len] = 0;
	if (strpbrk(text, "[%") || sp_addr_parse(text, &a) || a.family != family)
		return -EINVAL;
	*out = address_number(&a);
	return 0;
}

/* The longest name of a bit that text begins with: its length, *bit its number; 0: none. */
static size_t letter(const char *letters, const char *text, size_t len, unsigned *bit)
{
	size_t best = 0;

	for (unsigned i = 0; *letters; i++) {
		size_t n = strcspn(letters, "|"), k = 0;

		while (k < n && k < len && lower(letters[k]) == lower(text[k]))
			k++;
		if (k == n && n > best) {
			best = n;
			*bit = i;
		}
		letters += n + (letters[n] == '|');
	}
	return best;
}

static int flags(const struct sp_field *f, const char *p, size_t len, sp_u128 *out)
{
	sp_u128 v = 0;
	unsigned bit = 0;
	size_t n;

	for (; len; p += n, len -= n) {
		if (*p == '+' || *p == '|') {
			n = 1;
			continue;
		}
		n = letter(f->letters, p, len, &bit);
		if (!n)
			return -EINVAL;
		v |= (sp_u128)1 << bit;
	}
	*out = v;
	return 0;
}

int sp_field_scalar(const struct sp_field *f, const char *text, size_t len, sp_u128 *out)
{
	int rc;

	for (const struct sp_word *w = f->words; w && w->name; w++)
		if (sp_name_is(text, len, w->name, NULL)) {
			*out = w->value;
			return 0;
		}
	rc = number(text, len, sp_field_max(f), out);
	if (rc != -EINVAL)
		return rc;
	switch (f->type) {
	case SP_F_FLAGS:
		return flags(f, text, len, out);
	case SP_F_IP4:
		return address(text, len, 4, out);
	case SP_F_IP6:
		return address(text, len, 6, out);
	case SP_F_MAC:
		return mac(text, len, out);
	default:
		return -EINVAL;
	}
}

static void flags_format(const struct sp_field *f, sp_u128 v, struct sp_str *out)
{
	const char *p = f->letters;
	bool first = true, words = false;
	unsigned n = 0;

	for (const char *q = p; *q; q += strcspn(q, "|"), q += *q == '|', n++)
		words |= strcspn(q, "|") > 1;
	if (!v || v >> n) {
		sp_str_printf(out, "%llu", (unsigned long long)v);
		return;
	}
	for (unsigned i = 0; i < n; i++, p += strcspn(p, "|"), p += *p == '|') {
		if (!(v >> i & 1))
			continue;
		if (!first && words)
			sp_str_puts(out, "+");
		sp_str_put(out, p, strcspn(p, "|"));
		first = false;
	}
}

static void number_format(sp_u128 v, struct sp_str *out)
{
	if (v >> 64)
		sp_str_printf(out, "0x%llx%016llx", (unsigned long long)(v >> 64),
			      (unsigned long long)v);
	else
		sp_str_printf(out, "%llu", (unsigned long long)v);
}

void sp_field_format(const struct sp_field *f, sp_u128 v, struct sp_str *out)
{
	struct sp_addr a = { .family = f->type == SP_F_IP4 ? 4 : 6 };
	char text[64];

	for (const struct sp_word *w = f->words; w && w->name; w++)
		if (w->value == v) {
			sp_str_puts(out, w->name);
			return;
		}
	switch (f->type) {
	case SP_F_FLAGS:
		flags_format(f, v, out);
		break;
	case SP_F_IP4:
		sp_put_be32(a.ip, (uint32_t)v);
		sp_str_puts(out, sp_addr_format(text, sizeof text, &a));
		break;
	case SP_F_IP6:
		sp_put_be64(a.ip, (uint64_t)(v >> 64));
		sp_put_be64(a.ip + 8, (uint64_t)v);
		sp_str_puts(out, sp_addr_format(text, sizeof text, &a));
		break;
	case SP_F_MAC:
		for (unsigned i = 0; i < 6; i++)
			sp_str_printf(out, "%s%02x", i ? ":" : "",
				      (unsigned)(v >> (40 - 8 * i)) & 255);
		break;
	default:
		number_format(v, out);
	}
}

const char *sp_field_wants(const struct sp_field *f, char *buf, size_t cap)
{
	switch (f->type) {
	case SP_F_IP4:
		return "an IPv4 address such as 10.0.0.1";
	case SP_F_IP6:
		return "an IPv6 address such as 2001:db8::1";
	case SP_F_MAC:
		return "a MAC address such as 02:00:00:00:00:01";
	case SP_F_BYTES:
		return "\"text\" in quotes or octets such as 0x0a0b";
	case SP_F_NAME:
		return "a domain name such as \"www.example.com\"";
	case SP_F_ITEMS:
		return "a list in brackets";
	default:
		break;
	}
	if (f->bits < 64)
		snprintf(buf, cap, "a number from 0 to %llu%s%s",
			 (unsigned long long)sp_field_max(f),
			 f->type == SP_F_FLAGS ? " or flags of "
			 : f->words	       ? " or a name"
					       : "",
			 f->type == SP_F_FLAGS ? f->letters : "");
	else
		snprintf(buf, cap, "a number of %u bits", f->bits);
	return buf;
}
