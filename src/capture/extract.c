#include "capture/extract.h"

#include <errno.h>
#include <string.h>

#include "base/file.h"
#include "base/out_file.h"
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

static int cannot_write(const char *path, int rc, struct sp_err *err)
{
	return sp_fail(err, rc, SP_EXIT_IO, "cannot write %s: %s", path, strerrordesc_np(-rc));
}

/* A file of the folder. */
struct place {
	int folder;
	const char *name, *path;
};

static int write_text(const struct place *to, const struct sp_str *text, struct sp_err *err)
{
	int rc = sp_out_put_in(to->folder, to->name, text->text, text->len);

	return rc ? cannot_write(to->path, rc, err) : 0;
}

static int write_info(const struct sp_info *info, const struct place *to,
		      const struct sp_mem *mem, struct sp_err *err)
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
	rc = text.failed ? no_memory(err) : write_text(to, &text, err);
	sp_str_fini(&text);
	return rc;
}

static int write_yaml(const struct sp_ext *x, const char *pcap, const struct place *to,
		      struct sp_err *err)
{
	struct sp_str text;
	int rc;

	sp_str_init(&text, x->mem);
	rc = sp_ext_yaml(x, pcap, &text) ? no_memory(err) : write_text(to, &text, err);
	sp_str_fini(&text);
	return rc;
}

/* What is read must not be replaced. */
static int keep_inputs(const struct sp_ext *x, struct sp_err *err)
{
	const struct sp_extract_conf *c = x->conf;

	for (unsigned i = 0; i < c->n_inputs; i++)
		if (sp_file_is_same(c->inputs[i], x->pcap))
			return sp_fail(err, -EINVAL, SP_EXIT_USAGE,
				       "%s: its clean sessions would be written over it; name "
				       "another folder",
				       c->inputs[i]);
	return 0;
}

/* Everything that has a path. */
static int open_all(struct sp_ext *x, struct sp_ext_folder *to, struct sp_err *err)
{
	const struct sp_extract_conf *c = x->conf;
	int rc;

	x->pcap = sp_arena_printf(&x->arena, "%s/traffic.pcap", c->folder);
	x->files = sp_arena_alloc(&x->arena, c->n_inputs * sizeof *x->files);
	if (!x->pcap || !x->files)
		return no_memory(err);
	for (unsigned i = 0; i < c->n_inputs; i++)
		sp_cap_file_open(&x->files[i], c->inputs[i]);
	rc = keep_inputs(x, err);
	if (!rc)
		rc = sp_ext_folder_open(to, c->folder, &x->arena, err);
	if (!rc && c->opened)
		c->opened(c->opened_arg, to->fd, to->parent);
	return rc;
}

static int write_all(struct sp_ext *x, const struct sp_ext_folder *to,
		     struct sp_extract_result *result, struct sp_err *err)
{
	const char *folder = x->conf->folder;
	struct sp_out out;
	const struct sp_pcap_place pcap = { .path = x->pcap, .out = &out };
	const struct place yaml = { to->fd, "traffic-reproducer.yml",
				    sp_arena_printf(&x->arena, "%s/traffic-reproducer.yml",
						    folder) };
	const struct place json = { to->fd, "traffic-info.json",
				    sp_arena_printf(&x->arena, "%s/traffic-info.json",
						    folder) };
	struct sp_info *info;
	int rc;

	if (!yaml.path || !json.path || sp_info_new(&info, x->mem))
		return no_memory(err);
	rc = sp_out_open_in(&out, to->fd, "traffic.pcap", 0666);
	if (rc)
		cannot_write(x->pcap, rc, err);
	if (!rc)
		rc = sp_ext_write_pcap(x, &pcap, info, result, err);
	sp_out_drop(&out);
	if (!rc)
		rc = write_yaml(x, x->pcap, &yaml, err);
	if (!rc)
		rc = write_info(info, &json, x->mem, err);
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

static int extract(struct sp_ext *x, const struct sp_ext_folder *to,
		   struct sp_extract_result *result, struct sp_err *err)
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
	rc = write_all(x, to, result, &own);
	if (rc) {
		*err = own;
		result->packets = result->messages = result->sessions = 0;
	}
	return rc ? rc : damage;
}

int sp_extract(const struct sp_extract_conf *conf, const struct sp_mem *mem,
	       struct sp_extract_result *result, struct sp_err *err)
{
	struct sp_ext_folder to = { -1, -1, NULL };
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
	rc = open_all(&x, &to, err);
	if (!rc)
		rc = extract(&x, &to, result, err);
	if (rc)
		sp_ext_folder_undo(&to);
	sp_ext_folder_close(&to);
	for (unsigned i = 0; x.files && i < conf->n_inputs; i++)
		sp_cap_file_close(&x.files[i]);
	for (unsigned i = 0; i < conf->n_parts; i++)
		sp_ext_part_fini(&x.part[i]);
	sp_free(mem, x.part);
	sp_arena_fini(&x.arena);
	return rc;
}
