#include "proto/dns/scan.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/address.h"
#include "base/endian.h"
#include "base/str.h"

#define TTL_DFLT 3600u
#define TTL_MAX	 0x7fffffffu /* RFC 2181, 8 */
#define TEXT_MAX 255u

enum word { WORD, LINE_END, FILE_END, BAD };

void sp_zone_scan_init(struct sp_zone_scan *s, const char *text, size_t len, const char *file)
{
	*s = (struct sp_zone_scan){
		.p = text, .end = text + len, .file = file, .line = 1, .ttl = TTL_DFLT
	};
	s->origin[0] = '.';
}

static int fail(const struct sp_zone_scan *s, struct sp_err *err, const char *what,
		const char *word)
{
	char shown[80];

	sp_str_printable(shown, sizeof shown, word);
	return sp_fail(err, -EINVAL, SP_EXIT_DATA, "%s:%u: %s%s%s%s", s->file, s->at, what,
		       *word ? " '" : "", shown, *word ? "'" : "");
}

/* ---- words ---- */

/* Blanks, comments, and line ends inside brackets. */
static void skip(struct sp_zone_scan *s)
{
	while (s->p < s->end) {
		char c = *s->p;

		if (c == ';') {
			while (s->p < s->end && *s->p != '\n')
				s->p++;
			continue;
		}
		if (c == '(') {
			s->depth++;
		} else if (c == ')' && s->depth) {
			s->depth--;
		} else if (c == '\n' && s->depth) {
			s->line++;
		} else if (c != ' ' && c != '\t' && c != '\r') {
			return;
		}
		s->p++;
	}
}

static bool ends_word(const struct sp_zone_scan *s, char c)
{
	if (s->quoted)
		return c == '"' || c == '\n';
	return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == ';' || c == '(' ||
	       c == ')';
}

/* The next word of the line into s->word. */
static enum word next(struct sp_zone_scan *s)
{
	size_t n = 0;

	s->word[0] = '\0';
	skip(s);
	s->at = s->line;
	if (s->p == s->end)
		return s->depth ? BAD : FILE_END;
	if (*s->p == '\n') {
		s->p++;
		s->line++;
		return LINE_END;
	}
	s->quoted = *s->p == '"';
	s->p += s->quoted;
	while (s->p < s->end && !ends_word(s, *s->p)) {
		bool escape = *s->p == '\\' && s->p + 1 < s->end && s->p[1] != '\n';

		if (!*s->p || n + 3 > sizeof s->word)
			return BAD;
		if (escape)
			s->word[n++] = *s->p++;
		s->word[n++] = *s->p++;
	}
	s->word[n] = '\0';
	if (!s->quoted)
		return WORD;
	if (s->p == s->end || *s->p != '"')
		return BAD;
	s->p++;
	return WORD;
}

static enum word line_end(struct sp_zone_scan *s)
{
	enum word w = next(s);

	return w == LINE_END || w == FILE_END ? LINE_END : BAD;
}

/* "3600", "1h", "2d": false: neither. */
static bool number(const char *text, uint64_t max, uint32_t *out)
{
	static const char units[] = "smhdw";
	static const uint32_t seconds[] = { 1, 60, 3600, 86400, 604800 };
	const char *unit;
	uint64_t v = 0;

	if (*text < '0' || *text > '9')
		return false;
	for (; *text >= '0' && *text <= '9'; text++) {
		v = v * 10 + (uint64_t)(*text - '0');
		if (v > max)
			return false;
	}
	if (*text) {
		unit = strchr(units, *text | 0x20);
		if (!unit || text[1])
			return false;
		v *= seconds[unit - units];
	}
	*out = (uint32_t)v;
	return v <= max;
}

/* ---- names ---- */

static bool is_absolute(const char *name)
{
	size_t n = strlen(name), slashes = 0;

	if (!n || name[n - 1] != '.')
		return false;
	while (slashes + 1 < n && name[n - 2 - slashes] == '\\')
		slashes++;
	return slashes % 2 == 0;
}

/* s->word as a name; its length on the wire, or -EINVAL. */
static int name(const struct sp_zone_scan *s, uint8_t wire[SP_DNS_NAME_MAX])
{
	char full[SP_ZONE_WORD_MAX + SP_DNS_TEXT_MAX + 2];
	int n;

	if (strcmp(s->word, "@") == 0)
		sp_strlcpy(full, s->origin, sizeof full);
	else if (is_absolute(s->word) || strcmp(s->origin, ".") == 0)
		sp_strlcpy(full, s->word, sizeof full);
	else
		snprintf(full, sizeof full, "%s.%s", s->word, s->origin);
	n = sp_dns_name_put(wire, full);
	for (int i = 0; i < n; i++)
		if (wire[i] >= 'A' && wire[i] <= 'Z')
			wire[i] |= 0x20;
	return n < 0 ? -EINVAL : n;
}

/* ---- data ---- */

struct type {
	const char *name;
	uint16_t type;
	/* What its data is: words of n a name, a 4 or 6 address, s a 16-bit number, u a 32-bit one,
	 * t one or more texts. */
	const char *words;
};

static const struct type types[] = {
	{ "A", SP_DNS_A, "4" },		  { "AAAA", SP_DNS_AAAA, "6" },
	{ "CNAME", SP_DNS_CNAME, "n" },	  { "NS", SP_DNS_NS, "n" },
	{ "MX", SP_DNS_MX, "sn" },	  { "TXT", SP_DNS_TXT, "t" },
	{ "SOA", SP_DNS_SOA, "nnuuuuu" },
};

static const struct type *find_type(const char *word)
{
	for (size_t i = 0; i < sizeof types / sizeof *types; i++)
		if (strcasecmp(types[i].name, word) == 0)
			return &types[i];
	return NULL;
}

static int put(struct sp_zone_record *r, const void *data, size_t len)
{
	if (r->data_len + len > sizeof r->data)
		return -EINVAL;
	memcpy(r->data + r->data_len, data, len);
	r->data_len = (uint16_t)(r->data_len + len);
	return 0;
}

static int put_address(struct sp_zone_record *r, const char *word, uint8_t family)
{
	struct sp_addr a;

	if (sp_addr_parse(word, &a) || a.family != family || a.scope)
		return -EINVAL;
	return put(r, a.ip, family == 4 ? 4 : 16);
}

static int put_text(struct sp_zone_record *r, const char *word)
{
	uint8_t text[TEXT_MAX + 1];
	size_t n = 0;

	for (; *word; word++) {
		unsigned c = (unsigned char)*word;

		if (c == '\\' && word[1] >= '0' && word[1] <= '9') {
			if (strspn(word + 1, "0123456789") < 3)
				return -EINVAL;
			c = (unsigned)(word[1] - '0') * 100 + (unsigned)(word[2] - '0') * 10 +
			    (unsigned)(word[3] - '0');
			word += 3;
		} else if (c == '\\' && word[1]) {
			c = (unsigned char)*++word;
		}
		if (c > 255 || n == TEXT_MAX)
			return -EINVAL;
		text[1 + n++] = (uint8_t)c;
	}
	text[0] = (uint8_t)n;
	return put(r, text, n + 1);
}

static int put_word(const struct sp_zone_scan *s, char kind, struct sp_zone_record *r)
{
	uint8_t wire[SP_DNS_NAME_MAX], bytes[4];
	uint32_t v;
	int n;

	switch (kind) {
	case '4':
		return put_address(r, s->word, 4);
	case '6':
		return put_address(r, s->word, 6);
	case 't':
		return put_text(r, s->word);
	case 'n':
		n = name(s, wire);
		return n < 0 ? n : put(r, wire, (size_t)n);
	default:
		if (!number(s->word, kind == 's' ? UINT16_MAX : UINT32_MAX, &v))
			return -EINVAL;
		sp_put_be32(bytes, v);
		return kind == 's' ? put(r, bytes + 2, 2) : put(r, bytes, 4);
	}
}

/* All words of the data; the line ends behind them. */
static int read_data(struct sp_zone_scan *s, const struct type *t, struct sp_zone_record *r,
		     struct sp_err *err)
{
	enum word w = WORD;

	for (const char *kind = t->words; *kind; kind++) {
		w = next(s);
		if (w == BAD)
			return fail(s, err, "a text or bracket is not closed", "");
		if (w != WORD)
			return fail(s, err, "data is missing behind type", t->name);
		if (put_word(s, *kind, r))
			return fail(s, err, "this is no data of its type:", s->word);
	}
	if (strcmp(t->words, "t") != 0)
		return line_end(s) == LINE_END
			       ? 1
			       : fail(s, err, "something is left behind the data:", s->word);
	while ((w = next(s)) == WORD)
		if (put_word(s, 't', r))
			return fail(s, err, "this is no text of at most 255 bytes:", s->word);
	return w == BAD ? fail(s, err, "a text or bracket is not closed", "") : 1;
}

/* ---- lines ---- */

static int directive(struct sp_zone_scan *s, struct sp_err *err)
{
	uint8_t wire[SP_DNS_NAME_MAX];
	char text[SP_DNS_TEXT_MAX];
	bool origin = strcasecmp(s->word, "$ORIGIN") == 0;
	int n;

	if (!origin && strcasecmp(s->word, "$TTL") != 0)
		return fail(s, err, "there is $ORIGIN and $TTL, but not", s->word);
	if (next(s) != WORD)
		return fail(s, err, "a value is missing", "");
	if (origin) {
		n = name(s, wire);
		if (n < 0 || sp_dns_name_get(text, wire, (size_t)n, 0) < 0)
			return fail(s, err, "this is no name:", s->word);
		sp_strlcpy(s->origin, text, sizeof s->origin);
	} else if (!number(s->word, TTL_MAX, &s->ttl)) {
		return fail(s, err, "this is no time in seconds:", s->word);
	}
	return line_end(s) == LINE_END ? 0 : fail(s, err, "something is left:", s->word);
}

/* The word is an owner's, or (same) the line is about the last one. */
static int read_record(struct sp_zone_scan *s, bool same, struct sp_zone_record *r,
		       struct sp_err *err)
{
	const struct type *t = NULL;
	int n;

	if (!same) {
		n = name(s, s->owner);
		if (n < 0)
			return fail(s, err, "this is no name:", s->word);
		s->owner_len = (uint16_t)n;
		if (next(s) != WORD)
			return fail(s, err, "a type is missing", "");
	}
	if (!s->owner_len)
		return fail(s, err, "the first record has no name", "");
	*r = (struct sp_zone_record){ .owner = s->owner,
				      .owner_len = s->owner_len,
				      .ttl = s->ttl };
	for (;;) {
		t = find_type(s->word);
		if (t)
			break;
		if (strcasecmp(s->word, "IN") != 0 && !number(s->word, TTL_MAX, &r->ttl))
			return fail(
				s, err,
				"types are A, AAAA, CNAME, TXT, MX, NS and SOA, class IN; not",
				s->word);
		if (next(s) != WORD)
			return fail(s, err, "a type is missing", "");
	}
	r->type = t->type;
	return read_data(s, t, r, err);
}

int sp_zone_scan_next(struct sp_zone_scan *s, struct sp_zone_record *r, struct sp_err *err)
{
	int rc;

	for (;;) {
		bool same = s->p < s->end && (*s->p == ' ' || *s->p == '\t');
		enum word w = next(s);

		if (w == FILE_END)
			return 0;
		if (w == BAD)
			return fail(s, err, "a text or bracket is not closed, or too long", "");
		if (w == LINE_END)
			continue;
		if (s->word[0] != '$' || s->quoted || same)
			return read_record(s, same, r, err);
		rc = directive(s, err);
		if (rc)
			return rc;
	}
}
