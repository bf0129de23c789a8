/* The facade behind include/spate: engine, control and words put together. */
#include "spate/spate.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/str.h"
#include "core/clock.h"
#include "ctl/client.h"
#include "ctl/server.h"
#include "engine/plan.h"
#include "engine/plan_build.h"
#include "engine/run.h"
#include "keys/ring.h"
#include "report/json.h"
#include "scenario/words.h"

/* Time between the last grant and the first departure, so that every worker is up. */
#define START_DELAY_NS (2 * SP_NS_PER_MS)
/* A receiver that has ended still answers its senders for so long. */
#define LINGER_NS      (500 * SP_NS_PER_MS)

struct spate_plan {
	struct sp_words words;
	struct sp_str json, laws; /* made when asked for */
};

struct spate_run {
	const struct sp_plan *plan;
	const struct sp_words_keys *keys;
	struct spate_run_options options;
	struct sp_clock clock;
	struct sp_log log;
	struct sp_env env;
	struct sp_run *run;
	struct sp_ctl_client *client;
	struct sp_run_hooks control; /* the client's */
	struct sp_ctl_server *server;
	struct sp_keyring ring;	 /* opened when ring.mem is set */
	char code[SP_PAIR_TEXT]; /* of pairing, printed by who runs us; "" none */
	struct sp_event end;	 /* a copy of the end event, for the report */
	struct sp_str json;
	uint64_t linger_until_ns; /* 0: not over yet */
	uint64_t t0_ns;		  /* 0: not armed */
	int epfd;		  /* -1: nobody asked for it */
	int stop_early;		  /* atomic: asked to stop before there was a run */
};

static int give(struct spate_error *out, const struct sp_err *err, int code)
{
	if (out) {
		out->code = code;
		out->exit_code = err->exit ? (int)err->exit : SP_EXIT_FAILED;
		sp_strlcpy(out->text, err->text, sizeof out->text);
	}
	return code;
}

const char *spate_version(void)
{
	return SPATE_VERSION;
}

const char *spate_feature(unsigned i)
{
	for (const struct sp_transport_ops *const *p = sp_catalog.transport; *p; p++)
		if (i-- == 0)
			return (*p)->name;
	for (const struct sp_dist_ops *const *p = sp_catalog.dist; *p; p++)
		if (i-- == 0)
			return (*p)->name;
	return NULL;
}

int spate_plan_parse(struct spate_plan **out, const char *command, int argc,
		     const char *const argv[], struct spate_error *error)
{
	struct sp_err err = { 0 };
	struct spate_plan *p = sp_alloc(sp_mem_system(), sizeof *p);
	int r;

	if (!p)
		r = sp_fail(&err, -ENOMEM, SP_EXIT_FAILED, "out of memory");
	else
		r = sp_words_parse(command, argc, (char *const *)(uintptr_t)argv,
				   sp_mem_system(), &sp_catalog, &p->words, &err);
	if (r) {
		sp_free(sp_mem_system(), p);
		return give(error, &err, r);
	}
	sp_str_init(&p->json, sp_mem_system());
	sp_str_init(&p->laws, sp_mem_system());
	*out = p;
	return 0;
}

int spate_plan_read(struct spate_plan **out, const char *text, size_t len, int distrust,
		    struct spate_error *error)
{
	struct sp_err err = { 0 };
	struct spate_plan *p = sp_alloc(sp_mem_system(), sizeof *p);
	int r;

	if (!p)
		r = sp_fail(&err, -ENOMEM, SP_EXIT_FAILED, "out of memory");
	else
		r = sp_plan_read(&p->words.plan, text, len, distrust, sp_mem_system(),
				 &sp_catalog, &err);
	if (r) {
		sp_free(sp_mem_system(), p);
		return give(error, &err, r);
	}
	p->words.out.name = p->words.plan->run.name;
	sp_str_init(&p->json, sp_mem_system());
	sp_str_init(&p->laws, sp_mem_system());
	*out = p;
	return 0;
}

const char *spate_plan_json(struct spate_plan *p)
{
	if (!p->json.len)
		sp_plan_text(p->words.plan, &sp_catalog, &p->json);
	return p->json.failed ? NULL : p->json.text;
}

const char *spate_plan_laws(struct spate_plan *p)
{
	sp_str_clear(&p->laws);
	sp_plan_laws(p->words.plan, &p->laws);
	return p->laws.failed ? NULL : p->laws.text ? p->laws.text : "";
}

int spate_plan_write(const struct spate_plan *p,
		     int (*take)(void *arg, const char *text, size_t len), void *arg)
{
	return sp_plan_write(p->words.plan, &sp_catalog, sp_mem_system(), take, arg);
}

const char *spate_plan_sha256(const struct spate_plan *p)
{
	return p->words.plan->sha256;
}

const struct sp_words_output *spate_plan_output(const struct spate_plan *p)
{
	return &p->words.out;
}

void spate_plan_free(struct spate_plan *p)
{
	if (!p)
		return;
	sp_words_free(&p->words);
	sp_str_fini(&p->json);
	sp_str_fini(&p->laws);
	sp_free(sp_mem_system(), p);
}

static void write_log(void *arg, enum sp_log_level level, const char *text)
{
	struct spate_run *r = arg;

	r->options.log(r->options.log_arg, (int)level, text);
}

/* ---- the engine's hooks: the control client's, with a word of ours ---- */

static int on_grant(void *arg, const struct sp_ask *asks, struct sp_grant *grants, uint32_t n,
		    struct sp_err *err)
{
	struct spate_run *r = arg;

	return r->control.grant(r->control.arg, asks, grants, n, err);
}

static int on_lease(void *arg, uint32_t i, struct sp_lease_terms *terms)
{
	struct spate_run *r = arg;

	return r->control.lease(r->control.arg, i, terms);
}

static int on_peer_sample(void *arg, uint32_t i, uint64_t *rx_unique, uint64_t *rx_bytes)
{
	struct spate_run *r = arg;

	return r->control.peer_sample(r->control.arg, i, rx_unique, rx_bytes);
}

static int on_peer_counts(void *arg, uint32_t i, const uint64_t *tx, struct sp_peer_counts *pc)
{
	struct spate_run *r = arg;
	int ret = r->control.peer_counts(r->control.arg, i, tx, pc);
	const char *why = ret && pc ? sp_ctl_client_remark(r->client, i) : NULL;

	if (why)
		sp_run_remark(r->run, "control", false, why);
	return ret;
}

static void on_event(void *arg, const struct sp_event *e)
{
	struct spate_run *r = arg;

	if (e->kind == SP_EVENT_END)
		r->end = *e;
	if (r->options.event)
		r->options.event(r->options.event_arg, e);
}

int spate_run_new(struct spate_run **out, const struct spate_plan *plan,
		  const struct spate_run_options *options, struct spate_error *error)
{
	struct sp_err err = { 0 };
	struct spate_run *r = sp_alloc(sp_mem_system(), sizeof *r);

	if (!r) {
		sp_fail(&err, -ENOMEM, SP_EXIT_FAILED, "out of memory");
		return give(error, &err, -ENOMEM);
	}
	r->plan = plan->words.plan;
	r->epfd = -1;
	r->keys = &plan->words.out.keys;
	if (options)
		r->options = *options;
	if (r->plan->run.is_virtual)
		sp_clock_init_virtual(&r->clock, SP_NS_PER_S);
	else
		sp_clock_init_real(&r->clock);
	r->log = (struct sp_log){ .arg = r,
				  .write = write_log,
				  .max = (enum sp_log_level)r->options.log_level };
	r->env = (struct sp_env){ .mem = sp_mem_system(),
				  .clock = &r->clock,
				  .log = r->options.log ? &r->log : NULL,
				  .seed = r->plan->run.seed };
	sp_str_init(&r->json, r->env.mem);
	*out = r;
	return 0;
}

static int sends(const struct spate_run *r)
{
	return r->plan->n_streams > 0;
}

/* Was anything said about keys? Then they are used, or the run does not start. */
static bool wants_keys(const struct sp_words_keys *k)
{
	return k->key_file || k->trust || k->code || k->pair;
}

/* The user's keys. That there are none, or that they cannot be used, matters only to those who
 * asked for them, or turn out to need them. 1: there is a key; 0: not. */
static int open_keys(struct spate_run *r, struct sp_err *err)
{
	bool pairs = r->keys->code || r->keys->pair;
	struct sp_keyring_conf conf = { .xdg_config_home = getenv("XDG_CONFIG_HOME"),
					.home = getenv("HOME"),
					.key_file = r->keys->key_file,
					.only = r->keys->trust,
					.make_folder = pairs };
	int ret = sp_keyring_open(&r->ring, &conf, r->env.mem, err);

	if (ret == 0 && pairs)
		ret = sp_keyring_make_key(&r->ring, err);
	if (ret == 0 && wants_keys(r->keys))
		ret = sp_keyring_need_key(&r->ring, err);
	if (ret && !wants_keys(r->keys)) {
		sp_log(r->env.log, SP_LOG_WARN, "keys are not used: %s", err->text);
		*err = (struct sp_err){ 0 };
		return 0;
	}
	return ret ? ret : r->ring.tls != NULL;
}

/* Control where the plan wants it: a client for a sender, a server for a receiver. */
static int secure_client(struct spate_run *r, struct sp_err *err)
{
	struct sp_ctl_client_secure secure = { .ring = &r->ring,
					       .always = wants_keys(r->keys),
					       .code = r->keys->code };
	int ret = open_keys(r, err);

	if (ret <= 0)
		return ret;
	if (sp_ctl_client_secure(r->client, &secure))
		return sp_fail(err, -EINVAL, SP_EXIT_USAGE,
			       "--pair: that is not a pairing code; `spate recv --pair` prints "
			       "one, such as 4Q7K-9TNM-2XHD");
	return 0;
}

static int open_client(struct spate_run *r, struct sp_run_hooks *hooks, struct sp_err *err)
{
	int ret;

	if (!sends(r) || !r->plan->run.control || r->plan->run.is_virtual)
		return 0;
	ret = sp_ctl_client_new(&r->client, &r->env, err);
	if (ret == 0)
		ret = secure_client(r, err);
	if (ret)
		return ret;
	sp_ctl_client_hooks(r->client, &r->control);
	hooks->keyed = r->control.keyed;
	hooks->lease = r->ring.tls ? on_lease : NULL;
	hooks->grant = on_grant;
	hooks->peer_sample = on_peer_sample;
	hooks->peer_counts = on_peer_counts;
	return 0;
}

static int secure_server(struct spate_run *r, struct sp_err *err)
{
	struct sp_ctl_secure secure = { .ring = &r->ring,
					.keyed_only = r->keys->trust != NULL,
					.lease_pps = r->keys->lease_pps };
	int ret = open_keys(r, err);

	if (ret <= 0)
		return ret;
	if (r->keys->pair && sp_pair_code_make(r->code))
		return sp_fail(err, -EIO, SP_EXIT_FAILED,
			       "the system gives no random number for a pairing code");
	secure.code = r->keys->pair ? r->code : NULL;
	return sp_ctl_server_secure(r->server, &secure);
}

static int open_server(struct spate_run *r, struct sp_err *err)
{
	int ret;

	if (sends(r) || !r->plan->run.control || r->plan->run.is_virtual)
		return 0;
	ret = sp_ctl_server_new(&r->server, r->run, &r->env, err);
	return ret ? ret : secure_server(r, err);
}

static void remark_control(struct spate_run *r)
{
	const char *why;

	for (uint32_t i = 0; r->client && i < sp_ctl_client_asks(r->client); i++) {
		why = sp_ctl_client_remark(r->client, i);
		if (why)
			sp_run_remark(r->run, "control", false, why);
	}
}

int spate_run_start(struct spate_run *r, struct spate_error *error)
{
	int ret = spate_run_prepare(r, error);

	return ret ? ret : spate_run_arm(r, sp_clock_now(&r->clock) + START_DELAY_NS, error);
}

int spate_run_prepare(struct spate_run *r, struct spate_error *error)
{
	struct sp_run_hooks hooks = { .arg = r, .event = on_event };
	struct sp_err err = { 0 };
	int ret = open_client(r, &hooks, &err);

	if (ret == 0)
		ret = sp_run_new(&r->run, r->plan, &sp_catalog, &r->env, &hooks, &err);
	if (ret == 0 && __atomic_load_n(&r->stop_early, __ATOMIC_SEQ_CST))
		sp_run_request_stop(r->run, true);
	if (ret == 0)
		ret = sp_run_prepare(r->run, &err);
	if (ret == 0 && r->options.mark_every)
		ret = sp_run_want_marks(r->run, r->options.mark_every, &err);
	if (ret == 0)
		ret = open_server(r, &err);
	if (ret == 0)
		remark_control(r);
	return ret ? give(error, &err, ret) : 0;
}

int spate_run_arm(struct spate_run *r, uint64_t t0_ns, struct spate_error *error)
{
	struct sp_err err = { 0 };
	int ret;

	if (r->clock.is_virtual)
		t0_ns = sp_clock_now(&r->clock) + START_DELAY_NS;
	r->t0_ns = t0_ns;
	ret = sp_run_arm(r->run, t0_ns, &err);
	return ret ? give(error, &err, ret) : 0;
}

int spate_run_command(struct spate_run *r, const char *action, const char *stream,
		      const char *rate, uint64_t after_ns, struct spate_error *error)
{
	static const char *const actions[] = {
		[SP_DO_START] = "start", [SP_DO_STOP] = "stop", [SP_DO_SET] = "set"
	};
	struct sp_cmd cmd = { .stream = stream };
	struct sp_err err = { 0 };
	int ret = 0;

	while (cmd.action < 3 && strcmp(actions[cmd.action], action) != 0)
		cmd.action++;
	if (cmd.action == 3)
		ret = sp_fail(&err, -EINVAL, SP_EXIT_USAGE, "a command is start, stop or set");
	else if (rate && sp_parse_rate(rate, &cmd.rate))
		ret = sp_fail(&err, -EINVAL, SP_EXIT_USAGE, "the rate is none; such as 5kpps");
	else if (!r->run || !r->t0_ns)
		ret = sp_fail(&err, -EALREADY, SP_EXIT_FAILED, "the run does not run");
	if (ret == 0) {
		cmd.at_ns = after_ns ? r->t0_ns + after_ns : 0;
		ret = sp_run_command(r->run, &cmd, &err);
	}
	return ret ? give(error, &err, ret) : 0;
}

int spate_run_answer(struct spate_run *r, int yes, struct spate_error *error)
{
	struct sp_err err = { 0 };
	int ret = r->run ? sp_run_answer(r->run, yes != 0, &err)
			 : sp_fail(&err, -EALREADY, SP_EXIT_FAILED, "the run does not run");

	return ret ? give(error, &err, ret) : 0;
}

static void watch(const struct spate_run *r, int fd)
{
	struct epoll_event ev = { .events = EPOLLIN };

	epoll_ctl(r->epfd, EPOLL_CTL_ADD, fd, &ev);
}

int spate_run_fd(struct spate_run *r)
{
	if (r->epfd >= 0 || !r->run)
		return r->epfd;
	r->epfd = epoll_create1(EPOLL_CLOEXEC);
	if (r->epfd < 0)
		return r->epfd;
	watch(r, sp_run_fd(r->run));
	if (r->client)
		watch(r, sp_ctl_client_fd(r->client));
	if (r->server)
		watch(r, sp_ctl_server_fd(r->server));
	return r->epfd;
}

int spate_run_listening(const struct spate_run *r, unsigned i, char *buf, size_t cap)
{
	struct sp_endpoint local;
	const char *transport;
	char text[80];

	if (sp_run_listening(r->run, i, &local, &transport))
		return -ENOENT;
	if (sp_run_listening_on(r->run, i))
		snprintf(buf, cap, "%s://%s", transport, sp_run_listening_on(r->run, i));
	else if (local.addr.family)
		snprintf(buf, cap, "%s://%s", sp_run_listening_word(r->run, i),
			 sp_endpoint_format(text, sizeof text, &local));
	else
		snprintf(buf, cap, "%s://:%u", sp_run_listening_word(r->run, i), local.port);
	return 0;
}

int spate_run_pairing_code(const struct spate_run *r, char *buf, size_t cap)
{
	if (!*r->code)
		return -ENOENT;
	sp_strlcpy(buf, r->code, cap);
	return 0;
}

int spate_run_folders(const struct spate_run *r, int *dirs, int n)
{
	if (!r->keys->pair || r->ring.dir < 0 || n < 1)
		return 0;
	dirs[0] = r->ring.dir;
	return 1;
}

int spate_run_needs_bpf(const struct spate_run *r)
{
	return sp_run_repeats(r->run);
}

void spate_run_confined(struct spate_run *r, const char *what)
{
	sp_run_confined(r->run, what);
}

void spate_run_note(struct spate_run *r, const char *code, const char *text)
{
	sp_run_remark(r->run, code, true, text);
}

static void step_control(struct spate_run *r)
{
	if (r->client) {
		sp_ctl_client_step(r->client);
		remark_control(r);
	}
	if (r->server) {
		sp_ctl_server_step(r->server);
		sp_run_own_control(r->run, sp_ctl_server_packets(r->server));
		sp_run_set_strangers(r->run, sp_ctl_server_strangers(r->server));
	}
}

/* Waits for whichever has something to do first. */
static void wait_for_any(struct spate_run *r, int timeout_ms)
{
	struct pollfd fds[3] = { { .fd = sp_run_fd(r->run), .events = POLLIN } };
	nfds_t n = 1;

	if (r->client)
		fds[n++] = (struct pollfd){ .fd = sp_ctl_client_fd(r->client),
					    .events = POLLIN };
	if (r->server)
		fds[n++] = (struct pollfd){ .fd = sp_ctl_server_fd(r->server),
					    .events = POLLIN };
	poll(fds, n, timeout_ms);
}

/* After its end a receiver answers those senders that still want their counts. */
static int linger(struct spate_run *r, int timeout_ms)
{
	uint64_t now = sp_clock_now(&r->clock);
	int left;

	if (!r->server || r->end.result->interrupted || now >= r->linger_until_ns ||
	    sp_ctl_server_sessions(r->server) == 0)
		return 1;
	left = (int)((r->linger_until_ns - now) / SP_NS_PER_MS) + 1;
	wait_for_any(r, timeout_ms >= 0 && timeout_ms < left ? timeout_ms : left);
	step_control(r);
	return 0;
}

int spate_run_wait_ms(const struct spate_run *r)
{
	uint64_t now = sp_clock_now(&r->clock);

	if (!r->run || !r->t0_ns)
		return 1000;
	if (!r->linger_until_ns)
		return sp_run_wait_ms(r->run);
	return now < r->linger_until_ns ? (int)((r->linger_until_ns - now) / SP_NS_PER_MS) + 1
					: 0;
}

int spate_run_step(struct spate_run *r, int timeout_ms)
{
	int wait, ret;

	if (r->linger_until_ns)
		return linger(r, timeout_ms);
	if (!r->t0_ns) { /* prepared: only questions are answered */
		wait_for_any(r, timeout_ms);
		step_control(r);
		return 0;
	}
	wait = sp_run_wait_ms(r->run);
	if (timeout_ms >= 0 && timeout_ms < wait)
		wait = timeout_ms;
	if (wait)
		wait_for_any(r, wait);
	step_control(r);
	ret = sp_run_step(r->run, 0);
	if (ret == 1) {
		r->linger_until_ns = sp_clock_now(&r->clock) + LINGER_NS;
		return linger(r, 0);
	}
	return ret;
}

void spate_run_stop(struct spate_run *r, int interrupted)
{
	if (r->run)
		sp_run_request_stop(r->run, interrupted);
	else if (interrupted)
		__atomic_store_n(&r->stop_early, 1, __ATOMIC_SEQ_CST);
}

void spate_run_counts(struct spate_run *r, struct spate_counts *counts)
{
	struct sp_run_figures now = { -1, -1, -1 };

	if (r->run)
		sp_run_now(r->run, &now);
	*counts = (struct spate_counts){ now.sent, now.received, now.corrupted };
}

void spate_run_output_failed(struct spate_run *r)
{
	if (r->run)
		sp_run_exit_hint(r->run, SP_EXIT_IO);
}

int spate_run_truth(const struct spate_run *r,
		    int (*take)(void *arg, const char *text, size_t len), void *arg)
{
	const struct sp_truth t = { .take = take, .arg = arg };

	return r->run ? sp_run_truth(r->run, &t) : 0;
}

int spate_run_exit_code(const struct spate_run *r)
{
	return sp_run_result(r->run)->exit_code;
}

const char *spate_run_json(struct spate_run *r)
{
	struct sp_report_env env = { .version = SPATE_VERSION };

	if (!r->end.result)
		return NULL;
	sp_str_clear(&r->json);
	sp_report_json(&r->json, &r->end, &env, NULL);
	return r->json.failed ? NULL : r->json.text;
}

void spate_run_free(struct spate_run *r)
{
	if (!r)
		return;
	if (r->server)
		sp_ctl_server_free(r->server);
	sp_run_free(r->run);
	if (r->client)
		sp_ctl_client_free(r->client);
	if (r->epfd >= 0)
		close(r->epfd);
	if (r->ring.mem)
		sp_keyring_close(&r->ring);
	sp_str_fini(&r->json);
	sp_free(sp_mem_system(), r);
}
