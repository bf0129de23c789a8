#include "base/factor.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>

#define DIGITS_MAX 15u
#define LATEST	   (UINT64_MAX / 2)

static uint64_t ten_to(unsigned n)
{
	uint64_t v = 1;

	while (n--)
		v *= 10;
	return v;
}

/* Digits with perhaps a point: their number, and how many are behind it. */
static const char *read_digits(const char *p, struct sp_factor *f, int *behind)
{
	bool point = false, any = false;
	unsigned digits = 0;

	f->num = 0;
	*behind = 0;
	for (; (*p >= '0' && *p <= '9') || (*p == '.' && !point); p++) {
		if (*p == '.') {
			point = true;
			continue;
		}
		any = true;
		if (digits == DIGITS_MAX)
			return NULL;
		digits += f->num || *p != '0';
		f->num = f->num * 10 + (uint64_t)(*p - '0');
		*behind += point;
	}
	return any ? p : NULL;
}

int sp_factor_parse(const char *p, struct sp_factor *f)
{
	int behind, exponent = 0, sign = 1;

	if (*p == '+')
		p++;
	if (*p == '-')
		return p[1] >= '0' && p[1] <= '9' ? -ERANGE : -EINVAL;
	p = read_digits(p, f, &behind);
	if (p && (*p == 'e' || *p == 'E')) {
		p++;
		if (*p == '-' || *p == '+')
			sign = *p++ == '-' ? -1 : 1;
		if (*p < '0' || *p > '9')
			return -EINVAL;
		for (; *p >= '0' && *p <= '9' && exponent < 100; p++)
			exponent = exponent * 10 + (*p - '0');
	}
	if (!p || *p)
		return -EINVAL;
	if (!f->num)
		return -ERANGE;
	behind -= sign * exponent;
	for (; behind > 0 && f->num % 10 == 0; behind--)
		f->num /= 10;
	if (behind > (int)DIGITS_MAX || behind < -6)
		return -ERANGE;
	f->den = behind > 0 ? ten_to((unsigned)behind) : 1;
	if (behind < 0 && __builtin_mul_overflow(f->num, ten_to((unsigned)-behind), &f->num))
		return -ERANGE;
	return f->num / f->den > 1000000 ? -ERANGE : 0;
}

uint64_t sp_factor_scale(const struct sp_factor *f, uint64_t ns)
{
	unsigned __int128 v = (unsigned __int128)ns * f->num;

	v = (v + f->den - 1) / f->den;
	return v > LATEST ? LATEST : (uint64_t)v;
}
