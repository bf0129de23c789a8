/* The packet expression: what is taken can be printed and taken again, and then makes the same
 * octets; what is refused is refused with a sentence. */
#include <stdlib.h>
#include <string.h>

#include "pkt/packet.h"
#include "plugin/catalog.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void same_template(const struct sp_template *a, const struct sp_template *b)
{
	if (a->len != b->len || memcmp(a->octets, b->octets, a->len) != 0 ||
	    a->n_places != b->n_places || a->units != b->units || a->n_sums != b->n_sums)
		abort();
	for (uint32_t i = 0; i < a->n_places; i++) {
		const struct sp_place *p = &a->place[i], *q = &b->place[i];

		if (p->off != q->off || p->bytes != q->bytes || p->mask != q->mask ||
		    p->count != q->count || p->every != q->every || p->first != q->first ||
		    p->how != q->how || (uint32_t)(p->off + p->bytes) > a->len)
			abort();
	}
}

static void again(const struct sp_packet *p, const struct sp_template *t)
{
	struct sp_packet *second;
	struct sp_template u;
	struct sp_str text;

	sp_str_init(&text, sp_mem_system());
	sp_packet_print(p, &text);
	if (sp_packet_parse(&second, text.text, "again", sp_catalog.hdr, sp_mem_system(),
			    NULL) ||
	    sp_packet_compile(second, &u, NULL))
		abort();
	same_template(t, &u);
	sp_template_free(&u);
	sp_packet_free(second);
	sp_str_fini(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct sp_err err = { 0 };
	struct sp_template t;
	struct sp_packet *p;
	char *text;

	if (len > 4096)
		return 0;
	text = malloc(len + 1);
	if (!text)
		return 0;
	memcpy(text, data, len);
	text[len] = 0;
	if (!sp_packet_parse(&p, text, "fuzz", sp_catalog.hdr, sp_mem_system(), &err)) {
		if (!sp_packet_compile(p, &t, &err))
			again(p, &t);
		else if (!err.text[0])
			abort();
		sp_template_free(&t);
	} else if (!err.text[0] || strncmp(err.text, "fuzz:", 5) != 0 ||
		   strchr(err.text, '\n')) {
		abort();
	}
	sp_packet_free(p);
	free(text);
	return 0;
}
