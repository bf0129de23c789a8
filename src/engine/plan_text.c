/* The plan as canonical text: one line of JSON, every row in the order of its table, so that two
 * requests are the same exactly when their digests are. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <openssl/evp.h>

#include "base/json.h"
#include "base/str.h"
#include "engine/plan_impl.h"

static void write_ports(const struct sp_plan *p, const struct sp_catalog *catalog,
			struct sp_json *j)
{
	sp_json_open(j, "ports", '[');
	for (unsigned i = 0; i < p->n_ports; i++) {
		const struct sp_plan_port *port = &p->ports[i];
		const struct sp_transport_ops *ops = sp_catalog_transport(catalog,
									  port->transport);

		sp_json_open(j, NULL, '{');
		sp_opts_print(sp_plan_rows(SP_PLAN_PORT), port, j);
		sp_json_open(j, "settings", '{');
		if (port->conf)
			sp_opts_print(ops->opts, port->conf, j);
		sp_json_close(j, '}');
		sp_json_close(j, '}');
	}
	sp_json_close(j, ']');
}

static void write_all(const struct sp_plan *p, const struct sp_catalog *catalog,
		      struct sp_json *j)
{
	sp_json_open(j, NULL, '{');
	sp_json_u64(j, "plan", 1);
	sp_json_open(j, "run", '{');
	sp_opts_print(sp_plan_rows(SP_PLAN_RUN), &p->run, j);
	sp_json_close(j, '}');
	write_ports(p, catalog, j);
	sp_json_open(j, "streams", '[');
	for (unsigned i = 0; i < p->n_streams; i++) {
		sp_json_open(j, NULL, '{');
		sp_opts_print(sp_plan_rows(SP_PLAN_STREAM), &p->streams[i], j);
		sp_json_close(j, '}');
	}
	sp_json_close(j, ']');
	sp_json_open(j, "recvs", '[');
	for (unsigned i = 0; i < p->n_recvs; i++) {
		sp_json_open(j, NULL, '{');
		sp_opts_print(sp_plan_rows(SP_PLAN_RECV), &p->recvs[i], j);
		sp_json_close(j, '}');
	}
	sp_json_close(j, ']');
	sp_json_close(j, '}');
}

static int digest(const char *text, size_t len, char hex[65])
{
	unsigned char md[EVP_MAX_MD_SIZE];
	unsigned n = 0;

	if (!EVP_Digest(text, len, md, &n, EVP_sha256(), NULL) || n != 32)
		return -EIO;
	for (unsigned i = 0; i < n; i++)
		snprintf(hex + 2 * i, 3, "%02x", md[i]);
	return 0;
}

int sp_plan_write(struct sp_plan *p, const struct sp_mem *mem, const struct sp_catalog *catalog,
		  struct sp_err *err)
{
	struct sp_str s;
	struct sp_json j;

	sp_str_init(&s, mem);
	sp_json_init(&j, &s, 0);
	write_all(p, catalog, &j);
	if (s.failed) {
		sp_str_fini(&s);
		return sp_fail(err, -ENOMEM, SP_EXIT_FAILED, "the plan: out of memory");
	}
	if (digest(s.text, s.len, p->sha256)) {
		sp_str_fini(&s);
		return sp_fail(err, -EIO, SP_EXIT_FAILED,
			       "the crypto library gives no SHA-256; the plan has no digest");
	}
	p->json = s.text; /* from mem, and the plan's from here on */
	return 0;
}
