#include "proto/http/head.h"

#include <string.h>

#include "plugin/proto.h"
#include "proto/http/scan.h"

static const struct sp_http_fault faults[SP_HTTP_BADS] = {
	[SP_HTTP_BAD_CHAR] = { 400, SP_WHY_OTHER, "a control character stands in the head" },
	[SP_HTTP_BAD_CR] = { 400, SP_WHY_OTHER, "a line does not end with CR LF" },
	[SP_HTTP_BAD_START] = { 400, SP_WHY_OTHER, "the first line is not HTTP" },
	[SP_HTTP_BAD_TARGET] = { 400, SP_WHY_OTHER, "the request's target is malformed" },
	[SP_HTTP_BAD_VERSION] = { 505, SP_WHY_OTHER, "the version is not HTTP/1.x" },
	[SP_HTTP_BAD_METHOD] = { 501, SP_WHY_OTHER, "the method is not known" },
	[SP_HTTP_BAD_FIELD] = { 400, SP_WHY_OTHER, "a header line is malformed" },
	[SP_HTTP_BAD_FOLD] = { 400, SP_WHY_OTHER, "a header line is folded" },
	[SP_HTTP_BAD_HOST] = { 400, SP_WHY_OTHER, "Host is missing, double or malformed" },
	[SP_HTTP_BAD_LENGTH] = { 400, SP_WHY_OTHER, "Content-Length is malformed or double" },
	[SP_HTTP_BAD_CODING] = { 400, SP_WHY_OTHER,
				 "Transfer-Encoding leaves the length in doubt" },
	[SP_HTTP_BAD_CODED] = { 501, SP_WHY_OTHER, "the transfer coding is not known" },
	[SP_HTTP_BAD_EXPECT] = { 417, SP_WHY_OTHER, "the expectation is not known" },
	[SP_HTTP_BAD_CHUNK] = { 400, SP_WHY_OTHER, "a chunk is malformed" },
	[SP_HTTP_BAD_SWITCH] = { 0, SP_WHY_OTHER, "101 switches protocols, unasked" },
	[SP_HTTP_LONG_START] = { 414, SP_WHY_TOO_BIG, "the first line is longer than 8 KiB" },
	[SP_HTTP_LONG_HEAD] = { 431, SP_WHY_TOO_BIG,
				"a header line is longer than 8 KiB, or all of them than 32" },
	[SP_HTTP_LONG_BODY] = { 413, SP_WHY_TOO_BIG, "the body is larger than is accepted" },
	[SP_HTTP_LATE] = { 408, SP_WHY_TIMEOUT, "it was not complete in time" },
	[SP_HTTP_CUT] = { 0, SP_WHY_RESET, "the peer ended in the middle of a message" },
};

const struct sp_http_fault *sp_http_fault_of(enum sp_http_bad bad)
{
	return &faults[bad < SP_HTTP_BADS ? bad : 0];
}

int sp_http_line(const struct sp_http_head *h, const uint8_t **p, const uint8_t *end,
		 const uint8_t **eol)
{
	const uint8_t *e = sp_http_scan(*p, end);

	if (e - *p > (ptrdiff_t)SP_HTTP_LINE_MAX)
		return -SP_HTTP_LONG_HEAD;
	if (e == end)
		return 0;
	*eol = e;
	if (*e == '\r') {
		if (++e == end)
			return 0;
		if (*e != '\n')
			return -SP_HTTP_BAD_CR;
	} else if (*e != '\n') {
		return -SP_HTTP_BAD_CHAR;
	} else if (h->strict) {
		return -SP_HTTP_BAD_CR;
	}
	*p = e + 1;
	return 1;
}

/* RFC 9110 5.6.2: the characters of a token. */
#define LETTERS                                                                                \
	['a'] = 1, ['b'] = 1, ['c'] = 1, ['d'] = 1, ['e'] = 1, ['f'] = 1, ['g'] = 1,           \
	['h'] = 1, ['i'] = 1, ['j'] = 1, ['k'] = 1, ['l'] = 1, ['m'] = 1, ['n'] = 1,           \
	['o'] = 1, ['p'] = 1, ['q'] = 1, ['r'] = 1, ['s'] = 1, ['t'] = 1, ['u'] = 1,           \
	['v'] = 1, ['w'] = 1, ['x'] = 1, ['y'] = 1, ['z'] = 1, ['A'] = 1, ['B'] = 1,           \
	['C'] = 1, ['D'] = 1, ['E'] = 1, ['F'] = 1, ['G'] = 1, ['H'] = 1, ['I'] = 1,           \
	['J'] = 1, ['K'] = 1, ['L'] = 1, ['M'] = 1, ['N'] = 1, ['O'] = 1, ['P'] = 1,           \
	['Q'] = 1, ['R'] = 1, ['S'] = 1, ['T'] = 1, ['U'] = 1, ['V'] = 1, ['W'] = 1,           \
	['X'] = 1, ['Y'] = 1, ['Z'] = 1, ['0'] = 1, ['1'] = 1, ['2'] = 1, ['3'] = 1,           \
	['4'] = 1, ['5'] = 1, ['6'] = 1, ['7'] = 1, ['8'] = 1, ['9'] = 1

static const uint8_t token[256] = {
	LETTERS,   ['!'] = 1, ['#'] = 1, ['$'] = 1, ['%'] = 1, ['&'] = 1, ['\''] = 1, ['*'] = 1,
	['+'] = 1, ['-'] = 1, ['.'] = 1, ['^'] = 1, ['_'] = 1, ['`'] = 1, ['|'] = 1,  ['~'] = 1
};

/* RFC 3986 3.2.2 and a port number: what Host may hold. */
static const uint8_t hosty[256] = {
	LETTERS,   ['-'] = 1, ['.'] = 1,  ['_'] = 1, ['~'] = 1, ['%'] = 1, ['!'] = 1,
	['$'] = 1, ['&'] = 1, ['\''] = 1, ['('] = 1, [')'] = 1, ['*'] = 1, ['+'] = 1,
	[','] = 1, [';'] = 1, ['='] = 1,  [':'] = 1, ['['] = 1, [']'] = 1
};

static inline bool blank(uint8_t c)
{
	return c == ' ' || c == '\t';
}

static inline bool digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

/* word is in lower case; of letters, digits, '-', ':' and '/', which have the bit 0x20. Only capitals
 * and control characters gain it and become one of these, and a line holds no control characters. */
static inline bool same(const uint8_t *p, const char *word, size_t len)
{
	uint64_t x, w;
	size_t i = 0;

	for (; i + 8 <= len; i += 8) {
		memcpy(&x, p + i, 8);
		memcpy(&w, word + i, 8);
		if ((x | SP_HTTP_EACH(0x20)) != w)
			return false;
	}
	for (; i < len; i++)
		if ((p[i] | 0x20) != word[i])
			return false;
	return true;
}
#define SAME(p, len, word) ((len) == sizeof(word) - 1 && same(p, word, sizeof(word) - 1))

static int method_of(const uint8_t *p, size_t len)
{
	static const char *const names[] = { "GET",    "HEAD",	  "POST", "PUT",
					     "DELETE", "OPTIONS", "PATCH" };

	for (int i = 0; i < SP_HTTP_METHODS; i++)
		if (strlen(names[i]) == len && !memcmp(p, names[i], len))
			return i;
	return -1;
}

/* "HTTP/1.x" at p, of which there are len bytes. */
static enum sp_http_bad version(struct sp_http_head *h, const uint8_t *p, size_t len)
{
	if (len != 8 || memcmp(p, "HTTP/", 5) || !digit(p[5]) || p[6] != '.' || !digit(p[7]))
		return SP_HTTP_BAD_START;
	h->minor = p[7] != '0';
	return p[5] == '1' ? SP_HTTP_FINE : SP_HTTP_BAD_VERSION;
}

enum sp_http_bad sp_http_request_line(struct sp_http_head *h, const uint8_t *p,
				      const uint8_t *e)
{
	const uint8_t *target, *sp = p;
	enum sp_http_bad bad;
	int method;

	while (sp < e && token[*sp])
		sp++;
	if (sp == p || sp == e || *sp != ' ')
		return SP_HTTP_BAD_START;
	method = method_of(p, (size_t)(sp - p));
	target = sp + 1;
	sp = memchr(target, ' ', (size_t)(e - target));
	if (!sp)
		return SP_HTTP_BAD_START;
	bad = version(h, sp + 1, (size_t)(e - sp - 1));
	if (bad)
		return bad;
	if (memchr(target, '\t', (size_t)(sp - target)))
		return SP_HTTP_BAD_TARGET;
	if (method < 0)
		return SP_HTTP_BAD_METHOD;
	h->method = (uint8_t)method;
	if (*target == '/' ||
	    (*target == '*' && sp == target + 1 && method == SP_HTTP_OPTIONS) ||
	    (sp - target > 7 && same(target, "http://", 7)) ||
	    (sp - target > 8 && same(target, "https://", 8)))
		return SP_HTTP_FINE;
	return SP_HTTP_BAD_TARGET;
}

enum sp_http_bad sp_http_status_line(struct sp_http_head *h, const uint8_t *p, const uint8_t *e)
{
	enum sp_http_bad bad;

	if (e - p < 12 || p[8] != ' ')
		return SP_HTTP_BAD_START;
	bad = version(h, p, 8);
	if (bad)
		return bad;
	if (p[9] < '1' || p[9] > '5' || !digit(p[10]) || !digit(p[11]) ||
	    (e - p > 12 && p[12] != ' '))
		return SP_HTTP_BAD_START;
	h->status = (uint16_t)((p[9] - '0') * 100 + (p[10] - '0') * 10 + (p[11] - '0'));
	return SP_HTTP_FINE;
}

static enum sp_http_bad content_length(struct sp_http_head *h, const uint8_t *p,
				       const uint8_t *e)
{
	uint64_t v = 0;

	if (p == e || e - p > 18)
		return SP_HTTP_BAD_LENGTH;
	for (; p < e; p++) {
		if (!digit(*p))
			return SP_HTTP_BAD_LENGTH;
		v = v * 10 + (uint64_t)(*p - '0');
	}
	if (h->flags & SP_HTTP_LENGTH && (h->strict || h->length != v))
		return SP_HTTP_BAD_LENGTH;
	h->length = v;
	h->flags |= SP_HTTP_LENGTH;
	return SP_HTTP_FINE;
}

/* The next element of a comma-separated list, without blanks around; false at the end. */
static bool element(const uint8_t **p, const uint8_t *e, const uint8_t **word, size_t *len)
{
	const uint8_t *at = *p, *stop;

	if (at > e)
		return false;
	stop = memchr(at, ',', (size_t)(e - at));
	if (!stop)
		stop = e;
	*p = stop + 1;
	while (at < stop && blank(*at))
		at++;
	while (stop > at && blank(stop[-1]))
		stop--;
	*word = at;
	*len = (size_t)(stop - at);
	return true;
}

/* The list of all lines together: chunked once, and last (RFC 9112 6.1). */
static enum sp_http_bad transfer_encoding(struct sp_http_head *h, const uint8_t *p,
					  const uint8_t *e)
{
	const uint8_t *word;
	size_t len;

	while (element(&p, e, &word, &len)) {
		if (!len || h->flags & SP_HTTP_CHUNKED)
			return SP_HTTP_BAD_CODING;
		h->flags |= SAME(word, len, "chunked") ? SP_HTTP_CHUNKED : SP_HTTP_CODED;
	}
	return SP_HTTP_FINE;
}

static enum sp_http_bad connection(struct sp_http_head *h, const uint8_t *p, const uint8_t *e)
{
	const uint8_t *word;
	size_t len;

	while (element(&p, e, &word, &len)) {
		if (SAME(word, len, "close"))
			h->flags |= SP_HTTP_CLOSE;
		else if (SAME(word, len, "keep-alive"))
			h->flags |= SP_HTTP_KEEP;
	}
	return SP_HTTP_FINE;
}

static enum sp_http_bad host(struct sp_http_head *h, const uint8_t *p, const uint8_t *e)
{
	if (h->flags & SP_HTTP_HOST)
		return SP_HTTP_BAD_HOST;
	h->flags |= SP_HTTP_HOST;
	while (p < e && hosty[*p])
		p++;
	return p == e ? SP_HTTP_FINE : SP_HTTP_BAD_HOST;
}

/* Fields that a machine acts on. Which of them depends on who reads. */
static enum sp_http_bad known_field(struct sp_http_head *h, const uint8_t *name, size_t len,
				    const uint8_t *p, const uint8_t *e)
{
	while (p < e && blank(*p))
		p++;
	while (e > p && blank(e[-1]))
		e--;
	if (SAME(name, len, "content-length"))
		return content_length(h, p, e);
	if (SAME(name, len, "connection"))
		return connection(h, p, e);
	if (SAME(name, len, "transfer-encoding"))
		return transfer_encoding(h, p, e);
	h->flags |= SP_HTTP_FOLDS;
	if (!h->strict)
		return SP_HTTP_FINE;
	if (SAME(name, len, "host"))
		return host(h, p, e);
	if (!SAME(name, len, "expect"))
		return SP_HTTP_FINE;
	if (!SAME(p, (size_t)(e - p), "100-continue"))
		return SP_HTTP_BAD_EXPECT;
	h->flags |= SP_HTTP_EXPECT;
	return SP_HTTP_FINE;
}

/* The length of the name before the colon; 0: it is not a field line. */
static size_t name_length(const uint8_t *p, const uint8_t *e)
{
	const uint8_t *at = p;
	uint64_t x;

	/* Most names are of letters and '-': eight at a time. */
	for (; e - at >= 8; at += 8) {
		memcpy(&x, at, 8);
		x = sp_http_others(le64toh(x));
		if (x) {
			at += __builtin_ctzll(x) / 8;
			break;
		}
	}
	while (at < e && token[*at])
		at++;
	return at < e && *at == ':' ? (size_t)(at - p) : 0;
}

enum sp_http_bad sp_http_field(struct sp_http_head *h, const uint8_t *p, const uint8_t *e)
{
	size_t len;

	if (blank(*p))
		return !h->strict && h->flags & SP_HTTP_FOLDS ? SP_HTTP_FINE : SP_HTTP_BAD_FOLD;
	len = name_length(p, e);
	h->flags &= (uint8_t)~SP_HTTP_FOLDS;
	switch (len) {
	case 0:
		return SP_HTTP_BAD_FIELD;
	case sizeof "host" - 1:
	case sizeof "expect" - 1:
	case sizeof "connection" - 1:
	case sizeof "content-length" - 1:
	case sizeof "transfer-encoding" - 1:
		return known_field(h, p, len, p + len + 1, e);
	default:
		h->flags |= SP_HTTP_FOLDS;
		return SP_HTTP_FINE;
	}
}

enum sp_http_bad sp_http_trailer(const struct sp_http_head *h, const uint8_t *p,
				 const uint8_t *e)
{
	if (blank(*p))
		return h->strict ? SP_HTTP_BAD_FOLD : SP_HTTP_FINE;
	return name_length(p, e) ? SP_HTTP_FINE : SP_HTTP_BAD_FIELD;
}
