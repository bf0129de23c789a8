/* What a request costs. Started with a role and a number of requests it runs just these, for
 * tests/test_cost.py, which counts instructions. */
#include "proto/http/rig_test.h"

/* As wrk asks, and as nginx answers. */
static const char request[] = "GET / HTTP/1.1\r\nHost: 127.0.0.1:8080\r\n\r\n";
static const char answer[] = "HTTP/1.1 200 OK\r\nServer: nginx/1.22.1\r\n"
			     "Date: Sat, 21 Nov 2026 15:32:37 GMT\r\n"
			     "Content-Type: text/html\r\nContent-Length: 32\r\n"
			     "Last-Modified: Sat, 21 Nov 2026 12:00:00 GMT\r\n"
			     "Connection: keep-alive\r\nETag: \"6561b2c5-20\"\r\n"
			     "Accept-Ranges: bytes\r\n\r\n0123456789abcdef0123456789abcdef";

static size_t out_length(const struct sp_wish *w)
{
	size_t n = 0;

	for (unsigned i = 0; i < w->n_out; i++)
		n += w->out[i].iov_len;
	return n;
}

/* The calls of a lane, and nothing else. */
static void serve(struct rig *r, uint64_t n)
{
	const struct sp_proto_ops *ops = r->ops;
	struct sp_txn t;

	for (uint64_t i = 0; i < n; i++) {
		size_t took = ops->on_bytes(&r->st, (const uint8_t *)request,
					    sizeof request - 1, r->now, &r->w);

		assert_int_equal(took, sizeof request - 1);
		assert_int_equal(r->w.done, 1);
		ops->outcome(&r->st, &t);
		assert_int_equal(t.status, 200);
		ops->on_wrote(&r->st, out_length(&r->w), r->now, &r->w);
	}
}

static void ask(struct rig *r, uint64_t n)
{
	const struct sp_proto_ops *ops = r->ops;
	struct sp_token token = { .intended_ns = 1 };
	struct sp_txn t;

	for (uint64_t i = 0; i < n; i++) {
		assert_int_equal(ops->start(&r->st, &token, r->now, &r->w), 0);
		ops->on_wrote(&r->st, out_length(&r->w), r->now, &r->w);
		assert_int_equal(r->w.sent, 1);
		assert_int_equal(ops->on_bytes(&r->st, (const uint8_t *)answer,
					       sizeof answer - 1, r->now, &r->w),
				 sizeof answer - 1);
		assert_int_equal(r->w.done, 1);
		ops->outcome(&r->st, &t);
		assert_int_equal(t.body_bytes, 32);
	}
}

static void run(enum sp_role role, uint64_t n)
{
	struct rig *r = rig_new(&(struct sp_proto_args){ .role = role, .authority = "x" });

	if (role == SP_ROLE_CLIENT)
		ask(r, n);
	else
		serve(r, n);
	rig_free(r);
}

static void both_roles_run(void **state)
{
	(void)state;
	run(SP_ROLE_CLIENT, 100);
	run(SP_ROLE_SERVER, 100);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(both_roles_run) };

	if (argc == 3)
		run(strcmp(argv[1], "client") ? SP_ROLE_SERVER : SP_ROLE_CLIENT,
		    strtoull(argv[2], NULL, 10));
	return argc == 1 ? cmocka_run_group_tests(tests, NULL, NULL) : 0;
}
