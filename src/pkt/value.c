/* What a field is given: one value, a list, a range, a prefix, random ones, octets, a name. */
#include "pkt/expr_impl.h"

#include <errno.h>
#include <string.h>

static int wrong(struct sp_expr *x, const struct sp_node *n, const struct sp_field *f,
		 const char *at, size_t len, int rc)
{
	char wants[128];

	if (!len)
		return sp_expr_fail(x, at, "%s.%s has no value; %s is expected",
				    sp_node_name(n), f->name,
				    sp_field_wants(f, wants, sizeof wants));
	return sp_expr_fail(x, at, "%s.%s is %s, not '%.*s'", sp_node_name(n), f->name,
			    sp_field_wants(f, wants, sizeof wants), (int)(len > 60 ? 60 : len),
			    at + (rc > 0));
}

/* One value; "name" in quotes is taken, too. */
static int scalar(struct sp_expr *x, const struct sp_node *n, const struct sp_field *f,
		  sp_u128 *v)
{
	const char *at, *text;
	struct sp_field v6 = { .type = SP_F_IP6, .bits = 128 };
	sp_u128 other;
	size_t len;
	int rc;

	sp_expr_blank(x);
	at = text = x->p;
	if (*at == '"' || *at == '\'') {
		const uint8_t *bytes;
		uint32_t n_bytes;

		rc = sp_expr_octets(x, &bytes, &n_bytes);
		if (rc)
			return rc;
		text = (const char *)bytes;
		len = n_bytes;
	} else {
		len = sp_expr_token(x);
	}
	rc = sp_field_scalar(f, text, len, v);
	if (!rc)
		return 0;
	if (f->type == SP_F_IP4 && n->hdr->other && !n->item && len &&
	    !sp_field_scalar(&v6, text, len, &other))
		return -EAFNOSUPPORT;
	if (rc == -ERANGE && f->bits <= 64)
		return sp_expr_fail(x, at, "%s.%s has %u bits: %.*s is above %llu",
				    sp_node_name(n), f->name, f->bits,
				    (int)(len > 60 ? 60 : len), at,
				    (unsigned long long)sp_field_max(f));
	return wrong(x, n, f, at, (size_t)(x->p - at), 0);
}

/* Behind "first..": last and perhaps "/step". */
static int range(struct sp_expr *x, const struct sp_node *n, const struct sp_field *f,
		 const char *at, struct sp_value *v)
{
	struct sp_field number = *f;
	sp_u128 last, span, step = 1;
	int rc = scalar(x, n, f, &last);

	if (rc)
		return rc;
	if (sp_expr_take(x, '/')) {
		number.type = SP_F_UINT;
		number.words = NULL;
		rc = scalar(x, n, &number, &step);
		if (rc)
			return rc;
		if (!step)
			return sp_expr_fail(x, at, "%s.%s: the step of a range is at least 1",
					    sp_node_name(n), f->name);
	}
	span = (last > v->first ? last - v->first : v->first - last) / step;
	v->kind = SP_V_WALK;
	v->count = span >= UINT64_MAX ? UINT64_MAX : (uint64_t)span + 1;
	v->step = last >= v->first ? step : -step;
	v->last = last;
	return 0;
}

static int prefix(struct sp_expr *x, const struct sp_node *n, const struct sp_field *f,
		  struct sp_value *v)
{
	const struct sp_field bits = { .name = f->name, .type = SP_F_UINT, .bits = 8 };
	const char *at = x->p;
	sp_u128 p, host;
	int rc = scalar(x, n, &bits, &p);

	if (rc)
		return rc;
	if (p > f->bits)
		return sp_expr_fail(x, at, "%s.%s: a prefix has at most %u bits",
				    sp_node_name(n), f->name, f->bits);
	host = p == 0 ? sp_field_max(f) : ((sp_u128)1 << (f->bits - p)) - 1;
	v->first &= ~host;
	v->last = v->first | host;
	v->kind = SP_V_WALK;
	v->step = 1;
	v->count = host >= UINT64_MAX ? UINT64_MAX : (uint64_t)host + 1;
	return 0;
}

/* A value, a range or a prefix. */
int sp_expr_span(struct sp_expr *x, const struct sp_node *n, const struct sp_field *f,
		 struct sp_value *v)
{
	const char *at = x->p;
	int rc = scalar(x, n, f, &v->first);

	if (rc)
		return rc;
	v->kind = SP_V_ONE;
	v->last = v->first;
	if (x->p[0] == '.' && x->p[1] == '.') {
		x->p += 2;
		return range(x, n, f, at, v);
	}
	if (*x->p == '/' && (f->type == SP_F_IP4 || f->type == SP_F_IP6)) {
		x->p++;
		return prefix(x, n, f, v);
	}
	return 0;
}

/* Scapy's range: (first,last). */
static int pair(struct sp_expr *x, const struct sp_node *n, const struct sp_field *f,
		struct sp_value *v)
{
	const char *at = x->p;
	int rc = scalar(x, n, f, &v->first);

	if (rc)
		return rc;
	if (!sp_expr_take(x, ','))
		return sp_expr_fail(x, x->p, "%s.%s: a range in brackets is (first,last)",
				    sp_node_name(n), f->name);
	rc = range(x, n, f, at, v);
	if (!rc && !sp_expr_take(x, ')'))
		rc = sp_expr_fail(x, x->p, "%s.%s: ')' is missing", sp_node_name(n), f->name);
	return rc;
}

/* Behind the word: nothing, or (range or prefix). */
static int drawn(struct sp_expr *x, const struct sp_node *n, const struct sp_field *f,
		 struct sp_value *v)
{
	const char *at;
	int rc;

	v->first = 0;
	v->last = sp_field_max(f);
	v->step = 1;
	if (sp_expr_take(x, '(')) {
		sp_expr_blank(x);
		at = x->p;
		rc = sp_expr_span(x, n, f, v);
		if (!rc && v->kind == SP_V_ONE && sp_expr_take(x, ','))
			rc = range(x, n, f, at, v);
		if (rc)
			return rc;
		if (v->kind == SP_V_ONE)
			v->step = 1;
		if (v->last < v->first)
			return sp_expr_fail(x, at, "%s.%s: random takes first..last",
					    sp_node_name(n), f->name);
		if (!sp_expr_take(x, ')'))
			return sp_expr_fail(x, x->p, "%s.%s: ')' is missing", sp_node_name(n),
					    f->name);
	}
	v->kind = SP_V_RANDOM;
	return 0;
}

static int fixed(struct sp_expr *x, const struct sp_node *n, const struct sp_field *f,
		 struct sp_value *v)
{
	const char *at = x->p;
	size_t len;

	if (*at == '[' || *at == '@')
		return sp_expr_list(x, n, f, v);
	if (sp_expr_take(x, '('))
		return pair(x, n, f, v);
	len = sp_expr_token(x);
	if (sp_name_is(at, len, "random", NULL))
		return drawn(x, n, f, v);
	x->p = at;
	return sp_expr_span(x, n, f, v);
}

static int name(struct sp_expr *x, const struct sp_node *n, const struct sp_field *f,
		struct sp_value *v)
{
	uint8_t *wire = sp_arena_alloc(&x->packet->arena, SP_NAME_MAX);
	const uint8_t *text;
	const char *at = x->p;
	uint32_t len;
	int rc;

	if (!wire)
		return sp_expr_no_memory(x);
	if (*at == '"' || *at == '\'') {
		rc = sp_expr_octets(x, &text, &len);
		if (rc)
			return rc;
	} else {
		text = (const uint8_t *)at;
		len = (uint32_t)sp_expr_token(x);
	}
	rc = len || x->p > at ? sp_name_encode((const char *)text, len, wire) : -EINVAL;
	if (rc < 0)
		return wrong(x, n, f, at, (size_t)(x->p - at), 0);
	v->bytes = wire;
	v->len = (uint32_t)rc;
	return 0;
}

int sp_expr_variable(struct sp_expr *x, const struct sp_node *n, const struct sp_field *f,
		     struct sp_value *v)
{
	v->kind = SP_V_BYTES;
	return f->type == SP_F_NAME ? name(x, n, f, v) : sp_expr_octets(x, &v->bytes, &v->len);
}

int sp_expr_value(struct sp_expr *x, struct sp_node *n, unsigned i)
{
	const struct sp_field *f = &n->fields[i];
	struct sp_value *v = &n->value[i];
	const char *at = x->p;
	int rc;

	*v = (struct sp_value){ 0 };
	switch (f->type) {
	case SP_F_BYTES:
	case SP_F_NAME:
		rc = *at == '[' || *at == '@' ? sp_expr_list(x, n, f, v)
					      : sp_expr_variable(x, n, f, v);
		break;
	case SP_F_ITEMS:
		rc = sp_expr_items(x, n, i);
		v = &n->value[i];
		break;
	default:
		rc = fixed(x, n, f, v);
	}
	v->at = (uint32_t)(at - x->text) + 1;
	return rc;
}
