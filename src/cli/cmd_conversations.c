#include "cli/cmd_conversations.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/units.h"
#include "capture/conversations.h"
#include "cli/cmd_run.h"
#include "cli/conversations_print.h"

#define WHAT "Conversations (with --as client)"
#define OUT  "Output"

const struct sp_flag sp_conversations_flags[] = {
	{ "--as", SP_FLAG_VALUE, "client", "as", NULL, WHAT,
	  "the client's side of the TCP conversations of a capture, over sockets" },
	{ "--target", SP_FLAG_VALUE, "HOST[:PORT]", "target", NULL, WHAT,
	  "the server; without a port those that were recorded" },
	{ "--server-port", SP_FLAG_VALUE, "N", "port", NULL, WHAT,
	  "only conversations with servers of this port number" },
	{ "--compare", SP_FLAG_VALUE, "HOW", "compare", NULL, WHAT,
	  "the answers with the recorded ones: bytes (the default), length, none" },
	{ "--timeout", SP_FLAG_VALUE, "TIME", "timeout", NULL, WHAT,
	  "how long an answer, or more of one, may take (default 10 s)" },
	{ "--times", SP_FLAG_VALUE, "HOW", "times", NULL, WHAT,
	  "answers: the client goes on as soon as the answer is there (the default); recorded: "
	  "after the pauses, and with the beginnings, of the capture" },
	{ "--connections", SP_FLAG_VALUE, "N", "connections", NULL, WHAT,
	  "so many at a time (default: as were recorded)" },
	{ "--json", SP_FLAG_NONE, NULL, "json", "yes", OUT,
	  "a document about each conversation, and nothing else, on standard output" },
	{ "--run-dir", SP_FLAG_VALUE, "DIR", "--run-dir", NULL, OUT,
	  "folder for plan, events and report" },
	{ "--no-run-dir", SP_FLAG_NONE, NULL, "--no-run-dir", "", OUT,
	  "keep nothing of the run" },
	{ "-q, --quiet", SP_FLAG_NONE, NULL, "-q", "", OUT, "log errors only" },
	{ 0 },
};

#define PASSED 8u

struct request {
	const char *file, *target, *compare, *timeout, *times;
	uint64_t port, connections;
	bool json;
	char *passed[PASSED]; /* words for the engine's command line */
	int n_passed;
};

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

/* ---- words ---- */

static int one_of(const char *spelling, const char *value, const char *words, const char **to,
		  struct sp_err *err)
{
	size_t n = strlen(value);

	for (const char *w = words; *w; w += strcspn(w, "|") + (w[strcspn(w, "|")] == '|'))
		if (n && strcspn(w, "|") == n && !strncmp(w, value, n)) {
			*to = value;
			return 0;
		}
	return sp_fail(err, -EINVAL, SP_EXIT_USAGE, "%s: '%.40s' is none of %s", spelling,
		       value, words);
}

static int number(const char *spelling, const char *value, uint64_t max, uint64_t *to,
		  struct sp_err *err)
{
	if (!sp_parse_u64(value, to) && *to && *to <= max)
		return 0;
	return sp_fail(err, -EINVAL, SP_EXIT_USAGE,
		       "%s: '%.40s' is no number from 1 to %" PRIu64, spelling, value, max);
}

static int on_word(void *arg, const struct sp_flag *flag, const char *value,
		   const char *spelling, struct sp_err *err)
{
	struct request *r = arg;
	const char *as;
	uint64_t ns;

	if (!flag && r->file)
		return sp_fail(err, -EINVAL, SP_EXIT_USAGE,
			       "one capture at a time; what is '%.60s'?", value);
	if (!flag)
		r->file = value;
	else if (!strcmp(flag->key, "as"))
		return one_of(spelling, value, "client", &as, err);
	else if (!strcmp(flag->key, "target"))
		r->target = value;
	else if (!strcmp(flag->key, "port"))
		return number(spelling, value, 65535, &r->port, err);
	else if (!strcmp(flag->key, "connections"))
		return number(spelling, value, 10000, &r->connections, err);
	else if (!strcmp(flag->key, "compare"))
		return one_of(spelling, value, "bytes|length|none", &r->compare, err);
	else if (!strcmp(flag->key, "times"))
		return one_of(spelling, value, "answers|recorded", &r->times, err);
	else if (!strcmp(flag->key, "timeout") && sp_parse_time(value, &ns))
		return sp_fail(err, -EINVAL, SP_EXIT_USAGE, "%s: '%.40s' is no time", spelling,
			       value);
	else if (!strcmp(flag->key, "timeout"))
		r->timeout = value;
	else if (!strcmp(flag->key, "json"))
		r->json = true;
	else if (r->n_passed + 2 < (int)PASSED) {
		union {
			const char *in;
			char *out;
		} key = { flag->key }, v = { value };

		r->passed[r->n_passed++] = key.out;
		if (flag->arg == SP_FLAG_VALUE)
			r->passed[r->n_passed++] = v.out;
	}
	return 0;
}

/* ---- what the engine gets ---- */

/* A file without a name. It stays open, so that it can be opened by its number. */
static int memory_file(const char *name, const void *data, size_t len, struct sp_err *err)
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
	return fd >= 0 ? fd
		       : sp_fail(err, -ENOMEM, SP_EXIT_FAILED,
				 "no memory for the conversations: %s", strerror(errno));
}

/* The book becomes the one that the machine writes its results into. */
static int share_book(struct sp_conversation_book *b, int *fd, struct sp_err *err)
{
	size_t size = b->book->size;
	void *at;

	*fd = memory_file("book", b->book, size, err);
	if (*fd < 0)
		return *fd;
	at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, *fd, 0);
	if (at == MAP_FAILED) {
		close(*fd);
		return sp_fail(err, -errno, SP_EXIT_FAILED,
			       "no memory for the conversations: %s", strerror(errno));
	}
	sp_free(sp_mem_system(), b->book);
	b->book = at;
	return 0;
}

/* When conversations begin, a line each. */
static int share_times(struct sp_book *b, int *fd, struct sp_err *err)
{
	struct sp_str s;

	sp_str_init(&s, sp_mem_system());
	for (uint32_t i = 0; i < b->conversations; i++)
		sp_str_printf(&s, "%" PRIu64 "ns\n", sp_book_conversations(b)[i].start_ns);
	*fd = s.failed ? sp_fail(err, -ENOMEM, SP_EXIT_FAILED, "out of memory")
		       : memory_file("times", s.text, s.len, err);
	sp_str_fini(&s);
	return *fd < 0 ? *fd : 0;
}

static bool has_port(const char *target)
{
	const char *colon = strrchr(target, ':');

	return colon && (*target == '[' ? colon[-1] == ']' : strchr(target, ':') == colon);
}

static void put_target(const struct request *r, const struct sp_conversation_book *b,
		       struct sp_str *url)
{
	bool bare6 = *r->target != '[' && strchr(r->target, ':') && !has_port(r->target);

	sp_str_printf(url, "conversation://%s%s%s", bare6 ? "[" : "", r->target,
		      bare6 ? "]" : "");
	if (!has_port(r->target))
		sp_str_printf(url, ":%u", b->port);
}

static int make_url(const struct request *r, struct sp_conversation_book *b, char **out,
		    struct sp_err *err)
{
	bool recorded = r->times && !strcmp(r->times, "recorded");
	uint64_t at_once = r->connections ? r->connections : b->at_once;
	struct sp_str url;
	int book, times, rc = share_book(b, &book, err);

	if (rc)
		return rc;
	if (at_once > b->book->conversations)
		at_once = b->book->conversations;
	sp_str_init(&url, sp_mem_system());
	put_target(r, b, &url);
	sp_str_printf(&url, "?book=/proc/self/fd/%d&connections=%" PRIu64, book, at_once);
	sp_str_printf(&url, "&compare=%s&times=%s&timeout=%s",
		      r->compare ? r->compare : "bytes", recorded ? "recorded" : "answers",
		      r->timeout ? r->timeout : "10s");
	if (recorded) {
		rc = share_times(b->book, &times, err);
		sp_str_printf(&url, "&mode=trace&trace=/proc/self/fd/%d", times);
	} else {
		sp_str_printf(&url, "&rate=max&count=%u", b->book->conversations);
	}
	*out = rc || url.failed ? NULL : strdup(url.text);
	sp_str_fini(&url);
	return rc || *out ? rc : sp_fail(err, -ENOMEM, SP_EXIT_FAILED, "out of memory");
}

/* ---- the run ---- */

/* The engine's exit status, and what became of the conversations. */
static int status_of(int code, const struct sp_conversations *all)
{
	struct sp_conversations_sum s;

	sp_conversations_sum(all, &s);
	if (code == SP_EXIT_USAGE || code >= SP_EXIT_DATA)
		return code;
	if (sp_conversations_unreached(all))
		return SP_EXIT_UNAVAIL;
	if (s.timeout || s.failed || s.not_played)
		return SP_EXIT_FAILED;
	return s.different ? SP_EXIT_EXPECT : SP_EXIT_OK;
}

/* Standard output is for the document alone: the run's report goes to its folder. */
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
static int print(const struct request *r, const struct sp_conversations *all, int to)
{
	struct sp_str out;
	size_t done = 0;
	ssize_t n = 1;
	int rc;

	fflush(stdout);
	sp_str_init(&out, sp_mem_system());
	(r->json ? sp_conversations_json : sp_conversations_text)(all, &out);
	for (; !out.failed && done < out.len && n > 0; done += (size_t)(n > 0 ? n : 0))
		n = write(to, out.text + done, out.len - done);
	rc = out.failed || done < out.len;
	sp_str_fini(&out);
	return rc ? SP_EXIT_IO : SP_EXIT_OK;
}

static int run_urls(struct request *r, struct sp_conversations *all, struct sp_self *self,
		    struct sp_err *err)
{
	char *argv[SP_CONVERSATION_PORTS + PASSED + 1] = { 0 };
	int argc = 0, rc = 0, code, was;

	for (uint32_t i = 0; i < all->n && !rc; i++)
		rc = make_url(r, &all->books[i], &argv[argc], err), argc += !rc;
	if (rc)
		return complain(err);
	for (int i = 0; i < r->n_passed; i++)
		argv[argc + i] = r->passed[i];
	was = r->json ? silence() : STDOUT_FILENO;
	code = sp_run_words("send", argc + r->n_passed, argv, self);
	for (int i = 0; i < argc; i++)
		free(argv[i]);
	if (code == SP_EXIT_USAGE) /* nothing was played; it has been said why */
		return code;
	rc = print(r, all, was);
	code = status_of(code, all);
	return rc ? rc : code;
}

static void unshare(struct sp_conversations *all)
{
	for (uint32_t i = 0; i < all->n; i++)
		munmap(all->books[i].book, all->books[i].book->size);
	all->n = 0;
}

int sp_conversations_words(int argc, char **argv, struct sp_self *self)
{
	struct sp_conversations_conf conf = { 0 };
	struct sp_conversations all = { .n = 0 };
	struct request r = { 0 };
	struct sp_err err = { 0 };
	int rc = sp_flags_parse(sp_conversations_flags, argc, argv, on_word, &r, &err);

	if (!rc && (!r.file || !r.target))
		rc = sp_fail(&err, -EINVAL, SP_EXIT_USAGE,
			     "--as client: which capture, and which --target HOST[:PORT]?");
	if (!rc) {
		conf.port = (uint16_t)r.port;
		conf.one_book = has_port(r.target);
		rc = sp_conversations_read(&all, r.file, &conf, sp_mem_system(), &err);
	}
	if (rc)
		return complain(&err);
	rc = run_urls(&r, &all, self, &err);
	unshare(&all);
	return rc;
}
