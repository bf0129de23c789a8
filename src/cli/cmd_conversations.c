#include "cli/cmd_conversations.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "capture/conversations_result.h"
#include "cli/cmd_run.h"
#include "cli/confine.h"
#include "cli/conversations_print.h"
#include "cli/conversations_words.h"
#include "report/plain.h"
#include "scenario/conversation_plan.h"
#include "scenario/words.h"
#include "spate/spate.h"

bool sp_conversations_meant(int argc, char **argv)
{
	for (int i = 0; i < argc && strcmp(argv[i], "--") != 0; i++)
		if (!strcmp(argv[i], "--as") || !strncmp(argv[i], "--as=", 5))
			return true;
	return false;
}

static int complain(const struct sp_err *err)
{
	fprintf(stderr, "spate replay: %s\n", err->text);
	if (err->exit == SP_EXIT_USAGE)
		fprintf(stderr, "See `spate help replay`.\n");
	return (int)err->exit;
}

/* ---- what the engine gets ---- */

#define PATH 32u /* of a file without a name */

/* A stream's book and times, as files. */
struct files {
	char book[PATH], starts[PATH];
};

/* A file without a name. It stays open, so that it can be opened by its number. */
static int memory_file(const char *name, const void *data, size_t len, char path[PATH],
		       struct sp_err *err)
{
	int fd = memfd_create(name, 0);
	const uint8_t *at = data;

	while (fd >= 0 && len) {
		ssize_t n = write(fd, at, len);

		if (n <= 0) {
			close(fd);
			fd = -1;
			break;
		}
		at += n;
		len -= (size_t)n;
	}
	snprintf(path, PATH, "/proc/self/fd/%d", fd);
	return fd >= 0 ? fd
		       : sp_fail(err, -ENOMEM, SP_EXIT_FAILED,
				 "no memory for the conversations: %s", strerror(errno));
}

/* The book becomes the one that the machine writes its results into. */
static int share_book(struct sp_conversation_book *b, char path[PATH], struct sp_err *err)
{
	size_t size = b->book->size;
	int fd = memory_file("book", b->book, size, path, err);
	void *at;

	if (fd < 0)
		return fd;
	at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (at == MAP_FAILED) {
		close(fd);
		return sp_fail(err, -errno, SP_EXIT_FAILED,
			       "no memory for the conversations: %s", strerror(errno));
	}
	sp_free(sp_mem_system(), b->book);
	b->book = at;
	return 0;
}

/* When conversations begin, a line each. */
static int share_starts(struct sp_book *b, char path[PATH], struct sp_err *err)
{
	struct sp_str s;
	int fd;

	sp_str_init(&s, sp_mem_system());
	for (uint32_t i = 0; i < b->conversations; i++)
		sp_str_printf(&s, "%" PRIu64 "ns\n", sp_book_conversations(b)[i].start_ns);
	fd = s.failed ? sp_fail(err, -ENOMEM, SP_EXIT_FAILED, "out of memory")
		      : memory_file("starts", s.text, s.len, path, err);
	sp_str_fini(&s);
	return fd < 0 ? fd : 0;
}

/* *shared counts the books that are mapped. */
static int make_plan(const struct sp_conversations_words *w, struct sp_conversations *all,
		     uint32_t *shared, struct sp_str *text, struct sp_err *err)
{
	const struct sp_conversation_how how = { .host = w->host,
						 .compare = w->compare,
						 .times = w->times,
						 .await = w->await,
						 .timeout = w->timeout };
	struct sp_conversation_stream streams[SP_CONVERSATION_BOOKS];
	struct files files[SP_CONVERSATION_BOOKS];
	bool recorded = w->times && !strcmp(w->times, "recorded");
	uint64_t at_once;
	int rc = 0;

	for (uint32_t i = 0; i < all->n && !rc; i++) {
		struct sp_conversation_book *b = &all->books[i];

		rc = share_book(b, files[i].book, err);
		*shared += !rc;
		if (!rc && recorded)
			rc = share_starts(b->book, files[i].starts, err);
		at_once = w->connections ? w->connections : b->at_once;
		if (recorded && !w->connections) /* one that lasts longer holds up no other */
			at_once = 8 * at_once + 64;
		streams[i] = (struct sp_conversation_stream){
			.udp = b->udp,
			.port = w->host_port ? w->host_port : b->port,
			.book = files[i].book,
			.starts = recorded ? files[i].starts : NULL,
			.conversations = b->book->conversations,
			.at_once = at_once,
		};
	}
	return rc ? rc : sp_conversation_plan(text, streams, all->n, &how, err);
}

/* ---- the run ---- */

struct watching {
	const struct sp_conversations *all;
	bool started;
	struct sp_str remarks, lines;
};

/* Errors of answers and connections are told conversation by conversation. */
static bool is_told(const struct sp_remark *r)
{
	static const char *const codes[] = { "connect-refused", "connection-reset", "no-answer",
					     "caught-up", "nobody-listens" };

	for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
		if (!strcmp(codes[i], r->code))
			return true;
	return r->neutral;
}

static void on_event(void *arg, const struct sp_event *e)
{
	struct watching *w = arg;

	w->started |= e->kind == SP_EVENT_START;
	if (e->kind == SP_EVENT_REMARK && !is_told(e->remark))
		sp_str_printf(&w->remarks, "  %s\n", e->remark->text);
}

static const char *last_lines(void *arg)
{
	struct watching *w = arg;

	sp_conversations_lines(w->all, &w->lines);
	return w->lines.text;
}

/* The engine's exit status, and what became of the conversations. */
static int status_of(int code, const struct sp_conversations *all)
{
	struct sp_conversations_sum s;

	sp_conversations_sum(all, &s);
	if (code == SP_EXIT_USAGE || code >= SP_EXIT_DATA)
		return code;
	if (s.of[SP_CONVERSATION_REFUSED] == s.all)
		return SP_EXIT_UNAVAIL;
	if (s.of[SP_CONVERSATION_EQUAL] + s.of[SP_CONVERSATION_DIFFERENT] != s.all)
		return SP_EXIT_FAILED;
	if (code == SP_EXIT_UNTRUSTED)
		return code;
	if (*all->damage)
		return SP_EXIT_DATA;
	return s.of[SP_CONVERSATION_DIFFERENT] ? SP_EXIT_EXPECT : SP_EXIT_OK;
}

/* Standard output is for what became of the conversations: the run's report, in units of the engine,
 * goes to its folder. Returns the descriptor that standard output was. */
static int silence(void)
{
	int was = dup(STDOUT_FILENO), null = open("/dev/null", O_WRONLY | O_CLOEXEC);

	fflush(stdout);
	if (was >= 0 && null >= 0)
		dup2(null, STDOUT_FILENO);
	if (null >= 0)
		close(null);
	return was;
}

/* The run's sandbox is on: what is open may be written, and nothing else be done. */
static int print(const struct sp_conversations_words *w, const struct sp_conversations *all,
		 const struct sp_conversations_run *run, int to)
{
	struct sp_str out;
	size_t done = 0;
	ssize_t n = 1;
	int rc;

	sp_str_init(&out, sp_mem_system());
	(w->json ? sp_conversations_json : sp_conversations_text)(all, run, &out);
	for (; !out.failed && done < out.len && n > 0; done += (size_t)(n > 0 ? n : 0))
		n = write(to, out.text + done, out.len - done);
	rc = out.failed || done < out.len;
	sp_str_fini(&out);
	return rc ? SP_EXIT_IO : SP_EXIT_OK;
}

static int play(const struct sp_conversations_words *w, const struct sp_conversations *all,
		struct spate_plan *plan, struct sp_self *self)
{
	/* A document there would be: so that what is seen while it runs is on standard error. */
	const struct sp_words_output out = { .json = true,
					     .quiet = w->quiet,
					     .run_dir = w->run_dir,
					     .no_run_dir = w->no_run_dir,
					     .name = "replay" };
	struct watching seen = { .all = all };
	const struct sp_run_how how = { .command = "replay",
					.out = &out,
					.event = on_event,
					.event_arg = &seen,
					.last = last_lines };
	struct sp_conversations_run run = { .remarks = "" };
	int was = silence(), code, rc = 0;

	sp_str_init(&seen.remarks, sp_mem_system());
	sp_str_init(&seen.lines, sp_mem_system());
	code = sp_run_plan(plan, &how, self);
	if (seen.started) { /* else nothing was played, and it has been said why */
		code = status_of(code, all);
		run.exit_code = code;
		if (seen.remarks.len)
			run.remarks = seen.remarks.text;
		rc = print(w, all, &run, was);
	}
	sp_str_fini(&seen.remarks);
	sp_str_fini(&seen.lines);
	return rc ? rc : code;
}

static int run_plan(const struct sp_conversations_words *w, struct sp_conversations *all,
		    uint32_t *shared, struct sp_self *self)
{
	struct spate_error error = { 0 };
	struct spate_plan *plan = NULL;
	struct sp_err err = { 0 };
	struct sp_str text;
	int code;

	sp_str_init(&text, sp_mem_system());
	if (make_plan(w, all, shared, &text, &err)) {
		code = complain(&err);
	} else if (spate_plan_read(&plan, text.text, text.len, 0, &error)) {
		fprintf(stderr, "spate replay: %s\n", error.text);
		code = error.exit_code;
	} else {
		code = play(w, all, plan, self);
	}
	spate_plan_free(plan);
	sp_str_fini(&text);
	return code;
}

static void let_go(struct sp_conversations *all, uint32_t shared)
{
	for (uint32_t i = 0; i < all->n; i++)
		if (i < shared)
			munmap(all->books[i].book, all->books[i].book->size);
		else
			sp_free(sp_mem_system(), all->books[i].book);
}

int sp_conversations_words(int argc, char **argv, struct sp_self *self)
{
	struct sp_conversations_conf conf = { 0 };
	struct sp_conversations_words w;
	struct sp_conversations all = { .n = 0 };
	struct sp_err err = { 0 };
	uint32_t shared = 0;
	int code;

	sp_cli_allow_descriptors();
	if (sp_conversations_words_read(&w, argc, argv, &err))
		return complain(&err);
	conf.port = (uint16_t)w.port;
	conf.one_book = w.host_port != 0;
	conf.tcp = !w.protocol || !strcmp(w.protocol, "tcp");
	conf.udp = !w.protocol || !strcmp(w.protocol, "udp");
	if (sp_conversations_read(&all, w.file, &conf, sp_mem_system(), &err))
		return complain(&err);
	if (*all.damage)
		fprintf(stderr, "spate replay: %s; what is before that is played\n",
			all.damage);
	code = run_plan(&w, &all, &shared, self);
	let_go(&all, shared);
	return code;
}
