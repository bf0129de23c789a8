/* What a collector must have stored: the same records again, as lines. */
#include <errno.h>

#include "base/json.h"
#include "proto/ipfix/gen.h"

#define CHUNK 65536u

static void put_addr(struct sp_json *j, const char *key, const struct sp_addr *a)
{
	char text[64];

	sp_json_str(j, key, sp_addr_format(text, sizeof text, a));
}

static void put_line(struct sp_str *out, const struct sp_ipfix_gen_flow *f, uint32_t exporter,
		     uint32_t sampling)
{
	struct sp_json j;

	sp_json_init(&j, out, 0);
	sp_json_open(&j, NULL, '{');
	sp_json_str(&j, "kind", "flow");
	sp_json_u64(&j, "exporter", exporter);
	put_addr(&j, "src", &f->src);
	put_addr(&j, "dst", &f->dst);
	sp_json_u64(&j, "src_port", f->src_port);
	sp_json_u64(&j, "dst_port", f->dst_port);
	sp_json_u64(&j, "proto", f->proto);
	sp_json_u64(&j, "tos", f->tos);
	sp_json_u64(&j, "flags", f->flags);
	sp_json_u64(&j, "in", f->in);
	sp_json_u64(&j, "out", f->out);
	sp_json_u64(&j, "src_as", f->src_as);
	sp_json_u64(&j, "dst_as", f->dst_as);
	put_addr(&j, "next_hop", &f->next_hop);
	sp_json_u64(&j, "packets", f->packets);
	sp_json_u64(&j, "bytes", f->bytes);
	sp_json_u64(&j, "sampling", sampling);
	sp_json_close(&j, '}');
	sp_str_puts(out, "\n");
}

int sp_ipfix_gen_truth(const struct sp_ipfix_gen *g, uint64_t units, const struct sp_truth *t)
{
	struct sp_ipfix_gen_flow f;
	struct sp_str text;
	int rc = 0;

	sp_str_init(&text, sp_mem_system());
	for (uint64_t u = 0; u < units && !rc; u++) {
		for (uint32_t k = 0; k < g->flows; k++) {
			sp_ipfix_gen_flow(&g->model, u * g->flows + k, &f);
			put_line(&text, &f, g->domain + (uint32_t)(u % g->domains),
				 g->sampling);
		}
		if (text.failed)
			rc = -ENOMEM;
		else if (text.len >= CHUNK || u + 1 == units) {
			rc = t->take(t->arg, text.text, text.len);
			sp_str_clear(&text);
		}
	}
	sp_str_fini(&text);
	return rc;
}
