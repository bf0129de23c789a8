/* The run folder's parts: its place, its writer thread. Internal to report. */
#ifndef SP_REPORT_FOLDER_PART_H
#define SP_REPORT_FOLDER_PART_H

#include <limits.h>
#include <pthread.h>

#include "report/folder.h"

#define SP_FOLDER_LINES	      1024u /* entries of the queue */
#define SP_FOLDER_LINES_SPARE 24u   /* of them not for intervals */
#define SP_FOLDER_BYTES	      (8u << 20)
#define SP_FOLDER_DRAIN_MS    2000u

/* What the writer does after the queue. */
struct sp_folder_end {
	const struct sp_event *ev;
	const struct sp_folder_hist *hists;
	size_t n_hists;
};

struct sp_folder {
	const struct sp_mem *mem;
	struct sp_report_env env;
	char path[PATH_MAX], version[32];
	int dir_fd, events_fd;
	uint64_t events_size; /* writer: bytes of whole lines in events.jsonl */
	uint64_t left_out;    /* caller: intervals that found the queue full */
	int (*plan)(const void *plan_arg, sp_folder_take *take, void *arg);
	const void *plan_arg;
	pthread_t thread;
	bool started;	      /* caller */
	pthread_mutex_t lock; /* guards all below */
	pthread_cond_t work, progress;
	struct sp_str line[SP_FOLDER_LINES];
	unsigned head, n;
	size_t bytes;	/* in the queue */
	bool stop;	/* nothing comes after what is queued */
	bool drained;	/* the queue was written */
	bool abandoned; /* the caller is gone: touch nothing of its own */
	bool done;
	struct sp_folder_end end;
	struct sp_err err; /* the first failure */
};

/* The folder's place, made if need be: path, dir_fd. */
int sp_folder_place(struct sp_folder *, const struct sp_folder_conf *, struct sp_err *);
/* Thread main. Writes plan.json, then lines as they come, then the reports. */
void *sp_folder_writer(void *folder);
/* Remembers the first failure; any thread, lock not held. code is a negative errno. */
void sp_folder_failed(struct sp_folder *, const char *file, int code);
/* The reports of f->end, by the writer. */
void sp_folder_reports(struct sp_folder *);
/* Writes all of text; 0 or -errno. */
int sp_folder_write(int fd, const char *text, size_t len);
/* Whole files appear under their name when they are complete. */
void sp_folder_file(struct sp_folder *, const char *name, const struct sp_str *text);

#endif
