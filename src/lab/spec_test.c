#include "lab/spec.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static struct sp_lab_spec spec;

static int read_text(const char *text, struct sp_err *err)
{
	struct sp_yaml doc;
	int rc = sp_yaml_parse(&doc, "t.yaml", text, strlen(text), sp_mem_system(), err);

	assert_int_equal(rc, 0);
	rc = sp_lab_spec_from_yaml(&spec, &doc, doc.root, err);
	sp_yaml_free(&doc);
	return rc;
}

static void good(const char *text)
{
	struct sp_err err = { 0 };

	if (read_text(text, &err))
		fail_msg("%s", err.text);
}

static void wrong(const char *text, const char *sentence)
{
	struct sp_err err = { 0 };

	assert_true(read_text(text, &err) < 0);
	assert_string_equal(err.text, sentence);
	assert_int_equal(err.exit, SP_EXIT_DATA);
}

static void has(unsigned link, unsigned end, unsigned eth, const char *addresses)
{
	const struct sp_lab_end *e = &spec.link[link].end[end];
	char text[400] = "", one[64];

	for (unsigned i = 0; i < e->n_addr; i++) {
		size_t n = strlen(text);

		snprintf(text + n, sizeof text - n, "%s%s/%u", n ? " " : "",
			 sp_addr_format(one, sizeof one, &e->addr[i].addr),
			 (unsigned)e->addr[i].prefix);
	}
	assert_int_equal(e->eth, eth);
	assert_string_equal(text, addresses);
}

static void test_hosts(void **state)
{
	struct sp_lab_hosts h = { .n = 2, .name = { "a", "b", "c" } };

	(void)state;
	sp_lab_spec_of_hosts(&spec, &h);
	assert_int_equal(spec.n_links, 1);
	assert_int_equal(spec.n_nodes, 2);
	has(0, 1, 0, "10.99.0.2/24 fd99::2/64");
	assert_memory_equal(spec.link[0].end[1].mac, ((uint8_t[]){ 2, 0, 10, 99, 0, 2 }), 6);
	h.n = 3;
	sp_lab_spec_of_hosts(&spec, &h);
	assert_int_equal(spec.n_links, 3);
	assert_int_equal(spec.n_places, 3);
	assert_int_equal(spec.n_nodes, 4);
	has(2, 0, 0, "10.99.0.3/24 fd99::3/64");
	h.n = 1;
	sp_lab_spec_of_hosts(&spec, &h);
	has(0, 0, 0, "10.99.0.1/24 fd99::1/64");
}

#define TWO                                                                                    \
	"lab:\n"                                                                               \
	"  hosts: [h1, h2]\n"                                                                  \
	"  routers: [r1]\n"                                                                    \
	"  bridges: [br]\n"                                                                    \
	"  links:\n"

static void test_file(void **state)
{
	(void)state;
	good(TWO "    - {name: l1, ends: [h1, r1], addresses: [10.1.0.1/24, 10.1.0.254/24],\n"
		 "       rate: 10Mbit/s, delay: 20ms, jitter: 2ms, loss: 1%, duplicate: 0%,\n"
		 "       reorder: 0%, corrupt: 0%, back: {loss: 0%, rate: 1Mbit/s}}\n"
		 "    - {ends: [r1, br]}\n"
		 "    - {ends: [br, h2], via: forwarder}\n"
		 "    - {ends: [h2, h1], addresses: [[10.9.0.1/30, fd09::1/64], ~]}\n");
	assert_int_equal(spec.n_places, 3);
	assert_int_equal(spec.n_links, 4);
	has(0, 0, 0, "10.1.0.1/24");
	has(0, 1, 0, "10.1.0.254/24");
	has(1, 0, 1, "10.99.1.1/24 fd99:0:0:1::1/64");
	has(1, 1, 0, "");
	has(2, 1, 0, "10.99.1.2/24 fd99:0:0:1::2/64");
	has(3, 0, 1, "10.9.0.1/30 fd09::1/64");
	has(3, 1, 1, "");
	assert_string_equal(spec.link[1].name, "l2");
	assert_int_equal(spec.link[2].via, SP_LAB_FORWARDER);
	assert_int_equal(spec.link[0].way[0].delay_ns, 20000000);
	assert_true(spec.link[0].way[0].loss > 0 && !(spec.link[0].way[1].loss > 0));
	assert_int_equal(spec.link[0].way[1].rate.micro, 1000000000000ull);
	assert_int_equal(spec.link[0].way[1].jitter_ns, 2000000);
	assert_int_equal(spec.link[0].way[0].reorder_hold_ns, 100000000);
	/* In a scenario the rest is somebody else's. */
	good("spate: 1\nstreams: []\nlab: {hosts: [a], name: x, seed: 7}\n");
	assert_string_equal(spec.name, "x");
	assert_int_equal(spec.seed, 7);
	good("hosts: [a, b]\nlinks: [{ends: [a, b]}]\n");
}

static void test_wrong(void **state)
{
	(void)state;
	wrong("lab: []\n",
	      "t.yaml:1:6: lab: a map (lines with 'key: value') is expected here, not "
	      "a list");
	wrong("lab: {hosts: []}\n",
	      "t.yaml:1:6: a lab needs at least one host: hosts: [h1, h2]");
	wrong("lab: {hosts: [a], lynks: []}\n",
	      "t.yaml:1:19: unknown key 'lynks'; did you mean 'links'?");
	wrong("lab: {hosts: [a]}\nlap: 1\n",
	      "t.yaml:2:1: unknown key 'lap'; did you mean 'lab'?");
	wrong("lab: {hosts: a}\n", "t.yaml:1:14: hosts: a list ([a, b], or lines with '- ') is "
				   "expected here, not a value");
	wrong("lab: {hosts: [a], routers: [a]}\n",
	      "t.yaml:1:29: routers: there is a 'a' already; each host, router and bridge has a "
	      "name of its own");
	wrong("lab: {hosts: [../x]}\n",
	      "t.yaml:1:15: hosts: '../x' is not a name: 1 to 31 letters, digits, '-', '_' or "
	      "'.', a letter or digit first");
	wrong("lab: {hosts: [alpha, beta], links: [{ends: [alhpa, beta]}]}",
	      "t.yaml:1:45: ends: there is no 'alhpa'; did you mean 'alpha'?");
	wrong(TWO "    - {ends: [h1, nowhere]}\n",
	      "t.yaml:6:19: ends: there is no 'nowhere'; name it under hosts, routers or bridges");
	wrong(TWO "    - {ends: [h1]}\n",
	      "t.yaml:6:14: ends: a link has two, not 1; join more by a bridge");
	wrong(TWO "    - {ends: [h1, h1]}\n",
	      "t.yaml:6:14: ends: a link joins two different ones, not 'h1' with itself");
	wrong(TWO "    - {name: a}\n", "t.yaml:6:7: a link needs its ends: ends: [h1, h2]");
	wrong(TWO "    - {ends: [h1, h2], name: a}\n    - {ends: [h1, h2], name: a}\n",
	      "t.yaml:7:30: name: there is a link 'a' already; give each its own");
	wrong(TWO "    - {ends: [h1, h2], los: 1%}\n",
	      "t.yaml:6:24: unknown key 'los'; did you mean 'loss'?");
	wrong(TWO "    - {ends: [h1, h2], loss: 2}\n",
	      "t.yaml:6:30: loss: '2' is not between 0 and 1 (100%)");
	wrong(TWO "    - {ends: [h1, h2], rate: 5pps}\n",
	      "t.yaml:6:30: rate: a link is as fast as its bits; write it as 10Mbit/s");
	wrong(TWO "    - {ends: [h1, h2], jitter: 5ms}\n",
	      "t.yaml:6:32: jitter: it cannot be more than the delay, or frames would arrive "
	      "before they left; raise delay or lower jitter");
	wrong(TWO "    - {ends: [h1, h2], back: {jitter: 5ms}}\n",
	      "t.yaml:6:39: jitter: it cannot be more than the delay, or frames would arrive "
	      "before they left; raise delay or lower jitter");
	wrong(TWO "    - {ends: [h1, h2], via: veth, delay: 1ms}\n",
	      "t.yaml:6:29: via: a veth is a plain wire, and this link is not; write forwarder");
	wrong(TWO "    - {ends: [h1, h2], via: wire}\n",
	      "t.yaml:6:29: via: 'wire' is none of auto, veth, netem, forwarder");
}

static void test_wrong_addresses(void **state)
{
	(void)state;
	wrong(TWO "    - {ends: [h1, br], addresses: [10.1.0.1/24, 10.1.0.2/24]}\n",
	      "t.yaml:6:35: addresses: 2 are given for 1 ends that take one (bridges do not); "
	      "write one each, in the order of ends");
	wrong(TWO "    - {ends: [h1, h2], addresses: [10.1.0.1, 10.1.0.2/24]}\n",
	      "t.yaml:6:36: addresses: '10.1.0.1' is not an address with the length of its "
	      "network, such as 10.1.0.1/24 or fd01::1/64");
	wrong(TWO "    - {ends: [h1, h2], addresses: [10.1.0.1/33, 10.1.0.2/24]}\n",
	      "t.yaml:6:36: addresses: '10.1.0.1/33' is not an address with the length of its "
	      "network, such as 10.1.0.1/24 or fd01::1/64");
	wrong(TWO "    - {ends: [h1, h2], addresses: [10.1.0.1/24, 10.1.0.1/24]}\n",
	      "t.yaml:6:35: 10.1.0.1/24 is an address of h1 already; give each interface its own");
	wrong(TWO "    - {ends: [h1, h2], addresses: [10.1.0.1/24, 10.2.0.1/24]}\n",
	      "t.yaml:6:35: 10.1.0.1/24 and 10.2.0.1/24 are not in one network; give both ends "
	      "addresses of the same");
	wrong(TWO "    - {ends: [h1, h2], addresses: [8.8.8.8/24, 8.8.8.9/24]}\n",
	      "t.yaml:6:36: addresses: 8.8.8.8 is public; a lab uses private or documentation "
	      "addresses, such as 10.0.0.0/8 or fd00::/8");
	wrong(TWO "    - {ends: [h1, h2]}\n"
		  "    - {ends: [h1, r1], addresses: [10.99.0.5/16, 10.99.0.6/16]}\n",
	      "t.yaml:7:35: 10.99.0.5/16 and 10.99.0.1/24 of h1 are in one network, but no link "
	      "joins them directly; give this link a network of its own");
}

static void test_ring(void **state)
{
	(void)state;
	good("lab: {hosts: [h], bridges: [a, b, c], links: [{ends: [a, b]}, {ends: [b, c]}, "
	     "{ends: [h, c]}, {ends: [h, a]}]}");
	/* One network, however many bridges. */
	has(2, 0, 0, "10.99.0.1/24 fd99::1/64");
	has(3, 0, 1, "10.99.0.2/24 fd99::2/64");
	wrong("lab: {hosts: [h], bridges: [a, b, c], links: [{ends: [a, b]}, {ends: [b, c]}, "
	      "{ends: [c, a]}]}",
	      "t.yaml:1:79: this link closes a ring of bridges, in which frames would run for "
	      "ever; leave it out");
}

static void test_limits(void **state)
{
	char text[20000] = "lab: {hosts: [";
	struct sp_err err = { 0 };

	(void)state;
	for (unsigned i = 0; i < 65; i++)
		sprintf(text + strlen(text), "%sh%u", i ? "," : "", i);
	strcat(text, "]}");
	assert_int_equal(read_text(text, &err), -EINVAL);
	assert_non_null(strstr(err.text, "at most 64 hosts and routers"));
	strcpy(text, "lab: {hosts: [a, b], links: [");
	for (unsigned i = 0; i < 129; i++)
		sprintf(text + strlen(text), "%s{ends: [a, b]}", i ? "," : "");
	strcat(text, "]}");
	assert_int_equal(read_text(text, &err), -EINVAL);
	assert_non_null(strstr(err.text, "at most 128"));
}

static void test_change(void **state)
{
	struct sp_lab_link *l = &spec.link[0];
	struct sp_err err = { 0 };

	(void)state;
	good("lab: {hosts: [a, b], links: [{ends: [a, b], delay: 5ms}]}");
	assert_int_equal(sp_lab_link_change(l, "loss=1%,back.delay=20ms,there.down=true", &err),
			 0);
	assert_true(l->way[0].loss > 0 && l->way[1].loss > 0);
	assert_true(l->way[0].down && !l->way[1].down);
	assert_int_equal(l->way[0].delay_ns, 5000000);
	assert_int_equal(l->way[1].delay_ns, 20000000);
	/* All or nothing. */
	assert_int_equal(sp_lab_link_change(l, "loss=0,jitter=6ms", &err), -EINVAL);
	assert_true(l->way[0].loss > 0);
	assert_int_equal(sp_lab_link_change(l, "loss=0 los=1", &err), -ENOENT);
	assert_string_equal(err.text, "link l1: no such setting 'los'; did you mean 'loss'?");
	assert_true(l->way[0].loss > 0);
	assert_int_equal(sp_lab_link_change(l, "loss", &err), -EINVAL);
	assert_int_equal(sp_lab_link_change(l, "=1", &err), -EINVAL);
	assert_int_equal(sp_lab_link_change(l, "down=", &err), -EINVAL);
	assert_int_equal(sp_lab_link_change(l, "", &err), 0);
}

/* What a link is asked to become, its carrier must be able to do. */
static void test_can(void **state)
{
	struct sp_err err = { 0 };

	(void)state;
	good("lab: {hosts: [a, b, c, d], links: [{ends: [a, b]}, {ends: [b, c], via: veth}, "
	     "{ends: [c, d], via: netem, delay: 1ms}, {ends: [a, d], loss_every: 3}]}");
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(sp_lab_link_can(&spec.link[i], &err), 0);
	assert_int_equal(sp_lab_link_change(&spec.link[1], "down=true", &err), 0);
	assert_int_equal(sp_lab_link_can(&spec.link[1], &err), -EOPNOTSUPP);
	assert_string_equal(err.text, "link l2 is a plain wire, which cannot change; write "
				      "'via: forwarder' for it in the lab's file");
	assert_int_equal(sp_lab_link_change(&spec.link[2], "loss=5%", &err), 0);
	assert_int_equal(sp_lab_link_can(&spec.link[2], &err), 0);
	assert_int_equal(sp_lab_link_change(&spec.link[2], "back.loss_every=5", &err), 0);
	assert_int_equal(sp_lab_link_can(&spec.link[2], &err), -EOPNOTSUPP);
	assert_non_null(strstr(err.text, "netem, which cannot do that"));
	assert_int_equal(err.exit, SP_EXIT_USAGE);
}

/* ---- routes ---- */

static void routes(const char *from, const char *want)
{
	static struct sp_lab_route r[SP_LAB_MAX_ROUTES];
	unsigned n = sp_lab_routes(&spec, (unsigned)sp_lab_spec_node(&spec, from), r);
	char text[1000] = "", a[64], b[64];

	for (unsigned i = 0; i < n; i++)
		if (r[i].to.addr.family == 4)
			sprintf(text + strlen(text), "%s/%u>%s:eth%u ",
				sp_addr_format(a, sizeof a, &r[i].to.addr),
				(unsigned)r[i].to.prefix,
				sp_addr_format(b, sizeof b, &r[i].gateway), r[i].eth);
	assert_string_equal(text, want);
	/* IPv6 goes the same ways. */
	unsigned six = 0;
	for (unsigned i = 0; i < n; i++)
		six += r[i].to.addr.family == 6;
	assert_int_equal(six * 2, n);
}

static void test_routes(void **state)
{
	(void)state;
	/* h1 - r1 - r2 - r3 - h2, and r1 - r3 directly over the last link. */
	good("lab: {hosts: [h1, h2], routers: [r1, r2, r3], links: [{ends: [h1, r1]}, "
	     "{ends: [r1, r2]}, {ends: [r2, r3]}, {ends: [r3, h2]}, {ends: [r1, r3]}]}");
	routes("h1", "10.99.1.0/24>10.99.0.2:eth0 10.99.4.0/24>10.99.0.2:eth0 "
		     "10.99.2.0/24>10.99.0.2:eth0 10.99.3.0/24>10.99.0.2:eth0 ");
	routes("r1", "10.99.2.0/24>10.99.1.2:eth1 10.99.3.0/24>10.99.4.2:eth2 ");
	routes("r2", "10.99.0.0/24>10.99.1.1:eth0 10.99.4.0/24>10.99.1.1:eth0 "
		     "10.99.3.0/24>10.99.2.2:eth1 ");
	/* Hosts do not forward: what is behind one cannot be reached. */
	good("lab: {hosts: [a, b, c], links: [{ends: [a, b]}, {ends: [b, c]}]}");
	routes("a", "");
	routes("b", "");
	/* Through a bridge, to the nearer of two routers on it. */
	good("lab: {hosts: [h, far], routers: [r1, r2], bridges: [b], links: [{ends: [h, b]}, "
	     "{ends: [r1, b]}, {ends: [b, r2]}, {ends: [r2, far]}]}");
	routes("h", "10.99.1.0/24>10.99.0.3:eth0 ");
	routes("r1", "10.99.1.0/24>10.99.0.3:eth0 ");
	routes("far", "10.99.0.0/24>10.99.1.1:eth0 ");
}

static void test_read(void **state)
{
	char path[] = "/tmp/spate-lab-XXXXXX.yaml";
	struct sp_err err = { 0 };
	int fd = mkstemps(path, 5);

	(void)state;
	assert_true(fd >= 0);
	assert_true(write(fd, "lab: {hosts: [a]}\n", 18) == 18);
	close(fd);
	assert_int_equal(sp_lab_spec_read(&spec, path, sp_mem_system(), &err), 0);
	assert_int_equal(strncmp(spec.name, "spate-lab-", 10), 0);
	assert_null(strchr(spec.name, '.'));
	unlink(path);
	assert_int_equal(sp_lab_spec_read(&spec, path, sp_mem_system(), &err), -ENOENT);
	assert_int_equal(err.exit, SP_EXIT_NOINPUT);
}

static void test_no_memory(void **state)
{
	static const char text[] = "lab: {hosts: [a, b], links: [{ends: [a, b], loss: 1%}]}\n";
	char path[] = "/tmp/spate-lab-XXXXXX.yaml";
	int fd = mkstemps(path, 5), rc = -ENOMEM;
	uint64_t n = 0;

	(void)state;
	assert_true(fd >= 0);
	assert_true(write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	close(fd);
	for (; rc && n < 200; n++) {
		struct sp_err err = { 0 };
		struct sp_mem_test t;

		sp_mem_test_init(&t, n);
		rc = sp_lab_spec_read(&spec, path, &t.mem, &err);
		assert_true(!rc || (rc == -ENOMEM && err.text[0]));
		assert_int_equal(t.live, 0);
	}
	unlink(path);
	assert_int_equal(rc, 0);
	assert_true(n > 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hosts),	  cmocka_unit_test(test_file),
		cmocka_unit_test(test_wrong),	  cmocka_unit_test(test_wrong_addresses),
		cmocka_unit_test(test_ring),	  cmocka_unit_test(test_limits),
		cmocka_unit_test(test_change),	  cmocka_unit_test(test_can),
		cmocka_unit_test(test_routes),	  cmocka_unit_test(test_read),
		cmocka_unit_test(test_no_memory),
	};

	return cmocka_run_group_tests_name("lab/spec", tests, NULL, NULL);
}
