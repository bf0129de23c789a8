/* Compares sets of finished runs by their documents. Cold code on one thread. */
#ifndef SP_COMPARE_COMPARE_H
#define SP_COMPARE_COMPARE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "core/stats.h"

#define SP_COMPARE_RUNS	   SP_STATS_MAX /* a side */
#define SP_COMPARE_METRICS 20u
/* A series is shortened to so many batch means: neighbours become less alike. */
#define SP_COMPARE_BATCHES 60u

enum sp_metric_unit {
	SP_METRIC_PPS,
	SP_METRIC_BPS,
	SP_METRIC_NS,
	SP_METRIC_SHARE,
	SP_METRIC_N
};

struct sp_metric {
	const char *name;	  /* "delay_p99", the key in JSON */
	const char *title;	  /* "delay p99" */
	const char *object, *key; /* in the document's total; object NULL: directly in it */
	const char *per;	  /* a share: divided by this counter; else NULL */
	const char *series;	  /* counter that gives the value of a second; NULL none */
	double scale;		  /* of both: bits of a byte counter's second */
	enum sp_metric_unit unit;
	int better; /* +1 more is better, -1 less is, 0 neither */
};
extern const struct sp_metric sp_metrics[SP_COMPARE_METRICS]; /* unused rows: name NULL */

struct sp_series {
	double *v;
	size_t n;
};

struct sp_compared_run {
	char path[512];
	char name[96], command[160], started[40], version[24], plan[72], result[32], host[224];
	bool ended; /* false: it was killed; its last second stands for its end */
	double value[SP_COMPARE_METRICS]; /* NAN unknown */
	struct sp_series series[SP_COMPARE_METRICS];
	struct json_t *plan_json; /* NULL: not kept */
};

/* path: a run folder, or a document as --json prints it. The caller frees by sp_compare_unload,
 * also after an error. Exit classes: 66 missing, 65 damaged (file:line:column) or no run's. */
int sp_compare_load(struct sp_compared_run *, const char *path, const struct sp_mem *,
		    struct sp_err *);
void sp_compare_unload(struct sp_compared_run *, const struct sp_mem *);
/* The seconds of a run from the text of its events.jsonl; for load.c and tests. lines counts from
 * 1. A last line without its end (the run was killed) is left out. */
int sp_compare_series(struct sp_compared_run *, const char *path, const struct sp_mem *,
		      struct sp_err *);

struct sp_compared_metric {
	double a, b; /* medians; of one run: the run's own figure */
	struct sp_interval a_interval, b_interval;
	size_t na, nb; /* sample sizes of the test, 0: not tested */
	struct sp_two_samples test;
	double p; /* corrected for the number of tests; NAN untested */
	bool differs;
	bool apart; /* every value of one side is above every value of the other */
};

struct sp_comparison {
	const struct sp_compared_run *a, *b;
	size_t na, nb;
	bool by_seconds; /* one run a side: its seconds stand for repeats */
	struct sp_compared_metric m[SP_COMPARE_METRICS];
	size_t tested, different;
	/* The fewest values a side from which samples that lie apart are a difference, with as
	 * many figures tested as here: 2 / C(2n, n) * tested < 0.05. */
	size_t enough;
};

/* a and b are borrowed for the comparison's life. 0 or -ENOMEM. */
int sp_compare(struct sp_comparison *, const struct sp_mem *, const struct sp_compared_run *a,
	       size_t na, const struct sp_compared_run *b, size_t nb);

/* Where the plans differ: "streams[0].rate: 100pps, 200pps" a line, at most limit lines. */
void sp_compare_plans(struct sp_str *, const struct sp_compared_run *a,
		      const struct sp_compared_run *b, unsigned limit);

void sp_compare_text(struct sp_str *, const struct sp_comparison *);
void sp_compare_json(struct sp_str *, const struct sp_comparison *);
/* "received pps is 3.2 % lower in B (...)" and so on: the plain sentences. */
void sp_compare_sentences(struct sp_str *, const struct sp_comparison *);

#endif
