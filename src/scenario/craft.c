#include "scenario/craft.h"

#include <errno.h>
#include <string.h>

#include "base/json.h"
#include "pkt/packet.h"
#include "pkt/patch.h"
#include "plugin/catalog.h"

static const char *const how[] = { "walk", "table", "random" };

static void put_hex(struct sp_str *out, const uint8_t *p, uint32_t len)
{
	for (uint32_t i = 0; i < len; i++)
		sp_str_printf(out, "%02x", p[i]);
}

/* Sixteen octets a line, with what is printable beside them. */
static void put_dump(struct sp_str *out, const uint8_t *p, uint32_t len)
{
	for (uint32_t at = 0; at < len; at += 16) {
		uint32_t n = len - at < 16 ? len - at : 16;

		sp_str_printf(out, "%04x ", at);
		for (uint32_t i = 0; i < 16; i++) {
			if (i < n)
				sp_str_printf(out, " %02x", p[at + i]);
			else
				sp_str_puts(out, "   ");
		}
		sp_str_puts(out, "  ");
		for (uint32_t i = 0; i < n; i++)
			sp_str_printf(out, "%c",
				      p[at + i] >= ' ' && p[at + i] <= '~' ? p[at + i] : '.');
		sp_str_puts(out, "\n");
	}
}

static void show_places(struct sp_str *out, const struct sp_template *t)
{
	char grouped[32];

	for (uint32_t i = 0; i < t->n_places; i++) {
		const struct sp_place *p = &t->place[i];

		sp_str_printf(out, "varies: %s, ", p->field);
		if (p->how == SP_VARY_RANDOM && !p->count)
			sp_str_puts(out, "random\n");
		else
			sp_str_printf(out, "%s, %s values, the next after %llu packet%s\n",
				      how[p->how],
				      sp_str_grouped(grouped, sizeof grouped, p->count),
				      (unsigned long long)p->every, p->every == 1 ? "" : "s");
	}
}

static void show_text(struct sp_str *out, const char *text, const struct sp_template *t)
{
	char grouped[32];

	sp_str_printf(out, "%s\n%u octet%s", text, t->len, t->len == 1 ? "" : "s");
	if (t->units == UINT64_MAX)
		sp_str_puts(out, ", beyond 2^64 different packets");
	else if (t->units > 1)
		sp_str_printf(out, ", %s different packets",
			      sp_str_grouped(grouped, sizeof grouped, t->units));
	sp_str_puts(out, "\n");
	show_places(out, t);
	put_dump(out, t->octets, t->len);
}

/* One packet, as it left: its octets, or what they are as an expression. */
static int put_unit(struct sp_str *out, const uint8_t *octets, uint32_t len, const char *first,
		    bool hex, struct sp_err *err)
{
	struct sp_packet *p;
	int rc = 0;

	if (hex) {
		put_hex(out, octets, len);
	} else {
		rc = sp_packet_decode(&p, octets, len, first, sp_catalog.hdr, out->mem, err);
		if (rc)
			return rc;
		sp_packet_print(p, out);
		sp_packet_free(p);
	}
	sp_str_puts(out, "\n");
	return 0;
}

/* The first packets, as a sender writes them. */
static int show_units(struct sp_str *out, const struct sp_template *t, const char *first,
		      const struct sp_craft *c, struct sp_err *err)
{
	struct sp_rows payload = { .bytes = t->octets + t->payload_off,
				   .n = 1,
				   .len = t->len - t->payload_off };
	const struct sp_patch_conf conf = { .max_len = t->len,
					    .max_batch = 1,
					    .rows = &payload };
	uint8_t *octets = sp_alloc(out->mem, t->len + 1);
	struct sp_msg m = { .data = octets, .len = t->len };
	struct sp_batch batch = { .n = 1, .cap = 1, .m = &m };
	struct sp_patch *patch = NULL;
	int rc = octets ? sp_patch_new(&patch, t, &conf, out->mem) : -ENOMEM;

	if (rc)
		sp_fail(err, rc, SP_EXIT_FAILED,
			rc == -ENOMEM ? "out of memory"
				      : "no sender takes a packet of %u octets",
			t->len);
	for (uint64_t k = 0; !rc && k < c->count && !out->failed; k++) {
		m.flags = 0;
		sp_patch_fill(patch, &batch, 0);
		sp_patch_finish(patch, &batch, 0);
		rc = put_unit(out, octets, t->len, first, c->hex, err);
	}
	sp_patch_free(patch);
	sp_free(out->mem, octets);
	return rc;
}

static void show_json(struct sp_str *out, const char *text, const struct sp_template *t)
{
	struct sp_str hex;
	struct sp_json j;

	sp_str_init(&hex, out->mem);
	put_hex(&hex, t->octets, t->len);
	sp_json_init(&j, out, 0);
	sp_json_open(&j, NULL, '{');
	sp_json_str(&j, "packet", text);
	sp_json_u64(&j, "octets", t->len);
	sp_json_str(&j, "hex", hex.text);
	sp_json_u64(&j, "packets", t->units);
	sp_json_open(&j, "varies", '[');
	for (uint32_t i = 0; i < t->n_places; i++) {
		const struct sp_place *p = &t->place[i];

		sp_json_open(&j, NULL, '{');
		sp_json_str(&j, "field", p->field);
		sp_json_str(&j, "how", how[p->how]);
		sp_json_u64(&j, "values", p->count);
		sp_json_u64(&j, "every", p->every);
		sp_json_u64(&j, "offset", p->off);
		sp_json_close(&j, '}');
	}
	sp_json_close(&j, ']');
	sp_json_close(&j, '}');
	sp_str_puts(out, "\n");
	out->failed |= hex.failed;
	sp_str_fini(&hex);
}

static int show(struct sp_str *out, const struct sp_packet *p, const struct sp_craft *c,
		struct sp_err *err)
{
	struct sp_template t;
	struct sp_str text;
	int rc = sp_packet_compile(p, &t, err);

	sp_str_init(&text, out->mem);
	sp_packet_print(p, &text);
	if (!rc && c->count) {
		rc = show_units(out, &t, p->node[0].hdr->name, c, err);
	} else if (!rc && c->json) {
		show_json(out, text.text, &t);
	} else if (!rc && c->hex) {
		put_hex(out, t.octets, t.len);
		sp_str_puts(out, "\n");
	} else if (!rc) {
		show_text(out, text.text, &t);
	}
	out->failed |= text.failed;
	sp_str_fini(&text);
	sp_template_free(&t);
	if (!rc && out->failed)
		rc = sp_fail(err, -ENOMEM, SP_EXIT_FAILED, "out of memory");
	return rc;
}

int sp_craft_show(struct sp_str *out, const char *expr, const char *place,
		  const struct sp_craft *c, struct sp_err *err)
{
	struct sp_packet *p;
	int rc = sp_packet_parse_files(&p, expr, place, sp_catalog.hdr, out->mem, err);

	if (!rc)
		rc = show(out, p, c, err);
	sp_packet_free(p);
	return rc;
}

static int hex_digit(char c)
{
	const char *digits = "0123456789abcdef", *at = c ? strchr(digits, c | 32) : NULL;

	return at && (c > '9' ? c >= 'A' : c >= '0') ? (int)(at - digits) : -1;
}

int sp_craft_decode(struct sp_str *out, const char *hex, const char *place,
		    const struct sp_craft *c, struct sp_err *err)
{
	struct sp_packet *p = NULL;
	uint8_t *octets = sp_alloc(out->mem, strlen(hex) / 2 + 1);
	size_t n = 0;
	int rc = 0, half = -1;

	if (!octets)
		return sp_fail(err, -ENOMEM, SP_EXIT_FAILED, "out of memory");
	for (const char *at = hex; !rc && *at; at++) {
		int d = hex_digit(*at);

		if (strchr(" :\n\r\t", *at))
			continue;
		if (d < 0)
			rc = sp_fail(err, -EINVAL, SP_EXIT_USAGE,
				     "%s:%zu: this is no hexadecimal digit", place,
				     (size_t)(at - hex) + 1);
		else if (half < 0)
			half = d;
		else
			octets[n++] = (uint8_t)(half << 4 | d), half = -1;
	}
	if (!rc && half >= 0)
		rc = sp_fail(err, -EINVAL, SP_EXIT_USAGE,
			     "%s: octets have two hexadecimal digits each", place);
	if (!rc && c->first && !sp_hdr_find(sp_catalog.hdr, c->first))
		rc = sp_fail(err, -EINVAL, SP_EXIT_USAGE,
			     "there is no header '%s'; see 'spate fields'", c->first);
	if (!rc)
		rc = sp_packet_decode(&p, octets, n, c->first, sp_catalog.hdr, out->mem, err);
	if (!rc)
		rc = show(out, p, c, err);
	sp_packet_free(p);
	sp_free(out->mem, octets);
	return rc;
}
