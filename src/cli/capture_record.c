#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include "base/json.h"
#include "base/out_file.h"
#include "base/units.h"
#include "capture/record.h"
#include "cli/cmd_capture.h"
#include "sandbox/sandbox.h"

/* What is buffered is written at least so often. */
#define FLUSH_MS   200u
/* At the end: more turns than what the socket holds needs, and yet not for ever. */
#define LAST_TURNS 64u
#define NS_PER_MS  1000000u

#define G_WHAT	   "What is recorded"
#define G_END	   "End (the first that is reached; else until stopped)"
#define G_OUT	   "Output"

static const struct sp_flag flags[] = {
	{ "-i, --interface", SP_FLAG_VALUE, "DEV", "interface", NULL, G_WHAT,
	  "frames that enter and leave here" },
	{ "--filter", SP_FLAG_VALUE, "TEXT", "filter", NULL, G_WHAT,
	  "only those that this takes, in tcpdump's language" },
	{ "-s, --snap", SP_FLAG_VALUE, "BYTES", "snap", NULL, G_WHAT,
	  "so much of each at most; its length stays known" },
	{ "-c, --count", SP_FLAG_VALUE, "N", "count", NULL, G_END, "after N frames" },
	{ "-D, --duration", SP_FLAG_VALUE, "TIME", "duration", NULL, G_END,
	  "500ms, 10, 2m, 1h" },
	{ "-w, --out", SP_FLAG_VALUE, "FILE", "out", NULL, G_OUT,
	  "pcapng where the name ends so, and to standard output ('-'); else pcap. It can be read "
	  "while it grows" },
	{ "--rotate", SP_FLAG_VALUE, "SIZE|TIME", "rotate", NULL, G_OUT,
	  "several files, a.pcap being a-00001.pcap, a-00002.pcap, ...: none longer than 100MB, or "
	  "the next one after 30s, 10m, 1h; twice for both (tcpdump's -C and -G)" },
	{ "--keep", SP_FLAG_VALUE, "N", "keep", NULL, G_OUT,
	  "so many files of --rotate: the oldest is removed (tcpdump's -W)" },
	{ "--json", SP_FLAG_NONE, NULL, "json", "yes", G_OUT, "one JSON document" },
	{ 0 },
};

static const struct sp_cli_example examples[] = {
	{ "capture record --interface eth1 --out seen.pcapng -D 60", "a minute of all" },
	{ "capture record -i eth1 --filter 'udp port 53' --count 100 --out dns.pcap",
	  "a hundred frames of DNS" },
	{ "capture record -i eth1 --out ring.pcapng --rotate 100MB --keep 10",
	  "the last gigabyte, until stopped" },
	{ "capture record -i eth1 --out - | tshark -r -", "into another program" },
	{ 0 },
};

struct request {
	struct sp_capture_conf conf;
	uint64_t duration_ns;
	bool json;
};

enum reason { STOPPED, TIME_OVER, FULL, BROKEN };
static const char *const reasons[] = { "stopped", "time is over", "has all that it should",
				       "broken" };

static int bad_value(const char *spelling, const char *value, struct sp_err *err)
{
	char shown[80];

	return sp_fail(err, -EINVAL, SP_EXIT_USAGE, "%s: what is '%s'?", spelling,
		       sp_str_printable(shown, sizeof shown, value));
}

static int read_snap(struct request *r, const char *value, const char *spelling,
		     struct sp_err *err)
{
	char shown[80];
	uint64_t n = 0;

	if (sp_parse_size(value, &n) || !n || n > UINT32_MAX)
		return sp_fail(err, -EINVAL, SP_EXIT_USAGE,
			       "%s: '%s' is no length from 1 to 4 GiB; without %s all of each "
			       "frame is kept",
			       spelling, sp_str_printable(shown, sizeof shown, value),
			       spelling);
	r->conf.snap = (uint32_t)n;
	return 0;
}

/* A time has the unit of one; "10m" are minutes, "10M" is a size. */
static int read_rotate(struct request *r, const char *value, const char *spelling,
		       struct sp_err *err)
{
	size_t len = strlen(value);
	bool time = len && strchr("smh", value[len - 1]);
	uint64_t n = 0;
	char shown[80];

	if (!len || (value[len - 1] >= '0' && value[len - 1] <= '9') ||
	    (time ? sp_parse_time(value, &n) : sp_parse_size(value, &n)) || !n || n > INT64_MAX)
		return sp_fail(err, -EINVAL, SP_EXIT_USAGE,
			       "%s: '%s' is neither a size with its unit, such as 100MB, nor a "
			       "time, such as 30s, 10m or 1h",
			       spelling, sp_str_printable(shown, sizeof shown, value));
	*(time ? &r->conf.file.rotate_ns : &r->conf.file.rotate_bytes) = n;
	return 0;
}

static int read_keep(struct request *r, const char *value, const char *spelling,
		     struct sp_err *err)
{
	uint64_t n;

	if (sp_parse_u64(value, &n) || !n || n > UINT32_MAX)
		return bad_value(spelling, value, err);
	r->conf.file.keep = (uint32_t)n;
	return 0;
}

static int on_word(void *arg, const struct sp_flag *flag, const char *value,
		   const char *spelling, struct sp_err *err)
{
	struct request *r = arg;

	if (!flag)
		return sp_fail(err, -EINVAL, SP_EXIT_USAGE, "what is '%.60s'?", value);
	if (!strcmp(flag->key, "interface"))
		r->conf.file.interface = value;
	else if (!strcmp(flag->key, "filter"))
		r->conf.filter = value;
	else if (!strcmp(flag->key, "out"))
		r->conf.file.path = value;
	else if (!strcmp(flag->key, "json"))
		r->json = true;
	else if (!strcmp(flag->key, "count"))
		return sp_parse_u64(value, &r->conf.count) ? bad_value(spelling, value, err)
							   : 0;
	else if (!strcmp(flag->key, "duration"))
		return sp_parse_time(value, &r->duration_ns) ? bad_value(spelling, value, err)
							     : 0;
	else if (!strcmp(flag->key, "rotate"))
		return read_rotate(r, value, spelling, err);
	else if (!strcmp(flag->key, "keep"))
		return read_keep(r, value, spelling, err);
	else
		return read_snap(r, value, spelling, err);
	return 0;
}

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

/* Signals that stop become something to read. */
static int open_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* Until one of the ends; 0 or the error of the interface or the file. */
static int record(struct sp_capture *c, int fd, int signals, uint64_t end_ns,
		  enum reason *reason)
{
	struct pollfd fds[2] = { { .fd = signals, .events = POLLIN },
				 { .fd = fd, .events = POLLIN } };
	uint64_t flush_ns = now_ns() + FLUSH_MS * NS_PER_MS, now;
	int rc = 0;

	for (;;) {
		now = now_ns();
		*reason = sp_capture_full(c) ? FULL : fds[0].revents ? STOPPED : TIME_OVER;
		if (*reason != TIME_OVER || now >= end_ns)
			return 0;
		now = earlier(flush_ns, end_ns) - earlier(now, earlier(flush_ns, end_ns));
		if (poll(fds, 2, (int)(now / NS_PER_MS) + 1) > 0)
			rc = sp_capture_step(c);
		if (rc >= 0 && now_ns() >= flush_ns) {
			rc = sp_capture_flush(c);
			flush_ns = now_ns() + FLUSH_MS * NS_PER_MS;
		}
		if (rc < 0) {
			*reason = BROKEN;
			return rc;
		}
	}
}

/* What had come when it ended. */
static void take_rest(struct sp_capture *c)
{
	for (unsigned i = 0; i < LAST_TURNS && !sp_capture_full(c) && sp_capture_step(c) > 0;
	     i++)
		;
}

static void put_text(struct sp_str *out, const struct sp_capture_counts *n, uint64_t took_ns,
		     enum reason why)
{
	char frames[40], bytes[40], drops[27];

	sp_str_printf(out, "%s, %s in %llu.%03llu s; dropped %s; %s\n",
		      sp_str_count(frames, sizeof frames, n->frames, "frame"),
		      sp_str_count(bytes, sizeof bytes, n->bytes, "byte"),
		      (unsigned long long)(took_ns / 1000000000),
		      (unsigned long long)(took_ns / NS_PER_MS % 1000),
		      sp_str_grouped(drops, sizeof drops, n->dropped), reasons[why]);
}

static void put_json(struct sp_str *out, const struct sp_capture_counts *n, uint64_t took_ns,
		     enum reason why)
{
	static const char *const words[] = { "signal", "duration", "count", "error" };
	struct sp_json j;

	sp_json_init(&j, out, 2);
	sp_json_open(&j, NULL, '{');
	sp_json_u64(&j, "frames", n->frames);
	sp_json_u64(&j, "bytes", n->bytes);
	sp_json_u64(&j, "dropped", n->dropped);
	sp_json_u64(&j, "duration_ns", took_ns);
	sp_json_str(&j, "ended_by", words[why]);
	sp_json_close(&j, '}');
	sp_str_puts(out, "\n");
}

/* Standard output is the capture's, when it goes there. */
static int print(const struct request *r, struct sp_str *out)
{
	if (!sp_out_is_stdout(r->conf.file.path))
		return sp_capture_print(&sp_cmd_capture_record, out);
	if (!out->failed)
		fputs(out->text, stderr);
	sp_str_fini(out);
	return SP_EXIT_OK;
}

/* Everything is open: from here on nothing else can be, but the next files. */
static int run_open(const struct request *r, struct sp_capture *c, int fd, int signals,
		    struct sp_err *err)
{
	uint64_t begin_ns = now_ns();
	struct sp_capture_counts counts = { 0 };
	struct sp_sandbox_state state;
	enum reason reason = STOPPED;
	struct sp_str out;
	int rc, closed, status;

	sp_sandbox_enter(&(struct sp_sandbox_conf){ .dirs = { sp_capture_folder(c) },
						    .n_dirs = sp_capture_folder(c) >= 0 },
			 &state);
	fprintf(stderr, "ready %s\n", r->conf.file.interface);
	rc = record(c, fd, signals, r->duration_ns ? begin_ns + r->duration_ns : UINT64_MAX,
		    &reason);
	if (!rc)
		take_rest(c);
	begin_ns = now_ns() - begin_ns;
	closed = sp_capture_free(c, &counts);
	sp_str_init(&out, sp_mem_system());
	(r->json ? put_json : put_text)(&out, &counts, begin_ns, reason);
	status = print(r, &out);
	if (closed)
		sp_fail(err, closed, SP_EXIT_IO, "%s: cannot be written: %s", r->conf.file.path,
			strerror(-closed));
	else if (rc)
		sp_fail(err, rc, SP_EXIT_FAILED, "interface %s: %s", r->conf.file.interface,
			strerror(-rc));
	if (err->code)
		return err->code;
	return status ? status : reason == STOPPED ? (int)SP_EXIT_INTR : (int)SP_EXIT_OK;
}

static int open_and_run(const struct request *r, struct sp_err *err)
{
	int signals, fd, rc;
	struct sp_capture *c;

	const struct sp_record_conf *file = &r->conf.file;

	if (!file->interface || !file->path)
		return sp_fail(err, -EINVAL, SP_EXIT_USAGE,
			       "which --interface, and into which --out?");
	if (file->keep && !file->rotate_bytes && !file->rotate_ns)
		return sp_fail(err, -EINVAL, SP_EXIT_USAGE,
			       "--keep says how many files of --rotate stay");
	signals = open_signals();
	if (signals < 0)
		return sp_fail(err, -errno, SP_EXIT_FAILED, "no signals: %s", strerror(errno));
	fd = sp_capture_open(file->interface, r->conf.filter ? r->conf.filter : "", err);
	if (fd < 0 && err->exit == SP_EXIT_DATA)
		err->exit = SP_EXIT_USAGE; /* the filter is a word here, not a file's */
	rc = fd < 0 ? fd : sp_capture_new(&c, fd, &r->conf, sp_mem_system(), err);
	if (!rc)
		rc = run_open(r, c, fd, signals, err);
	if (fd >= 0)
		close(fd);
	close(signals);
	return rc;
}

static int run(int argc, char **argv)
{
	struct request r = { 0 };
	struct sp_err err = { 0 };
	int rc = sp_flags_parse(flags, argc, argv, on_word, &r, &err);

	if (!rc)
		rc = open_and_run(&r, &err);
	return rc < 0 ? sp_capture_complain(&sp_cmd_capture_record, &err) : rc;
}

const struct sp_cli_command sp_cmd_capture_record = {
	.name = "capture record",
	.summary = "record the frames of an interface into a file",
	.usage = "--interface DEV --out FILE [OPTIONS]",
	.text = "Says 'ready DEV' on standard error when the first frame can come. Ctrl-C ends it: "
		"what came until then is in the file, and the exit status is 130. Frames for which "
		"the kernel found no room are counted in the summary and, in pcapng, in the file. "
		"The file can be read at any time, and holds, should the program be killed, all up to "
		"a fifth of a second before. When the disk is full, the file ends behind its last whole frame; exit 74.\n"
		"A raw socket is opened, which needs root or a lab; then every right is given up.",
	.flags = flags,
	.examples = examples,
	.run = run,
};
