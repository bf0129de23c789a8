/* For tests: a catalog with the shapes that a plan cares about (datagrams, frames, virtual time,
 * settings of a transport's own, laws with and without settings). Nothing here sends. */
#ifndef SP_ENGINE_TEST_CATALOG_H
#define SP_ENGINE_TEST_CATALOG_H

#include <errno.h>
#include <math.h>

#include "base/str.h"
#include "engine/plan_build.h"
#include "plugin/catalog.h"

struct test_udp_conf {
	bool gso, gro;
};
static const struct sp_opt test_udp_opts[] = {
	{ "gso", SP_OPT_BOOL, offsetof(struct test_udp_conf, gso), "yes", NULL, 0, 0, "GSO" },
	{ "gro", SP_OPT_BOOL, offsetof(struct test_udp_conf, gro), "yes", NULL, 0, 0, "GRO" },
	{ 0 },
};

struct test_loop_conf {
	double loss;
	uint64_t delay_ns;
};
static const struct sp_opt test_loop_opts[] = {
	{ "loss", SP_OPT_RATIO, offsetof(struct test_loop_conf, loss), "0", NULL, 0, 0,
	  "loss" },
	{ "delay", SP_OPT_TIME, offsetof(struct test_loop_conf, delay_ns), "0", NULL, 0, 0,
	  "delay" },
	{ 0 },
};

struct test_pcap_conf {
	const char *file;
};
static const struct sp_opt test_pcap_opts[] = {
	{ "file", SP_OPT_PATH, offsetof(struct test_pcap_conf, file), NULL, NULL, 0, 0,
	  "file" },
	{ 0 },
};

static int test_pcap_check(const void *conf, struct sp_err *err)
{
	const struct test_pcap_conf *c = conf;

	return c->file ? 0 : sp_fail(err, -EINVAL, SP_EXIT_USAGE, "no file is named");
}

static int test_link(struct sp_port *port, const struct sp_endpoint *to, struct sp_link *link,
		     struct sp_err *err)
{
	(void)port, (void)to, (void)link, (void)err;
	return -ENOTSUP;
}

static uint64_t test_next_ns(const struct sp_queue *queue)
{
	(void)queue;
	return SP_NEVER;
}

static const struct sp_transport_ops test_udp = {
	.name = "udp",
	.opts = test_udp_opts,
	.conf_size = sizeof(struct test_udp_conf),
};
static const struct sp_transport_ops test_packet = { .name = "packet", .link = test_link };
static const struct sp_transport_ops test_loop = {
	.name = "loop",
	.opts = test_loop_opts,
	.conf_size = sizeof(struct test_loop_conf),
	.next_ns = test_next_ns,
};
static const struct sp_transport_ops test_null = { .name = "null", .next_ns = test_next_ns };
static const struct sp_transport_ops test_pcap = {
	.name = "pcap",
	.opts = test_pcap_opts,
	.conf_size = sizeof(struct test_pcap_conf),
	.check = test_pcap_check,
	.link = test_link,
	.next_ns = test_next_ns,
};

/* Exponential with mean 1, by inversion. */
static int test_exp_init(void *st, const struct sp_dist_args *args, struct sp_err *err)
{
	(void)args, (void)err;
	*(double *)st = 1;
	return 0;
}
static void test_exp_draw(void *st, struct sp_rng *rng, double *v, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		v[i] = -log(sp_rng_unit(rng)) * *(double *)st;
}
static double test_exp_cdf(const void *st, double x)
{
	return x > 0 ? 1 - exp(-x / *(const double *)st) : 0;
}
static bool test_exp_moments(const void *st, double *mean, double *var)
{
	*mean = *(const double *)st;
	*var = *mean * *mean;
	return true;
}
static bool test_no_moments(const void *st, double *mean, double *var)
{
	(void)st, (void)mean, (void)var;
	return false;
}

struct test_shape_conf {
	double shape;
	uint64_t shift_ns;
};
static const struct sp_opt test_shape_opts[] = {
	{ "shape", SP_OPT_REAL, offsetof(struct test_shape_conf, shape), "0.7", NULL, 0, 0,
	  "shape" },
	{ "shift", SP_OPT_TIME, offsetof(struct test_shape_conf, shift_ns), "0", NULL, 0, 0,
	  "shift" },
	{ 0 },
};

static const struct sp_dist_ops test_exponential = {
	.name = "exponential",
	.state_size = sizeof(double),
	.init = test_exp_init,
	.draw = test_exp_draw,
	.cdf = test_exp_cdf,
	.moments = test_exp_moments,
};
/* Settings matter here, values do not. */
static const struct sp_dist_ops test_shaped = {
	.name = "shaped",
	.opts = test_shape_opts,
	.conf_size = sizeof(struct test_shape_conf),
	.state_size = sizeof(double),
	.init = test_exp_init,
	.draw = test_exp_draw,
	.cdf = test_exp_cdf,
	.moments = test_exp_moments,
};
static const struct sp_dist_ops test_meanless = {
	.name = "meanless",
	.state_size = sizeof(double),
	.init = test_exp_init,
	.draw = test_exp_draw,
	.cdf = test_exp_cdf,
	.moments = test_no_moments,
};

static const struct sp_transport_ops *const test_transports[] = { &test_udp,  &test_packet,
								  &test_loop, &test_null,
								  &test_pcap, NULL };
static const struct sp_source_ops *const test_sources[] = { NULL };
static const struct sp_dist_ops *const test_dists[] = { &test_exponential, &test_shaped,
							&test_meanless, NULL };
static const struct sp_stamp_ops *const test_stamps[] = { NULL };
static const struct sp_proto_ops *const test_protos[] = { NULL };
static const struct sp_payload_ops *const test_payloads[] = { NULL };
static const struct sp_hdr_ops *const test_hdrs[] = { NULL };
static const struct sp_wrap_ops *const test_wraps[] = { NULL };
static const struct sp_catalog test_catalog = {
	.transport = test_transports,
	.source = test_sources,
	.dist = test_dists,
	.stamp = test_stamps,
	.proto = test_protos,
	.payload = test_payloads,
	.hdr = test_hdrs,
	.wrap = test_wraps,
};

/* The plan's canonical text, in buf. */
static inline const char *test_plan_text(const struct sp_plan *plan,
					 const struct sp_catalog *catalog, char buf[16384])
{
	struct sp_str s;

	sp_str_init(&s, sp_mem_system());
	sp_plan_text(plan, catalog, &s);
	sp_strlcpy(buf, s.text, 16384);
	sp_str_fini(&s);
	return buf;
}

#endif
