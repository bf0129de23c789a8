#include "agent/agent.h"

#include <errno.h>
#include <net/if.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ctl/agent_msg.h"
#include "ctl/lines.h"
#include "spate/spate.h"

/* How long a controller that does not read may hold the agent up at its end. */
#define LAST_WORDS_MS 2000
/* Truth that waits for a controller; and how long for, while it reads nothing. */
#define TRUTH_MOST    (4u << 20)
#define TRUTH_WAIT_MS 30000

struct agent {
	struct sp_lines lines;
	pthread_mutex_t lock; /* of lines.pending: a run logs from any of its threads */
	void (*confine)(struct spate_run *);
	struct spate_plan *plan;
	struct spate_run *run;
	struct sp_arena arena; /* of the message that is being handled */
	bool greeted, prepared, armed, over, quit, gone, truth;
	bool mute; /* it can say nothing any more; under the lock */
	int code;
};

static uint64_t now_ns(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static void say(struct agent *a, const struct sp_agent_msg *m)
{
	pthread_mutex_lock(&a->lock);
	sp_agent_msg_put(&a->lines.pending, m);
	a->mute |= sp_lines_flush(&a->lines) < 0;
	pthread_mutex_unlock(&a->lock);
}

/* Whether something is still to be said. */
static bool flush(struct agent *a)
{
	bool more;

	pthread_mutex_lock(&a->lock);
	a->mute |= sp_lines_flush(&a->lines) < 0;
	a->gone |= a->mute;
	more = !a->mute && a->lines.pending.len > 0;
	pthread_mutex_unlock(&a->lock);
	return more;
}

static void say_failed(struct agent *a, const char *to, int exit, const char *text)
{
	say(a, &(struct sp_agent_msg){
		       .type = SP_AGENT_FAILED, .to = to, .exit = exit, .text = text });
}

/* ---- what its run tells ---- */

/* Whether so much waits that more must not be said yet. */
static bool crowded(struct agent *a)
{
	bool crowded;

	flush(a);
	pthread_mutex_lock(&a->lock);
	crowded = !a->mute && a->lines.pending.len > TRUTH_MOST;
	pthread_mutex_unlock(&a->lock);
	return crowded;
}

static int take_truth(void *arg, const char *text, size_t len)
{
	struct agent *a = arg;
	char *copy = strndup(text, len);

	if (!copy)
		return -ENOMEM;
	say(a, &(struct sp_agent_msg){ .type = SP_AGENT_TRUTH, .text = copy });
	free(copy);
	while (crowded(a)) {
		struct pollfd fd = { .fd = a->lines.out, .events = POLLOUT };

		if (poll(&fd, 1, TRUTH_WAIT_MS) <= 0)
			return -EPIPE;
	}
	return a->gone ? -EPIPE : 0;
}

static void say_truth(struct agent *a)
{
	int rc = a->truth ? spate_run_truth(a->run, take_truth, a) : 0;

	if (rc)
		say_failed(a, "truth", SP_EXIT_IO, strerror(-rc));
}

static void on_event(void *arg, const struct sp_event *e)
{
	struct sp_agent_msg m = { 0 };
	struct agent *a = arg;

	switch (e->kind) {
	case SP_EVENT_START:
		if (a->confine)
			a->confine(a->run);
		return;
	case SP_EVENT_MARK: /* nobody asked for them */
		return;
	case SP_EVENT_REMARK:
		m.type = SP_AGENT_REMARK;
		m.remark = *e->remark;
		break;
	case SP_EVENT_INTERVAL:
		m.type = SP_AGENT_SAMPLE;
		m.result = *e->result;
		break;
	case SP_EVENT_END:
		say_truth(a);
		m.type = SP_AGENT_DONE;
		m.result = *e->result;
		break;
	}
	say(a, &m);
}

static void on_log(void *arg, int level, const char *line)
{
	say(arg, &(struct sp_agent_msg){ .type = SP_AGENT_LOG, .level = level, .text = line });
}

/* ---- what the controller asks ---- */

static void add_name(struct sp_agent_names *n, const char *name)
{
	if (n->n < SP_AGENT_NAMES)
		n->name[n->n++] = name;
}

static void greet(struct agent *a, const struct sp_agent_msg *in)
{
	struct sp_agent_msg m = { .type = SP_AGENT_HELLO,
				  .protocol = SP_AGENT_PROTOCOL,
				  .version = spate_version(),
				  .mono_ns = now_ns(CLOCK_MONOTONIC),
				  .real_ns = (int64_t)now_ns(CLOCK_REALTIME) };
	struct if_nameindex *list;

	if (in->protocol != SP_AGENT_PROTOCOL) {
		say_failed(
			a, "hello", SP_EXIT_DATA,
			"this spate speaks another version of the protocol; install the same "
			"version on both hosts");
		return;
	}
	list = if_nameindex();
	sp_ctl_host_read(&m.host);
	for (unsigned i = 0; spate_feature(i); i++)
		add_name(&m.features, spate_feature(i));
	for (unsigned i = 0; list && list[i].if_name; i++)
		add_name(&m.interfaces, list[i].if_name);
	a->greeted = true;
	say(a, &m);
	if (list)
		if_freenameindex(list);
}

static void tell_clock(struct agent *a, const struct sp_agent_msg *in, uint64_t t2)
{
	say(a, &(struct sp_agent_msg){ .type = SP_AGENT_CLOCK,
				       .t1 = in->t1,
				       .t2 = t2,
				       .t3 = now_ns(CLOCK_MONOTONIC) });
}

static void say_ready(struct agent *a)
{
	struct sp_agent_msg m = { .type = SP_AGENT_READY };
	char where[SP_AGENT_NAMES][96];

	for (unsigned i = 0; i < SP_AGENT_NAMES; i++) {
		if (spate_run_listening(a->run, i, where[i], sizeof where[i]))
			break;
		add_name(&m.listening, where[i]);
	}
	say(a, &m);
}

static int prepare(struct agent *a, const struct sp_agent_msg *in, struct spate_error *err)
{
	struct spate_run_options options = {
		.log = on_log, .log_arg = a, .log_level = 1, .event = on_event, .event_arg = a
	};
	int rc = spate_plan_read(&a->plan, in->plan, strlen(in->plan), 1, err);

	if (rc)
		return rc;
	if (in->sha256 && strcmp(in->sha256, spate_plan_sha256(a->plan)) != 0) {
		err->exit_code = SP_EXIT_DATA;
		strcpy(err->text, "the plan arrived as another one: its digest differs");
		return -EBADMSG;
	}
	a->truth = in->truth;
	rc = spate_run_new(&a->run, a->plan, &options, err);
	return rc ? rc : spate_run_prepare(a->run, err);
}

static void on_prepare(struct agent *a, const struct sp_agent_msg *in)
{
	struct spate_error err = { 0 };

	if (a->plan) {
		say_failed(a, "prepare", SP_EXIT_DATA, "an agent runs one plan");
	} else if (prepare(a, in, &err)) {
		say_failed(a, "prepare", err.exit_code, err.text);
	} else {
		a->prepared = true;
		say_ready(a);
	}
}

static void on_arm(struct agent *a, const struct sp_agent_msg *in)
{
	struct spate_error err = { 0 };

	if (!a->prepared || a->armed) {
		say_failed(a, "arm", SP_EXIT_DATA, "it is not the moment to arm");
	} else if (spate_run_arm(a->run, in->t0_ns, &err)) {
		say_failed(a, "arm", err.exit_code, err.text);
	} else {
		a->armed = true;
		say(a, &(struct sp_agent_msg){ .type = SP_AGENT_ARMED });
	}
}

static void on_command(struct agent *a, const struct sp_agent_msg *in)
{
	struct spate_error err = { 0 };

	if (!a->armed)
		say_failed(a, "command", SP_EXIT_DATA, "nothing runs yet");
	else if (spate_run_command(a->run, in->action, in->stream, in->rate, in->at_ns, &err))
		say_failed(a, "command", err.exit_code, err.text);
}

static void handle(struct agent *a, const struct sp_agent_msg *m, uint64_t received_ns)
{
	if (!a->greeted && m->type != SP_AGENT_HELLO && m->type != SP_AGENT_QUIT) {
		say_failed(a, "hello", SP_EXIT_DATA, "hello comes first");
		return;
	}
	switch (m->type) {
	case SP_AGENT_HELLO:
		greet(a, m);
		break;
	case SP_AGENT_CLOCK:
		tell_clock(a, m, received_ns);
		break;
	case SP_AGENT_PREPARE:
		on_prepare(a, m);
		break;
	case SP_AGENT_ARM:
		on_arm(a, m);
		break;
	case SP_AGENT_COMMAND:
		on_command(a, m);
		break;
	case SP_AGENT_STOP:
		if (a->armed)
			spate_run_stop(a->run, m->interrupted);
		break;
	case SP_AGENT_QUIT:
		a->quit = true;
		break;
	default:
		say_failed(a, "message", SP_EXIT_DATA, "an agent does not take such messages");
	}
}

/* All lines that are there. */
static void read_lines(struct agent *a)
{
	struct sp_agent_msg m;
	uint64_t received_ns;
	struct sp_err err = { 0 };
	size_t len;
	char *line;
	int rc = 0;

	while (!a->quit && (line = sp_lines_next(&a->lines, SP_AGENT_LINE_MAX, &len, &rc))) {
		received_ns = now_ns(CLOCK_MONOTONIC);
		sp_arena_init(&a->arena, sp_mem_system());
		if (sp_agent_msg_get(line, len, 0, &a->arena, &m, &err)) {
			say_failed(a, "message", (int)err.exit, err.text);
			a->code = SP_EXIT_DATA;
			a->quit = true;
		} else {
			handle(a, &m, received_ns);
		}
		sp_arena_fini(&a->arena);
	}
	if (rc == -EMSGSIZE) {
		say_failed(a, "message", SP_EXIT_DATA, "a line is longer than 16 MiB");
		a->code = SP_EXIT_DATA;
	}
	a->gone |= rc != 0;
}

static void step(struct agent *a)
{
	bool more = flush(a);
	struct pollfd fds[3] = { { .fd = a->lines.in, .events = POLLIN },
				 { .fd = more ? a->lines.out : -1, .events = POLLOUT },
				 { .fd = -1, .events = POLLIN } };
	int wait = -1;

	if (a->gone)
		return;
	if (a->prepared && !a->over) {
		fds[2].fd = spate_run_fd(a->run);
		wait = spate_run_wait_ms(a->run);
	}
	if (poll(fds, 3, wait) < 0 && errno != EINTR) {
		a->gone = true;
		return;
	}
	if (fds[0].revents)
		read_lines(a);
	if (a->prepared && !a->over && spate_run_step(a->run, 0) != 0)
		a->over = true;
}

/* The controller is gone or wants no more: the run ends, and what is left to say is said. */
static void finish(struct agent *a)
{
	if (a->armed && !a->over) {
		spate_run_stop(a->run, 1);
		spate_run_stop(a->run, 1);
		while (spate_run_step(a->run, 100) == 0)
			;
	}
	for (int i = 0; !a->gone && i < LAST_WORDS_MS / 10; i++) {
		struct pollfd fd = { .fd = a->lines.out, .events = POLLOUT };

		if (!flush(a))
			break;
		poll(&fd, 1, 10);
	}
}

int sp_agent_serve(int in, int out, void (*confine)(struct spate_run *))
{
	struct agent a = { .confine = confine, .lock = PTHREAD_MUTEX_INITIALIZER };

	signal(SIGPIPE, SIG_IGN);
	/* Ctrl-C reaches the whole process group: the controller decides. */
	signal(SIGINT, SIG_IGN);
	sp_lines_init(&a.lines, in, out, sp_mem_system());
	while (!a.quit && !a.gone)
		step(&a);
	finish(&a);
	spate_run_free(a.run);
	spate_plan_free(a.plan);
	sp_lines_fini(&a.lines);
	return a.code;
}
