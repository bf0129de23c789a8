#include "lab/netem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include <libmnl/libmnl.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>

#define MAX_ATTR 20

static _Alignas(struct nlmsghdr) char buf[SP_NETEM_BYTES];
static const struct tc_netem_qopt *opt;
static const struct nlattr *attr[MAX_ATTR];

static int on_attr(const struct nlattr *a, void *arg)
{
	(void)arg;
	assert_true(mnl_attr_get_type(a) < MAX_ATTR);
	attr[mnl_attr_get_type(a)] = a;
	return MNL_CB_OK;
}

/* What the kernel will find in the request. */
static void make(const struct sp_impair_conf *c)
{
	const struct nlmsghdr *h = sp_netem_request(buf, 7, c);
	const struct tcmsg *tc = mnl_nlmsg_get_payload(h);
	const struct nlattr *options;

	assert_true(h->nlmsg_len <= SP_NETEM_BYTES);
	assert_int_equal(h->nlmsg_type, RTM_NEWQDISC);
	assert_int_equal(tc->tcm_ifindex, 7);
	assert_int_equal(tc->tcm_parent, TC_H_ROOT);
	memset(attr, 0, sizeof attr);
	mnl_attr_parse(h, sizeof *tc, on_attr, NULL);
	assert_string_equal(mnl_attr_get_str(attr[TCA_KIND]), "netem");
	options = attr[TCA_OPTIONS];
	assert_non_null(options);
	assert_true(mnl_attr_get_payload_len(options) >= sizeof *opt);
	opt = mnl_attr_get_payload(options);
	memset(attr, 0, sizeof attr);
	mnl_attr_parse_payload(opt + 1, mnl_attr_get_payload_len(options) - sizeof *opt,
			       on_attr, NULL);
}

static void test_all(void **state)
{
	struct sp_impair_conf c = { .rate = { .kind = SP_RATE_BPS, .micro = 80000000000000 },
				    .queue_bytes = 15140000,
				    .delay_ns = 20000000,
				    .jitter_ns = 2000000,
				    .loss = 0.01,
				    .duplicate = 0.5,
				    .corrupt = 0.25,
				    .reorder = 1,
				    .reorder_by = 1 };

	(void)state;
	assert_true(sp_netem_can(&c));
	make(&c);
	assert_int_equal(opt->loss, 42949673);
	assert_int_equal(opt->duplicate, 0x80000000);
	assert_int_equal(opt->gap, 1);
	/* What waits, and what is on the way: 20 ms of 10 MB/s. */
	assert_int_equal(opt->limit, (15140000 + 200000) / 1514);
	assert_true(mnl_attr_get_u64(attr[TCA_NETEM_LATENCY64]) == 20000000);
	assert_true(mnl_attr_get_u64(attr[TCA_NETEM_JITTER64]) == 2000000);
	const struct tc_netem_rate *rate = mnl_attr_get_payload(attr[TCA_NETEM_RATE]);
	assert_int_equal(rate->rate, 10000000);
	assert_null(attr[TCA_NETEM_RATE64]);
	const struct tc_netem_corrupt *corrupt = mnl_attr_get_payload(attr[TCA_NETEM_CORRUPT]);
	assert_int_equal(corrupt->probability, 0x40000000);
	const struct tc_netem_reorder *reorder = mnl_attr_get_payload(attr[TCA_NETEM_REORDER]);
	assert_true(reorder->probability == UINT32_MAX);
}

static void test_large(void **state)
{
	struct sp_impair_conf c = { .rate = { .kind = SP_RATE_BPS,
					      .micro = 100000000000000000 },
				    .queue_bytes = 1514000 };

	(void)state;
	make(&c);
	assert_true(mnl_attr_get_u64(attr[TCA_NETEM_RATE64]) == 12500000000);
	const struct tc_netem_rate *rate = mnl_attr_get_payload(attr[TCA_NETEM_RATE]);
	assert_true(rate->rate == UINT32_MAX);
	assert_int_equal(opt->limit, 1000);
	/* Down is a loss of everything, and the queue of a long line holds what is on it. */
	c = (struct sp_impair_conf){ .down = true, .delay_ns = 2000000000 };
	make(&c);
	assert_true(opt->loss == UINT32_MAX);
	assert_int_equal(opt->limit, 2000000);
	assert_null(attr[TCA_NETEM_RATE]);
}

static void test_can(void **state)
{
	const struct sp_impair_conf cannot[] = {
		{ .loss_every = 10 },
		{ .corrupt_every = 10 },
		{ .duplicate_every = 10 },
		{ .reorder_every = 10, .delay_ns = 1000, .reorder_by = 1 },
		{ .reorder = 0.1, .reorder_by = 1 },
		{ .reorder = 0.1, .reorder_by = 2, .delay_ns = 1000 },
		{ .corrupt = 0.1, .corrupt_checksum = SP_IMPAIR_REPAIRED },
		{ .delay_ns = 1000, .jitter_ns = 10 },
		{ .loss = 0.1, .only = SP_IMPAIR_UDP },
		{ .burst_bytes = 1000 },
		{ .rate = { .kind = SP_RATE_BPS,
			    .micro = 1000000000000,
			    .layer = SP_LAYER_L3 } },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cannot / sizeof *cannot; i++)
		if (sp_netem_can(&cannot[i]))
			fail_msg("number %zu", i);
	assert_true(sp_netem_can(&(struct sp_impair_conf){ .down = true }));
	assert_true(sp_netem_can(&(struct sp_impair_conf){ .loss = 0.1, .delay_ns = 1000 }));
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_all),
					    cmocka_unit_test(test_large),
					    cmocka_unit_test(test_can) };

	return cmocka_run_group_tests_name("lab/netem", tests, NULL, NULL);
}
