/* The plan as canonical text: one line of JSON, every row in the order of its table, so that two
 * requests are the same exactly when their digests are. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <openssl/evp.h>

#include "base/json.h"
#include "base/str.h"
#include "engine/modes/modes.h"
#include "engine/plan_impl.h"
#include "engine/protocol.h"
#include "plugin/proto.h"

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

/* A protocol's settings and those of the layer under it, where it has any. */
static void write_settings(const struct sp_catalog *catalog, const char *word, int role,
			   const void *conf, const void *wrap_conf, struct sp_json *j)
{
	struct sp_protocol p;

	if ((!conf && !wrap_conf) || sp_protocol_find(catalog, word, role, &p))
		return;
	sp_json_open(j, "settings", '{');
	if (conf)
		sp_opts_print(p.opts, conf, j);
	if (wrap_conf)
		sp_opts_print(p.wrap->opts, wrap_conf, j);
	sp_json_close(j, '}');
}

/* Where text goes when some has gathered. */
struct drain {
	sp_plan_take *take;
	void *arg;
	int result; /* take's, the first that is not 0: from then on nothing is given */
};

#define DRAIN_AT 65536u

static void give(struct drain *d, struct sp_str *s)
{
	if (!d->result)
		d->result = s->failed ? -ENOMEM : d->take(d->arg, s->text, s->len);
	sp_str_clear(s);
}

/* A law of sizes stands instead of a size, and without one nothing is said of it. */
static void write_stream_rows(const struct sp_plan_stream *s, struct sp_json *j)
{
	const char *without = s->packet_size ? "size" : "packet_size";

	for (const struct sp_opt *row = sp_plan_rows(SP_PLAN_STREAM); row->name; row++) {
		struct sp_opt one[2] = { *row };

		if (strcmp(row->name, without) != 0)
			sp_opts_print(one, s, j);
	}
}

static void write_streams(const struct sp_plan *p, const struct sp_catalog *catalog,
			  struct sp_json *j, struct drain *d)
{
	sp_json_open(j, "streams", '[');
	for (unsigned i = 0; i < p->n_streams && !(d && d->result); i++) {
		sp_json_open(j, NULL, '{');
		write_stream_rows(&p->streams[i], j);
		sp_profile_print(&p->streams[i], j);
		write_settings(catalog, p->streams[i].protocol, SP_ROLE_CLIENT,
			       p->streams[i].conf, p->streams[i].wrap_conf, j);
		sp_json_close(j, '}');
		if (d && j->out->len > DRAIN_AT)
			give(d, j->out);
	}
	sp_json_close(j, ']');
}

static void write_stages(const struct sp_plan *p, struct sp_json *j)
{
	sp_json_open(j, "stages", '[');
	for (unsigned i = 0; i < p->n_stages; i++) {
		sp_json_open(j, NULL, '{');
		sp_opts_print(sp_plan_rows(SP_PLAN_STAGE), &p->stages[i], j);
		sp_json_close(j, '}');
	}
	sp_json_close(j, ']');
}

static void write_all(const struct sp_plan *p, const struct sp_catalog *catalog,
		      struct sp_json *j, struct drain *d)
{
	sp_json_open(j, NULL, '{');
	sp_json_u64(j, "plan", 1);
	sp_json_open(j, "run", '{');
	sp_opts_print(sp_plan_rows(SP_PLAN_RUN), &p->run, j);
	sp_json_close(j, '}');
	write_ports(p, catalog, j);
	write_streams(p, catalog, j, d);
	sp_json_open(j, "recvs", '[');
	for (unsigned i = 0; i < p->n_recvs; i++) {
		sp_json_open(j, NULL, '{');
		sp_opts_print(sp_plan_rows(SP_PLAN_RECV), &p->recvs[i], j);
		write_settings(catalog, p->recvs[i].protocol, SP_ROLE_SERVER, p->recvs[i].conf,
			       p->recvs[i].wrap_conf, j);
		sp_json_close(j, '}');
	}
	sp_json_close(j, ']');
	if (p->n_stages)
		write_stages(p, j);
	sp_json_close(j, '}');
}

void sp_plan_text(const struct sp_plan *p, const struct sp_catalog *catalog, struct sp_str *out)
{
	struct sp_json j;

	sp_json_init(&j, out, 0);
	write_all(p, catalog, &j, NULL);
}

int sp_plan_write(const struct sp_plan *p, const struct sp_catalog *catalog,
		  const struct sp_mem *mem, sp_plan_take *take, void *arg)
{
	struct drain d = { .take = take, .arg = arg };
	struct sp_json j;
	struct sp_str s;

	sp_str_init(&s, mem);
	sp_json_init(&j, &s, 0);
	write_all(p, catalog, &j, &d);
	give(&d, &s);
	sp_str_fini(&s);
	return d.result;
}

static int into_digest(void *arg, const char *text, size_t len)
{
	return EVP_DigestUpdate(arg, text, len) ? 0 : -EIO;
}

static int digest(const struct sp_plan *p, const struct sp_catalog *catalog,
		  const struct sp_mem *mem, char hex[65])
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	unsigned char md[EVP_MAX_MD_SIZE];
	unsigned n = 0;
	int rc = -EIO;

	if (ctx && EVP_DigestInit_ex(ctx, EVP_sha256(), NULL))
		rc = sp_plan_write(p, catalog, mem, into_digest, ctx);
	if (!rc && (!EVP_DigestFinal_ex(ctx, md, &n) || n != 32))
		rc = -EIO;
	EVP_MD_CTX_free(ctx);
	for (unsigned i = 0; i < n && !rc; i++)
		snprintf(hex + 2 * i, 3, "%02x", md[i]);
	return rc;
}

int sp_plan_digest(struct sp_plan *p, const struct sp_mem *mem,
		   const struct sp_catalog *catalog, struct sp_err *err)
{
	int r = digest(p, catalog, mem, p->sha256);

	if (r == -ENOMEM)
		return sp_fail(err, r, SP_EXIT_FAILED, "the plan: out of memory");
	if (r)
		return sp_fail(err, r, SP_EXIT_FAILED,
			       "the crypto library gives no SHA-256; the plan has no digest");
	return 0;
}
