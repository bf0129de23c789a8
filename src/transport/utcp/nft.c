#include "transport/utcp/nft.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/endian.h"

#define PREFIX	  "spate-utcp-"
#define CHAIN	  "resets"
#define OWNER	  2u /* NFT_TABLE_F_OWNER, which older headers lack */
#define TYPE(m)	  ((uint16_t)(NFNL_SUBSYS_NFTABLES << 8 | (m)))
#define RST	  4u
#define FLAGS_OFF 13u /* of TCP */

struct sp_nft {
	const struct sp_mem *mem;
	struct mnl_socket *nl;
	char table[40];
	uint32_t seq;
};

/* A batch: the kernel does all of it or nothing. The last message is confirmed. */
struct batch {
	_Alignas(struct nlmsghdr) char buf[8192];
	struct mnl_nlmsg_batch *b;
	uint32_t *seq;
};

static struct nlmsghdr *put(struct batch *b, uint16_t type, uint16_t flags, uint8_t family,
			    uint16_t res_id)
{
	struct nlmsghdr *h = mnl_nlmsg_put_header(mnl_nlmsg_batch_current(b->b));
	struct nfgenmsg *g;

	h->nlmsg_type = type;
	h->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags);
	h->nlmsg_seq = ++*b->seq;
	g = mnl_nlmsg_put_extra_header(h, sizeof *g);
	g->nfgen_family = family;
	g->version = NFNETLINK_V0;
	g->res_id = htons(res_id);
	return h;
}

static void begin(struct batch *b, uint32_t *seq)
{
	b->seq = seq;
	b->b = mnl_nlmsg_batch_start(b->buf, sizeof b->buf / 2);
	put(b, NFNL_MSG_BATCH_BEGIN, 0, AF_UNSPEC, NFNL_SUBSYS_NFTABLES);
	mnl_nlmsg_batch_next(b->b);
}

static struct nlmsghdr *add(struct batch *b, uint16_t message, uint16_t flags)
{
	return put(b, TYPE(message), flags, NFPROTO_INET, 0);
}

/* 0 or the kernel's -errno. */
static int commit(struct batch *b, struct mnl_socket *nl, uint32_t confirmed)
{
	_Alignas(struct nlmsghdr) char answer[8192];
	int rc = 0, done = 0;
	ssize_t n;

	put(b, NFNL_MSG_BATCH_END, 0, AF_UNSPEC, NFNL_SUBSYS_NFTABLES);
	mnl_nlmsg_batch_next(b->b);
	if (mnl_socket_sendto(nl, mnl_nlmsg_batch_head(b->b), mnl_nlmsg_batch_size(b->b)) < 0)
		rc = -errno;
	mnl_nlmsg_batch_stop(b->b);
	while (!rc && !done) {
		n = mnl_socket_recvfrom(nl, answer, sizeof answer);
		if (n < 0) {
			rc = -errno;
			break;
		}
		for (struct nlmsghdr *h = (struct nlmsghdr *)answer; mnl_nlmsg_ok(h, (int)n);) {
			const struct nlmsgerr *e = mnl_nlmsg_get_payload(h);
			int left = (int)n;

			if (h->nlmsg_type == NLMSG_ERROR && e->error)
				rc = e->error;
			done |= h->nlmsg_type == NLMSG_ERROR && h->nlmsg_seq == confirmed;
			h = mnl_nlmsg_next(h, &left);
			n = left;
		}
	}
	return rc;
}

/* ---- tables ---- */

struct table {
	const char *name;
	uint32_t flags;
};

static int note_attr(const struct nlattr *a, void *arg)
{
	struct table *t = arg;

	if (mnl_attr_get_type(a) == NFTA_TABLE_NAME)
		t->name = mnl_attr_get_str(a);
	if (mnl_attr_get_type(a) == NFTA_TABLE_FLAGS)
		t->flags = ntohl(mnl_attr_get_u32(a));
	return MNL_CB_OK;
}

/* A name of ours without an owner: its process is gone, and its kernel knew no owners. */
static int note_stale(const struct nlmsghdr *h, void *arg)
{
	struct table t = { 0 };
	char(*stale)[40] = arg;

	if (mnl_attr_parse(h, sizeof(struct nfgenmsg), note_attr, &t) < 0)
		return MNL_CB_ERROR;
	if (t.name && !strncmp(t.name, PREFIX, strlen(PREFIX)) && !(t.flags & OWNER) &&
	    strlen(t.name) < sizeof *stale)
		memcpy(*stale, t.name, strlen(t.name) + 1);
	return MNL_CB_OK;
}

static int find_stale(struct sp_nft *t, char stale[40])
{
	_Alignas(struct nlmsghdr) char buf[8192];
	struct nlmsghdr *h = mnl_nlmsg_put_header(buf);
	struct nfgenmsg *g;
	ssize_t n;
	int rc = 1;

	stale[0] = '\0';
	h->nlmsg_type = TYPE(NFT_MSG_GETTABLE);
	h->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	h->nlmsg_seq = ++t->seq;
	g = mnl_nlmsg_put_extra_header(h, sizeof *g);
	g->nfgen_family = NFPROTO_INET;
	if (mnl_socket_sendto(t->nl, h, h->nlmsg_len) < 0)
		return -errno;
	while (rc > 0) {
		n = mnl_socket_recvfrom(t->nl, buf, sizeof buf);
		if (n < 0)
			return -errno;
		rc = mnl_cb_run(buf, (size_t)n, t->seq, mnl_socket_get_portid(t->nl),
				note_stale, (void *)stale);
	}
	return rc < 0 ? -errno : 0;
}

static int remove_stale(struct sp_nft *t)
{
	char stale[40];
	int rc = find_stale(t, stale);

	/* Each turn one; what cannot be removed ends it. */
	for (unsigned i = 0; !rc && *stale && i < 64; i++) {
		struct nlmsghdr *h;
		struct batch b;
		uint32_t seq;

		begin(&b, &t->seq);
		h = add(&b, NFT_MSG_DELTABLE, NLM_F_ACK);
		mnl_attr_put_strz(h, NFTA_TABLE_NAME, stale);
		seq = h->nlmsg_seq;
		mnl_nlmsg_batch_next(b.b);
		if (commit(&b, t->nl, seq))
			return 0;
		rc = find_stale(t, stale);
	}
	return rc;
}

static int make_table(struct sp_nft *t)
{
	struct nlattr *hook;
	struct nlmsghdr *h;
	struct batch b;
	uint32_t last;

	begin(&b, &t->seq);
	h = add(&b, NFT_MSG_NEWTABLE, NLM_F_CREATE | NLM_F_EXCL);
	mnl_attr_put_strz(h, NFTA_TABLE_NAME, t->table);
	mnl_attr_put_u32(h, NFTA_TABLE_FLAGS, htonl(OWNER));
	mnl_nlmsg_batch_next(b.b);
	h = add(&b, NFT_MSG_NEWCHAIN, NLM_F_CREATE | NLM_F_ACK);
	mnl_attr_put_strz(h, NFTA_CHAIN_TABLE, t->table);
	mnl_attr_put_strz(h, NFTA_CHAIN_NAME, CHAIN);
	hook = mnl_attr_nest_start(h, NFTA_CHAIN_HOOK);
	mnl_attr_put_u32(h, NFTA_HOOK_HOOKNUM, htonl(NF_INET_LOCAL_OUT));
	mnl_attr_put_u32(h, NFTA_HOOK_PRIORITY, 0);
	mnl_attr_nest_end(h, hook);
	mnl_attr_put_strz(h, NFTA_CHAIN_TYPE, "filter");
	mnl_attr_put_u32(h, NFTA_CHAIN_POLICY, htonl(NF_ACCEPT));
	last = h->nlmsg_seq;
	mnl_nlmsg_batch_next(b.b);
	return commit(&b, t->nl, last);
}

/* ---- expressions of a rule ---- */

struct expr {
	struct nlmsghdr *h;
	struct nlattr *elem, *data;
};

static void open_expr(struct expr *e, const char *name)
{
	e->elem = mnl_attr_nest_start(e->h, NFTA_LIST_ELEM);
	mnl_attr_put_strz(e->h, NFTA_EXPR_NAME, name);
	e->data = mnl_attr_nest_start(e->h, NFTA_EXPR_DATA);
}

static void close_expr(struct expr *e)
{
	mnl_attr_nest_end(e->h, e->data);
	mnl_attr_nest_end(e->h, e->elem);
}

static void value(struct expr *e, uint16_t attr, const void *data, size_t len)
{
	struct nlattr *nest = mnl_attr_nest_start(e->h, attr);

	mnl_attr_put(e->h, NFTA_DATA_VALUE, len, data);
	mnl_attr_nest_end(e->h, nest);
}

static void compare(struct expr *e, uint32_t op, const void *data, size_t len)
{
	open_expr(e, "cmp");
	mnl_attr_put_u32(e->h, NFTA_CMP_SREG, htonl(NFT_REG_1));
	mnl_attr_put_u32(e->h, NFTA_CMP_OP, htonl(op));
	value(e, NFTA_CMP_DATA, data, len);
	close_expr(e);
}

static void meta_is(struct expr *e, uint32_t key, uint8_t is)
{
	open_expr(e, "meta");
	mnl_attr_put_u32(e->h, NFTA_META_KEY, htonl(key));
	mnl_attr_put_u32(e->h, NFTA_META_DREG, htonl(NFT_REG_1));
	close_expr(e);
	compare(e, NFT_CMP_EQ, &is, 1);
}

static void load(struct expr *e, uint32_t base, uint32_t off, uint32_t len)
{
	open_expr(e, "payload");
	mnl_attr_put_u32(e->h, NFTA_PAYLOAD_DREG, htonl(NFT_REG_1));
	mnl_attr_put_u32(e->h, NFTA_PAYLOAD_BASE, htonl(base));
	mnl_attr_put_u32(e->h, NFTA_PAYLOAD_OFFSET, htonl(off));
	mnl_attr_put_u32(e->h, NFTA_PAYLOAD_LEN, htonl(len));
	close_expr(e);
}

static void is_reset(struct expr *e)
{
	const uint8_t mask = RST, none = 0;

	load(e, NFT_PAYLOAD_TRANSPORT_HEADER, FLAGS_OFF, 1);
	open_expr(e, "bitwise");
	mnl_attr_put_u32(e->h, NFTA_BITWISE_SREG, htonl(NFT_REG_1));
	mnl_attr_put_u32(e->h, NFTA_BITWISE_DREG, htonl(NFT_REG_1));
	mnl_attr_put_u32(e->h, NFTA_BITWISE_LEN, htonl(1));
	value(e, NFTA_BITWISE_MASK, &mask, 1);
	value(e, NFTA_BITWISE_XOR, &none, 1);
	close_expr(e);
	compare(e, NFT_CMP_NEQ, &none, 1);
}

static void drop(struct expr *e)
{
	struct nlattr *data, *verdict;

	open_expr(e, "immediate");
	mnl_attr_put_u32(e->h, NFTA_IMMEDIATE_DREG, htonl(NFT_REG_VERDICT));
	data = mnl_attr_nest_start(e->h, NFTA_IMMEDIATE_DATA);
	verdict = mnl_attr_nest_start(e->h, NFTA_DATA_VERDICT);
	mnl_attr_put_u32(e->h, NFTA_VERDICT_CODE, htonl(NF_DROP));
	mnl_attr_nest_end(e->h, verdict);
	mnl_attr_nest_end(e->h, data);
	close_expr(e);
}

static void put_rule(struct nlmsghdr *h, const struct sp_addr *src, uint16_t first,
		     uint16_t last, const struct sp_endpoint *to)
{
	bool v4 = src->family == 4;
	uint32_t len = v4 ? 4 : 16, off = v4 ? 12 : 8;
	struct expr e = { .h = h };
	struct nlattr *list = mnl_attr_nest_start(h, NFTA_RULE_EXPRESSIONS);
	uint8_t port[2];

	meta_is(&e, NFT_META_NFPROTO, v4 ? NFPROTO_IPV4 : NFPROTO_IPV6);
	meta_is(&e, NFT_META_L4PROTO, IPPROTO_TCP);
	load(&e, NFT_PAYLOAD_NETWORK_HEADER, off, len);
	compare(&e, NFT_CMP_EQ, src->ip, len);
	load(&e, NFT_PAYLOAD_NETWORK_HEADER, off + len, len);
	compare(&e, NFT_CMP_EQ, to->addr.ip, len);
	load(&e, NFT_PAYLOAD_TRANSPORT_HEADER, 0, 2);
	sp_put_be16(port, first);
	compare(&e, NFT_CMP_GTE, port, 2);
	sp_put_be16(port, last);
	compare(&e, NFT_CMP_LTE, port, 2);
	load(&e, NFT_PAYLOAD_TRANSPORT_HEADER, 2, 2);
	sp_put_be16(port, to->port);
	compare(&e, NFT_CMP_EQ, port, 2);
	is_reset(&e);
	drop(&e);
	mnl_attr_nest_end(h, list);
}

/* ---- the whole ---- */

static int fail(int rc, struct sp_err *err)
{
	if (rc == -EPERM)
		return sp_fail(err, rc, SP_EXIT_PERM,
			       "utcp: a packet filter table needs CAP_NET_ADMIN, so that the "
			       "kernel does not reset connections from an address of its own; "
			       "run it with `sudo`, or --bind an address that no kernel owns");
	return sp_fail(
		err, rc, SP_EXIT_PERM,
		"utcp: this kernel's nftables make no table for a process (%s; needs 5.12 "
		"and nf_tables, see `spate doctor`): the kernel would reset connections "
		"from an address of its own; --bind an address that no kernel owns",
		strerror(-rc));
}

int sp_nft_open(struct sp_nft **out, const struct sp_mem *mem, struct sp_err *err)
{
	static const struct timeval limit = { .tv_sec = 2 };
	struct sp_nft *t = sp_alloc(mem, sizeof *t);
	int rc;

	if (!t)
		return sp_fail(err, -ENOMEM, SP_EXIT_FAILED, "out of memory");
	t->mem = mem;
	t->nl = mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC);
	rc = t->nl ? 0 : -errno;
	if (!rc && mnl_socket_bind(t->nl, 0, MNL_SOCKET_AUTOPID) < 0)
		rc = -errno;
	if (!rc) {
		/* The socket's own number: several ports of one process have several tables. */
		snprintf(t->table, sizeof t->table, PREFIX "%u", mnl_socket_get_portid(t->nl));
		setsockopt(mnl_socket_get_fd(t->nl), SOL_SOCKET, SO_RCVTIMEO, &limit,
			   sizeof limit);
		rc = remove_stale(t);
	}
	if (!rc)
		rc = make_table(t);
	if (rc) {
		sp_nft_close(t);
		return fail(rc, err);
	}
	*out = t;
	return 0;
}

int sp_nft_drop_resets(struct sp_nft *t, const struct sp_addr *src, uint16_t first,
		       uint16_t last, const struct sp_endpoint *to, struct sp_err *err)
{
	struct nlmsghdr *h;
	struct batch b;
	uint32_t seq;
	int rc;

	begin(&b, &t->seq);
	h = add(&b, NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND | NLM_F_ACK);
	mnl_attr_put_strz(h, NFTA_RULE_TABLE, t->table);
	mnl_attr_put_strz(h, NFTA_RULE_CHAIN, CHAIN);
	put_rule(h, src, first, last, to);
	seq = h->nlmsg_seq;
	mnl_nlmsg_batch_next(b.b);
	rc = commit(&b, t->nl, seq);
	return rc ? fail(rc, err) : 0;
}

void sp_nft_close(struct sp_nft *t)
{
	if (!t)
		return;
	if (t->nl)
		mnl_socket_close(t->nl);
	sp_free(t->mem, t);
}
