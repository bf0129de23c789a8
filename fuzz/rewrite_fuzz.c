/* The first octet says how many octets of words follow (0: a fixed set of them), the second is the
 * low part of the link type, then the frame comes. Whatever they are: nothing outside of the frame
 * is read or written, the length is what the tag makes it, and a frame of which all checksums were
 * right has right ones afterwards. */
#include "pkt/rewrite.h"

#include <stdlib.h>
#include <string.h>

#include "pkt/view.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define FIXED                                                                                  \
	"inner=also ip-map=10.0.0.0/8:99.0.0.0/8 seed=3 unique-ip unique-port "                \
	"ttl=-1 dscp=9 flow-label=4 payload-at=1:ff payload-replace=6162:6364"

static void demand(bool ok)
{
	if (!ok)
		abort();
}

static void run(const struct sp_rewrite *r, uint16_t link, const uint8_t *data, uint32_t len)
{
	uint32_t cap = len + sp_rewrite_room(r);
	uint8_t *frame = malloc(cap ? cap : 1);
	struct sp_rewrite_counts counts = { 0 };
	struct sp_view before, after;
	int n, seen;

	demand(frame != NULL);
	if (len)
		memcpy(frame, data, len);
	seen = sp_view(frame, len, true, SP_CSUM_UNKNOWN, &before);
	n = sp_rewrite_apply(r, link, frame, len, cap, 7, &counts);
	demand(n >= 0 && (uint32_t)n <= cap && (uint32_t)n + 4 >= len);
	demand(counts.changed || ((uint32_t)n == len && !memcmp(frame, data, len)));
	/* Where a tag was put or taken, the view may see other headers than before. */
	if (link == 1 && seen == 0 && (uint32_t)n == len && before.l3_csum == SP_CSUM_OK) {
		demand(sp_view(frame, len, true, SP_CSUM_UNKNOWN, &after) == 0);
		demand(after.l3_csum == SP_CSUM_OK);
		if (before.l4_csum == SP_CSUM_OK)
			demand(after.l4_csum == SP_CSUM_OK);
	}
	free(frame);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char words[256] = FIXED;
	struct sp_rewrite *r;
	struct sp_err err = { 0 };
	size_t n;

	if (size < 2 || size > 4096)
		return 0;
	n = data[0] < size - 2 ? data[0] : size - 2;
	if (n) {
		memcpy(words, data + 2, n);
		words[n] = '\0';
	}
	if (sp_rewrite_new(&r, words, SP_REWRITE_ALL, sp_mem_system(), &err))
		demand(r == NULL && *err.text);
	else
		run(r, data[1], data + 2 + n, (uint32_t)(size - 2 - n));
	sp_rewrite_free(r);
	return 0;
}
