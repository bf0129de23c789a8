#include "capture/rewrite.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "capio/pcap_write.h"
#include "capio/read.h"

#define INTERFACES 64u

struct job {
	const struct sp_capture_rewrite_conf *conf;
	struct sp_rewrite *words;
	struct sp_cap *in;
	struct sp_out file; /* until the first packet says what it holds */
	struct sp_pcap_writer *out;
	uint8_t *room; /* for the longest frame */
	uint32_t cap;
	/* Those of the file that was read; their place here is their number in the other. */
	uint32_t interface[INTERFACES];
	uint16_t link[INTERFACES];
	uint32_t interfaces;
};

static int refuse_link(const struct job *j, const struct sp_cap_packet *p, struct sp_err *err)
{
	char a[24], b[24];

	return sp_fail(
		err, -ENOTSUP, SP_EXIT_DATA,
		"%s: packet %" PRIu64 " at byte %" PRIu64
		" is %s and the first %s; a file whose name ends in .pcapng has room for both",
		j->conf->from, p->number, p->offset, sp_link_type_name(p->link, a),
		sp_link_type_name(j->link[0], b));
}

static int fail_out(const struct job *j, int rc, struct sp_err *err)
{
	return sp_fail(err, rc, SP_EXIT_IO, "%s: cannot be written: %s", j->conf->to,
		       strerror(-rc));
}

static int begin_out(struct job *j, const struct sp_pcap_link *link, struct sp_err *err)
{
	const struct sp_pcap_place at = { .path = j->conf->to, .out = &j->file };

	return sp_pcap_writer_open_at(&j->out, &at, link, sp_mem_system(), err);
}

/* The number of its interface in the file that is written, or an error. */
static int interface_of(struct job *j, const struct sp_cap_packet *p, struct sp_err *err)
{
	const struct sp_pcap_link link = { p->link, NULL };
	int rc;

	for (uint32_t i = 0; i < j->interfaces; i++)
		if (j->interface[i] == p->interface && j->link[i] == p->link)
			return (int)i;
	if (j->interfaces == INTERFACES)
		return sp_fail(err, -ENOSPC, SP_EXIT_DATA,
			       "%s: packet %" PRIu64 ": more than %u interfaces", j->conf->from,
			       p->number, INTERFACES);
	if (!j->out)
		rc = begin_out(j, &link, err);
	else
		rc = sp_pcap_writer_interface(j->out, &link);
	if (rc == -ENOTSUP && p->link == j->link[0])
		rc = 0; /* classic pcap: interfaces of one link type become one */
	else if (rc == -ENOTSUP)
		return refuse_link(j, p, err);
	else if (rc < 0)
		return *err->text ? rc : fail_out(j, rc, err);
	j->interface[j->interfaces] = p->interface;
	j->link[j->interfaces++] = p->link;
	return rc;
}

static int one(struct job *j, const struct sp_cap_packet *p,
	       struct sp_capture_rewrite_result *result, struct sp_err *err)
{
	uint32_t fcs = p->len == p->orig_len && p->fcs_len <= p->len ? p->fcs_len : 0;
	uint32_t len = p->len - fcs, orig = p->orig_len - fcs;
	int at = interface_of(j, p, err), n, rc;

	if (at < 0)
		return at;
	memcpy(j->room, p->data, len);
	n = sp_rewrite_apply(j->words, p->link, j->room, len, j->cap, j->conf->loop,
			     &result->counts);
	rc = n < 0 ? n
		   : sp_pcap_writer_put_cut(j->out, (uint32_t)at, p->t_ns, j->room, (uint32_t)n,
					    orig + (uint32_t)n - len);
	if (rc == -EMSGSIZE || rc == -ERANGE)
		return sp_fail(err, rc, SP_EXIT_DATA,
			       "%s: packet %" PRIu64 " at byte %" PRIu64 " %s", j->conf->from,
			       p->number, p->offset,
			       rc == -ERANGE ? "has a time that this format cannot hold"
					     : "is too long for a capture");
	if (rc)
		return fail_out(j, rc, err);
	result->packets++;
	result->bytes += (uint32_t)n;
	return 0;
}

static int open_job(struct job *j, const struct sp_mem *mem, struct sp_err *err)
{
	int rc = sp_rewrite_new(&j->words, j->conf->words, SP_REWRITE_ALL, mem, err);
	struct sp_cap_file from;

	if (!rc && sp_file_is_same(j->conf->from, j->conf->to))
		rc = sp_fail(err, -EINVAL, SP_EXIT_USAGE,
			     "%s: cannot be rewritten into itself; name another file",
			     j->conf->from);
	if (rc)
		return rc;
	sp_cap_file_open(&from, j->conf->from);
	rc = from.error ? 0 : sp_out_open(&j->file, j->conf->to);
	if (rc) {
		sp_cap_file_close(&from);
		return fail_out(j, rc, err);
	}
	if (j->conf->opened && !from.error)
		j->conf->opened(j->conf->opened_arg, j->file.dir);
	rc = sp_cap_open_file(&j->in, &from, mem, err);
	if (rc)
		return rc;
	j->cap = SP_READ_PACKET_MOST + sp_rewrite_room(j->words);
	j->room = sp_alloc(mem, j->cap);
	return j->room ? 0 : sp_fail(err, -ENOMEM, SP_EXIT_FAILED, "out of memory");
}

/* A capture without packets has no link type that we know of: the file says Ethernet. */
static int close_out(struct job *j, int rc, struct sp_err *err)
{
	const struct sp_pcap_link link = { SP_LINKTYPE_ETHERNET, NULL };
	int closed;

	if (!j->out && !rc)
		rc = begin_out(j, &link, err);
	/* Of a damaged capture the good part is there; of a file that took not all, nothing. */
	if (rc && err->exit != SP_EXIT_DATA) {
		sp_pcap_writer_drop(j->out);
		return rc;
	}
	closed = sp_pcap_writer_close(j->out);
	return closed ? fail_out(j, closed, err) : rc;
}

int sp_capture_rewrite(const struct sp_capture_rewrite_conf *conf,
		       struct sp_capture_rewrite_result *result, const struct sp_mem *mem,
		       struct sp_err *err)
{
	struct job j = { .conf = conf, .file = { .fd = -1, .dir = -1 } };
	struct sp_cap_packet packet;
	int rc = open_job(&j, mem, err);

	memset(result, 0, sizeof *result);
	while (!rc) {
		rc = sp_cap_next(j.in, &packet, err);
		if (rc <= 0)
			break;
		rc = one(&j, &packet, result, err);
	}
	if (j.room)
		rc = close_out(&j, rc, err);
	sp_free(mem, j.room);
	sp_out_drop(&j.file);
	sp_cap_close(j.in);
	sp_rewrite_free(j.words);
	return rc;
}

void sp_capture_rewrite_text(const struct sp_capture_rewrite_result *r, struct sp_str *out)
{
	char buf[40];

	sp_str_puts(out, sp_str_count(buf, sizeof buf, r->packets, "packet"));
	sp_str_printf(out, ", %s changed", sp_str_grouped(buf, sizeof buf, r->counts.changed));
	if (r->counts.other)
		sp_str_printf(out, ", %s in which no IP was looked for",
			      sp_str_grouped(buf, sizeof buf, r->counts.other));
	if (r->counts.completed)
		sp_str_printf(out, ", %s partial checksums completed",
			      sp_str_grouped(buf, sizeof buf, r->counts.completed));
	if (r->counts.stale)
		sp_str_printf(out, ", %s checksums that could not follow",
			      sp_str_grouped(buf, sizeof buf, r->counts.stale));
	sp_str_puts(out, "\n");
}

void sp_capture_rewrite_json(const struct sp_capture_rewrite_result *r, struct sp_str *out)
{
	struct sp_json j;

	sp_json_init(&j, out, 2);
	sp_json_open(&j, NULL, '{');
	sp_json_u64(&j, "packets", r->packets);
	sp_json_u64(&j, "bytes", r->bytes);
	sp_json_u64(&j, "changed", r->counts.changed);
	sp_json_u64(&j, "not_ip", r->counts.other);
	sp_json_u64(&j, "checksums_completed", r->counts.completed);
	sp_json_u64(&j, "checksums_stale", r->counts.stale);
	sp_json_close(&j, '}');
	sp_str_puts(out, "\n");
}
