/* One agent: its process, its words, its end. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/str.h"
#include "fleet/fleet_impl.h"

#define CLOCK_ROUNDS 8u
/* How long a process may take to go by itself. */
#define GO_MS	     1000

/* ---- start ---- */

static int no_pipe(const struct member *m, struct sp_err *err)
{
	return sp_fail(err, -errno, SP_EXIT_PERM, "host %s: no pipe: %s (raise `ulimit -n`)",
		       m->part->host, strerror(errno));
}

int sp_member_start(struct sp_fleet *f, struct member *m, struct sp_err *err)
{
	char *argv[] = { (char[]){ "/proc/self/exe" }, (char[]){ "agent" },
			 (char[]){ "--stdio" },
			 f->conf.no_sandbox ? (char[]){ "--no-sandbox" } : NULL, NULL };
	int to[2], from[2], rc;

	if (pipe2(to, O_CLOEXEC))
		return no_pipe(m, err);
	if (pipe2(from, O_CLOEXEC)) {
		rc = no_pipe(m, err);
		close(to[0]);
		close(to[1]);
		return rc;
	}
	rc = f->conf.spawn(f->conf.arg, m->part, argv, (const int[]){ to[0], from[1] }, &m->pid,
			   err);
	close(to[0]);
	close(from[1]);
	if (rc) {
		close(to[1]);
		close(from[0]);
		m->pid = 0;
		sp_err_prefix(err, "host %s", m->part->host);
		return rc;
	}
	sp_lines_init(&m->lines, from[0], to[1], f->mem);
	m->open = true;
	m->last_word_ns = sp_fleet_now();
	sp_member_say(f, m,
		      &(struct sp_agent_msg){ .type = SP_AGENT_HELLO,
					      .protocol = SP_AGENT_PROTOCOL });
	return 0;
}

/* ---- end ---- */

/* Waits for a process that is about to go, and kills one that does not. */
static int wait_for(pid_t pid)
{
	int status = 0;

	for (unsigned i = 0; i < GO_MS; i++) {
		pid_t got = waitpid(pid, &status, WNOHANG);

		if (got == pid || (got < 0 && errno != EINTR))
			return status;
		usleep(1000);
	}
	kill(pid, SIGKILL);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return status;
}

void sp_member_end(struct member *m)
{
	if (m->open) {
		close(m->lines.in);
		close(m->lines.out);
		sp_lines_fini(&m->lines);
		m->open = false;
	}
	if (m->pid)
		wait_for(m->pid);
	m->pid = 0;
}

static void describe_end(struct member *m, int status)
{
	if (WIFSIGNALED(status))
		snprintf(m->why, sizeof m->why, "its agent was killed by signal %d (%s)",
			 WTERMSIG(status), strsignal(WTERMSIG(status)));
	else
		snprintf(m->why, sizeof m->why, "its agent ended with exit status %d",
			 WEXITSTATUS(status));
}

void sp_member_lose(struct sp_fleet *f, struct member *m, const char *why)
{
	int status = 0;

	if (m->open) {
		close(m->lines.in);
		close(m->lines.out);
		sp_lines_fini(&m->lines);
		m->open = false;
	}
	if (m->pid && why)
		kill(m->pid, SIGKILL);
	if (m->pid)
		status = wait_for(m->pid);
	m->pid = 0;
	if (why)
		sp_strlcpy(m->why, why, sizeof m->why);
	else
		describe_end(m, status);
	m->state = MEMBER_LOST;
	m->lost_ns = sp_fleet_now();
	if (!f->failed.code && f->phase < PHASE_RUN)
		sp_fail(&f->failed, -EPIPE, SP_EXIT_AGENTS,
			"host %s was lost before the start: %s", m->part->host, m->why);
	else if (f->phase == PHASE_RUN)
		sp_fleet_say(f, "agent-lost", false,
			     "host %s was lost after %.1f s: %s; its "
			     "counts are those of its last word",
			     m->part->host, (double)(m->lost_ns - f->t0_ns) / 1e9, m->why);
}

/* ---- words ---- */

void sp_member_say(struct sp_fleet *f, struct member *m, const struct sp_agent_msg *msg)
{
	if (!m->open)
		return;
	sp_agent_msg_put(&m->lines.pending, msg);
	/* The end of a process is noticed where it is read from. */
	(void)f;
	(void)sp_lines_flush(&m->lines);
}

static void ask_clock(struct sp_fleet *f, struct member *m)
{
	sp_member_say(f, m,
		      &(struct sp_agent_msg){ .type = SP_AGENT_CLOCK, .t1 = sp_fleet_now() });
}

static void on_hello(struct sp_fleet *f, struct member *m, const struct sp_agent_msg *msg)
{
	m->host = msg->host;
	m->state = MEMBER_CLOCKS;
	ask_clock(f, m);
}

static void on_clock(struct sp_fleet *f, struct member *m, const struct sp_agent_msg *msg)
{
	struct sp_ctl_stamps s = { msg->t1, msg->t2, msg->t3, sp_fleet_now() };
	struct sp_ctl_host ours;

	if (m->state != MEMBER_CLOCKS)
		return;
	sp_ctl_clock_add(&m->clock, &s);
	if (++m->rounds < CLOCK_ROUNDS) {
		ask_clock(f, m);
		return;
	}
	sp_ctl_host_read(&ours);
	sp_ctl_clock_same_host(&m->clock, &ours, &m->host);
	if (!m->clock.known) {
		sp_member_lose(f, m, "its clock says nothing that can be");
		return;
	}
	m->state = MEMBER_IDLE;
}

static void on_failed(struct sp_fleet *f, struct member *m, const struct sp_agent_msg *msg)
{
	if (msg->to && !strcmp(msg->to, "truth")) {
		sp_fleet_say(f, "truth", false, "host %s: its truth is not complete: %s",
			     m->part->host, msg->text);
		sp_fleet_output_failed(f);
		return;
	}
	if (f->phase == PHASE_RUN) {
		sp_fleet_say(f, "agent", false, "host %s: %s", m->part->host, msg->text);
		return;
	}
	if (!f->failed.code)
		sp_fail(&f->failed, -EPROTO,
			msg->exit > 0 && msg->exit < 256 ? (enum sp_exit)msg->exit
							 : SP_EXIT_FAILED,
			"host %s: %s", m->part->host, msg->text);
}

/* The message's memory stays as long as its result counts. */
static void on_result(struct member *m, const struct sp_agent_msg *msg)
{
	m->result = msg->result;
	m->has_result = true;
	m->last = !m->last;
	if (msg->type == SP_AGENT_DONE)
		m->state = MEMBER_DONE;
}

static void on_ready(struct sp_fleet *f, struct member *m, const struct sp_agent_msg *msg)
{
	if (m->state != MEMBER_PREPARING)
		return;
	m->state = MEMBER_READY;
	for (unsigned i = 0; f->conf.ready && i < msg->listening.n; i++)
		f->conf.ready(f->conf.arg, m->part->host, msg->listening.name[i]);
}

static void on_log(struct sp_fleet *f, const struct member *m, const struct sp_agent_msg *msg)
{
	char line[1200];

	snprintf(line, sizeof line, "%s: %s", m->part->host, msg->text);
	if (f->conf.log)
		f->conf.log(f->conf.arg, msg->level, line);
}

static void on_truth(struct sp_fleet *f, const struct sp_agent_msg *msg)
{
	if (f->conf.truth && f->conf.truth(f->conf.arg, msg->text, strlen(msg->text)))
		sp_fleet_output_failed(f);
}

static void handle(struct sp_fleet *f, struct member *m, const struct sp_agent_msg *msg)
{
	switch (msg->type) {
	case SP_AGENT_HELLO:
		on_hello(f, m, msg);
		break;
	case SP_AGENT_CLOCK:
		on_clock(f, m, msg);
		break;
	case SP_AGENT_READY:
		on_ready(f, m, msg);
		break;
	case SP_AGENT_ARMED:
		if (m->state == MEMBER_ARMING)
			m->state = MEMBER_RUNNING;
		break;
	case SP_AGENT_FAILED:
		on_failed(f, m, msg);
		break;
	case SP_AGENT_SAMPLE:
	case SP_AGENT_DONE:
		if (m->state == MEMBER_RUNNING || m->state == MEMBER_ARMING)
			on_result(m, msg);
		break;
	case SP_AGENT_REMARK:
		sp_fleet_pass_on(f, m, &msg->remark);
		break;
	case SP_AGENT_TRUTH:
		on_truth(f, msg);
		break;
	case SP_AGENT_LOG:
		on_log(f, m, msg);
		break;
	default:
		sp_member_lose(f, m, "it speaks as a controller does");
	}
}

void sp_member_read(struct sp_fleet *f, struct member *m)
{
	struct sp_agent_msg msg;
	struct sp_err err = { 0 };
	char *line;
	size_t len;
	int rc = 0;

	while (m->open && (line = sp_lines_next(&m->lines, SP_AGENT_LINE_MAX, &len, &rc))) {
		unsigned spare = !m->last;

		m->last_word_ns = sp_fleet_now();
		m->muted = false;
		sp_arena_fini(&m->words[spare]);
		sp_arena_init(&m->words[spare], f->mem);
		if (sp_agent_msg_get(line, len, -m->clock.offset_ns, &m->words[spare], &msg,
				     &err)) {
			sp_member_lose(f, m, err.text);
			return;
		}
		handle(f, m, &msg);
	}
	if (rc && m->open && m->state != MEMBER_DONE)
		sp_member_lose(f, m,
			       rc == -EMSGSIZE ? "it says more than a line may hold" : NULL);
	else if (rc && m->open)
		sp_member_end(m);
}
