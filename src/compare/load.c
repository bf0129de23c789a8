#include "compare/compare.h"

#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* A document of 10,000 flows has about 20 MB. */
#define DOCUMENT_MAX (256l << 20)

static int missing(struct sp_err *err, const char *path)
{
	return sp_fail(err, -errno, SP_EXIT_NOINPUT, "%s: %s", path, strerror(errno));
}

static json_t *read_document(const char *path, struct sp_err *err)
{
	json_error_t why;
	struct stat st;
	json_t *doc;

	if (stat(path, &st)) {
		missing(err, path);
		return NULL;
	}
	if (st.st_size > DOCUMENT_MAX) {
		sp_fail(err, -EFBIG, SP_EXIT_DATA,
			"%s: %lld bytes are too many for a run's document", path,
			(long long)st.st_size);
		return NULL;
	}
	doc = json_load_file(path, JSON_REJECT_DUPLICATES, &why);
	if (!doc)
		sp_fail(err, -EBADMSG, SP_EXIT_DATA, "%s:%d:%d: %s", path, why.line, why.column,
			why.text);
	return doc;
}

static double number(const json_t *object, const char *key)
{
	const json_t *v = json_object_get(object, key);

	return json_is_number(v) ? json_number_value(v) : NAN;
}

static void text(const json_t *object, const char *key, char *dst, size_t cap)
{
	const char *v = json_string_value(json_object_get(object, key));

	sp_strlcpy(dst, v ? v : "", cap);
}

static void take_values(struct sp_compared_run *run, const json_t *total)
{
	for (unsigned i = 0; i < SP_COMPARE_METRICS && sp_metrics[i].name; i++) {
		const struct sp_metric *m = &sp_metrics[i];
		const json_t *in = m->object ? json_object_get(total, m->object) : total;

		run->value[i] = number(in, m->key);
		if (m->per)
			run->value[i] /= number(total, m->per);
		if (!isfinite(run->value[i]))
			run->value[i] = NAN;
	}
}

static int take_document(struct sp_compared_run *run, const json_t *doc, const char *path,
			 struct sp_err *err)
{
	const json_t *total = json_object_get(doc, "total"),
		     *host = json_object_get(doc, "host");
	char kernel[96], cpu[96];

	if (!json_is_object(total) || !json_is_string(json_object_get(doc, "spate")))
		return sp_fail(
			err, -EBADMSG, SP_EXIT_DATA,
			"%s: this is JSON, but not the document of a run (no \"spate\" and "
			"\"total\" in it)",
			path);
	text(doc, "spate", run->version, sizeof run->version);
	text(doc, "name", run->name, sizeof run->name);
	text(doc, "command", run->command, sizeof run->command);
	text(doc, "started", run->started, sizeof run->started);
	text(doc, "plan_sha256", run->plan, sizeof run->plan);
	text(json_object_get(doc, "verdict"), "result", run->result, sizeof run->result);
	text(host, "kernel", kernel, sizeof kernel);
	text(host, "cpu", cpu, sizeof cpu);
	snprintf(run->host, sizeof run->host, "%s, %s", kernel, cpu);
	run->ended = true;
	take_values(run, total);
	return 0;
}

/* What a killed run left: its plan and its last second. */
static int take_folder_without_end(struct sp_compared_run *run, const char *events,
				   const struct sp_mem *mem, struct sp_err *err)
{
	run->ended = false;
	sp_strlcpy(run->result, "no end", sizeof run->result);
	return sp_compare_series(run, events, mem, err);
}

static int load_folder(struct sp_compared_run *run, const char *path, const struct sp_mem *mem,
		       struct sp_err *err)
{
	char file[640];
	struct stat st;
	json_t *doc;
	int rc;

	snprintf(file, sizeof file, "%s/plan.json", path);
	if (stat(file, &st) == 0) {
		run->plan_json = read_document(file, err);
		if (!run->plan_json)
			return err->code;
	}
	snprintf(file, sizeof file, "%s/report.json", path);
	if (stat(file, &st)) {
		snprintf(file, sizeof file, "%s/events.jsonl", path);
		if (stat(file, &st))
			return sp_fail(
				err, -ENOENT, SP_EXIT_NOINPUT,
				"%s: no run folder: neither report.json nor events.jsonl "
				"is in it",
				path);
		return take_folder_without_end(run, file, mem, err);
	}
	doc = read_document(file, err);
	if (!doc)
		return err->code;
	rc = take_document(run, doc, file, err);
	json_decref(doc);
	snprintf(file, sizeof file, "%s/events.jsonl", path);
	if (rc == 0 && stat(file, &st) == 0)
		rc = sp_compare_series(run, file, mem, err);
	return rc;
}

int sp_compare_load(struct sp_compared_run *run, const char *path, const struct sp_mem *mem,
		    struct sp_err *err)
{
	struct stat st;
	json_t *doc;
	int rc;

	*run = (struct sp_compared_run){ 0 };
	for (unsigned i = 0; i < SP_COMPARE_METRICS; i++)
		run->value[i] = NAN;
	if (sp_strlcpy(run->path, path, sizeof run->path) >= sizeof run->path)
		return sp_fail(err, -ENAMETOOLONG, SP_EXIT_USAGE,
			       "%.60s...: the path is too long", path);
	if (stat(path, &st))
		return missing(err, path);
	if (S_ISDIR(st.st_mode))
		return load_folder(run, path, mem, err);
	doc = read_document(path, err);
	if (!doc)
		return err->code;
	rc = take_document(run, doc, path, err);
	json_decref(doc);
	return rc;
}

void sp_compare_unload(struct sp_compared_run *run, const struct sp_mem *mem)
{
	for (unsigned i = 0; i < SP_COMPARE_METRICS; i++)
		sp_free(mem, run->series[i].v);
	json_decref(run->plan_json);
	*run = (struct sp_compared_run){ 0 };
}
