/* The life of a packet, and what front ends ask of it. */
#include "pkt/packet.h"

#include <errno.h>
#include <string.h>

#include "pkt/expr_impl.h"

/* A packet without headers; it lives in its own arena's allocator. */
static struct sp_packet *new_packet(const char *place, const struct sp_hdr_ops *const *hdrs,
				    const struct sp_mem *mem)
{
	struct sp_packet *p = sp_alloc(mem, sizeof *p);

	if (!p)
		return NULL;
	sp_arena_init(&p->arena, mem);
	p->hdrs = hdrs;
	p->place = sp_arena_strdup(&p->arena, place ? place : "packet");
	if (p->place)
		return p;
	sp_packet_free(p);
	return NULL;
}

static int parse(struct sp_packet **out, const char *text, const char *place, bool files,
		 const struct sp_hdr_ops *const *hdrs, const struct sp_mem *mem,
		 struct sp_err *err)
{
	struct sp_packet *p = new_packet(place, hdrs, mem);
	struct sp_expr x = { .text = text, .p = text, .packet = p, .err = err, .files = files };
	int rc;

	*out = NULL;
	if (!p)
		return sp_fail(err, -ENOMEM, SP_EXIT_FAILED, "out of memory");
	rc = sp_expr_headers(&x);
	if (rc) {
		sp_packet_free(p);
		return rc;
	}
	*out = p;
	return 0;
}

int sp_packet_parse(struct sp_packet **out, const char *text, const char *place,
		    const struct sp_hdr_ops *const *hdrs, const struct sp_mem *mem,
		    struct sp_err *err)
{
	return parse(out, text, place, false, hdrs, mem, err);
}

int sp_packet_parse_files(struct sp_packet **out, const char *text, const char *place,
			  const struct sp_hdr_ops *const *hdrs, const struct sp_mem *mem,
			  struct sp_err *err)
{
	return parse(out, text, place, true, hdrs, mem, err);
}

void sp_packet_free(struct sp_packet *p)
{
	const struct sp_mem *mem;

	if (!p)
		return;
	mem = p->arena.mem;
	sp_arena_fini(&p->arena);
	sp_free(mem, p);
}

/* ---- what a front end asks and adds ---- */

struct sp_node *sp_packet_node(struct sp_packet *p, const char *hdr, unsigned nth)
{
	for (unsigned i = 0; i < p->n; i++)
		if (strcmp(p->node[i].hdr->name, hdr) == 0 && !nth--)
			return &p->node[i];
	return NULL;
}

bool sp_node_given(const struct sp_node *n, const char *field)
{
	int i = sp_node_field(n, field);

	return i >= 0 && n->value[i].kind != SP_V_NONE;
}

int sp_packet_set(struct sp_packet *p, struct sp_node *n, const char *field, const char *value,
		  struct sp_err *err)
{
	struct sp_expr x = { .text = value, .p = value, .packet = p, .err = err };
	int i = sp_node_field(n, field), rc;

	if (i < 0)
		return sp_expr_fail(&x, value, "%s has no field '%s'", sp_node_name(n), field);
	n->value[i] = (struct sp_value){ 0 };
	rc = sp_expr_value(&x, n, (unsigned)i);
	if (rc == -EAFNOSUPPORT)
		return sp_expr_fail(&x, value, "%s.%s is no IPv6 address", sp_node_name(n),
				    field);
	if (rc)
		return rc;
	n->value[i].at = 0;
	sp_expr_blank(&x);
	return *x.p ? sp_expr_fail(&x, x.p, "'%.1s' follows the value", x.p) : 0;
}
