/* The transport on one end of a veth pair; at the other end the test itself is the far end, frame by
 * frame. What needs a kernel's TCP there is in tests/test_reply.py. */
#include "transport/utcp/utcp.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/endian.h"
#include "pkt/ask.h"
#include "transport/netns_test.h"

extern const struct sp_transport_ops sp_transport_utcp;
#define T     (&sp_transport_utcp)

#define OWN   "10.98.0.1"
#define OTHER "10.98.0.77"
#define FAR   "10.98.0.2"

struct rig {
	struct sp_mem_test mem;
	struct sp_clock clock;
	struct sp_env env;
	struct sp_endpoint to;
	struct sp_permit permit;
	struct sp_port_conf conf;
	struct sp_port *port;
	struct sp_queue *q;
	uint32_t ep;
	struct sp_err err;
	int far; /* packet socket at the other end */
	uint8_t frame[2048];
	struct sp_ask ask; /* the frame that came last */
	struct sp_tcp_seg seg;
};

static struct sp_endpoint at(const char *addr, uint16_t port)
{
	struct sp_endpoint e = { .port = port };

	assert_int_equal(sp_addr_parse(addr, &e.addr), 0);
	return e;
}

static int bind_to(int fd, const struct sockaddr_ll *ll)
{
	struct sockaddr_ll copy = *ll;

	return bind(fd, (struct sockaddr *)&copy, sizeof copy);
}

static void rig_init(struct rig *r, const char *bind, uint64_t fail_at)
{
	struct sockaddr_ll ll = { .sll_family = AF_PACKET,
				  .sll_protocol = htons(ETH_P_ALL),
				  .sll_ifindex = (int)if_nametoindex("w1") };

	memset(r, 0, sizeof *r);
	sp_mem_test_init(&r->mem, fail_at);
	sp_clock_init_real(&r->clock);
	r->env = (struct sp_env){ .mem = &r->mem.mem, .clock = &r->clock };
	r->to = at(FAR, 80);
	r->permit = (struct sp_permit){ .magic = SP_PERMIT_MAGIC, .to = &r->to, .n_to = 1 };
	r->conf = (struct sp_port_conf){
		.name = "tx0", .workers = 1, .tx = true, .max_conns = 4, .max_endpoints = 4
	};
	if (bind) {
		r->conf.bind = at(bind, 0);
		r->conf.interface = "w0";
	}
	r->far = socket(AF_PACKET, SOCK_RAW, 0);
	assert_true(r->far >= 0);
	assert_int_equal(bind_to(r->far, &ll), 0);
}

static int rig_open(struct rig *r)
{
	int rc = T->open(&r->port, &r->conf, &r->permit, &r->env, &r->err);

	if (!rc)
		rc = T->queue(r->port, 0, &r->q, &r->err);
	return rc ? rc : T->endpoint(r->q, &r->to, &r->ep, &r->err);
}

static void rig_close(struct rig *r)
{
	if (r->port)
		T->close(r->port);
	close(r->far);
	assert_int_equal(r->mem.live, 0);
}

/* The next frame at the far end that is of a kind: TCP to our number 80, or ARP. */
static bool hear(struct rig *r, bool arp)
{
	struct pollfd fd = { .fd = r->far, .events = POLLIN };
	struct sockaddr_ll from;
	socklen_t len = sizeof from;

	while (poll(&fd, 1, 2000) > 0) {
		ssize_t n = recvfrom(r->far, r->frame, sizeof r->frame, 0,
				     (struct sockaddr *)&from, &len);

		if (n < 0 || from.sll_pkttype == PACKET_OUTGOING ||
		    sp_ask_read(r->frame, (uint32_t)n, &r->ask))
			continue;
		if (arp && r->ask.type == SP_ASK_ARP && sp_get_be16(r->frame + 20) == 2)
			return true;
		if (arp || !r->ask.l4 || r->ask.proto != SP_ASK_TCP ||
		    sp_tcp_seg_read(r->ask.l4, r->ask.l4_len, &r->seg) || r->seg.dport != 80)
			continue;
		assert_true(sp_ask_intact(&r->ask, 0));
		return true;
	}
	return false;
}

/* An answer to the segment that came last. */
static void tell(struct rig *r, struct sp_tcp_seg s, const char *data)
{
	static const uint8_t mac[6] = { 2, 0, 0, 0, 0, 2 };
	uint32_t head = sp_answer_head_len(&r->ask), n, len = data ? (uint32_t)strlen(data) : 0;
	uint8_t out[2048];

	s.sport = 80;
	s.dport = r->seg.sport;
	s.window = 60000;
	n = sp_tcp_seg_put(&s, out + head);
	if (len)
		memcpy(out + head + n, data, len);
	n = sp_answer_seal(&r->ask, mac, &r->ask.dst, 64, out, n + len, SP_TCP_CSUM);
	assert_int_equal(send(r->far, out, n, 0), n);
}

static uint32_t wait_for(struct rig *r, const struct sp_conn *c)
{
	struct pollfd fd = { .fd = T->fd(r->q), .events = POLLIN };
	struct sp_conn_event ev[8];

	for (unsigned i = 0; i < 20; i++) {
		uint32_t n = T->conn->ready(r->q, ev, 8);

		for (uint32_t k = 0; k < n; k++)
			if (ev[k].conn == c)
				return ev[k].bits;
		poll(&fd, 1, 200);
	}
	return 0;
}

static struct sp_conn *connected(struct rig *r, uint32_t id)
{
	struct sp_conn *c = NULL;

	assert_int_equal(T->conn->connect(r->q, r->ep, id, &c), 0);
	assert_int_equal(c->ops->open(c), -EAGAIN);
	assert_true(hear(r, false));
	assert_int_equal(r->seg.flags, SP_TCP_SYN);
	assert_int_equal(r->seg.mss, 1460);
	tell(r,
	     (struct sp_tcp_seg){ .flags = SP_TCP_SYN | SP_TCP_ACK,
				  .seq = 1000,
				  .ack = r->seg.seq + 1,
				  .mss = 1000 },
	     NULL);
	assert_int_equal(wait_for(r, c), SP_CONN_OUT);
	assert_int_equal(c->ops->open(c), 0);
	assert_true(hear(r, false));
	assert_int_equal(r->seg.flags, SP_TCP_ACK);
	assert_int_equal(r->seg.ack, 1001);
	return c;
}

static void conversation(const char *bind)
{
	struct sp_endpoint remote, local;
	struct sp_conn_info info;
	struct sp_conn *c;
	struct iovec iov;
	char got[16], text[] = "hello";
	struct rig r;

	rig_init(&r, bind, UINT64_MAX);
	if (rig_open(&r))
		fail_msg("%s", r.err.text);
	c = connected(&r, 5);
	assert_int_equal(c->id, 5);
	assert_int_equal(c->ops->ends(c, &remote, &local), 0);
	assert_true(sp_endpoint_eq(&remote, &r.to));
	assert_int_equal(local.port, r.seg.sport);
	iov = (struct iovec){ text, 5 };
	assert_int_equal(c->ops->write(c, &iov, 1), 5);
	assert_true(hear(&r, false));
	assert_int_equal(r.seg.len, 5);
	assert_memory_equal(r.seg.data, "hello", 5);
	assert_int_equal(c->ops->read(c, got, sizeof got), -EAGAIN);
	tell(&r, (struct sp_tcp_seg){ .flags = SP_TCP_ACK, .seq = 1001, .ack = r.seg.seq + 5 },
	     "back");
	assert_true(wait_for(&r, c) & SP_CONN_IN);
	assert_int_equal(c->ops->read(c, got, sizeof got), 4);
	assert_memory_equal(got, "back", 4);
	c->ops->info(c, &info);
	assert_true(info.known && info.mss == 1000 && info.acked_bytes == 5);
	assert_true(hear(&r, false)); /* its acknowledgement */
	assert_int_equal(r.seg.ack, 1005);
	c->ops->close(c, true);
	assert_true(hear(&r, false));
	assert_true(r.seg.flags & SP_TCP_RST);
	rig_close(&r);
}

static void test_conversation(void **state)
{
	(void)state;
	conversation(NULL);
	conversation(OTHER);
}

/* Of an address that no kernel owns it says itself where it is. */
static void test_who_has_it(void **state)
{
	uint8_t ask[60] = { [12] = 0x08, 0x06, 0, 1, 0x08, 0, 6, 4, 0, 1 };
	struct sp_endpoint a = at(OTHER, 0), b = at(FAR, 0);
	struct sp_conn_event ev[4];
	struct rig r;

	(void)state;
	rig_init(&r, OTHER, UINT64_MAX);
	if (rig_open(&r))
		fail_msg("%s", r.err.text);
	memset(ask, 0xff, 6);
	ask[6] = ask[22] = 2;
	ask[11] = ask[27] = 2;
	memcpy(ask + 28, b.addr.ip, 4);
	memcpy(ask + 38, a.addr.ip, 4);
	assert_int_equal(send(r.far, ask, sizeof ask, 0), sizeof ask);
	usleep(20000);
	assert_int_equal(T->conn->ready(r.q, ev, 4), 0);
	assert_true(hear(&r, true));
	assert_memory_equal(r.frame + 28, a.addr.ip, 4);
	rig_close(&r);
}

/* What is nobody's is refused, so that the far end does not wait. */
static void test_strays(void **state)
{
	struct sp_conn_event ev[4];
	struct sp_conn *c;
	struct rig r;

	(void)state;
	rig_init(&r, OTHER, UINT64_MAX);
	assert_int_equal(rig_open(&r), 0);
	c = connected(&r, 1);
	r.seg.sport ^= 1;
	tell(&r, (struct sp_tcp_seg){ .flags = SP_TCP_ACK, .seq = 1, .ack = 77 }, "lost");
	usleep(20000);
	assert_int_equal(T->conn->ready(r.q, ev, 4), 0);
	assert_true(hear(&r, false));
	assert_int_equal(r.seg.flags, SP_TCP_RST);
	assert_int_equal(r.seg.seq, 77);
	c->ops->close(c, true);
	rig_close(&r);
}

static void test_room(void **state)
{
	struct sp_conn *c[9];
	struct rig r;

	(void)state;
	rig_init(&r, OTHER, UINT64_MAX);
	assert_int_equal(rig_open(&r), 0);
	for (unsigned i = 0; i < 8;
	     i++) /* twice what was asked for: some may be on their way out */
		assert_int_equal(T->conn->connect(r.q, r.ep, i, &c[i]), 0);
	assert_int_equal(T->conn->connect(r.q, r.ep, 8, &c[8]), -ENOBUFS);
	c[3]->ops->close(c[3], true);
	assert_int_equal(T->conn->connect(r.q, r.ep, 9, &c[8]), 0);
	rig_close(&r);
}

static void refused(struct rig *r, const char *want)
{
	assert_true(rig_open(r) < 0);
	if (!strstr(r->err.text, want))
		fail_msg("%s: not in: %s", want, r->err.text);
	rig_close(r);
}

static void test_sentences(void **state)
{
	struct rig r;

	(void)state;
	rig_init(&r, NULL, UINT64_MAX);
	r.conf.rx = r.permit.listen = true;
	refused(&r, "only connects");
	rig_init(&r, NULL, UINT64_MAX);
	r.to = at("127.0.0.1", 80);
	refused(&r, "--transport tcp");
	rig_init(&r, NULL, UINT64_MAX);
	r.to = at("192.0.2.9", 80);
	refused(&r, "no route to 192.0.2.9:80");
	rig_init(&r, NULL, UINT64_MAX);
	r.conf.bind.port = 5;
	refused(&r, "--set first=");
	rig_init(&r, NULL, UINT64_MAX);
	r.conf.need_conns = 5000;
	refused(&r, "4536 port numbers");
	rig_init(&r, NULL, UINT64_MAX);
	r.permit.n_to = 0;
	refused(&r, "no permit");
	rig_init(&r, NULL, UINT64_MAX);
	r.conf.interface = "none0";
	refused(&r, "no interface none0");
}

static void test_allocations_that_fail(void **state)
{
	int rc = -1;

	(void)state;
	for (uint64_t n = 0; rc && n < 100; n++) {
		struct rig r;

		rig_init(&r, NULL, n);
		rc = rig_open(&r);
		if (rc)
			assert_int_equal(rc, -ENOMEM);
		rig_close(&r);
	}
	assert_int_equal(rc, 0);
}

static int set_up(void **state)
{
	(void)state;
	return system("ip link add w0 type veth peer name w1 && "
		      "echo 1 > /proc/sys/net/ipv6/conf/w0/disable_ipv6 && "
		      "echo 1 > /proc/sys/net/ipv6/conf/w1/disable_ipv6 && "
		      "ip addr add " OWN
		      "/24 dev w0 && ip link set w0 up && ip link set w1 up && "
		      "ip neigh add " FAR " lladdr 02:00:00:00:00:02 dev w0");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_conversation),
		cmocka_unit_test(test_who_has_it),
		cmocka_unit_test(test_strays),
		cmocka_unit_test(test_room),
		cmocka_unit_test(test_sentences),
		cmocka_unit_test(test_allocations_that_fail),
	};

	if (!netns_enter()) {
		printf("1..0 # SKIP no network namespaces for this user here\n");
		return 0;
	}
	return cmocka_run_group_tests(tests, set_up, NULL);
}
