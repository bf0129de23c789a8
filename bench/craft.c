/* bench-craft EXPRESSION SIZE PACKETS: makes that many packets of the expression, stamped, as the
 * packet lane has them made (slots that hold the template, in bursts of 64), and sends nothing.
 * Prints what a packet took as JSON. Links the library: the rest of bench does not. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "pkt/packet.h"
#include "pkt/slot_bank.h"
#include "plugin/catalog.h"

#define BURST 64u

static double cpu_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int fail(const struct sp_err *err)
{
	fprintf(stderr, "bench-craft: %s\n", err->text);
	return 1;
}

/* One burst: slots, octets, stamps, checksums. Returns something of the last packet. */
static uint32_t burst(struct sp_slot_bank *bank, const struct sp_source_ops *ops,
		      struct sp_source *source, const struct sp_stamp_ops *stamp,
		      struct sp_flow_tx *flow, struct sp_batch *b, uint32_t size)
{
	uint64_t now = flow->seq * 100ull;

	sp_slot_bank_lend(bank, b, BURST, size, ops->template_id(source));
	for (uint32_t i = 0; i < b->n; i++) {
		b->m[i].t_ns = now;
		b->m[i].flow = 0;
	}
	ops->fill(source, b, 0);
	stamp->put(b, 0, flow, now);
	ops->finish(source, b, 0);
	sp_slot_bank_filled(bank, b->n);
	return b->m[b->n - 1].data[size - 1];
}

int main(int argc, char **argv)
{
	const struct sp_mem *mem = sp_mem_system();
	const struct sp_source_ops *ops = sp_catalog_source(&sp_catalog, "packet");
	const struct sp_stamp_ops *stamp = sp_catalog_stamp(&sp_catalog, "native");
	const struct sp_env env = { .mem = mem };
	static struct sp_flow_tx flow;
	static struct sp_msg msgs[BURST];
	static uint8_t zeros[65536];
	struct sp_rows rows = { .bytes = zeros, .n = 1, .len = sizeof zeros };
	struct sp_batch b = { .cap = BURST, .m = msgs };
	struct sp_source_args args = { .rows = &rows, .burst = BURST };
	struct sp_slot_bank bank;
	struct sp_packet *packet;
	struct sp_template t;
	struct sp_source *source;
	struct sp_err err;
	uint64_t packets, seen = 0;
	double start;

	if (argc != 4) {
		fprintf(stderr, "usage: bench-craft EXPRESSION SIZE PACKETS\n");
		return 2;
	}
	args.size = (uint32_t)strtoul(argv[2], NULL, 10);
	packets = strtoull(argv[3], NULL, 10);
	args.stamp_len = stamp->len;
	args.tmpl = &t;
	if (sp_packet_parse(&packet, argv[1], "EXPRESSION", sp_catalog.hdr, mem, &err) ||
	    sp_packet_compile(packet, &t, &err) || ops->open(&source, &args, &env, &err))
		return fail(&err);
	if (sp_slot_bank_init(&bank, mem, 1u << 20, args.size, SP_SLOTS_ALIGNED))
		return 1;
	flow.head = stamp->head(1, 0);
	start = cpu_now();
	for (uint64_t i = 0; i < packets; i += BURST)
		seen += burst(&bank, ops, source, stamp, &flow, &b, args.size);
	printf("{\"packets\": %llu, \"ns\": %.3f, \"seen\": %llu}\n", (unsigned long long)packets,
	       (cpu_now() - start) * 1e9 / (double)packets, (unsigned long long)seen);
	ops->close(source);
	sp_slot_bank_fini(&bank, mem);
	sp_template_free(&t);
	sp_packet_free(packet);
	return 0;
}
