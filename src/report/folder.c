#include "report/folder.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "report/folder_part.h"

static int open_events(struct sp_folder *f, struct sp_err *e)
{
	f->events_fd = openat(f->dir_fd, "events.jsonl",
			      O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0666);
	if (f->events_fd >= 0)
		return 0;
	if (errno == EEXIST)
		return sp_fail(
			e, -EEXIST, SP_EXIT_IO,
			"the run folder %s holds a run already; remove it or name another "
			"one with --run-dir",
			f->path);
	return sp_fail(e, -errno, SP_EXIT_IO,
		       "cannot write %s/events.jsonl: %s; name another place with --run-dir, "
		       "or none with --no-run-dir",
		       f->path, strerrordesc_np(errno));
}

static void init_sync(struct sp_folder *f)
{
	pthread_condattr_t attr;

	pthread_mutex_init(&f->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&f->work, &attr);
	pthread_cond_init(&f->progress, &attr);
	pthread_condattr_destroy(&attr);
}

/* The writer takes no signals: they are the control thread's, and SIGXFSZ (a file above the
 * limit) is to be an error of write(), not the end of the process. */
static bool start_writer(struct sp_folder *f)
{
	sigset_t all, old;
	int rc;

	if (f->started)
		return true;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	rc = pthread_create(&f->thread, NULL, sp_folder_writer, f);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (rc)
		sp_folder_failed(f, "events.jsonl", -rc);
	f->started = rc == 0;
	return f->started;
}

static void release(struct sp_folder *f)
{
	struct sp_str *line;

	for (; f->n; f->n--) {
		line = &f->line[f->head];
		f->head = (f->head + 1) % SP_FOLDER_LINES;
		sp_str_fini(line);
	}
	if (f->events_fd >= 0)
		close(f->events_fd);
	if (f->dir_fd >= 0)
		close(f->dir_fd);
	pthread_cond_destroy(&f->work);
	pthread_cond_destroy(&f->progress);
	pthread_mutex_destroy(&f->lock);
	sp_free(f->mem, f);
}

int sp_folder_open(struct sp_folder **out, const struct sp_folder_conf *conf,
		   const struct sp_mem *mem, struct sp_err *e)
{
	struct sp_folder *f = sp_alloc(mem, sizeof *f);
	int rc;

	if (!f)
		return sp_fail(e, -ENOMEM, SP_EXIT_IO, "no memory for the run folder");
	f->mem = mem;
	f->dir_fd = -1;
	f->events_fd = -1;
	init_sync(f);
	sp_strlcpy(f->version, conf->version, sizeof f->version);
	rc = sp_folder_place(f, conf, e);
	if (rc)
		goto fail;
	f->env = (struct sp_report_env){ .version = f->version, .folder = f->path };
	rc = open_events(f, e);
	if (rc)
		goto fail;
	f->plan = conf->plan;
	f->plan_arg = conf->plan_arg;
	*out = f;
	return 0;
fail:
	release(f);
	return rc;
}

const char *sp_folder_path(const struct sp_folder *f)
{
	return f->path;
}

int sp_folder_dir(const struct sp_folder *f)
{
	return f->dir_fd;
}

/* ---- the queue's near end ---- */

static bool push(struct sp_folder *f, struct sp_str *line, bool interval)
{
	bool fits;

	pthread_mutex_lock(&f->lock);
	fits = interval ? f->n < SP_FOLDER_LINES - SP_FOLDER_LINES_SPARE &&
				  f->bytes + line->len <= SP_FOLDER_BYTES
			: f->n < SP_FOLDER_LINES;
	if (fits) {
		f->line[(f->head + f->n) % SP_FOLDER_LINES] = *line;
		f->n++;
		f->bytes += line->len;
		pthread_cond_signal(&f->work);
	}
	pthread_mutex_unlock(&f->lock);
	return fits;
}

static bool push_event(struct sp_folder *f, const struct sp_event *ev)
{
	bool interval = ev->kind == SP_EVENT_INTERVAL;
	struct sp_str line;

	sp_str_init(&line, f->mem);
	sp_report_event(&line, ev, &f->env);
	if (line.failed) {
		sp_folder_failed(f, "events.jsonl", -ENOMEM);
		sp_str_fini(&line);
		return true;
	}
	if (push(f, &line, interval))
		return true;
	sp_str_fini(&line);
	return false;
}

/* A gap in the events is named where it is. */
static void tell_left_out(struct sp_folder *f, const struct sp_event *at)
{
	char text[96];
	struct sp_remark remark = {
		.code = "events-left-out", .at_ns = at->t_ns, .neutral = true, .text = text
	};
	struct sp_event ev = { .kind = SP_EVENT_REMARK,
			       .t_ns = at->t_ns,
			       .real_ns = at->real_ns,
			       .result = at->result,
			       .remark = &remark };

	snprintf(text, sizeof text,
		 "%llu events before this one are missing: the disk is too slow.",
		 (unsigned long long)f->left_out);
	if (push_event(f, &ev))
		f->left_out = 0;
}

void sp_folder_event(struct sp_folder *f, const struct sp_event *ev)
{
	if (!start_writer(f))
		return;
	if (f->left_out)
		tell_left_out(f, ev);
	if (!push_event(f, ev))
		f->left_out++;
}

bool sp_folder_error(struct sp_folder *f, struct sp_err *e)
{
	bool failed;

	pthread_mutex_lock(&f->lock);
	failed = f->err.code != 0;
	if (failed && e)
		*e = f->err;
	pthread_mutex_unlock(&f->lock);
	return failed;
}

/* ---- the end ---- */

/* Waits until *flag, with the lock held; ms 0: for ever. */
static void wait_progress(struct sp_folder *f, const bool *flag, unsigned ms)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	ts.tv_sec += ms / 1000;
	while (!*flag) {
		if (!ms)
			pthread_cond_wait(&f->progress, &f->lock);
		else if (pthread_cond_timedwait(&f->progress, &f->lock, &ts) == ETIMEDOUT)
			return;
	}
}

int sp_folder_finish(struct sp_folder *f, const struct sp_event *ev,
		     const struct sp_folder_hist *hists, size_t n_hists, struct sp_err *e)
{
	int rc = 0;

	if (!start_writer(f)) {
		sp_folder_error(f, e);
		release(f);
		return -EIO;
	}
	pthread_mutex_lock(&f->lock);
	f->end = (struct sp_folder_end){ .ev = ev, .hists = hists, .n_hists = n_hists };
	f->stop = true;
	pthread_cond_signal(&f->work);
	wait_progress(f, &f->drained, SP_FOLDER_DRAIN_MS);
	if (!f->drained) {
		/* A write that never comes back cannot be ended: the thread keeps the folder. */
		f->abandoned = true;
		rc = sp_fail(e, -EIO, SP_EXIT_IO,
			     "%s did not take the events within 2 s; its reports are missing",
			     f->path);
		pthread_detach(f->thread);
		pthread_mutex_unlock(&f->lock);
		return rc;
	}
	wait_progress(f, &f->done, 0);
	pthread_mutex_unlock(&f->lock);
	pthread_join(f->thread, NULL);
	if (sp_folder_error(f, e))
		rc = -EIO;
	release(f);
	return rc;
}
