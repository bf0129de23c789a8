#include "capture/remarks.h"

#include <stdarg.h>
#include <string.h>

void sp_remarks_init(struct sp_remarks *r, const struct sp_mem *mem)
{
	memset(r, 0, sizeof *r);
	sp_str_init(&r->whole, mem);
}

void sp_remarks_fini(struct sp_remarks *r)
{
	sp_str_fini(&r->whole);
}

static bool same(const struct sp_remarks_row *m, const char *about, const char *what)
{
	return m->what == what && m->about == about;
}

void sp_remarks_note(struct sp_remarks *r, const char *about, const char *what, uint32_t file,
		     uint64_t packet)
{
	uint32_t i = r->last;

	/* Mostly it is what it was the last time. */
	if (i >= r->n || !same(&r->row[i], about, what))
		for (i = 0; i < r->n && !same(&r->row[i], about, what); i++)
			;
	if (i == SP_REMARKS_MOST) {
		r->others++;
		return;
	}
	if (i == r->n)
		r->row[r->n++] = (struct sp_remarks_row){
			.about = about, .what = what, .packet = packet, .file = file
		};
	r->row[i].n++;
	r->last = i;
}

void sp_remarks_say(struct sp_remarks *r, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	sp_str_vprintf(&r->whole, fmt, ap);
	va_end(ap);
	sp_str_puts(&r->whole, "\n");
}

static void put_row(const struct sp_remarks_row *m, char *const *files, struct sp_str *out)
{
	char n[27], packet[27];

	sp_str_clear(out);
	if (m->n > 1)
		sp_str_printf(out, "%s times, first in ", sp_str_grouped(n, sizeof n, m->n));
	sp_str_printf(out, "packet %s", sp_str_grouped(packet, sizeof packet, m->packet));
	if (files)
		sp_str_printf(out, " of %s", files[m->file]);
	sp_str_printf(out, ": %s%s%s", m->about ? m->about : "", m->about ? ": " : "", m->what);
}

void sp_remarks_each(const struct sp_remarks *r, char *const *files, const struct sp_mem *mem,
		     void (*line)(void *arg, const char *text), void *arg)
{
	struct sp_str text;

	sp_str_init(&text, mem);
	for (uint32_t i = 0; i < r->n; i++) {
		put_row(&r->row[i], files, &text);
		line(arg, text.text);
	}
	for (const char *p = r->whole.text; p && *p;) {
		size_t n = strcspn(p, "\n");

		sp_str_clear(&text);
		sp_str_put(&text, p, n);
		line(arg, text.text);
		p += n + (p[n] == '\n');
	}
	if (r->others) {
		sp_str_clear(&text);
		sp_str_printf(&text, "%llu further packets are odd in other ways",
			      (unsigned long long)r->others);
		line(arg, text.text);
	}
	sp_str_fini(&text);
}
