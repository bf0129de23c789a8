#include "payload/lines.h"
#include "payload/rows.h"

#include <errno.h>
#include <string.h>

#include "base/file.h"
#include "plugin/payload.h"

static uint32_t count(const struct sp_str *s)
{
	uint32_t n = 1;

	for (size_t i = 0; i < s->len; i++)
		n += s->text[i] == '\n';
	return n;
}

static void cut(struct sp_payload_lines *l)
{
	const char *at = l->text.text, *end = at + l->text.len, *next;

	for (uint32_t number = 1; at < end; at = next + 1, number++) {
		size_t len;

		next = memchr(at, '\n', (size_t)(end - at));
		next = next ? next : end;
		len = (size_t)(next - at);
		if (len && at[len - 1] == '\r')
			len--;
		if (len)
			l->line[l->n++] = (struct sp_payload_line){ at, (uint32_t)len, number };
	}
}

int sp_payload_lines_read(struct sp_payload_lines *l, const char *path,
			  const struct sp_mem *mem, struct sp_err *err)
{
	int rc;

	*l = (struct sp_payload_lines){ 0 };
	sp_str_init(&l->text, mem);
	rc = sp_file_read(&l->text, path, SP_PAYLOAD_ROOM / 4, err);
	if (rc)
		return rc;
	l->line = sp_alloc_array(mem, count(&l->text), sizeof *l->line);
	if (!l->line)
		return sp_fail(err, -ENOMEM, SP_EXIT_FAILED, "%s: not enough memory", path);
	cut(l);
	return l->n ? 0 : sp_fail(err, -EINVAL, SP_EXIT_DATA, "%s: it has no line", path);
}

void sp_payload_lines_fini(struct sp_payload_lines *l, const struct sp_mem *mem)
{
	sp_free(mem, l->line);
	sp_str_fini(&l->text);
}

int sp_payload_rows_of_lines(struct sp_rows *out, const struct sp_payload_args *a,
			     int (*put)(uint8_t *row, const struct sp_payload_args *a,
					uint32_t i, const struct sp_payload_line *,
					struct sp_err *),
			     const struct sp_mem *mem, struct sp_err *err)
{
	struct sp_payload_lines l;
	int rc = sp_payload_lines_read(&l, a->text, mem, err);

	if (!rc)
		rc = sp_rows_new(out, l.n, a, mem, err);
	for (uint32_t i = 0; i < l.n && !rc; i++)
		rc = put(out->bytes + (size_t)i * a->len, a, i, &l.line[i], err);
	out->drawn = true;
	sp_payload_lines_fini(&l, mem);
	return rc;
}
