#include "lab/netem.h"

#include "lab/link.h"

#include <libmnl/libmnl.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <string.h>

/* netem counts its queue in packets, and holds there what is on the way too. */
#define LIMIT_LEAST 1000u
#define FRAME	    1514u

bool sp_netem_can(const struct sp_impair_conf *c)
{
	bool every = c->loss_every || c->corrupt_every || c->duplicate_every ||
		     c->reorder_every;
	bool layer = c->rate.layer == SP_LAYER_DEFAULT || c->rate.layer == SP_LAYER_L2;
	bool repaired = c->corrupt > 0 && c->corrupt_checksum == SP_IMPAIR_REPAIRED;
	bool reorder = c->reorder > 0 && (!c->delay_ns || c->reorder_by != 1);
	/* Without a rate netem lets frames overtake each other. */
	bool jitter = c->jitter_ns && c->rate.kind != SP_RATE_BPS;

	return !every && layer && !repaired && !reorder && !jitter && !c->burst_bytes &&
	       c->only == SP_IMPAIR_ANY;
}

/* netem's probabilities are of 2^32 - 1. */
static uint32_t share(double p)
{
	return (uint32_t)(p * 4294967295.0 + 0.5);
}

static uint32_t limit(const struct sp_impair_conf *c, uint64_t bytes_per_s)
{
	uint64_t n = c->queue_bytes ? c->queue_bytes : bytes_per_s / 10;

	n += bytes_per_s * (c->delay_ns / 1000) / 1000000;
	n /= FRAME;
	/* Without a rate the line is as long as its delay, at a million packets a second. */
	if (!bytes_per_s)
		n = c->delay_ns / 1000;
	return n < LIMIT_LEAST ? LIMIT_LEAST : n > 10000000 ? 10000000 : (uint32_t)n;
}

struct nlmsghdr *sp_netem_request(void *buf, unsigned index, const struct sp_impair_conf *c)
{
	uint64_t bytes_per_s = c->rate.kind == SP_RATE_BPS ? c->rate.micro / 8000000 : 0;
	struct nlmsghdr *h = mnl_nlmsg_put_header(buf);

	h->nlmsg_type = RTM_NEWQDISC;
	h->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | NLM_F_REPLACE;
	h->nlmsg_seq = 1;
	struct tcmsg *tc = mnl_nlmsg_put_extra_header(h, sizeof *tc);
	tc->tcm_family = AF_UNSPEC;
	tc->tcm_ifindex = (int)index;
	tc->tcm_parent = TC_H_ROOT;
	mnl_attr_put_strz(h, TCA_KIND, "netem");
	/* The options begin with a struct, and attributes follow it inside. */
	struct nlattr *options = mnl_attr_nest_start(h, TCA_OPTIONS);
	options->nla_type = TCA_OPTIONS;
	struct tc_netem_qopt *q = mnl_nlmsg_get_payload_tail(h);
	*q = (struct tc_netem_qopt){ .limit = limit(c, bytes_per_s),
				     .loss = c->down ? UINT32_MAX : share(c->loss),
				     .duplicate = share(c->duplicate),
				     .gap = c->reorder > 0 };
	_Static_assert(sizeof *q % 4 == 0, "the attributes are aligned");
	h->nlmsg_len += (uint32_t)sizeof *q;
	if (c->delay_ns)
		mnl_attr_put_u64(h, TCA_NETEM_LATENCY64, c->delay_ns);
	if (c->jitter_ns)
		mnl_attr_put_u64(h, TCA_NETEM_JITTER64, c->jitter_ns);
	if (c->reorder > 0)
		mnl_attr_put(h, TCA_NETEM_REORDER, sizeof(struct tc_netem_reorder),
			     &(struct tc_netem_reorder){ .probability = share(c->reorder) });
	if (c->corrupt > 0)
		mnl_attr_put(h, TCA_NETEM_CORRUPT, sizeof(struct tc_netem_corrupt),
			     &(struct tc_netem_corrupt){ .probability = share(c->corrupt) });
	if (bytes_per_s) {
		if (bytes_per_s >= 1ull << 32)
			mnl_attr_put_u64(h, TCA_NETEM_RATE64, bytes_per_s);
		mnl_attr_put(
			h, TCA_NETEM_RATE, sizeof(struct tc_netem_rate),
			&(struct tc_netem_rate){ .rate = bytes_per_s >= 1ull << 32
								 ? UINT32_MAX
								 : (uint32_t)bytes_per_s });
	}
	mnl_attr_nest_end(h, options);
	return h;
}

int sp_netem_set(struct mnl_socket *nl, unsigned index, const struct sp_impair_conf *c)
{
	_Alignas(struct nlmsghdr) char buf[SP_NETEM_BYTES];

	return sp_link_ask(nl, sp_netem_request(buf, index, c));
}
