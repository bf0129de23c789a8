/* Machines that answer, shown any frames: an answer is whole, goes back where the question came from,
 * and is never longer where it may not be. The first byte says which machine; then come frames, each
 * behind its length. */
#include "engine/reply.h"

#include <stdlib.h>
#include <string.h>

#include "base/endian.h"
#include "pkt/ask.h"
#include "plugin/catalog.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define ROOM 1514u

struct sp_queue {
	uint8_t slots[SP_REPLY_BURST][ROOM];
	const struct sp_msg *asked;
	bool grows;
	uint32_t sent;
};

static void demand(bool ok)
{
	if (!ok)
		abort();
}

static uint32_t lend(struct sp_queue *q, struct sp_batch *b, uint32_t n, uint32_t len,
		     uint32_t tmpl)
{
	(void)tmpl;
	for (uint32_t i = 0; i < n; i++)
		b->m[i] = (struct sp_msg){ .data = q->slots[i], .len = len };
	b->n = n;
	return n;
}

static int take(struct sp_queue *q, struct sp_batch *b, uint32_t from, bool join)
{
	const struct sp_msg *out = &b->m[from];
	struct sp_ask a, asked;

	(void)join;
	demand(b->n == 1 && from == 0 && out->len <= ROOM && !q->sent++);
	demand(q->grows || out->len <= q->asked->len);
	demand(sp_ask_read(out->data, out->len, &a) == 0);
	demand(sp_ask_read(q->asked->data, q->asked->len, &asked) == 0);
	if (a.l4) {
		demand(sp_ask_intact(&a, 0) && sp_addr_eq(&a.dst, &asked.src));
		demand(!memcmp(out->data, asked.frame + 6, 6));
	}
	return 1;
}

static const struct sp_transport_ops frames = { .name = "fuzz",
						.tx_slots = lend,
						.tx_burst = take };

static const char *const machines[] = { "arp", "icmp", "icmp6", "nd", "echo", "tcp", "dns" };
#define MACHINES (sizeof machines / sizeof *machines)

static void open_one(struct sp_replies *p, const struct sp_proto_ops *ops,
		     const struct sp_reply_own *own, struct sp_proto **proto)
{
	struct sp_proto_args args = { .role = SP_ROLE_RESPONDER,
				      .own = own,
				      .secret = { 1, 2 } };
	struct sp_err err = { 0 };
	struct sp_wish w;

	demand(!sp_replies_init(p, sp_mem_system(), 1));
	demand(!ops->open(proto, &args, sp_mem_system(), &err));
	p->r[0] = (struct sp_responder){ .ops = ops,
					 .st = sp_alloc(sp_mem_system(), ops->state_size),
					 .own = own,
					 .first = ops->port,
					 .last = ops->port };
	demand(p->r[0].st != NULL);
	ops->init(p->r[0].st, *proto, 1, &w);
}

/* A payload alone, with all the room and with none more than it has. */
static void show_payload(struct sp_replies *p, const struct sp_msg *m)
{
	uint8_t out[ROOM];
	struct sp_msg reply = { .data = out, .len = ROOM };

	if (p->r[0].ops->takes != SP_REPLY_PAYLOAD)
		return;
	if (p->r[0].ops->on_msg(p->r[0].st, m, &reply, 1))
		demand(reply.len <= ROOM);
	reply.len = m->len < ROOM ? m->len : ROOM;
	if (p->r[0].ops->on_msg(p->r[0].st, m, &reply, 1))
		demand(reply.len <= m->len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct sp_reply_own own = {
		.mac = { 2, 0, 0, 0, 0, 5 },
		.at = { .n = 2,
			.p = { { .addr = { .family = 4 } }, { .addr = { .family = 6 } } } },
	};
	const struct sp_proto_ops *ops;
	struct sp_proto *proto = NULL;
	struct sp_replies p;
	struct sp_queue *q;

	if (size < 1)
		return 0;
	ops = sp_catalog_proto(&sp_catalog, machines[data[0] % MACHINES]);
	q = calloc(1, sizeof *q);
	demand(q && ops);
	q->grows = ops->grows != SP_GROWS_NEVER;
	p = (struct sp_replies){
		.transport = &frames, .q = q, .frames = true, .max_len = ROOM
	};
	open_one(&p, ops, &own, &proto);
	for (data++, size--; size >= 2;) {
		size_t len = sp_get_be16(data);
		struct sp_msg m = { .ep = SP_NO_FLOW };
		struct sp_batch b = { .m = &m, .n = 1, .cap = 1 };

		data += 2;
		size -= 2;
		len = len < size ? len : size;
		m.data = malloc(len ? len : 1);
		demand(m.data != NULL);
		memcpy(m.data, data, len);
		m.len = (uint32_t)len;
		q->asked = &m;
		q->sent = 0;
		sp_replies_burst(&p, &b, 1);
		show_payload(&p, &m);
		free(m.data);
		data += len;
		size -= len;
	}
	sp_replies_fini(&p, sp_mem_system());
	ops->close(proto);
	free(q);
	return 0;
}
