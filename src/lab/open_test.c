/* A lab that this process holds. Skipped where no namespaces can be had. */
#include "lab/lab.h"

#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static const char text[] = "lab: {hosts: [a, b], routers: [r], links: [{ends: [a, r]}, "
			   "{name: slow, ends: [r, b], delay: 1ms, via: forwarder}]}";

static struct sp_lab *lab;

static int open_lab(void **state)
{
	static struct sp_lab_spec spec;
	struct sp_err err = { 0 };
	struct sp_yaml doc;

	(void)state;
	lab = NULL;
	if (sp_yaml_parse(&doc, "t.yaml", text, strlen(text), sp_mem_system(), &err) ||
	    sp_lab_spec_from_yaml(&spec, &doc, doc.root, &err))
		return -1;
	sp_yaml_free(&doc);
	if (!sp_lab_open(&lab, &spec, sp_mem_system(), &err))
		return 0;
	printf("# %s\n", err.text);
	return err.exit == SP_EXIT_PERM ? 0 : -1;
}

static int close_lab(void **state)
{
	(void)state;
	if (lab)
		sp_lab_close(lab);
	return 0;
}

static void needs_lab(void)
{
	if (!lab)
		skip();
}

static int status_of(pid_t pid)
{
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

/* Exit status, and what was written to stdout. */
static int run(const char *host, const char *script, char *out, size_t cap)
{
	char *argv[] = { (char[]){ "sh" }, (char[]){ "-c" }, strdup(script), NULL };
	struct sp_err err = { 0 };
	size_t n = 0;
	ssize_t got;
	int fds[2];
	pid_t pid;

	assert_int_equal(pipe(fds), 0);
	if (sp_lab_spawn(lab, host, argv, (int[]){ -1, fds[1], 2 }, &pid, &err))
		fail_msg("%s", err.text);
	close(fds[1]);
	while ((got = read(fds[0], out + n, cap - 1 - n)) > 0)
		n += (size_t)got;
	out[n] = '\0';
	close(fds[0]);
	free(argv[2]);
	return status_of(pid);
}

static void test_spawn(void **state)
{
	char out[500];

	(void)state;
	needs_lab();
	assert_int_equal(run("b", "echo hello; cat; exit 7", out, sizeof out), 7);
	assert_string_equal(out, "hello\n");
	assert_int_equal(
		run("a", "ping -c 1 -n -q 10.99.1.2 >/dev/null; echo $?", out, sizeof out), 0);
	assert_string_equal(out, "0\n");
	assert_int_equal(run("r", "test -n \"$SPATE_LAB\"; kill -9 $$", out, sizeof out), 137);
	/* Nothing of ours is open there but what was given. */
	assert_int_equal(run("a", "ls /proc/self/fd | wc -l", out, sizeof out), 0);
	assert_string_equal(out, "4\n");
}

static void test_spawn_fails(void **state)
{
	char *missing[] = { (char[]){ "/no/such/program" }, NULL };
	char *folder[] = { (char[]){ "/etc" }, NULL };
	const int none[3] = { -1, -1, -1 };
	struct sp_err err = { 0 };
	pid_t pid;

	(void)state;
	needs_lab();
	assert_int_equal(sp_lab_spawn(lab, "a", missing, none, &pid, &err), -ENOENT);
	assert_int_equal(err.exit, 127);
	assert_int_equal(sp_lab_spawn(lab, "a", folder, none, &pid, &err), -EACCES);
	assert_int_equal(err.exit, 126);
	assert_int_equal(sp_lab_spawn(lab, "aa", missing, none, &pid, &err), -ENOENT);
	assert_non_null(strstr(err.text, "no host 'aa'"));
	assert_int_equal(sp_lab_spawn(lab, "", missing, none, &pid, &err), -ENOENT);
}

/* A signal to the one who waits goes on to the command, and SIGKILL takes it along. */
static void test_signals(void **state)
{
	char *argv[] = {
		(char[]){ "sh" }, (char[]){ "-c" },
		(char[]){ "trap 'echo bye; exit 3' TERM; echo up; while :; do sleep 0.02; "
			  "done" },
		NULL
	};
	struct sp_err err = { 0 };
	char out[20] = "";
	int fds[2];
	pid_t pid;

	(void)state;
	needs_lab();
	for (int hard = 0; hard < 2; hard++) {
		assert_int_equal(pipe(fds), 0);
		assert_int_equal(
			sp_lab_spawn(lab, "a", argv, (int[]){ -1, fds[1], -1 }, &pid, &err), 0);
		close(fds[1]);
		assert_int_equal(read(fds[0], out, 3), 3);
		kill(pid, hard ? SIGKILL : SIGTERM);
		memset(out, 0, sizeof out);
		/* The end of the pipe: the command is gone too. */
		struct pollfd p = { .fd = fds[0], .events = POLLIN };
		assert_int_equal(poll(&p, 1, 5000), 1);
		ssize_t n = read(fds[0], out, sizeof out - 1);
		assert_int_equal(n, hard ? 0 : 4);
		assert_int_equal(status_of(pid), hard ? 1000 + SIGKILL : 3);
		close(fds[0]);
	}
}

/* A stall may outlast a ping and the kernel's patience with ARP, so some more are tried. */
static void reaches(const char *host, const char *address)
{
	char script[200], out[8];

	snprintf(script, sizeof script,
		 "for i in 1 2 3 4 5 6 7 8 9; do ping -c 1 -W 2 -n -q %s >/dev/null && exit 0; "
		 "sleep 0.2; done; exit 1",
		 address);
	assert_int_equal(run(host, script, out, sizeof out), 0);
}

static bool both_counted(struct sp_lab_link_state *st)
{
	struct sp_err err = { 0 };

	assert_int_equal(sp_lab_link_state(lab, 1, st, &err), 0);
	return st->counted && st->counts[0].impair.down && st->counts[1].impair.lost;
}

static void test_link(void **state)
{
	struct sp_lab_link_state st;
	struct sp_err err = { 0 };
	uint64_t at_ns = 0;
	char out[100];

	(void)state;
	needs_lab();
	assert_false(sp_lab_is_over(lab));
	assert_int_equal(sp_lab_link_set(lab, "slow", "down=true", &at_ns, &err), 0);
	assert_true(at_ns > 0);
	assert_int_equal(run("a", "ping -c 1 -W 1 -n -q 10.99.1.2 >/dev/null", out, sizeof out),
			 1);
	assert_int_equal(
		sp_lab_link_set(lab, "slow", "down=false,back.loss_every=1", NULL, &err), 0);
	assert_int_equal(run("a", "ping -c 1 -W 1 -n -q 10.99.1.2 >/dev/null", out, sizeof out),
			 1);
	for (unsigned i = 0; i < 50 && !both_counted(&st); i++)
		usleep(100000);
	assert_true(both_counted(&st));
	assert_string_equal(st.name, "slow");
	assert_string_equal(st.end[1], "b");
	assert_int_equal(st.via, SP_LAB_FORWARDER);
	assert_int_equal(st.way[1].loss_every, 1);
	assert_int_equal(sp_lab_link_set(lab, "slow", "loss_every=0", NULL, &err), 0);
	reaches("a", "10.99.1.2");
	assert_int_equal(sp_lab_link_set(lab, "l1", "loss=1%", NULL, &err), -EOPNOTSUPP);
	assert_int_equal(sp_lab_link_set(lab, "l1", "loss=0%", NULL, &err), 0);
	assert_int_equal(sp_lab_link_set(lab, "slwo", "loss=1%", NULL, &err), -ENOENT);
	assert_int_equal(sp_lab_link_state(lab, 2, &st, &err), -ENOENT);
}

/* A forwarder that does not answer is named, and what it does later is what is told. */
static void test_stalled(void **state)
{
	static const char stop[] =
		"for p in /proc/[0-9]*; do test \"$(cat $p/comm)\" = lab:slow "
		"&& kill -STOP ${p#/proc/}; done; true";
	static const char go[] = "for p in /proc/[0-9]*; do test \"$(cat $p/comm)\" = lab:slow "
				 "&& kill -CONT ${p#/proc/}; done; true";
	struct sp_lab_link_state st;
	struct sp_err err = { 0 };
	uint64_t at_ns = 0, again_ns = 0;
	char out[100];

	(void)state;
	needs_lab();
	assert_int_equal(run("a", stop, out, sizeof out), 0);
	assert_int_equal(sp_lab_link_set(lab, "slow", "loss_every=1", NULL, &err), -EIO);
	assert_string_equal(err.text, "the forwarder of link slow does not answer");
	assert_int_equal(run("a", go, out, sizeof out), 0);
	/* The change was refused, so it does not hold, whatever the forwarder saw of it. */
	assert_int_equal(sp_lab_link_state(lab, 1, &st, &err), 0);
	assert_int_equal(st.way[0].loss_every, 0);
	reaches("a", "10.99.1.2");
	assert_int_equal(sp_lab_link_set(lab, "slow", "delay=2ms", &at_ns, &err), 0);
	assert_int_equal(sp_lab_link_set(lab, "slow", "delay=3ms", &again_ns, &err), 0);
	assert_true(at_ns && again_ns > at_ns);
	assert_int_equal(sp_lab_link_state(lab, 1, &st, &err), 0);
	assert_int_equal(st.way[0].delay_ns, 3000000);
}

/* Somebody kills a process that holds a host: the lab is gone, and says so. */
static void test_gone(void **state)
{
	char *argv[] = { (char[]){ "true" }, NULL };
	const int none[3] = { -1, -1, -1 };
	struct sp_err err = { 0 };
	struct pollfd p;
	char out[100];
	pid_t pid;

	(void)state;
	needs_lab();
	run("a", "kill -9 2", out, sizeof out);
	p = (struct pollfd){ .fd = sp_lab_fd(lab), .events = POLLIN };
	assert_int_equal(poll(&p, 1, 5000), 1);
	assert_true(sp_lab_is_over(lab));
	assert_int_equal(sp_lab_spawn(lab, "a", argv, none, &pid, &err), -ECANCELED);
	assert_int_equal(sp_lab_link_set(lab, "slow", "loss=1%", NULL, &err), -ECANCELED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_spawn, open_lab, close_lab),
		cmocka_unit_test_setup_teardown(test_spawn_fails, open_lab, close_lab),
		cmocka_unit_test_setup_teardown(test_signals, open_lab, close_lab),
		cmocka_unit_test_setup_teardown(test_link, open_lab, close_lab),
		cmocka_unit_test_setup_teardown(test_stalled, open_lab, close_lab),
		cmocka_unit_test_setup_teardown(test_gone, open_lab, close_lab),
	};

	return cmocka_run_group_tests_name("lab/open", tests, NULL, NULL);
}
