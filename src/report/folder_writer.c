#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/out_file.h"
#include "report/folder_part.h"
#include "report/hgrm.h"
#include "report/text.h"

int sp_folder_write(int fd, const char *text, size_t len)
{
	while (len) {
		ssize_t n = write(fd, text, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		text += n;
		len -= (size_t)n;
	}
	return 0;
}

void sp_folder_failed(struct sp_folder *f, const char *file, int code)
{
	pthread_mutex_lock(&f->lock);
	if (!f->err.code)
		sp_fail(&f->err, code, SP_EXIT_IO,
			"cannot write %s/%s: %s; the run goes on, its folder is not complete",
			f->path, file, strerrordesc_np(-code));
	pthread_mutex_unlock(&f->lock);
}

/* ---- files ---- */

/* A file under construction: the first error sticks, and the unfinished file goes. */
struct file {
	struct sp_folder *f;
	const char *name;
	struct sp_out out;
	int err;
};

static void file_open(struct file *w, struct sp_folder *f, const char *name)
{
	*w = (struct file){ .f = f, .name = name };
	w->err = sp_out_open_in(&w->out, f->dir_fd, name, 0666);
}

/* As a struct sp_report_drain. */
static void file_take(void *arg, struct sp_str *text)
{
	struct file *w = arg;

	if (text->failed && !w->err)
		w->err = -ENOMEM;
	if (!w->err)
		w->err = sp_out_write(&w->out, text->text, text->len);
	sp_str_clear(text);
}

static void file_close(struct file *w)
{
	if (!w->err && fsync(w->out.fd))
		w->err = -errno;
	if (!w->err)
		w->err = sp_out_finish(&w->out);
	sp_out_drop(&w->out);
	if (w->err)
		sp_folder_failed(w->f, w->name, w->err);
}

void sp_folder_file(struct sp_folder *f, const char *name, const struct sp_str *text)
{
	struct file w;

	file_open(&w, f, name);
	if (text->failed && !w.err)
		w.err = -ENOMEM;
	if (!w.err)
		w.err = sp_out_write(&w.out, text->text, text->len);
	file_close(&w);
}

/* The lock is held while a piece is made, so that the caller cannot leave, and the plan with
 * it, in the middle; not while it is written. */
static int take_plan(void *arg, const char *text, size_t len)
{
	struct file *w = arg;
	struct sp_folder *f = w->f;

	pthread_mutex_unlock(&f->lock);
	if (!w->err)
		w->err = sp_out_write(&w->out, text, len);
	pthread_mutex_lock(&f->lock);
	if (f->abandoned && !w->err)
		w->err = -ECANCELED;
	return w->err;
}

static void write_plan(struct sp_folder *f)
{
	struct file w;
	int rc;

	file_open(&w, f, "plan.json");
	pthread_mutex_lock(&f->lock);
	rc = w.err || f->abandoned ? -ECANCELED : f->plan(f->plan_arg, take_plan, &w);
	pthread_mutex_unlock(&f->lock);
	w.err = w.err ? w.err : rc;
	if (!w.err)
		w.err = sp_out_write(&w.out, "\n", 1);
	file_close(&w);
}

static void write_hist(struct sp_folder *f, const struct sp_folder_hist *h)
{
	struct sp_str text;
	char name[64];

	snprintf(name, sizeof name, "%s.hgrm", h->name);
	sp_str_init(&text, f->mem);
	sp_report_hgrm(&text, h->hist);
	sp_folder_file(f, name, &text);
	sp_str_fini(&text);
}

void sp_folder_reports(struct sp_folder *f)
{
	const struct sp_folder_end *end = &f->end;
	struct sp_report_drain drain;
	struct sp_str text;
	struct file w;

	if (!end->ev)
		return;
	sp_str_init(&text, f->mem);
	file_open(&w, f, "report.json");
	drain = (struct sp_report_drain){ .arg = &w, .take = file_take };
	sp_report_json(&text, end->ev, &f->env, &drain);
	file_take(&w, &text);
	file_close(&w);
	sp_str_fini(&text);

	sp_report_text(&text, end->ev, &f->env, false);
	sp_folder_file(f, "report.txt", &text);
	sp_str_fini(&text);
	for (size_t i = 0; i < end->n_hists; i++)
		write_hist(f, &end->hists[i]);
	fsync(f->dir_fd);
}

/* ---- events ---- */

/* One write a line. What a full disk has taken of a line is cut off again: every line in the
 * file parses. */
static void write_line(struct sp_folder *f, const struct sp_str *line)
{
	int rc = sp_folder_write(f->events_fd, line->text, line->len);

	if (!rc) {
		f->events_size += line->len;
		return;
	}
	if (ftruncate(f->events_fd, (off_t)f->events_size))
		rc = -errno;
	sp_folder_failed(f, "events.jsonl", rc);
}

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

/* Waits for a line, or the end; no longer than until the next sync is due (0: none is). Called
 * and left with the lock held. */
static void wait_for_work(struct sp_folder *f, uint64_t sync_ns)
{
	struct timespec ts = { .tv_sec = (time_t)(sync_ns / 1000000000u),
			       .tv_nsec = (long)(sync_ns % 1000000000u) };

	while (!f->n && !f->stop) {
		if (!sync_ns)
			pthread_cond_wait(&f->work, &f->lock);
		else if (pthread_cond_timedwait(&f->work, &f->lock, &ts) == ETIMEDOUT)
			return;
	}
}

/* The next line, with the lock held; false: there is none. */
static bool take_line(struct sp_folder *f, struct sp_str *line)
{
	if (!f->n)
		return false;
	*line = f->line[f->head];
	f->head = (f->head + 1) % SP_FOLDER_LINES;
	f->n--;
	f->bytes -= line->len;
	return true;
}

static void sync_events(struct sp_folder *f)
{
	if (fdatasync(f->events_fd))
		sp_folder_failed(f, "events.jsonl", -errno);
}

static void write_events(struct sp_folder *f)
{
	uint64_t sync_ns = 0; /* when what was written is to be synced; 0: nothing to sync */
	struct sp_str line;
	bool last = false;

	while (!last) {
		bool got;

		pthread_mutex_lock(&f->lock);
		wait_for_work(f, sync_ns);
		got = take_line(f, &line);
		last = f->stop && !f->n;
		pthread_mutex_unlock(&f->lock);
		if (got) {
			write_line(f, &line);
			sp_str_fini(&line);
			sync_ns = sync_ns ? sync_ns : now_ns() + 1000000000u;
		}
		if (sync_ns && (last || now_ns() >= sync_ns)) {
			sync_events(f);
			sync_ns = 0;
		}
	}
}

void *sp_folder_writer(void *arg)
{
	struct sp_folder *f = arg;
	bool abandoned;

	if (f->plan)
		write_plan(f);
	write_events(f);
	pthread_mutex_lock(&f->lock);
	f->drained = true;
	abandoned = f->abandoned;
	pthread_cond_broadcast(&f->progress);
	pthread_mutex_unlock(&f->lock);
	if (abandoned)
		return NULL;
	sp_folder_reports(f);
	pthread_mutex_lock(&f->lock);
	f->done = true;
	pthread_cond_broadcast(&f->progress);
	pthread_mutex_unlock(&f->lock);
	return NULL;
}
