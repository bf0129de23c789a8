/* The server's operations on a real run. A file of its own, so that the server's tests link
 * without an engine. */
#include "ctl/server.h"

static int run_listening(void *arg, unsigned i, struct sp_endpoint *at, const char **transport)
{
	return sp_run_listening(arg, i, at, transport);
}

static int run_grant_flows(void *arg, const struct sp_endpoint *peer, const char *name,
			   uint32_t n, struct sp_flow_grant *g)
{
	return sp_run_grant_flows(arg, peer, name, n, g);
}

static void run_session_local(void *arg, uint32_t session, const struct sp_endpoint *local)
{
	sp_run_session_local(arg, session, local);
}

static void run_session_clock(void *arg, uint32_t session, bool known, int64_t offset_ns,
			      uint64_t error_ns)
{
	sp_run_session_clock(arg, session, known, offset_ns, error_ns);
}

static void run_session_sample(void *arg, uint32_t session, uint64_t *rx_unique,
			       uint64_t *rx_bytes)
{
	sp_run_session_sample(arg, session, rx_unique, rx_bytes);
}

static void run_session_final(void *arg, uint32_t session, const uint64_t *tx, uint32_t n)
{
	sp_run_session_final(arg, session, tx, n);
}

static int run_session_counts(void *arg, uint32_t session, const struct sp_mem *mem,
			      struct sp_peer_counts *pc)
{
	return sp_run_session_counts(arg, session, mem, pc);
}

static void run_session_end(void *arg, uint32_t session, bool lost)
{
	sp_run_session_end(arg, session, lost);
}

static bool run_next_hello(void *arg, struct sp_hello *h)
{
	return sp_run_next_hello(arg, h);
}

static void run_control_at(void *arg, uint16_t number, uint16_t port)
{
	sp_run_control_at(arg, number, port);
}

int sp_ctl_server_new(struct sp_ctl_server **out, struct sp_run *run, const struct sp_env *env,
		      struct sp_err *err)
{
	static const struct sp_ctl_ops ops = {
		.listening = run_listening,
		.grant_flows = run_grant_flows,
		.session_local = run_session_local,
		.session_clock = run_session_clock,
		.session_sample = run_session_sample,
		.session_final = run_session_final,
		.session_counts = run_session_counts,
		.counts_fini = sp_peer_counts_fini,
		.session_end = run_session_end,
		.next_hello = run_next_hello,
		.control_at = run_control_at,
	};
	struct sp_ctl_limits limits = sp_ctl_limits_default();

	return sp_ctl_server_new_ops(out, &ops, run, &limits, env, err);
}
