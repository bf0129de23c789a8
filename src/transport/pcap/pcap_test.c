#include "plugin/transport.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

extern const struct sp_transport_ops sp_transport_pcap;
static const struct sp_transport_ops *const ops = &sp_transport_pcap;

#define CAP 64u

static const struct sp_endpoint target = { .addr = { .family = 4, .ip = { 10, 1, 1, 2 } },
					   .port = 5001 };
static const struct sp_permit permit = { .magic = SP_PERMIT_MAGIC, .to = &target, .n_to = 1 };

struct rig {
	char path[64];
	struct sp_clock clock;
	struct sp_log log;
	struct sp_env env;
	struct sp_arena arena;
	void *conf;
	struct sp_port_conf port_conf;
	unsigned logged;
	char last_log[400];
};

static void log_write(void *arg, enum sp_log_level level, const char *text)
{
	struct rig *r = arg;

	assert_int_equal(level, SP_LOG_ERROR);
	r->logged++;
	strncpy(r->last_log, text, sizeof r->last_log - 1);
}

static int setup(void **state)
{
	static struct rig rig;
	struct rig *r = &rig;
	int fd;

	memset(r, 0, sizeof *r);
	strcpy(r->path, "/tmp/spate-pcap-XXXXXX");
	fd = mkstemp(r->path);
	if (fd < 0 || close(fd))
		return -1;
	sp_clock_init_virtual(&r->clock, SP_NS_PER_S);
	r->log = (struct sp_log){ .arg = r, .write = log_write, .max = SP_LOG_DEBUG };
	r->env = (struct sp_env){ .mem = sp_mem_system(), .clock = &r->clock, .log = &r->log };
	sp_arena_init(&r->arena, sp_mem_system());
	r->conf = sp_arena_alloc(&r->arena, ops->conf_size);
	r->port_conf = (struct sp_port_conf){
		.name = "f", .workers = 1, .tx = true, .max_endpoints = 2, .conf = r->conf
	};
	*state = r;
	return sp_opts_set(ops->opts, r->conf, "file", r->path, "test", &r->arena, NULL);
}

static int teardown(void **state)
{
	struct rig *r = *state;

	sp_arena_fini(&r->arena);
	return unlink(r->path);
}

static void time_is_the_intended_departure(void **state)
{
	struct rig *r = *state;
	struct sp_err err = { .code = 0 };
	struct sp_msg m[CAP];
	struct sp_batch b = { .cap = CAP, .m = m };
	struct sp_port *port;
	struct sp_queue *q;
	struct sp_tstats s;
	uint32_t word[4];
	uint8_t got[400];
	int fd;

	assert_int_equal(ops->open(&port, &r->port_conf, &permit, &r->env, &err), 0);
	assert_int_equal(ops->queue(port, 0, &q, &err), 0);
	assert_int_equal(ops->queue(port, 1, &q, &err), -EINVAL);
	assert_int_equal(ops->tx_slots(q, &b, 2, 60, 3), 2);
	for (uint32_t i = 0; i < 2; i++) {
		memset(m[i].data, 'a' + (int)i, 60);
		m[i].t_ns = 3 * SP_NS_PER_S + 7 + i;
	}
	assert_int_equal(ops->tx_burst(q, &b, 0, false), 2);
	ops->stats(q, &s);
	assert_int_equal(s.tx_msgs, 2);
	assert_int_equal(s.tx_bytes, 120);
	assert_int_equal(ops->flush(q), 0);
	ops->close(port);

	fd = open(r->path, O_RDONLY);
	assert_int_equal(read(fd, got, sizeof got), 24 + 2 * 76);
	close(fd);
	memcpy(word, got + 24 + 76, sizeof word);
	assert_int_equal(word[0], 1767225600 + 3); /* 2026-01-01T00:00:03Z */
	assert_int_equal(word[1], 8);
	assert_int_equal(word[2], 60);
	assert_int_equal(word[3], 60);
	assert_int_equal(got[24 + 76 + 16], 'b');
	assert_int_equal(r->logged, 0);
}

static void neighbours_are_made_up(void **state)
{
	static const uint8_t src[6] = { 2, 0, 0, 0, 0, 1 }, dst[6] = { 2, 0, 0, 0, 0, 2 };
	const struct sp_endpoint v6 = { .addr = { .family = 6, .ip = { 0xfd, [15] = 2 } } };
	struct rig *r = *state;
	struct sp_err err = { .code = 0 };
	struct sp_endpoint remote, local;
	struct sp_link link;
	struct sp_port *port;
	struct sp_queue *q;
	char text[64];
	uint32_t ep;

	r->port_conf.bind.port = 1234;
	assert_int_equal(ops->open(&port, &r->port_conf, &permit, &r->env, &err), 0);
	assert_int_equal(ops->link(port, &target, &link, &err), 0);
	assert_memory_equal(link.src_mac, src, 6);
	assert_memory_equal(link.dst_mac, dst, 6);
	assert_int_equal(link.mtu, 9000);
	assert_string_equal(sp_addr_format(text, sizeof text, &link.src), "192.0.2.1");
	assert_int_equal(ops->link(port, &v6, &link, &err), 0);
	assert_string_equal(sp_addr_format(text, sizeof text, &link.src), "2001:db8::1");
	assert_int_equal(ops->queue(port, 0, &q, &err), 0);
	assert_int_equal(ops->endpoint(q, &v6, &ep, &err), -EACCES);
	assert_int_equal(ops->endpoint(q, &target, &ep, &err), 0);
	assert_int_equal(ops->peer(q, ep, &remote, &local), 0);
	assert_true(sp_endpoint_eq(&remote, &target));
	assert_string_equal(sp_endpoint_format(text, sizeof text, &local), "192.0.2.1:1234");
	ops->close(port);

	r->port_conf.bind.addr = (struct sp_addr){ .family = 4, .ip = { 10, 9, 9, 9 } };
	assert_int_equal(ops->open(&port, &r->port_conf, &permit, &r->env, &err), 0);
	assert_int_equal(ops->link(port, &target, &link, &err), 0);
	assert_string_equal(sp_addr_format(text, sizeof text, &link.src), "10.9.9.9");
	ops->close(port);
}

static void set_file(struct rig *r, const char *file)
{
	memset(r->conf, 0, ops->conf_size);
	assert_int_equal(sp_opts_set(ops->opts, r->conf, "file", file, "test", &r->arena, NULL),
			 0);
}

static void refuses_what_it_cannot(void **state)
{
	struct rig *r = *state;
	struct sp_err err = { .code = 0 };
	struct sp_port *port;

	assert_int_equal(ops->open(&port, &r->port_conf, NULL, &r->env, &err), -EACCES);
	r->port_conf.rx = true;
	assert_int_equal(ops->open(&port, &r->port_conf, &permit, &r->env, &err), -EOPNOTSUPP);
	r->port_conf.rx = false;
	r->port_conf.workers = 2;
	assert_int_equal(ops->open(&port, &r->port_conf, &permit, &r->env, &err), -EINVAL);
	r->port_conf.workers = 1;
	r->port_conf.conf = NULL;
	assert_int_equal(ops->open(&port, &r->port_conf, &permit, &r->env, &err), -EINVAL);
	assert_int_equal(err.exit, SP_EXIT_USAGE);
	r->port_conf.conf = r->conf;
	set_file(r, "-");
	assert_int_equal(ops->check(r->conf, &err), -EINVAL);
	set_file(r, "/dev/full");
	assert_int_equal(ops->open(&port, &r->port_conf, &permit, &r->env, &err), -ENOSPC);
	assert_int_equal(err.exit, SP_EXIT_IO);
}

/* The reader of a pipe goes away: from then on each call fails, and the log says it once. */
static void an_error_is_returned_and_named_once(void **state)
{
	struct rig *r = *state;
	struct sp_err err = { .code = 0 };
	struct sp_msg m[CAP];
	struct sp_batch b = { .cap = CAP, .m = m };
	struct sp_port *port;
	struct sp_queue *q;
	sigset_t set;
	int reader;

	sigemptyset(&set);
	sigaddset(&set, SIGPIPE);
	assert_int_equal(sigprocmask(SIG_BLOCK, &set, NULL), 0);
	assert_int_equal(unlink(r->path), 0);
	assert_int_equal(mkfifo(r->path, 0600), 0);
	reader = open(r->path, O_RDONLY | O_NONBLOCK);
	assert_true(reader >= 0);
	assert_int_equal(ops->open(&port, &r->port_conf, &permit, &r->env, &err), 0);
	assert_int_equal(ops->queue(port, 0, &q, &err), 0);
	close(reader);
	assert_int_equal(ops->tx_slots(q, &b, 10, 60, 1), 10);
	for (uint32_t i = 0; i < 10; i++)
		m[i].t_ns = i;
	assert_int_equal(ops->tx_burst(q, &b, 0, false), 10);
	assert_int_equal(ops->flush(q), -EPIPE);
	assert_int_equal(ops->tx_burst(q, &b, 0, false), -EPIPE);
	assert_int_equal(ops->flush(q), -EPIPE);
	ops->close(port);
	assert_int_equal(r->logged, 1);
	assert_non_null(strstr(r->last_log, "10 more"));
	assert_non_null(strstr(r->last_log, r->path));
}

static void survives_lack_of_memory(void **state)
{
	struct rig *r = *state;
	uint64_t fail = 0;
	int ret = -ENOMEM;

	for (; ret && fail < 50; fail++) {
		struct sp_mem_test t;
		struct sp_err err = { .code = 0 };
		struct sp_port *port;

		sp_mem_test_init(&t, fail);
		r->env.mem = &t.mem;
		ret = ops->open(&port, &r->port_conf, &permit, &r->env, &err);
		if (ret == 0)
			ops->close(port);
		assert_true(ret == 0 || ret == -ENOMEM);
		assert_int_equal(t.live, 0);
	}
	assert_true(ret == 0 && fail > 6);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(time_is_the_intended_departure), T(neighbours_are_made_up),
		T(refuses_what_it_cannot),	   T(an_error_is_returned_and_named_once),
		T(survives_lack_of_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
