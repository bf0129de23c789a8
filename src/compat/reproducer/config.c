#include "compat/reproducer/config.h"

#include <errno.h>
#include <string.h>

#include "base/factor.h"
#include "compat/reproducer/config_impl.h"

static int read_factor(struct sp_repro *r, struct sp_err *err)
{
	const struct sp_yaml_node *v = sp_repro_value(r->doc.root, "time_factor");
	struct sp_factor f;
	char shown[80];
	int rc;

	r->time_factor = "1";
	if (!v)
		return 0;
	rc = sp_yaml_want(&r->doc, v, SP_YAML_SCALAR, "time_factor", err);
	if (rc)
		return rc;
	rc = sp_factor_parse(v->text, &f);
	sp_str_printable(shown, sizeof shown, v->text);
	if (rc == -ERANGE)
		return sp_yaml_fail(
			&r->doc, v, err,
			"time_factor: gaps cannot be multiplied by %s: it is above 0 "
			"and at most a million (0.01 is a hundred times as fast)",
			shown);
	if (rc)
		return sp_yaml_fail(&r->doc, v, err, "time_factor: '%s' is not a number",
				    shown);
	r->time_factor = v->text;
	return 0;
}

static void tell_unknown(struct sp_repro *r)
{
	const char *words[16 + SP_REPRO_SECTIONS] = {
		"pcap",	    "repeat",  "time_factor",	  "keep_open",	 "no_sync",
		"optimize", "network", "pcap_processing", "udp_generic", "tcp_generic"
	};
	unsigned n = 10;

	for (const struct sp_codec_ops *const *c = r->catalog->codec;
	     *c && n < 15 + SP_REPRO_SECTIONS; c++)
		if ((*c)->section)
			words[n++] = (*c)->section;
	sp_repro_unknown(r, r->doc.root, "", words);
}

static int read_all(struct sp_repro *r, bool for_replay, struct sp_err *err)
{
	int rc = sp_yaml_want(&r->doc, r->doc.root, SP_YAML_MAP, "the file", err);

	if (!rc && for_replay)
		rc = sp_repro_refuse_missing(r, err);
	if (rc)
		return rc;
	tell_unknown(r);
	rc = sp_repro_pcaps(r, err);
	if (!rc)
		rc = sp_repro_repeat(r, err);
	if (!rc)
		rc = read_factor(r, err);
	if (!rc)
		rc = sp_repro_take(r, r->doc.root, "keep_open", "keep_open", SP_OPT_BOOL,
				   &r->keep_open, err);
	if (!rc)
		rc = sp_repro_take(r, r->doc.root, "no_sync", "no_sync", SP_OPT_BOOL,
				   &r->no_sync, err);
	if (!rc)
		rc = sp_repro_optimize(r, err);
	if (!rc)
		rc = sp_repro_network(r, err);
	if (!rc)
		rc = sp_repro_processing(r, err);
	if (!rc)
		rc = sp_repro_sections(r, for_replay, err);
	if (!rc && r->remarks.failed)
		rc = sp_repro_no_memory(err);
	return rc;
}

static int finish(struct sp_repro *r, bool for_replay, struct sp_err *err)
{
	int rc = read_all(r, for_replay, err);

	if (rc)
		sp_repro_free(r);
	return rc;
}

int sp_repro_parse(struct sp_repro *r, const char *name, const char *text, size_t len,
		   bool for_replay, const struct sp_catalog *catalog, const struct sp_mem *mem,
		   struct sp_err *err)
{
	int rc;

	*r = (struct sp_repro){ .catalog = catalog, .mem = mem };
	sp_str_init(&r->remarks, mem);
	rc = sp_yaml_parse(&r->doc, name, text, len, mem, err);
	return rc ? rc : finish(r, for_replay, err);
}

int sp_repro_read(struct sp_repro *r, const char *path, bool for_replay,
		  const struct sp_catalog *catalog, const struct sp_mem *mem,
		  struct sp_err *err)
{
	int rc;

	*r = (struct sp_repro){ .catalog = catalog, .mem = mem };
	sp_str_init(&r->remarks, mem);
	rc = sp_yaml_read(&r->doc, path, mem, err);
	return rc ? rc : finish(r, for_replay, err);
}

void sp_repro_free(struct sp_repro *r)
{
	for (unsigned i = 0; i < r->n_sections; i++)
		sp_str_fini(&r->sections[i].words);
	sp_str_fini(&r->remarks);
	sp_yaml_free(&r->doc);
}
