#include "proto/http/conf.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "base/str.h"
#include "pkt/pattern.h"
#include "proto/http/scan.h"

#define OFF(member) offsetof(struct sp_http_conf, member)

const struct sp_opt sp_http_opts[] = {
	{ "header", SP_OPT_TEXT, OFF(header), NULL, NULL, 0, 0,
	  "more header lines, a line feed between" },
	{ "close", SP_OPT_BOOL, OFF(close), NULL, NULL, 0, 0, "a connection a request" },
	{ "method", SP_OPT_ENUM, OFF(method), "auto", "auto|" SP_HTTP_METHOD_NAMES, 0, 0,
	  "of the request; auto: POST where a size is given, else GET" },
	{ "path", SP_OPT_TEXT, OFF(path), "/", NULL, 0, 0, "the request's target" },
	{ "host_header", SP_OPT_TEXT, OFF(host), NULL, NULL, 0, 0,
	  "the request's Host; default: the target as written" },
	{ "timeout", SP_OPT_TIME, OFF(timeout_ns), "10s", NULL, 1, 0,
	  "how long a client waits for an answer" },
	{ "status", SP_OPT_U64, OFF(status), "200", NULL, 200, 599, "of a server's answers" },
	{ "body", SP_OPT_SIZE, OFF(body), "0", NULL, 0, UINT64_C(1) << 50,
	  "bytes in the body of a server's answers" },
	{ "max_body", SP_OPT_SIZE, OFF(max_body), "1GiB", NULL, 0, UINT64_C(1) << 50,
	  "a server refuses requests with a larger body" },
	{ "delay", SP_OPT_TIME, OFF(delay_ns), "0", NULL, 0, UINT64_C(3600000000000),
	  "a server waits so long before each answer" },
	{ "stall", SP_OPT_TIME, OFF(stall_ns), "0", NULL, 0, UINT64_C(3600000000000),
	  "a server answers nothing for so long once in each stall_every" },
	{ "stall_every", SP_OPT_TIME, OFF(stall_every_ns), "1s", NULL, 1,
	  UINT64_C(3600000000000), "from one stall to the next" },
	{ "idle", SP_OPT_TIME, OFF(idle_ns), "60s", NULL, 1, 0,
	  "a server closes connections that are unused or do not read for so long" },
	{ "head_time", SP_OPT_TIME, OFF(head_ns), "10s", NULL, 1, 0,
	  "a request's head must be complete in so long" },
	{ "body_time", SP_OPT_TIME, OFF(body_ns), "20s", NULL, 1, 0,
	  "a request's body may take so long, and 2 ms for each byte that came" },
	{ .name = NULL },
};

/* Fields that the machines write themselves. */
static const char *own_field(const char *line, size_t len)
{
	static const char *const rows[][2] = {
		{ "content-length", "--size or body sets it" },
		{ "transfer-encoding", "spate sends none" },
		{ "connection", "--close sets it" },
		{ "host", "--host-header sets it" },
		{ "expect", "spate does not wait for 100" },
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (len == strlen(rows[i][0]) && !strncasecmp(line, rows[i][0], len))
			return rows[i][1];
	return NULL;
}

static int check_header_line(const char *line, size_t len, struct sp_err *err)
{
	const struct sp_http_head strict = { .strict = true };
	const uint8_t *p = (const uint8_t *)line;
	const char *own;
	char text[64];

	sp_strlcpy(text, line, len + 1 < sizeof text ? len + 1 : sizeof text);
	if (sp_http_scan(p, p + len) != p + len || sp_http_trailer(&strict, p, p + len) ||
	    len > SP_HTTP_LINE_MAX)
		return sp_fail(err, -EINVAL, SP_EXIT_USAGE,
			       "http: '%s' is not a header line; write NAME: VALUE", text);
	own = own_field(line, strcspn(line, ":"));
	if (own)
		return sp_fail(err, -EINVAL, SP_EXIT_USAGE, "http: header '%s': %s", text, own);
	return 0;
}

static int check_header(const char *header, struct sp_err *err)
{
	size_t total = 0;

	while (*header) {
		size_t len = strcspn(header, "\n");
		int r = len ? check_header_line(header, len, err) : 0;

		if (r)
			return r;
		total += len;
		header += len + (header[len] == '\n');
	}
	if (total > SP_HTTP_HEAD_MAX / 2)
		return sp_fail(err, -EINVAL, SP_EXIT_USAGE,
			       "http: the header lines have more than %u bytes",
			       SP_HTTP_HEAD_MAX / 2);
	return 0;
}

/* Would a request line with this target, or a Host of this, be taken by a strict server? */
static bool good_target(int method, const char *path)
{
	struct sp_http_head h = { .strict = true };
	const uint8_t *p = (const uint8_t *)path;
	size_t len = strlen(path);

	if (len > SP_HTTP_LINE_MAX / 2 || sp_http_scan(p, p + len) != p + len ||
	    strpbrk(path, " \t"))
		return false;
	return *path == '/' || !strncmp(path, "http://", 7) || !strncmp(path, "https://", 8) ||
	       (!strcmp(path, "*") && method == SP_HTTP_OPTIONS + 1 && h.strict);
}

static bool good_host(const char *host)
{
	struct sp_http_head h = { .strict = true };
	char line[300] = "Host:";

	return sp_strlcpy(line + 5, host, sizeof line - 5) < sizeof line - 5 &&
	       !sp_http_field(&h, (const uint8_t *)line, (const uint8_t *)line + strlen(line));
}

int sp_http_check(const void *conf, struct sp_err *err)
{
	const struct sp_http_conf *c = conf;

	if (!c)
		return 0;
	if (c->path && !good_target(c->method, c->path))
		return sp_fail(err, -EINVAL, SP_EXIT_USAGE,
			       "http: the path must begin with / and hold neither blanks nor "
			       "control characters; write %%20 for a blank");
	if (c->host && !good_host(c->host))
		return sp_fail(err, -EINVAL, SP_EXIT_USAGE, "http: '%.64s' is not a host",
			       c->host);
	if (c->stall_ns && c->stall_ns >= c->stall_every_ns)
		return sp_fail(err, -EINVAL, SP_EXIT_USAGE,
			       "http: stall must be shorter than stall_every");
	return c->header ? check_header(c->header, err) : 0;
}

/* Defaults where nothing was said. The texts live in the arena. */
static int settle(struct sp_http_conf *c, const void *conf, struct sp_arena *arena,
		  struct sp_err *err)
{
	if (!conf)
		return sp_opts_default(sp_http_opts, c, arena, err);
	memcpy(c, conf, sizeof *c);
	return 0;
}

/* The offsets that sp_http_make_* noted become addresses. */
static void point(struct sp_proto *p, struct sp_http_ready *r)
{
	r->bytes = p->bytes + (uintptr_t)r->bytes;
}

static int prepare(struct sp_proto *p, const struct sp_proto_args *args, struct sp_str *text)
{
	uint64_t body;

	if (p->role == SP_ROLE_CLIENT)
		sp_http_make_request(p, args, text);
	else
		sp_http_make_answers(p, text);
	if (text->failed)
		return -ENOMEM;
	p->bytes = sp_alloc(p->mem, text->len + 1);
	if (!p->bytes)
		return -ENOMEM;
	memcpy(p->bytes, text->text, text->len);
	point(p, &p->request);
	for (unsigned i = 0; i < SP_HTTP_ANSWERS; i++)
		point(p, &p->answer[i]);
	body = p->request.body + p->answer[SP_HTTP_ANSWER].body;
	if (p->varies)
		body = args->size;
	if (body)
		p->block = sp_pattern_new(p->mem, SP_PATTERN_DEFAULT,
					  body < SP_HTTP_BLOCK ? (size_t)body : SP_HTTP_BLOCK);
	return body && !p->block ? -ENOMEM : 0;
}

int sp_http_open(struct sp_proto **out, const struct sp_proto_args *args,
		 const struct sp_mem *mem, struct sp_err *err)
{
	struct sp_proto *p = sp_alloc(mem, sizeof *p);
	struct sp_arena arena;
	struct sp_str text;
	int r;

	sp_arena_init(&arena, mem);
	sp_str_init(&text, mem);
	r = -ENOMEM;
	if (!p)
		goto out;
	p->mem = mem;
	p->role = args->role;
	r = settle(&p->conf, args->conf, &arena, err);
	if (!r)
		r = sp_http_check(&p->conf, err);
	if (!r && args->authority && !good_host(args->authority))
		r = sp_fail(err, -EINVAL, SP_EXIT_USAGE, "http: '%.64s' is not a host",
			    args->authority);
	if (!r)
		r = prepare(p, args, &text);
	/* They were copied into the messages, and die with the arena. */
	p->conf.header = p->conf.path = p->conf.host = NULL;
out:
	sp_str_fini(&text);
	sp_arena_fini(&arena);
	if (r == -ENOMEM)
		sp_fail(err, r, SP_EXIT_FAILED, "http: not enough memory");
	if (r) {
		sp_http_close(p);
		return r;
	}
	*out = p;
	return 0;
}

void sp_http_close(struct sp_proto *p)
{
	if (!p)
		return;
	sp_free(p->mem, p->bytes);
	sp_free(p->mem, p->block);
	sp_free(p->mem, p);
}
