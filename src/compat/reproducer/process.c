#include "compat/reproducer/process.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "compat/reproducer/config_impl.h"

struct texts {
	struct sp_extract_part parts[SP_REPRO_SECTIONS];
	char port[SP_REPRO_SECTIONS][8];
	char sndbuf[24], rcvbuf[24];
};

static int wants(const void *arg, const struct sp_cap_packet *p, const struct sp_cap_view *v)
{
	const struct sp_repro_section *s = arg;

	return sp_select_match(&s->select, p, v);
}

static bool keeps(const void *arg, const uint8_t *message, size_t len)
{
	const struct sp_repro_section *s = arg;

	for (const struct sp_repro_field *f = s->fields; f; f = f->next) {
		bool found = false;
		uint64_t v;

		if (!s->codec->field || s->codec->field(message, len, f->name, &v))
			return false;
		for (unsigned i = 0; i < f->n; i++)
			found |= f->values[i] == v;
		if (!found)
			return false;
	}
	return true;
}

/* Protocols are handled in the order of the file. */
static unsigned put_parts(const struct sp_repro *r, struct texts *t)
{
	unsigned n = 0;

	for (unsigned i = 0; i < r->n_sections; i++) {
		const struct sp_repro_section *s = &r->sections[i];
		unsigned at = n++;

		for (;
		     at > 0 &&
		     ((const struct sp_repro_section *)t->parts[at - 1].arg)->place > s->place;
		     at--) {
			t->parts[at] = t->parts[at - 1];
			memcpy(t->port[at], t->port[at - 1], sizeof t->port[at]);
		}
		snprintf(t->port[at], sizeof t->port[at], "%u", s->port);
		t->parts[at] = (struct sp_extract_part){
			.section = s->name,
			.codec = s->codec,
			.over = s->tcp ? SP_CODEC_TCP : SP_CODEC_UDP,
			.wants = s->select.fields ? wants : NULL,
			.keeps = s->fields ? keeps : NULL,
			.arg = s,
			.collector_ip = s->host,
		};
	}
	for (unsigned i = 0; i < n; i++)
		if (((const struct sp_repro_section *)t->parts[i].arg)->port)
			t->parts[i].collector_port = t->port[i];
	return n;
}

static int put_map(const struct sp_repro *r, struct sp_arena *arena, struct sp_extract_conf *c,
		   struct sp_err *err)
{
	struct sp_extract_map *map = sp_arena_alloc(arena, (r->n_map + 1) * sizeof *map);

	if (!map)
		return sp_repro_no_memory(err);
	for (unsigned i = 0; i < r->n_map; i++) {
		char text[64];

		sp_addr_format(text, sizeof text, &r->map[i].to);
		map[i].src = r->map[i].from;
		map[i].repro_ip = sp_arena_strdup(arena, r->map[i].to.family ? text : "");
		if (!map[i].repro_ip)
			return sp_repro_no_memory(err);
	}
	c->file.map = map;
	c->file.n_map = r->n_map;
	return 0;
}

static void put_file(const struct sp_repro *r, struct texts *t, struct sp_extract_file *f)
{
	snprintf(t->sndbuf, sizeof t->sndbuf, "%llu", (unsigned long long)r->sndbuf);
	snprintf(t->rcvbuf, sizeof t->rcvbuf, "%llu", (unsigned long long)r->rcvbuf);
	f->time_factor = r->time_factor;
	f->keep_open = r->keep_open;
	f->no_sync = r->no_sync;
	f->threading = r->threading;
	f->preload = r->preload;
	f->so_sndbuf = r->sndbuf ? t->sndbuf : NULL;
	f->so_rcvbuf = r->rcvbuf ? t->rcvbuf : NULL;
	f->interface = r->interface;
}

static void put_times(const struct sp_repro_processing *p, struct sp_extract_conf *c)
{
	if (p->initial_given)
		c->initial_delay_ns = p->initial_ns;
	if (p->inter_packet_given)
		c->inter_packet_delay_ns = p->inter_packet_ns;
	if (p->inter_protocol_given)
		c->inter_protocol_delay_ns = p->inter_protocol_ns;
	if (p->payload_size)
		c->tcp_payload_size = p->payload_size > UINT32_MAX ? UINT32_MAX
								   : (uint32_t)p->payload_size;
}

const char *const sp_repro_output[SP_REPRO_OUTPUTS] = { "traffic.pcap",
							"traffic-reproducer.yml",
							"traffic-info.json" };

/* Writing it would empty what is read. */
static int keep(const char *input, const char *output, struct sp_err *err)
{
	char shown[200];

	if (!sp_file_is_same(input, output))
		return 0;
	return sp_fail(err, -EINVAL, SP_EXIT_USAGE,
		       "%s: is read, and would be written over; name another folder "
		       "(pcap_processing.output_folder)",
		       sp_str_printable(shown, sizeof shown, input));
}

int sp_repro_process_check(const struct sp_repro *r, struct sp_str *folder, struct sp_err *err)
{
	struct sp_str path;
	int rc = 0;

	if (r->processing.folder)
		sp_str_puts(folder, r->processing.folder);
	else
		(void)sp_extract_folder(r->pcaps[0].path, folder);
	sp_str_init(&path, r->mem);
	for (unsigned i = 0; i < SP_REPRO_OUTPUTS && !rc; i++) {
		sp_str_clear(&path);
		sp_str_printf(&path, "%s/%s", folder->text ? folder->text : "",
			      sp_repro_output[i]);
		if (path.failed || folder->failed)
			rc = sp_repro_no_memory(err);
		else
			rc = keep(r->doc.name, path.text, err);
		for (unsigned k = 0; k < r->n_pcaps && !rc; k++)
			rc = keep(r->pcaps[k].path, path.text, err);
	}
	sp_str_fini(&path);
	return rc;
}

int sp_repro_process(const struct sp_repro *r, void (*remark)(void *arg, const char *text),
		     void *arg, const struct sp_str *folder, struct sp_extract_result *result,
		     struct sp_err *err)
{
	struct sp_extract_conf conf = { .remark = remark, .remark_arg = arg };
	struct sp_arena arena;
	struct texts *t;
	const char **inputs;
	int rc;

	sp_arena_init(&arena, r->mem);
	t = sp_arena_alloc(&arena, sizeof *t);
	inputs = sp_arena_alloc(&arena, (r->n_pcaps + 1) * sizeof *inputs);
	rc = t && inputs ? 0 : sp_repro_no_memory(err);
	if (!rc) {
		sp_extract_defaults(&conf);
		for (unsigned i = 0; i < r->n_pcaps; i++)
			inputs[i] = r->pcaps[i].path;
		conf.inputs = inputs;
		conf.n_inputs = r->n_pcaps;
		conf.folder = folder->text;
		conf.parts = t->parts;
		conf.n_parts = put_parts(r, t);
		put_times(&r->processing, &conf);
		put_file(r, t, &conf.file);
		rc = put_map(r, &arena, &conf, err);
	}
	if (!rc)
		rc = sp_extract(&conf, r->mem, result, err);
	sp_arena_fini(&arena);
	return rc;
}
