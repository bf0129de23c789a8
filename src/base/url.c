/* Targets and listeners as written. Nothing is resolved here: the host stays text. */
#include "base/address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/str.h"

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_alnum(char c)
{
	return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* A piece of the text, to be named in a sentence: harmless and not too long. */
struct quote {
	char text[100];
};

static struct quote quote_of(const char *s, size_t len)
{
	struct quote q;
	char piece[80];

	snprintf(piece, sizeof piece, "%.*s", len < 79 ? (int)len : 79, s);
	sp_str_printable(q.text, sizeof q.text, piece);
	return q;
}

__attribute__((format(printf, 3, 4))) static int bad(struct sp_err *e, const char *url,
						     const char *fmt, ...)
{
	char why[300];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(why, sizeof why, fmt, ap);
	va_end(ap);
	return sp_fail(e, -EINVAL, SP_EXIT_USAGE, "%s: %s", quote_of(url, strlen(url)).text,
		       why);
}

/* ---- the pieces ---- */

static int read_scheme(const char *url, size_t len, struct sp_url *u, struct sp_err *e)
{
	if (!len || len >= sizeof u->scheme)
		return bad(e, url, "before '://' the protocol is expected, such as udp://");
	for (size_t i = 0; i < len; i++) {
		char c = url[i];

		if (c >= 'A' && c <= 'Z')
			c = (char)(c + ('a' - 'A'));
		if (!is_alnum(c) && !(i && (c == '-' || c == '+' || c == '.')))
			return bad(e, url, "'%s' is not the name of a protocol",
				   quote_of(url, len).text);
		u->scheme[i] = c;
	}
	return 0;
}

/* Digits at *p; moves *p behind them. 0: no port number. */
static uint16_t read_number(const char **p)
{
	unsigned v = 0;

	for (; is_digit(**p); (*p)++)
		v = v > 65535 ? v : v * 10 + (unsigned)(**p - '0');
	return v > 65535 ? 0 : (uint16_t)v;
}

static int read_ports(const char *url, const char *text, struct sp_url *u, struct sp_err *e)
{
	const char *p = text;

	if (*p == '\0')
		return bad(e, url, "after the last ':' a port number is expected");
	u->port = u->port_last = read_number(&p);
	if (*p == '-' && u->port) {
		p++;
		u->port_last = read_number(&p);
	}
	if (*p == '/')
		return bad(e, url, "a path has no meaning here; end at the port number");
	if (*p != '\0' || !u->port || !u->port_last)
		return bad(e, url,
			   "'%s' is not a port number (1 to 65535, or a range 5001-5010)",
			   quote_of(text, strlen(text)).text);
	if (u->port_last < u->port)
		return bad(e, url, "the range %u-%u runs backwards", (unsigned)u->port,
			   (unsigned)u->port_last);
	return 0;
}

/* The name of an interface after '%': what the kernel takes, without the odd characters. */
static int check_device(const char *url, const char *dev, struct sp_err *e)
{
	size_t n = 0;

	while (is_alnum(dev[n]) || (dev[n] && strchr("._-", dev[n])))
		n++;
	if (!n || n > 15 || dev[n] != '\0')
		return bad(e, url, "'%s' is not the name of an interface",
			   quote_of(dev, strlen(dev)).text);
	return 0;
}

static int check_name(const char *url, const char *name, struct sp_err *e)
{
	struct quote q = quote_of(name, strlen(name));
	const char *shown = q.text;
	uint8_t ip[4];

	if (name[strspn(name, "0123456789.")] == '\0' && inet_pton(AF_INET, name, ip) != 1)
		return bad(e, url, "'%s' is not an IPv4 address%s", shown,
			   strchr(name, '.') ? "" : "; a port number alone is written :5001");
	for (const char *p = name; *p; p++) {
		bool start = p == name || p[-1] == '.';

		if (*p == '/')
			return bad(e, url,
				   "a path has no meaning here; end at the host or port");
		if (*p == '@')
			return bad(e, url, "a user name has no meaning here");
		if ((unsigned char)*p >= 0x80)
			return bad(e, url, "write the name '%s' in its xn-- form", shown);
		if (!is_alnum(*p) && *p != '.' && *p != '-' && *p != '_')
			return bad(e, url, "'%s' is not a host name", shown);
		if (start && (*p == '.' || *p == '-'))
			return bad(e, url, "'%s' is not a host name (a part of it is %s)",
				   shown, *p == '.' ? "empty" : "led by '-'");
	}
	return 0;
}

/* u->host is a v4 address or a name, perhaps with %dev. */
static int check_host(const char *url, struct sp_url *u, struct sp_err *e)
{
	char *dev = strchr(u->host, '%');
	int rc;

	if (dev)
		*dev = '\0';
	rc = *u->host ? check_name(url, u->host, e) : 0;
	if (dev) {
		*dev = '%';
		if (!rc)
			rc = check_device(url, dev + 1, e);
	}
	return rc;
}

static bool is_v6(const char *host, size_t len)
{
	char text[INET6_ADDRSTRLEN];
	uint8_t ip[16];

	if (len >= sizeof text)
		return false;
	memcpy(text, host, len);
	text[len] = '\0';
	return inet_pton(AF_INET6, text, ip) == 1;
}

static int take_v6(const char *url, const char *host, size_t len, struct sp_url *u,
		   struct sp_err *e)
{
	const char *dev = memchr(host, '%', len);
	size_t ip_len = dev ? (size_t)(dev - host) : len;

	if (!is_v6(host, ip_len) || len >= sizeof u->host)
		return bad(e, url, "'%s' is not an IPv6 address", quote_of(host, ip_len).text);
	memcpy(u->host, host, len);
	u->host[len] = '\0';
	dev = strchr(u->host, '%');
	return dev ? check_device(url, dev + 1, e) : 0;
}

static int read_bracketed(const char *url, const char *text, struct sp_url *u, struct sp_err *e)
{
	const char *end = strchr(text, ']');
	int rc;

	if (!end)
		return bad(e, url, "the ']' after the IPv6 address is missing");
	rc = take_v6(url, text + 1, (size_t)(end - text) - 1, u, e);
	if (rc || end[1] == '\0')
		return rc;
	if (end[1] != ':')
		return bad(e, url, "after ']' only ':' and a port number may follow");
	return read_ports(url, end + 2, u, e);
}

/* host, host:ports, :ports, [v6], [v6]:ports, and without a scheme also a bare v6. */
static int read_authority(const char *url, const char *text, struct sp_url *u, struct sp_err *e)
{
	const char *colon = strchr(text, ':'), *zone = strchr(text, '%');
	size_t len = colon ? (size_t)(colon - text) : strlen(text);
	int rc;

	if (*text == '[')
		return read_bracketed(url, text, u, e);
	if (colon && strchr(colon + 1, ':')) {
		size_t ip_len = zone ? (size_t)(zone - text) : strlen(text);

		if (!*u->scheme && is_v6(text, ip_len))
			return take_v6(url, text, strlen(text), u, e);
		return bad(e, url,
			   "an IPv6 address goes into brackets, such as [fd99::2]:5001");
	}
	if (len >= sizeof u->host - 2)
		return bad(e, url, "a host name has at most 253 characters");
	memcpy(u->host, text, len);
	u->host[len] = '\0';
	rc = check_host(url, u, e);
	if (!rc && colon)
		rc = read_ports(url, colon + 1, u, e);
	if (!rc && !*u->host && !u->port)
		rc = bad(e, url, "neither an address nor a port number is given");
	return rc;
}

static bool is_hex(char c)
{
	return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/* What stands after the '?' or from the first '/' on (named by where), as it may be written. */
static int read_rest(const char *url, char where, const char *rest, char *to, size_t cap,
		     struct sp_err *e)
{
	for (const char *p = rest; *p; p++) {
		if (*p <= ' ' || *p == 0x7f || *p == '#' || (unsigned char)*p >= 0x80)
			return bad(e, url,
				   "after '%c' stands a character that is written as %%%02X",
				   where, (unsigned)(unsigned char)*p);
		if (*p == '%' && !(is_hex(p[1]) && is_hex(p[2])))
			return bad(e, url,
				   "after '%c' a '%%' is not followed by two hex digits",
				   where);
	}
	if (sp_strlcpy(to, rest, cap) >= cap)
		return bad(e, url, "the part after '%c' is longer than %zu characters", where,
			   cap - 1);
	return 0;
}

/* The path of an http URL, or NULL. */
static const char *find_path(const struct sp_url *u, const char *start, const char *query)
{
	const char *slash = strchr(start, '/');

	if (strcmp(u->scheme, "http") != 0 && strcmp(u->scheme, "https") != 0)
		return NULL;
	return slash && (!query || slash < query) ? slash : NULL;
}

int sp_url_parse(const char *text, struct sp_url *out, struct sp_err *e)
{
	const char *query = strchr(text, '?');
	const char *scheme_end = strstr(text, "://");
	const char *start = text, *path;
	struct sp_url u = { 0 };
	char authority[320];
	size_t len = query ? (size_t)(query - text) : strlen(text);
	int rc = 0;

	if (*text == '\0')
		return sp_fail(e, -EINVAL, SP_EXIT_USAGE,
			       "a target is empty; write it as udp://10.1.1.2:5001");
	if (scheme_end && (!query || scheme_end < query)) {
		rc = read_scheme(text, (size_t)(scheme_end - text), &u, e);
		start = scheme_end + 3;
		len -= (size_t)(start - text);
	}
	if (rc)
		return rc;
	path = find_path(&u, start, query);
	if (path) {
		len = (size_t)(path - start);
		query = NULL;
	}
	if (len >= sizeof authority)
		return bad(e, text, "the address is too long");
	memcpy(authority, start, len);
	authority[len] = '\0';
	rc = read_authority(text, authority, &u, e);
	if (!rc && query)
		rc = read_rest(text, '?', query + 1, u.query, sizeof u.query, e);
	if (!rc && path)
		rc = read_rest(text, '/', path, u.path, sizeof u.path, e);
	if (!rc)
		*out = u;
	return rc;
}
