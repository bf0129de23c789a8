#include "report/folder.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

#include "report/sample.h"

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
	(void)st;
	(void)kind;
	(void)ftw;
	return remove(path);
}

static int make_root(void **state)
{
	const char *tmp = getenv("TMPDIR");
	char *root = malloc(256);

	if (!root)
		return -1;
	snprintf(root, 256, "%s/spate-folder-XXXXXX", tmp && *tmp ? tmp : "/tmp");
	*state = root;
	return mkdtemp(root) ? 0 : -1;
}

static int remove_root(void **state)
{
	nftw(*state, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	free(*state);
	return 0;
}

static int give_plan(const void *text, sp_folder_take *take, void *arg)
{
	return take(arg, text, strlen(text));
}

static struct sp_folder_conf conf_of(const char *root)
{
	return (struct sp_folder_conf){
		.spate_runs = root,
		.name = "sample",
		.started_real_ns = SP_SAMPLE_START_NS,
		.plan = give_plan,
		.plan_arg = "{\"spate\": 1}",
		.version = "0.1.0",
	};
}

static char *slurp(const char *folder, const char *name)
{
	char path[512], *text;
	struct stat st;
	int fd;

	snprintf(path, sizeof path, "%s/%s", folder, name);
	fd = open(path, O_RDONLY);
	if (fd < 0)
		return NULL;
	assert_int_equal(fstat(fd, &st), 0);
	text = calloc(1, (size_t)st.st_size + 1);
	assert_non_null(text);
	assert_int_equal(read(fd, text, (size_t)st.st_size), st.st_size);
	close(fd);
	return text;
}

/* Every line of events.jsonl must parse. Counts them by kind; the sum that "missing" remarks
 * name is added to *left_out. Returns t_ns of the last. */
static uint64_t read_events(const char *folder, unsigned count[4], uint64_t *left_out)
{
	static const char *const kinds[] = { "start", "interval", "remark", "end" };
	char *text = slurp(folder, "events.jsonl"), *line = text, *next;
	uint64_t t_ns = 0;

	assert_non_null(text);
	for (; *line; line = next + 1) {
		const char *kind;
		json_t *ev;

		next = strchr(line, '\n');
		assert_non_null(next);
		*next = '\0';
		ev = json_loads(line, 0, NULL);
		assert_non_null(ev);
		kind = json_string_value(json_object_get(ev, "event"));
		for (unsigned k = 0; k < 4; k++)
			count[k] += !strcmp(kind, kinds[k]);
		if (!strcmp(kind, "remark"))
			*left_out += strtoull(json_string_value(json_object_get(
						      json_object_get(ev, "remark"), "text")),
					      NULL, 10);
		t_ns = (uint64_t)json_integer_value(json_object_get(ev, "t_ns"));
		json_decref(ev);
	}
	free(text);
	return t_ns;
}

static void put_at(struct sp_folder *f, struct sp_sample *s, double at)
{
	sp_sample_at(s, at);
	if (at == 0)
		s->event.kind = SP_EVENT_START;
	sp_folder_event(f, &s->event);
}

static void a_run_is_a_folder(void **state)
{
	static struct sp_hist hist;
	struct sp_folder_hist hists[] = { { "delay", &hist } };
	struct sp_folder_conf conf = conf_of(*state);
	struct sp_err err = { 0 };
	unsigned count[4] = { 0 };
	uint64_t left_out = 0;
	struct sp_folder *f;
	struct sp_sample s;
	char path[256], want[256], *text;
	json_t *doc;

	sp_hist_add(&hist, 1000);
	sp_sample_init(&s, 2);
	assert_int_equal(sp_folder_open(&f, &conf, sp_mem_system(), &err), 0);
	snprintf(path, sizeof path, "%s", sp_folder_path(f));
	snprintf(want, sizeof want, "%s/20260101T000000Z-sample-", (char *)*state);
	assert_memory_equal(path, want, strlen(want));
	for (unsigned i = 0; i <= 10; i++)
		put_at(f, &s, i);
	assert_false(sp_folder_error(f, NULL));
	assert_int_equal(sp_folder_finish(f, &s.event, hists, 1, &err), 0);

	assert_int_equal(read_events(path, count, &left_out), 10000000000);
	assert_int_equal(count[0], 1);
	assert_int_equal(count[1], 9);
	assert_int_equal(count[3], 1);
	text = slurp(path, "report.json");
	doc = json_loads(text, 0, NULL);
	assert_string_equal(json_string_value(json_object_get(doc, "folder")), path);
	json_decref(doc);
	free(text);
	text = slurp(path, "report.txt");
	assert_non_null(strstr(text, "verdict: valid with remarks"));
	free(text);
	text = slurp(path, "plan.json");
	assert_string_equal(text, "{\"spate\": 1}\n");
	free(text);
	text = slurp(path, "delay.hgrm");
	assert_non_null(strstr(text, "Percentile"));
	free(text);
	sp_sample_fini(&s);
}

static void names_cannot_leave_the_root(void **state)
{
	static const char *const names[][2] = {
		{ "../../etc/x", "etc-x" },
		{ "a/b\\c d", "a-b-c-d" },
		{ "\033[2J\n", "2J" },
		{ "...", "run" },
		{ "", "run" },
		{ "caf\xc3\xa9", "caf" },
		{ "-rf", "rf" },
	};
	struct sp_folder_conf conf = conf_of(*state);
	char want[256];

	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		struct sp_err err = { 0 };
		struct sp_folder *f;

		conf.name = names[i][0];
		conf.started_real_ns += 1000000000;
		assert_int_equal(sp_folder_open(&f, &conf, sp_mem_system(), &err), 0);
		snprintf(want, sizeof want, "%s/20260101T00000%zuZ-%s-", (char *)*state, i + 1,
			 names[i][1]);
		assert_memory_equal(sp_folder_path(f), want, strlen(want));
		assert_int_equal(strlen(sp_folder_path(f)), strlen(want) + 6);
		assert_int_equal(sp_folder_finish(f, NULL, NULL, 0, &err), 0);
	}
}

static void the_same_second_gives_other_folders(void **state)
{
	struct sp_folder_conf conf = conf_of(*state);
	struct sp_folder *f[20];
	struct sp_err err = { 0 };

	for (unsigned i = 0; i < 20; i++)
		assert_int_equal(sp_folder_open(&f[i], &conf, sp_mem_system(), &err), 0);
	for (unsigned i = 0; i < 20; i++)
		assert_int_equal(sp_folder_finish(f[i], NULL, NULL, 0, &err), 0);
}

static void check_refused(const struct sp_folder_conf *conf, const char *sentence)
{
	struct sp_err err = { 0 };
	struct sp_folder *f;

	assert_true(sp_folder_open(&f, conf, sp_mem_system(), &err) < 0);
	assert_int_equal(err.exit, SP_EXIT_IO);
	if (!strstr(err.text, sentence))
		fail_msg("\"%s\" lacks \"%s\"", err.text, sentence);
	assert_non_null(strstr(err.text, "--run-dir"));
}

static void what_cannot_be_made_is_named(void **state)
{
	struct sp_folder_conf conf = conf_of(NULL);
	char dir[300];
	struct sp_folder *f;
	struct sp_err err = { 0 };

	check_refused(&conf, "HOME is not set");
	conf.home = "";
	check_refused(&conf, "HOME is not set");
	conf.home = "/dev/null";
	check_refused(&conf, "/dev/null/.local/state/spate/runs: Not a directory");
	conf.xdg_state_home = "relative"; /* to be ignored */
	check_refused(&conf, "/dev/null/.local");
	conf.xdg_state_home = "/dev/null";
	check_refused(&conf, "/dev/null/spate/runs");
	conf.spate_runs = "/proc/nothing";
	check_refused(&conf, "/proc/nothing: ");
	conf.dir = "";
	check_refused(&conf, "No such file");

	snprintf(dir, sizeof dir, "%s/a/b", (char *)*state);
	conf.dir = dir;
	assert_int_equal(sp_folder_open(&f, &conf, sp_mem_system(), &err), 0);
	assert_int_equal(sp_folder_finish(f, NULL, NULL, 0, &err), 0);
	check_refused(&conf, "holds a run already");
}

static void the_default_place_is_the_users_own(void **state)
{
	struct sp_folder_conf conf = conf_of(NULL);
	char want[300];
	struct sp_err err = { 0 };
	struct sp_folder *f;
	struct stat st;

	conf.home = *state;
	assert_int_equal(sp_folder_open(&f, &conf, sp_mem_system(), &err), 0);
	snprintf(want, sizeof want, "%s/.local/state/spate/runs", (char *)*state);
	assert_memory_equal(sp_folder_path(f), want, strlen(want));
	assert_int_equal(stat(want, &st), 0);
	assert_int_equal(st.st_mode & 077, 0);
	assert_int_equal(sp_folder_finish(f, NULL, NULL, 0, &err), 0);
}

static void sleep_ms(long ms)
{
	struct timespec ts = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 };

	while (nanosleep(&ts, &ts) && errno == EINTR)
		;
}

/* Writes events at 10 Hz until it is killed; says over the pipe which was the last. */
static void write_for_ever(const struct sp_folder_conf *conf, int say)
{
	struct sp_err err = { 0 };
	struct sp_folder *f;
	struct sp_sample s;

	sp_sample_init(&s, 5);
	if (sp_folder_open(&f, conf, sp_mem_system(), &err))
		_exit(1);
	for (unsigned i = 0; i < 95; i++) {
		put_at(f, &s, i / 10.0);
		if (write(say, &s.event.t_ns, sizeof s.event.t_ns) < 0)
			_exit(1);
		sleep_ms(100);
	}
	_exit(0);
}

static void a_killed_process_loses_at_most_a_second(void **state)
{
	struct sp_folder_conf conf = conf_of(NULL);
	unsigned count[4] = { 0 };
	uint64_t said = 0, t, left_out = 0;
	int pipe_fd[2], status;
	char dir[300];
	pid_t pid;

	snprintf(dir, sizeof dir, "%s/killed", (char *)*state);
	conf.dir = dir;
	assert_int_equal(pipe(pipe_fd), 0);
	pid = fork();
	if (pid == 0)
		write_for_ever(&conf, pipe_fd[1]);
	assert_true(pid > 0);
	close(pipe_fd[1]);
	sleep_ms(2000);
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	while (read(pipe_fd[0], &t, sizeof t) == (ssize_t)sizeof t)
		said = t;
	close(pipe_fd[0]);
	t = read_events(dir, count, &left_out);
	assert_true(said > 0);
	assert_true(t + 1000000000 >= said);
	assert_int_equal(count[0], 1);
}

/* A file size limit stands for a full disk: write() fails half way through a line. */
static void run_into_a_full_disk(const struct sp_folder_conf *conf)
{
	struct rlimit limit = { .rlim_cur = 20000, .rlim_max = 20000 };
	struct sp_err err = { 0 };
	struct sp_folder *f;
	struct sp_sample s;
	int rc;

	sp_sample_init(&s, 5);
	if (setrlimit(RLIMIT_FSIZE, &limit) || sp_folder_open(&f, conf, sp_mem_system(), &err))
		_exit(1);
	for (unsigned i = 0; i <= 10; i++)
		put_at(f, &s, i);
	rc = sp_folder_finish(f, &s.event, NULL, 0, &err);
	if (rc != -EIO || err.exit != SP_EXIT_IO ||
	    !strstr(err.text, "events.jsonl: File too large"))
		_exit(2);
	_exit(0);
}

static void a_full_disk_is_named_once_and_leaves_whole_lines(void **state)
{
	struct sp_folder_conf conf = conf_of(NULL);
	unsigned count[4] = { 0 };
	uint64_t left_out = 0;
	char dir[300], *text;
	int status;
	pid_t pid;

	snprintf(dir, sizeof dir, "%s/full", (char *)*state);
	conf.dir = dir;
	pid = fork();
	if (pid == 0)
		run_into_a_full_disk(&conf);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	read_events(dir, count, &left_out);
	assert_int_equal(count[0], 1);
	assert_true(count[1] > 0 && count[1] < 9);
	assert_null(slurp(dir, "report.json")); /* half a document is no document */
	text = slurp(dir, "report.txt");
	assert_non_null(text);
	free(text);
}

static void what_the_queue_cannot_hold_is_counted(void **state)
{
	struct sp_folder_conf conf = conf_of(*state);
	unsigned count[4] = { 0 };
	struct sp_err err = { 0 };
	uint64_t left_out = 0;
	struct sp_folder *f;
	struct sp_sample s;
	char path[256];

	sp_sample_init(&s, 64);
	assert_int_equal(sp_folder_open(&f, &conf, sp_mem_system(), &err), 0);
	snprintf(path, sizeof path, "%s", sp_folder_path(f));
	for (unsigned i = 0; i < 3000; i++)
		put_at(f, &s, 1 + i / 1000.0);
	put_at(f, &s, 10);
	assert_int_equal(sp_folder_finish(f, &s.event, NULL, 0, &err), 0);
	read_events(path, count, &left_out);
	assert_int_equal(count[1] + left_out, 3000);
	assert_int_equal(count[3], 1);
	sp_sample_fini(&s);
}

static void failed_allocations_leak_nothing(void **state)
{
	struct sp_folder_conf conf = conf_of(*state);
	unsigned good = 0;
	struct sp_sample s;

	sp_sample_init(&s, 1);
	for (uint64_t n = 0; n < 60; n++) {
		struct sp_err err = { 0 };
		struct sp_mem_test mem;
		struct sp_folder *f;
		int rc;

		sp_mem_test_init(&mem, n);
		conf.started_real_ns += 1000;
		rc = sp_folder_open(&f, &conf, &mem.mem, &err);
		if (!rc) {
			put_at(f, &s, 1);
			put_at(f, &s, 10);
			rc = sp_folder_finish(f, &s.event, NULL, 0, &err);
		}
		assert_int_equal(rc != 0, mem.count > n);
		assert_int_equal(rc != 0, err.exit == SP_EXIT_IO);
		assert_int_equal(mem.live, 0);
		good += rc == 0;
	}
	assert_in_range(good, 1, 59);
	sp_sample_fini(&s);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, make_root, remove_root)
	const struct CMUnitTest tests[] = {
		T(a_run_is_a_folder),
		T(names_cannot_leave_the_root),
		T(the_same_second_gives_other_folders),
		T(what_cannot_be_made_is_named),
		T(the_default_place_is_the_users_own),
		T(a_killed_process_loses_at_most_a_second),
		T(a_full_disk_is_named_once_and_leaves_whole_lines),
		T(what_the_queue_cannot_hold_is_counted),
		T(failed_allocations_leak_nothing),
	};
#undef T

	return cmocka_run_group_tests(tests, NULL, NULL);
}
