#include "proto/dns/zone.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "proto/dns/scan.h"

/* Memory for n more of size bytes behind those that are there. */
static int grow(const struct sp_mem *mem, void **at, size_t used, size_t *cap, size_t n,
		size_t size)
{
	size_t want = *cap ? *cap : 64;
	void *p;

	if (used + n <= *cap)
		return 0;
	while (want < used + n)
		want *= 2;
	p = sp_alloc_array(mem, want, size);
	if (!p)
		return -ENOMEM;
	if (used)
		memcpy(p, *at, used * size);
	sp_free(mem, *at);
	*at = p;
	*cap = want;
	return 0;
}

static int put_bytes(struct sp_zone *z, const void *data, size_t len, uint32_t *off)
{
	void *at = z->bytes;
	int rc = grow(z->mem, &at, z->n_bytes, &z->cap_bytes, len, 1);

	z->bytes = at;
	if (rc)
		return rc;
	if (len)
		memcpy(z->bytes + z->n_bytes, data, len);
	*off = (uint32_t)z->n_bytes;
	z->n_bytes += len;
	return 0;
}

static int put_rr(struct sp_zone *z, const struct sp_zone_rr *rr)
{
	void *at = z->rr;
	size_t cap = z->cap;
	int rc = grow(z->mem, &at, z->n, &cap, 1, sizeof *z->rr);

	z->rr = at;
	z->cap = (uint32_t)cap;
	if (!rc)
		z->rr[z->n++] = *rr;
	return rc;
}

static int compare(const uint8_t *a, size_t alen, const uint8_t *b, size_t blen)
{
	if (alen != blen)
		return alen < blen ? -1 : 1;
	return memcmp(a, b, alen);
}

static int by_name(const void *a, const void *b, void *bytes)
{
	const struct sp_zone_rr *x = a, *y = b;
	const uint8_t *p = bytes;
	int order = compare(p + x->name, x->name_len, p + y->name, y->name_len);

	if (order)
		return order;
	/* As they were written; names alone go first. */
	if (!x->type != !y->type)
		return x->type ? 1 : -1;
	return x->data < y->data ? -1 : x->data > y->data;
}

const struct sp_zone_rr *sp_zone_find(const struct sp_zone *z, const uint8_t *name, size_t len,
				      uint32_t *n)
{
	uint32_t low = 0, high = z->n, first;

	while (low < high) {
		uint32_t mid = low + (high - low) / 2;
		const struct sp_zone_rr *r = &z->rr[mid];

		if (compare(z->bytes + r->name, r->name_len, name, len) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	first = low;
	while (low < z->n &&
	       !compare(z->bytes + z->rr[low].name, z->rr[low].name_len, name, len))
		low++;
	*n = low - first;
	return *n ? &z->rr[first] : NULL;
}

/* Each name between a record and its zone's beginning exists, too (RFC 4592, 2.2.2). */
static int add_parents(struct sp_zone *z)
{
	uint32_t n = z->n;

	for (uint32_t i = 0; i < n; i++) {
		struct sp_zone_rr up = { .name = z->rr[i].name, .name_len = z->rr[i].name_len };

		while (up.name_len > 1) {
			uint16_t label = (uint16_t)(z->bytes[up.name] + 1u);

			up.name += label;
			up.name_len = (uint16_t)(up.name_len - label);
			if (up.name_len == 1)
				break;
			if (put_rr(z, &up))
				return -ENOMEM;
		}
	}
	return 0;
}

/* One of several names alone is enough. */
static void drop_doubles(struct sp_zone *z)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < z->n; i++) {
		const struct sp_zone_rr *r = &z->rr[i], *b = kept ? &z->rr[kept - 1] : NULL;

		if (!r->type && b && !b->type &&
		    !compare(z->bytes + r->name, r->name_len, z->bytes + b->name, b->name_len))
			continue;
		z->rr[kept++] = *r;
	}
	z->n = kept;
}

/* An alias has no other records beside it (RFC 1034, 3.6.2). */
static int check_aliases(const struct sp_zone *z, const char *file, struct sp_err *err)
{
	for (uint32_t i = 0; i < z->n; i++) {
		char text[SP_DNS_TEXT_MAX];
		uint32_t n, real = 0;
		const struct sp_zone_rr *r;

		if (z->rr[i].type != SP_DNS_CNAME)
			continue;
		r = sp_zone_find(z, z->bytes + z->rr[i].name, z->rr[i].name_len, &n);
		for (uint32_t k = 0; r && k < n; k++)
			real += r[k].type != 0;
		if (real == 1)
			continue;
		sp_dns_name_get(text, z->bytes, z->n_bytes, z->rr[i].name);
		return sp_fail(err, -EINVAL, SP_EXIT_DATA,
			       "%s: %s is an alias (CNAME) and has other records, too", file,
			       text);
	}
	return 0;
}

int sp_zone_parse(struct sp_zone *z, const char *text, size_t len, const char *file,
		  const struct sp_mem *mem, struct sp_err *err)
{
	struct sp_zone_scan s;
	struct sp_zone_record rec;
	int rc;

	*z = (struct sp_zone){ .mem = mem };
	sp_zone_scan_init(&s, text, len, file);
	while ((rc = sp_zone_scan_next(&s, &rec, err)) > 0) {
		struct sp_zone_rr rr = { .ttl = rec.ttl,
					 .type = rec.type,
					 .len = rec.data_len,
					 .name_len = rec.owner_len };

		if (put_bytes(z, rec.owner, rec.owner_len, &rr.name) ||
		    put_bytes(z, rec.data, rec.data_len, &rr.data) || put_rr(z, &rr)) {
			rc = sp_fail(err, -ENOMEM, SP_EXIT_FAILED, "%s: out of memory", file);
			break;
		}
	}
	if (!rc && add_parents(z))
		rc = sp_fail(err, -ENOMEM, SP_EXIT_FAILED, "%s: out of memory", file);
	if (!rc) {
		if (z->n)
			qsort_r(z->rr, z->n, sizeof *z->rr, by_name, z->bytes);
		drop_doubles(z);
		rc = check_aliases(z, file, err);
	}
	if (rc)
		sp_zone_fini(z);
	return rc;
}

void sp_zone_fini(struct sp_zone *z)
{
	if (!z->mem)
		return;
	sp_free(z->mem, z->bytes);
	sp_free(z->mem, z->rr);
	*z = (struct sp_zone){ 0 };
}
