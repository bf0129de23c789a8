#include "core/clock.h"
#include "proto/http/machine.h"

/* What a state begins with in both roles. */
union state {
	const struct sp_proto *proto;
	struct sp_http_client client;
	struct sp_http_server server;
};
_Static_assert(offsetof(struct sp_http_client, proto) == 0, "both begin with it");
_Static_assert(offsetof(struct sp_http_server, proto) == 0, "both begin with it");
_Static_assert(sizeof(union state) <= 256, "there are 10,000 of them");

static inline bool is_client(const union state *s)
{
	return s->proto->role == SP_ROLE_CLIENT;
}

static void init(void *st, const struct sp_proto *p, uint64_t now_ns, struct sp_wish *w)
{
	union state *s = st;

	if (p->role == SP_ROLE_CLIENT)
		sp_http_client_init(&s->client, p, w);
	else
		sp_http_server_init(&s->server, p, now_ns, w);
}

static int start(void *st, const struct sp_token *t, uint64_t now_ns, struct sp_wish *w)
{
	union state *s = st;

	return sp_http_client_start(&s->client, t, now_ns, w);
}

static size_t on_bytes(void *st, const uint8_t *data, size_t len, uint64_t now_ns,
		       struct sp_wish *w)
{
	union state *s = st;

	return is_client(s) ? sp_http_client_bytes(&s->client, data, len, now_ns, w)
			    : sp_http_server_bytes(&s->server, data, len, now_ns, w);
}

static void on_wrote(void *st, size_t n, uint64_t now_ns, struct sp_wish *w)
{
	union state *s = st;

	if (is_client(s))
		sp_http_client_wrote(&s->client, n, now_ns, w);
	else
		sp_http_server_wrote(&s->server, n, now_ns, w);
}

static void on_timer(void *st, uint64_t now_ns, struct sp_wish *w)
{
	union state *s = st;

	if (is_client(s))
		sp_http_client_timer(&s->client, now_ns, w);
	else
		sp_http_server_timer(&s->server, now_ns, w);
}

static void on_eof(void *st, size_t left, uint64_t now_ns, struct sp_wish *w)
{
	union state *s = st;

	if (is_client(s))
		sp_http_client_eof(&s->client, left, now_ns, w);
	else
		sp_http_server_eof(&s->server, left, now_ns, w);
}

static void on_close(void *st, enum sp_why why, const char *reason, uint64_t now_ns,
		     struct sp_wish *w)
{
	union state *s = st;

	if (is_client(s))
		sp_http_client_gone(&s->client, why, reason, now_ns, w);
	else
		sp_http_server_gone(&s->server, why, reason, now_ns, w);
}

static void outcome(void *st, struct sp_txn *t)
{
	const union state *s = st;

	if (is_client(s))
		sp_http_client_outcome(&s->client, t);
	else
		sp_http_server_outcome(&s->server, t);
}

const struct sp_proto_ops sp_proto_http = {
	.name = "http",
	.summary = "HTTP/1.1: requests of a client, answers of a server",
	.abi = SP_PLUGIN_ABI,
	.opts = sp_http_opts,
	.conf_size = sizeof(struct sp_http_conf),
	.check = sp_http_check,
	.roles = 1u << SP_ROLE_CLIENT | 1u << SP_ROLE_SERVER,
	.state_size = sizeof(union state),
	.port = 80,
	.wrapped_port = 443,
	.keep_max = SP_HTTP_LINE_MAX + 1,
	.open = sp_http_open,
	.close = sp_http_close,
	.init = init,
	.start = start,
	.on_bytes = on_bytes,
	.on_wrote = on_wrote,
	.on_timer = on_timer,
	.on_eof = on_eof,
	.on_close = on_close,
	.outcome = outcome,
};
