/* The text of traffic-reproducer.yml: what the given file said of the replay, its defaults filled
 * in, and what the user still has to say. */
#include <errno.h>
#include <string.h>

#include "capture/extract_impl.h"

/* A scalar that every reader takes for this text, or for this number: plain where that is sure. */
static void put_scalar(struct sp_str *out, const char *text)
{
	static const char *const words[] = {
		"null", "true", "false", "yes", "no", "on", "off"
	};
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789._/-";
	bool quote = !*text || text[strspn(text, plain)] || *text == '-';
	struct sp_json js;

	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		quote = quote || sp_str_ieq(text, words[i]);
	if (strcmp(text, SP_EXTRACT_MISSING) == 0)
		quote = false;
	if (!quote) {
		sp_str_puts(out, text);
		return;
	}
	sp_json_init(&js, out, 0);
	sp_json_str(&js, NULL, text);
}

static void put_key(struct sp_str *out, const char *key, const char *value)
{
	sp_str_puts(out, key);
	put_scalar(out, value);
	sp_str_puts(out, "\n");
}

static void put_or_null(struct sp_str *out, const char *key, const char *value)
{
	if (value)
		put_key(out, key, value);
	else
		sp_str_printf(out, "%snull\n", key);
}

static void put_bool(struct sp_str *out, const char *key, bool value)
{
	sp_str_printf(out, "%s%s\n", key, value ? "true" : "false");
}

static void put_part(struct sp_str *out, const struct sp_extract_part *p)
{
	sp_str_printf(out, "%s:\n  collector:\n", p->section);
	put_key(out, "    ip: ", p->collector_ip ? p->collector_ip : SP_EXTRACT_MISSING);
	put_key(out, "    port: ", p->collector_port ? p->collector_port : SP_EXTRACT_MISSING);
}

static void put_map(struct sp_str *out, const struct sp_addr *src, const char *repro_ip)
{
	char name[64];

	put_key(out, "  - src_ip: ", sp_addr_format(name, sizeof name, src));
	put_key(out, "    repro_ip: ", repro_ip);
}

static int add(struct sp_endpoint_set *set, const struct sp_addr *a)
{
	struct sp_endpoint e = { .addr = *a };
	bool added;
	int rc = sp_endpoint_set_add(set, &e, &added);

	return rc < 0 ? rc : 0;
}

/* The sources of what was written, in its order. */
static int sources_of(const struct sp_ext *x, struct sp_endpoint_set *set)
{
	int rc = 0;

	for (unsigned i = 0; i < x->conf->n_parts && !rc; i++) {
		const struct sp_ext_part *p = &x->part[i];

		for (const struct sp_ext_unit *u = p->units.first; u && !rc; u = u->next)
			rc = add(set, &u->pair->src.addr);
		for (const struct sp_ext_session *s = p->sessions; s && !rc; s = s->next)
			rc = s->units.n ? add(set, &s->pair.src.addr) : 0;
	}
	return rc;
}

static int put_maps(const struct sp_ext *x, struct sp_str *out)
{
	const struct sp_extract_file *f = &x->conf->file;
	struct sp_endpoint_set given, set;
	int rc = 0;

	sp_endpoint_set_init(&given, x->mem);
	sp_endpoint_set_init(&set, x->mem);
	for (unsigned i = 0; i < f->n_map && !rc; i++) {
		put_map(out, &f->map[i].src, f->map[i].repro_ip);
		rc = add(&given, &f->map[i].src);
	}
	if (!rc)
		rc = sources_of(x, &set);
	for (uint32_t i = 0; i < set.n && !rc; i++)
		if (sp_endpoint_set_find(&given, &set.of[i]) < 0)
			put_map(out, &set.of[i].addr, SP_EXTRACT_MISSING);
	sp_endpoint_set_fini(&given);
	sp_endpoint_set_fini(&set);
	return rc;
}

int sp_ext_yaml(const struct sp_ext *x, const char *pcap, struct sp_str *out)
{
	const struct sp_extract_file *f = &x->conf->file;
	int rc;

	put_key(out, "pcap: ", pcap);
	for (unsigned i = 0; i < x->conf->n_parts; i++)
		if (!x->conf->parts[i].guess || sp_ext_part_used(&x->part[i]))
			put_part(out, &x->conf->parts[i]);
	put_key(out, "time_factor: ", f->time_factor ? f->time_factor : "1");
	put_bool(out, "keep_open: ", f->keep_open);
	put_bool(out, "no_sync: ", f->no_sync);
	sp_str_puts(out, "optimize:\n");
	put_bool(out, "  threading: ", f->threading);
	put_bool(out, "  preload: ", f->preload);
	sp_str_puts(out, "  network:\n");
	put_or_null(out, "    so_sndbuf: ", f->so_sndbuf);
	put_or_null(out, "    so_rcvbuf: ", f->so_rcvbuf);
	sp_str_puts(out, "network:\n");
	put_or_null(out, "  interface: ", f->interface);
	sp_str_puts(out, "  map:\n");
	rc = put_maps(x, out);
	if (f->more)
		sp_str_puts(out, f->more);
	return rc ? rc : out->failed ? -ENOMEM : 0;
}
