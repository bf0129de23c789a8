#include "engine/modes/trace_file.h"

#include <errno.h>
#include <string.h>

#include "base/str.h"
#include "base/units.h"
#include "core/clock.h"

#define LINE_LEN       200u
#define SIZE_MAX_BYTES 65535u

struct reading {
	struct sp_trace *t;
	const struct sp_mem *mem;
	const char *place;
	unsigned long line;
	bool relative;
	struct sp_err *err;
};

static int damaged(const struct reading *r, const char *what)
{
	return sp_fail(r->err, -EINVAL, SP_EXIT_DATA, "%s:%lu: %s", r->place, r->line, what);
}

static int no_memory(const struct reading *r)
{
	return sp_fail(r->err, -ENOMEM, SP_EXIT_FAILED, "%s: out of memory", r->place);
}

static void *larger(const struct reading *r, void *old, size_t n, size_t cap, size_t size)
{
	void *more = sp_alloc_array(r->mem, cap, size);

	if (more && n)
		memcpy(more, old, n * size);
	if (more)
		sp_free(r->mem, old);
	return more;
}

static int grow(struct reading *r, bool sized)
{
	struct sp_trace *t = r->t;
	size_t cap = t->cap ? t->cap * 2 : 256;
	uint64_t *at = larger(r, t->at_ns, t->n, cap, sizeof *at);
	uint32_t *size;

	if (!at)
		return no_memory(r);
	t->at_ns = at;
	if (sized) {
		size = larger(r, t->size, t->n, cap, sizeof *size);
		if (!size)
			return no_memory(r);
		t->size = size;
	}
	t->cap = cap;
	return 0;
}

static int append(struct reading *r, uint64_t at_ns, bool sized, uint32_t size)
{
	struct sp_trace *t = r->t;
	int rc = t->n == t->cap ? grow(r, sized) : 0;

	if (rc)
		return rc;
	t->at_ns[t->n] = at_ns;
	if (sized) {
		t->size[t->n] = size;
		t->least = t->n && t->least < size ? t->least : size;
		t->most = t->most > size ? t->most : size;
	}
	t->n++;
	return 0;
}

static char *trim(char *s)
{
	size_t n;

	s += strspn(s, " \t");
	n = strlen(s);
	while (n && strchr(" \t\r", s[n - 1]))
		n--;
	s[n] = '\0';
	return s;
}

static int take_line(struct reading *r, char *text)
{
	struct sp_trace *t = r->t;
	char *comma;
	uint64_t at = 0, size = 0;

	text[strcspn(text, "#")] = '\0';
	text = trim(text);
	if (!*text)
		return 0;
	comma = strchr(text, ',');
	if (comma)
		*comma++ = '\0';
	if (sp_parse_time(trim(text), &at))
		return damaged(r, "a line is TIME or TIME,SIZE, with a time such as 0.5 or "
				  "20ms");
	if (comma && (sp_parse_size(trim(comma), &size) || size > SIZE_MAX_BYTES))
		return damaged(r, "the size is not one of 0 to 65535 bytes");
	if (t->n && !comma != !t->size)
		return damaged(r, comma ? "it has a size, and the lines before have none"
					: "it has no size, and the lines before have one");
	if (r->relative && t->n && __builtin_add_overflow(at, t->at_ns[t->n - 1], &at))
		at = UINT64_MAX;
	if (at > INT64_MAX)
		return damaged(r, "the time is later than 292 years");
	if (t->n && at < t->at_ns[t->n - 1])
		return damaged(r, "the time is before that of the line before; gaps are for "
				  "trace_times relative");
	return append(r, at, comma, (uint32_t)size);
}

static void find_peak(struct sp_trace *t)
{
	size_t first = 0, most = 0;

	for (size_t i = 0; i < t->n; i++) {
		while (t->at_ns[i] - t->at_ns[first] >= SP_NS_PER_S)
			first++;
		most = i - first + 1 > most ? i - first + 1 : most;
	}
	t->peak_pps = (double)most;
}

int sp_trace_read(struct sp_trace *t, FILE *f, const char *place, bool relative,
		  const struct sp_mem *mem, struct sp_err *err)
{
	struct reading r = { t, mem, place, 1, relative, err };
	char line[LINE_LEN];
	size_t len = 0;
	int c, rc = 0;

	*t = (struct sp_trace){ 0 };
	for (; !rc && (c = getc(f)) != EOF; r.line += c == '\n') {
		if (c == '\0')
			rc = damaged(&r, "a byte is 0: this is not text");
		else if (c != '\n' && len == LINE_LEN - 1)
			rc = damaged(&r, "the line is too long");
		else if (c != '\n')
			line[len++] = (char)c;
		if (c != '\n' || rc)
			continue;
		line[len] = '\0';
		len = 0;
		rc = take_line(&r, line);
	}
	line[len] = '\0';
	if (!rc && ferror(f))
		return sp_fail(err, -EIO, SP_EXIT_NOINPUT, "%s: %s", place, strerror(errno));
	if (!rc && len)
		rc = take_line(&r, line);
	if (!rc && !t->n)
		rc = sp_fail(err, -EINVAL, SP_EXIT_DATA, "%s: no departure is in it", place);
	if (!rc)
		find_peak(t);
	return rc;
}

int sp_trace_load(struct sp_trace *t, const char *path, bool relative, const struct sp_mem *mem,
		  struct sp_err *err)
{
	FILE *f = fopen(path, "re");
	int rc;

	*t = (struct sp_trace){ 0 };
	if (!f)
		return sp_fail(err, -errno, SP_EXIT_NOINPUT, "trace %s: %s", path,
			       strerror(errno));
	rc = sp_trace_read(t, f, path, relative, mem, err);
	fclose(f);
	return rc;
}

void sp_trace_free(struct sp_trace *t, const struct sp_mem *mem)
{
	sp_free(mem, t->at_ns);
	sp_free(mem, t->size);
	*t = (struct sp_trace){ 0 };
}
