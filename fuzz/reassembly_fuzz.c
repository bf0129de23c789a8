/* Packets of any link type, into streams. The input is records: link type (a number of the list
 * below), seconds since the one before, length (2 octets), octets captured less than there were, and
 * the packet. What views and streams say lies inside, comes in order, and no more waits than may. */
#include "capio/reassembly.h"

#include <stdlib.h>
#include <string.h>

#include "base/endian.h"

#define HEAD	5u
#define MEMORY	8192u
#define WINDOW	4096u
#define STREAMS 4u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(bool ok)
{
	if (!ok)
		abort();
}

struct check {
	uint64_t begun, ended, told;
	uint64_t packet;
	uint8_t sum;
};

static int on_begin(void *arg, struct sp_stream *s)
{
	struct check *c = arg;

	demand(s->number == c->begun++ && !s->bytes && !s->user);
	demand(c->begun - c->ended <= STREAMS);
	s->user = c;
	return 0;
}

static int on_bytes(void *arg, struct sp_stream *s, const uint8_t *data, size_t len,
		    int64_t t_ns, uint64_t packet)
{
	struct check *c = arg;

	(void)t_ns;
	demand(s->user == c && len && packet == c->packet && s->bytes >= len);
	for (size_t i = 0; i < len; i++)
		c->sum ^= data[i];
	c->told += len;
	return 0;
}

static int on_gap(void *arg, struct sp_stream *s, uint64_t missing, int64_t t_ns)
{
	(void)t_ns;
	demand(s->user == arg && missing);
	return 0;
}

static int on_end(void *arg, struct sp_stream *s, enum sp_stream_end how, int64_t t_ns)
{
	struct check *c = arg;

	(void)how;
	(void)t_ns;
	demand(s->user == c);
	s->user = NULL;
	c->ended++;
	return 0;
}

static int on_datagram(void *arg, const struct sp_cap_view *v, const uint8_t *payload,
		       size_t len, int64_t t_ns, uint64_t packet)
{
	struct check *c = arg;

	(void)t_ns;
	demand(v->v.src.addr.family && packet == c->packet);
	for (size_t i = 0; i < len; i++)
		c->sum ^= payload[i];
	return 0;
}

static void inside(const struct sp_cap_packet *p, const struct sp_cap_view *c)
{
	demand((uint64_t)c->v.payload_off + c->v.payload_len <= p->len);
	demand(c->v.l4_off <= c->v.payload_off && c->v.vlan_tags <= SP_VIEW_VLANS);
	demand(c->cut == (p->len < p->orig_len) && c->payload_orig >= c->v.payload_len);
	demand(c->v.src.addr.family == c->v.dst.addr.family);
}

static struct sp_reassembly *open(struct check *c, const struct sp_mem *mem)
{
	static const struct sp_reassembly_ops ops = { on_begin, on_bytes, on_gap, on_end,
						      on_datagram };
	static const struct sp_reassembly_conf conf = { .memory = MEMORY,
							.window = WINDOW,
							.max_streams = STREAMS };
	struct sp_reassembly *r;

	if (sp_reassembly_new(&r, &conf, &ops, c, mem))
		abort();
	return r;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint16_t links[] = { 1, 101, 0, 108, 113, 127, 228, 229, 276, 105 };
	struct sp_mem_test mem;
	struct check c = { 0 };
	struct sp_cap_packet p = { .t_ns = 0 };
	struct sp_reassembly *r;
	uint64_t octets = 0;

	sp_mem_test_init(&mem, UINT64_MAX);
	r = open(&c, &mem.mem);
	while (size >= HEAD) {
		struct sp_cap_view v;
		uint32_t len = sp_get_be16(data + 2);

		len = len < size - HEAD ? len : (uint32_t)(size - HEAD);
		p.link = links[data[0] % 10];
		p.t_ns += (int64_t)(int8_t)data[1] * 1000000000;
		p.number = ++c.packet;
		p.data = data + HEAD;
		p.len = len;
		p.orig_len = len + data[4];
		sp_cap_view(&p, &v);
		inside(&p, &v);
		demand(!sp_reassembly_feed(r, &p, &v));
		octets += p.orig_len;
		data += HEAD + len;
		size -= HEAD + len;
	}
	demand(!sp_reassembly_finish(r));
	demand(c.begun == c.ended && c.told <= octets);
	sp_reassembly_free(r);
	demand(!mem.live);
	return 0;
}
