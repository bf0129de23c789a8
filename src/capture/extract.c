#include "capture/extract.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "capture/extract_impl.h"

#define REMARKS 20u

void sp_extract_defaults(struct sp_extract_conf *c)
{
	c->initial_delay_ns = SP_EXTRACT_INITIAL_NS;
	c->inter_packet_delay_ns = SP_EXTRACT_INTER_PACKET_NS;
	c->inter_protocol_delay_ns = SP_EXTRACT_INTER_PROTOCOL_NS;
	c->tcp_payload_size = SP_EXTRACT_SEGMENT;
}

int sp_extract_folder(const char *pcap, struct sp_str *out)
{
	const char *name = strrchr(pcap, '/');
	const char *dot = strrchr(pcap, '.');
	size_t len = strlen(pcap);

	name = name ? name + 1 : pcap;
	/* A leading dot is no extension; a name without one would be the folder's own. */
	if (dot && dot > name)
		len = (size_t)(dot - pcap);
	sp_str_put(out, pcap, len);
	if (!dot || dot <= name)
		sp_str_puts(out, ".extracted");
	return out->failed ? -ENOMEM : 0;
}

void sp_ext_remark(struct sp_ext *x, const char *fmt, ...)
{
	struct sp_str text;
	va_list ap;

	if (x->remarks++ >= REMARKS || !x->conf->remark)
		return;
	sp_str_init(&text, x->mem);
	va_start(ap, fmt);
	sp_str_vprintf(&text, fmt, ap);
	va_end(ap);
	if (!text.failed)
		x->conf->remark(x->conf->remark_arg, text.text);
	sp_str_fini(&text);
}

void sp_ext_remarks_end(struct sp_ext *x)
{
	unsigned more = x->remarks > REMARKS ? x->remarks - REMARKS : 0;

	if (!more)
		return;
	x->remarks = 0;
	sp_ext_remark(x, "%u more remarks like these are not shown", more);
}

static int no_memory(struct sp_err *err)
{
	return sp_fail(err, -ENOMEM, SP_EXIT_FAILED, "out of memory");
}

static int cannot(const char *what, const char *path, int e, struct sp_err *err)
{
	return sp_fail(err, -e, SP_EXIT_IO, "cannot %s %s: %s", what, path, strerrordesc_np(e));
}

static int write_text(const char *path, const struct sp_str *text, struct sp_err *err)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666), e = 0;

	if (fd < 0)
		return cannot("write", path, errno, err);
	for (size_t at = 0; at < text->len && !e;) {
		ssize_t n = write(fd, text->text + at, text->len - at);

		if (n < 0 && errno != EINTR)
			e = errno;
		at += n > 0 ? (size_t)n : 0;
	}
	if (close(fd) && !e)
		e = errno;
	return e ? cannot("write", path, e, err) : 0;
}

static int write_info(const struct sp_info *info, const char *path, const struct sp_mem *mem,
		      struct sp_err *err)
{
	struct sp_str text;
	struct sp_json js;
	int rc;

	sp_str_init(&text, mem);
	sp_json_init(&js, &text, 3);
	sp_json_open(&js, NULL, '{');
	sp_info_json(info, &js);
	sp_json_close(&js, '}');
	sp_str_puts(&text, "\n");
	rc = text.failed ? no_memory(err) : write_text(path, &text, err);
	sp_str_fini(&text);
	return rc;
}

static int write_yaml(const struct sp_ext *x, const char *pcap, const char *path,
		      struct sp_err *err)
{
	struct sp_str text;
	int rc;

	sp_str_init(&text, x->mem);
	rc = sp_ext_yaml(x, pcap, &text) ? no_memory(err) : write_text(path, &text, err);
	sp_str_fini(&text);
	return rc;
}

/* The folder and whatever of its parents is missing. */
static int make_folder(const char *folder, struct sp_arena *arena, struct sp_err *err)
{
	char *part = sp_arena_strdup(arena, folder);

	if (!part)
		return no_memory(err);
	for (char *at = part; *at && (at = strchr(at + 1, '/'));) {
		*at = '\0';
		if (mkdir(part, 0777) && errno != EEXIST)
			return cannot("make", part, errno, err);
		*at = '/';
	}
	if (mkdir(part, 0777) && errno != EEXIST)
		return cannot("make", part, errno, err);
	return 0;
}

/* What is read must not be written: it is gone then. */
static int keep_inputs(const struct sp_extract_conf *c, const char *pcap, struct sp_err *err)
{
	for (unsigned i = 0; i < c->n_inputs; i++)
		if (sp_file_is_same(c->inputs[i], pcap))
			return sp_fail(err, -EINVAL, SP_EXIT_USAGE,
				       "%s: its clean sessions would be written over it; name "
				       "another folder",
				       c->inputs[i]);
	return 0;
}

static int write_all(struct sp_ext *x, struct sp_extract_result *result, struct sp_err *err)
{
	const char *folder = x->conf->folder;
	const char *pcap = sp_arena_printf(&x->arena, "%s/traffic.pcap", folder);
	const char *yaml = sp_arena_printf(&x->arena, "%s/traffic-reproducer.yml", folder);
	const char *json = sp_arena_printf(&x->arena, "%s/traffic-info.json", folder);
	struct sp_info *info;
	int rc;

	if (!pcap || !yaml || !json || sp_info_new(&info, x->mem))
		return no_memory(err);
	rc = keep_inputs(x->conf, pcap, err);
	if (!rc)
		rc = make_folder(folder, &x->arena, err);
	if (!rc)
		rc = sp_ext_write_pcap(x, pcap, info, result, err);
	if (!rc)
		rc = write_yaml(x, pcap, yaml, err);
	if (!rc)
		rc = write_info(info, json, x->mem, err);
	sp_info_free(info);
	return rc;
}

bool sp_ext_part_used(const struct sp_ext_part *p)
{
	if (p->units.n)
		return true;
	for (const struct sp_ext_session *s = p->sessions; s; s = s->next)
		if (s->units.n)
			return true;
	return false;
}

static bool is_empty(const struct sp_ext *x)
{
	for (unsigned i = 0; i < x->conf->n_parts; i++)
		if (sp_ext_part_used(&x->part[i]))
			return false;
	return true;
}

static int nothing(const struct sp_ext *x, struct sp_err *err)
{
	return sp_fail(err, -ENODATA, SP_EXIT_DATA,
		       "%s: none of its %llu packets is of what was asked for: no session is "
		       "written",
		       x->conf->inputs[0], (unsigned long long)x->packets);
}

static int extract(struct sp_ext *x, struct sp_extract_result *result, struct sp_err *err)
{
	int damage = sp_ext_take(x, err), rc = damage;
	struct sp_err own = { 0 };

	result->read = x->packets;
	for (unsigned i = 0; i < x->conf->n_parts; i++)
		result->left_out += x->part[i].headless;
	if (rc && err->exit != SP_EXIT_DATA)
		return rc;
	if (sp_ext_order(x))
		return no_memory(err);
	sp_ext_remarks_end(x);
	if (is_empty(x))
		return damage ? damage : nothing(x, err);
	rc = write_all(x, result, &own);
	if (rc)
		*err = own;
	return rc ? rc : damage;
}

int sp_extract(const struct sp_extract_conf *conf, const struct sp_mem *mem,
	       struct sp_extract_result *result, struct sp_err *err)
{
	struct sp_ext x = { .conf = conf, .mem = mem };
	int rc;

	*result = (struct sp_extract_result){ 0 };
	sp_arena_init(&x.arena, mem);
	sp_mem_limit_init(&x.states, mem, SP_EXT_STATES);
	x.part = sp_alloc_array(mem, conf->n_parts, sizeof *x.part);
	if (!x.part)
		return no_memory(err);
	for (unsigned i = 0; i < conf->n_parts; i++) {
		x.part[i].conf = &conf->parts[i];
		x.part[i].x = &x;
		x.part[i].sessions_end = &x.part[i].sessions;
		sp_endpoint_set_init(&x.part[i].sources, mem);
	}
	rc = extract(&x, result, err);
	for (unsigned i = 0; i < conf->n_parts; i++)
		sp_ext_part_fini(&x.part[i]);
	sp_free(mem, x.part);
	sp_arena_fini(&x.arena);
	return rc;
}
