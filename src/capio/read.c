#include "capio/read.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/str.h"
#include "capio/read_impl.h"

int sp_cap_bad(const struct sp_cap *c, uint64_t at, struct sp_err *err, const char *fmt, ...)
{
	char what[300];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(what, sizeof what, fmt, ap);
	va_end(ap);
	return sp_fail(err, -EBADMSG, SP_EXIT_DATA, "%s: packet %llu at byte %llu: %s", c->path,
		       (unsigned long long)c->packets + 1, (unsigned long long)at, what);
}

int sp_cap_cut(const struct sp_cap *c, uint64_t at, struct sp_err *err)
{
	int rc = sp_input_error(c->in, err);

	return rc ? rc : sp_cap_bad(c, at, err, "the file ends in the middle of it");
}

int sp_cap_check_link(const struct sp_cap *c, uint16_t link, uint64_t at, struct sp_err *err)
{
	if (sp_link_type_known(link))
		return 0;
	return sp_fail(err, -ENOTSUP, SP_EXIT_DATA,
		       "%s: byte %llu: link type %u is %s: nobody knows what its packets are",
		       c->path, (unsigned long long)at, (unsigned)link,
		       link >= 147 && link <= 162 ? "for private use" : "not registered");
}

int sp_cap_note(struct sp_cap *c, struct sp_cap_packet *p)
{
	p->number = ++c->packets;
	if (p->len > p->orig_len) {
		c->odd.above_original++;
		p->orig_len = p->len;
	}
	if (!p->timed) {
		c->odd.untimed++;
		p->t_ns = c->last_ns;
	}
	if (c->packets > 1 && p->t_ns < c->last_ns)
		c->odd.back_in_time++;
	c->last_ns = p->t_ns;
	return 1;
}

static int begin(struct sp_cap *c, struct sp_err *err)
{
	const uint8_t *p;
	int rc = sp_cap_begin_classic(c, err);

	if (!rc)
		rc = sp_cap_begin_ng(c, err);
	if (rc)
		return rc < 0 ? rc : 0;
	rc = sp_input_error(c->in, err);
	if (rc)
		return rc;
	if (!sp_input_need(c->in, 1, &p))
		return sp_fail(err, -EBADMSG, SP_EXIT_DATA, "%s: the file is empty", c->path);
	return sp_fail(err, -EBADMSG, SP_EXIT_DATA,
		       "%s: byte 0: this is no capture: neither pcap nor pcapng begins so",
		       c->path);
}

int sp_cap_open(struct sp_cap **out, const char *path, const struct sp_mem *mem,
		struct sp_err *err)
{
	struct sp_cap_file file;

	sp_cap_file_open(&file, path);
	return sp_cap_open_file(out, &file, mem, err);
}

int sp_cap_open_file(struct sp_cap **out, struct sp_cap_file *file, const struct sp_mem *mem,
		     struct sp_err *err)
{
	struct sp_cap *c = sp_alloc(mem, sizeof *c);
	int rc;

	*out = NULL;
	if (!c) {
		sp_cap_file_close(file);
		return sp_fail(err, -ENOMEM, SP_EXIT_FAILED, "out of memory");
	}
	*c = (struct sp_cap){ .mem = mem, .odd = { .snaplen = 1 } };
	sp_str_printable(c->path, sizeof c->path, file->path);
	rc = sp_input_open(&c->in, file, mem, err);
	sp_cap_file_close(file);
	if (!rc)
		rc = begin(c, err);
	if (rc)
		sp_cap_close(c);
	else
		*out = c;
	return rc;
}

int sp_cap_rewind(struct sp_cap *c, struct sp_err *err)
{
	int rc = sp_input_rewind(c->in, err);

	c->packets = 0;
	c->last_ns = 0;
	c->swapped = false;
	c->odd = (struct sp_read_odd){ 0 };
	c->n_interfaces = c->before = 0;
	return rc ? rc : begin(c, err);
}

int sp_cap_next(struct sp_cap *c, struct sp_cap_packet *p, struct sp_err *err)
{
	return c->next(c, p, err);
}

const struct sp_read_odd *sp_cap_odd(const struct sp_cap *c)
{
	return &c->odd;
}

void sp_cap_close(struct sp_cap *c)
{
	if (!c)
		return;
	sp_input_close(c->in);
	sp_free(c->mem, c->interface);
	sp_free(c->mem, c);
}
