#include "conn/tls/tls.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <errno.h>
#include <openssl/pem.h>

#include "base/rng.h"

extern const struct sp_wrap_ops sp_wrap_tls;

/* ---- a connection in memory: two ends, each with what is on its way to it ---- */

#define PIPE_MAX 300000u

struct end {
	struct sp_conn conn; /* first */
	struct end *far;
	uint8_t data[PIPE_MAX];
	size_t n, room; /* room: what fits on the way to here */
	size_t most;	/* bytes a call */
	bool fin, far_fin, opening, closed, reset;
	int error;
	unsigned reads, writes;
};

static struct end *end_of(struct sp_conn *c)
{
	return (struct end *)c;
}

static int end_open(struct sp_conn *c)
{
	return end_of(c)->opening ? -EAGAIN : 0;
}

static ssize_t end_read(struct sp_conn *c, void *data, size_t len)
{
	struct end *e = end_of(c);

	e->reads++;
	if (e->error)
		return e->error;
	if (!e->n)
		return e->far_fin ? 0 : -EAGAIN;
	len = len < e->n ? len : e->n;
	len = len < e->most ? len : e->most;
	memcpy(data, e->data, len);
	e->n -= len;
	memmove(e->data, e->data + len, e->n);
	return (ssize_t)len;
}

static ssize_t end_write(struct sp_conn *c, const struct iovec *iov, int n)
{
	struct end *e = end_of(c), *far = e->far;
	size_t len = iov[0].iov_len;

	assert_int_equal(n, 1);
	e->writes++;
	if (e->error)
		return e->error;
	len = len < far->room - far->n ? len : far->room - far->n;
	len = len < e->most ? len : e->most;
	if (!len)
		return -EAGAIN;
	memcpy(far->data + far->n, iov[0].iov_base, len);
	far->n += len;
	return (ssize_t)len;
}

static int end_shutdown(struct sp_conn *c)
{
	end_of(c)->fin = true;
	end_of(c)->far->far_fin = true;
	return 0;
}

static int end_ends(const struct sp_conn *c, struct sp_endpoint *remote,
		    struct sp_endpoint *local)
{
	(void)c;
	if (remote)
		remote->port = 443;
	if (local)
		local->port = 1;
	return 0;
}

static void end_close(struct sp_conn *c, bool reset)
{
	end_of(c)->closed = true;
	end_of(c)->reset = reset;
	end_shutdown(c);
}

static const struct sp_conn_ops end_ops = {
	.open = end_open,
	.read = end_read,
	.write = end_write,
	.shutdown = end_shutdown,
	.ends = end_ends,
	.close = end_close,
};

/* ---- two layers, and a connection between them ---- */

struct rig {
	struct sp_env env;
	struct sp_wrap *wrap[2]; /* client, server */
	struct end end[2];
	struct sp_conn *conn[2];
};
enum { CLIENT, SERVER };

static void layer(struct rig *r, unsigned side, const struct sp_tls_conf *conf,
		  const char *peer)
{
	const struct sp_wrap_args args = {
		.conf = conf, .server = side == SERVER, .peer_name = peer, .max_conns = 2
	};
	struct sp_err err = { 0 };

	if (sp_wrap_tls.open(&r->wrap[side], &args, &r->env, &err))
		fail_msg("%s", err.text);
}

static void connect_ends(struct rig *r)
{
	for (unsigned i = 0; i < 2; i++) {
		memset(&r->end[i], 0, sizeof r->end[i]);
		r->end[i].conn = (struct sp_conn){ &end_ops, 77 };
		r->end[i].far = &r->end[!i];
		r->end[i].room = r->end[i].most = PIPE_MAX;
		assert_int_equal(sp_wrap_tls.wrap(r->wrap[i], &r->end[i].conn, &r->conn[i]), 0);
		assert_int_equal(r->conn[i]->id, 77);
	}
}

static struct rig *rig_new(const struct sp_tls_conf *client, const struct sp_tls_conf *server,
			   const char *peer)
{
	struct rig *r = calloc(1, sizeof *r);

	assert_non_null(r);
	r->env = (struct sp_env){ .mem = sp_mem_system() };
	layer(r, CLIENT, client, peer);
	layer(r, SERVER, server, NULL);
	connect_ends(r);
	return r;
}

static void hang_up(struct rig *r)
{
	for (unsigned i = 0; i < 2; i++)
		if (r->conn[i])
			r->conn[i]->ops->close(r->conn[i], false);
	r->conn[0] = r->conn[1] = NULL;
}

static void rig_free(struct rig *r)
{
	hang_up(r);
	for (unsigned i = 0; i < 2; i++)
		sp_wrap_tls.close(r->wrap[i]);
	free(r);
}

/* Turns for both until both are open or one has failed: its error, else 0. */
static int handshake(struct rig *r)
{
	for (unsigned i = 0; i < 20000; i++) {
		int a = r->conn[CLIENT]->ops->open(r->conn[CLIENT]);
		int b = r->conn[SERVER]->ops->open(r->conn[SERVER]);

		if (!a && !b)
			return 0;
		if (b != -EAGAIN && b)
			/* The alert is on its way. */
			r->conn[CLIENT]->ops->open(r->conn[CLIENT]);
		if ((a && a != -EAGAIN) || (b && b != -EAGAIN))
			return a && a != -EAGAIN ? a : b;
	}
	return -EAGAIN;
}

static ssize_t put(struct rig *r, unsigned side, const void *data, size_t len)
{
	union {
		const void *in;
		void *out;
	} p = { data };
	struct iovec iov = { p.out, len };

	return r->conn[side]->ops->write(r->conn[side], &iov, 1);
}

static ssize_t get(struct rig *r, unsigned side, void *data, size_t len)
{
	return r->conn[side]->ops->read(r->conn[side], data, len);
}

static const char *why(struct rig *r, unsigned side)
{
	return r->conn[side]->ops->why(r->conn[side]);
}

static const struct sp_tls_conf trusting = { .insecure = true, .alpn = "http/1.1" };
static const struct sp_tls_conf plain = { .alpn = "http/1.1" };

static void talk_and_part(void **state)
{
	struct rig *r = rig_new(&trusting, &plain, "localhost");
	struct sp_endpoint remote = { 0 };
	char text[20] = "";

	(void)state;
	r->end[CLIENT].opening = true;
	assert_int_equal(r->conn[CLIENT]->ops->open(r->conn[CLIENT]), -EAGAIN);
	assert_int_equal(r->end[SERVER].n, 0);
	assert_int_equal(get(r, CLIENT, text, 20), -EAGAIN);
	assert_int_equal(put(r, CLIENT, "x", 1), -EAGAIN);
	r->end[CLIENT].opening = false;
	assert_int_equal(handshake(r), 0);
	assert_int_equal(r->conn[CLIENT]->ops->ends(r->conn[CLIENT], &remote, NULL), 0);
	assert_int_equal(remote.port, 443);
	assert_int_equal(put(r, CLIENT, "hello", 5), 5);
	assert_int_equal(get(r, SERVER, text, 20), 5);
	assert_string_equal(text, "hello");
	assert_int_equal(get(r, SERVER, text, 20), -EAGAIN);
	assert_int_equal(put(r, SERVER, "answer", 6), 6);
	assert_int_equal(get(r, CLIENT, text, 3), 3);
	assert_int_equal(get(r, CLIENT, text, 20), 3);
	/* The server ends its direction; the client still writes. */
	assert_int_equal(r->conn[SERVER]->ops->shutdown(r->conn[SERVER]), 0);
	assert_true(r->end[SERVER].fin);
	assert_int_equal(get(r, CLIENT, text, 20), 0);
	assert_int_equal(get(r, CLIENT, text, 20), 0);
	assert_int_equal(put(r, SERVER, "x", 1), -EPIPE);
	assert_int_equal(put(r, CLIENT, "bye", 3), 3);
	assert_int_equal(get(r, SERVER, text, 20), 3);
	r->conn[CLIENT]->ops->close(r->conn[CLIENT], false);
	r->conn[CLIENT] = NULL;
	assert_true(r->end[CLIENT].closed && !r->end[CLIENT].reset);
	assert_int_equal(get(r, SERVER, text, 20), 0);
	assert_false(r->wrap[CLIENT]->troubled || r->wrap[SERVER]->troubled);
	rig_free(r);
}

/* A megabyte each way through narrow and ragged pipes, in pieces of all sizes. */
static void much_through_little(void **state)
{
	static uint8_t in[1000000], out[sizeof in];
	struct rig *r = rig_new(&trusting, &plain, NULL);
	struct sp_rng rng;

	(void)state;
	sp_rng_init(&rng, 8446, "pipe");
	for (size_t i = 0; i < sizeof in; i++)
		in[i] = (uint8_t)sp_rng_u64(&rng);
	for (unsigned round = 0; round < 4; round++) {
		unsigned from = round & 1;
		size_t sent = 0, got = 0;

		for (unsigned i = 0; i < 2; i++) {
			r->end[i].most = round < 2 ? 700 : PIPE_MAX;
			r->end[i].room = round < 2 ? 5000 : PIPE_MAX;
		}
		assert_int_equal(handshake(r), 0);
		while (got < sizeof in) {
			/* What was refused is offered again, with more behind it. */
			size_t n = 1 + (size_t)sp_rng_below(&rng, 40000), a = n / 3;
			struct iovec iov[3];
			ssize_t w, g;

			n = n < 17000 ? 17000 : n;
			n = n < sizeof in - sent ? n : sizeof in - sent;
			a = a < n ? a : n;
			iov[0] = (struct iovec){ in + sent, a ? a : n };
			iov[1] = (struct iovec){ in + sent + a, (n - a) / 2 };
			iov[2] = (struct iovec){ in + sent + a + (n - a) / 2,
						 n - a - (n - a) / 2 };
			w = n ? r->conn[from]->ops->write(r->conn[from], iov, a ? 3 : 1)
			      : -EAGAIN;
			assert_true(w > 0 || w == -EAGAIN);
			sent += w > 0 ? (size_t)w : 0;
			g = get(r, !from, out + got, 1 + (size_t)sp_rng_below(&rng, 30000));
			assert_true(g > 0 || g == -EAGAIN);
			got += g > 0 ? (size_t)g : 0;
			assert_true(got <= sizeof in);
		}
		assert_memory_equal(in, out, sizeof in);
	}
	rig_free(r);
}

/* A read takes what is there: one call below for many small records. */
static void reads_ahead(void **state)
{
	struct rig *r = rig_new(&trusting, &plain, NULL);
	unsigned before;
	char c;

	(void)state;
	assert_int_equal(handshake(r), 0);
	while (get(r, CLIENT, &c, 1) != -EAGAIN)
		; /* session tickets */
	for (unsigned i = 0; i < 50; i++)
		assert_int_equal(put(r, SERVER, "a", 1), 1);
	before = r->end[CLIENT].reads;
	for (unsigned i = 0; i < 50; i++)
		assert_int_equal(get(r, CLIENT, &c, 1), 1);
	assert_int_equal(get(r, CLIENT, &c, 1), -EAGAIN);
	assert_true(r->end[CLIENT].reads - before <= 3);
	rig_free(r);
}

/* ---- whom to trust ---- */

static void write_pem(const char *path, X509 *cert, EVP_PKEY *key)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_int_equal(PEM_write_X509(f, cert), 1);
	if (key)
		assert_int_equal(PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL), 1);
	fclose(f);
}

static void trust(void **state)
{
	char mine[] = "/tmp/spate-tls-XXXXXX", other[] = "/tmp/spate-tls-XXXXXX";
	static const struct {
		const char *peer;
		bool right, good;
		const char *why;
	} rows[] = {
		{ "localhost", true, true, NULL },
		{ "LocalHost.", true, true, NULL },
		{ "127.0.0.1", true, true, NULL },
		{ "::1", true, true, NULL },
		{ "127.0.0.2", true, false, "IP address mismatch" },
		{ "example.org", true, false, "hostname mismatch" },
		{ "localhost", false, false, "self-signed certificate" },
	};
	EVP_PKEY *key;
	X509 *cert;

	(void)state;
	close(mkstemp(mine));
	close(mkstemp(other));
	cert = sp_tls_throwaway(&key);
	write_pem(mine, cert, key);
	X509_free(cert);
	EVP_PKEY_free(key);
	cert = sp_tls_throwaway(&key);
	write_pem(other, cert, NULL);
	X509_free(cert);
	EVP_PKEY_free(key);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct sp_tls_conf s = { .cert = mine };
		struct sp_tls_conf c = { .ca = rows[i].right ? mine : other };
		struct rig *r = rig_new(&c, &s, rows[i].peer);

		assert_int_equal(handshake(r), rows[i].good ? 0 : -EPROTO);
		if (!rows[i].good) {
			assert_non_null(why(r, CLIENT));
			if (!strstr(why(r, CLIENT), rows[i].why))
				fail_msg("%s", why(r, CLIENT));
			assert_non_null(strstr(why(r, SERVER), "the handshake failed"));
			assert_int_equal(get(r, CLIENT, mine, 1), -EPROTO);
			assert_int_equal(put(r, CLIENT, "x", 1), -EPROTO);
		}
		rig_free(r);
	}
	unlink(mine);
	unlink(other);
}

static void names_the_server(void **state)
{
	struct rig *r = rig_new(&trusting, &plain, "sensor-a.example");
	const char *name;

	(void)state;
	assert_int_equal(handshake(r), 0);
	name = SSL_get_servername(((struct sp_tls_conn *)r->conn[SERVER])->ssl,
				  TLSEXT_NAMETYPE_host_name);
	assert_non_null(name);
	assert_string_equal(name, "sensor-a.example");
	rig_free(r);
	/* An address is no name (RFC 6066 3). */
	r = rig_new(&trusting, &plain, "10.0.0.1");
	assert_int_equal(handshake(r), 0);
	assert_null(SSL_get_servername(((struct sp_tls_conn *)r->conn[SERVER])->ssl,
				       TLSEXT_NAMETYPE_host_name));
	rig_free(r);
}

static void names_the_protocol(void **state)
{
	const struct sp_tls_conf h2 = { .insecure = true, .alpn = "h2" };
	const struct sp_tls_conf none = { .insecure = true, .alpn = "" };
	struct rig *r = rig_new(&trusting, &plain, NULL);
	const unsigned char *name;
	unsigned len;

	(void)state;
	assert_int_equal(handshake(r), 0);
	SSL_get0_alpn_selected(((struct sp_tls_conn *)r->conn[CLIENT])->ssl, &name, &len);
	assert_int_equal(len, 8);
	assert_memory_equal(name, "http/1.1", 8);
	rig_free(r);
	r = rig_new(&h2, &plain, NULL);
	assert_int_equal(handshake(r), -EPROTO);
	assert_non_null(strstr(why(r, CLIENT), "no application protocol"));
	rig_free(r);
	r = rig_new(&none, &plain, NULL);
	assert_int_equal(handshake(r), 0);
	rig_free(r);
}

static void versions_must_meet(void **state)
{
	const struct sp_tls_conf old = { .insecure = true, .version = 1 };
	const struct sp_tls_conf new = { .insecure = true, .version = 2 };
	struct rig *r = rig_new(&old, &plain, NULL);

	(void)state;
	assert_int_equal(handshake(r), 0);
	assert_string_equal(SSL_get_version(((struct sp_tls_conn *)r->conn[CLIENT])->ssl),
			    "TLSv1.2");
	rig_free(r);
	r = rig_new(&new, &old, NULL);
	assert_int_equal(handshake(r), -EPROTO);
	assert_non_null(strstr(why(r, CLIENT), "protocol version"));
	rig_free(r);
}

/* Is the second connection's session the first one's? */
static bool resumes(bool client, bool server, int version)
{
	const struct sp_tls_conf c = { .insecure = true, .resume = client, .version = version };
	const struct sp_tls_conf s = { .resume = server };
	struct rig *r = rig_new(&c, &s, "localhost");
	bool reused;
	char b[8];

	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(handshake(r), 0);
		assert_int_equal(put(r, CLIENT, "x", 1), 1);
		assert_int_equal(get(r, SERVER, b, 8), 1);
		assert_int_equal(put(r, SERVER, "y", 1), 1);
		assert_int_equal(get(r, CLIENT, b, 8), 1);
		reused = SSL_session_reused(((struct sp_tls_conn *)r->conn[CLIENT])->ssl);
		hang_up(r);
		connect_ends(r);
	}
	rig_free(r);
	return reused;
}

static void sessions_are_taken_up_if_wanted(void **state)
{
	(void)state;
	for (int version = 1; version <= 2; version++) {
		assert_true(resumes(true, true, version));
		assert_false(resumes(false, true, version));
		assert_false(resumes(true, false, version));
	}
}

/* ---- bad peers ---- */

static void cut_off(void **state)
{
	struct rig *r = rig_new(&trusting, &plain, NULL);
	char text[8];

	(void)state;
	/* in the data: not an end, an error */
	assert_int_equal(handshake(r), 0);
	assert_int_equal(put(r, SERVER, "hello", 5), 5);
	r->end[SERVER].conn.ops->shutdown(&r->end[SERVER].conn);
	assert_int_equal(get(r, CLIENT, text, 8), 5);
	assert_int_equal(get(r, CLIENT, text, 8), -EPROTO);
	assert_non_null(strstr(why(r, CLIENT), "without close_notify"));
	assert_int_equal(get(r, CLIENT, text, 8), -EPROTO);
	hang_up(r);
	rig_free(r);
	/* in the handshake */
	r = rig_new(&trusting, &plain, NULL);
	assert_int_equal(r->conn[CLIENT]->ops->open(r->conn[CLIENT]), -EAGAIN);
	r->end[SERVER].conn.ops->shutdown(&r->end[SERVER].conn);
	assert_int_equal(r->conn[CLIENT]->ops->open(r->conn[CLIENT]), -EPROTO);
	assert_string_equal(why(r, CLIENT), "the peer ended during the handshake");
	assert_int_equal(r->conn[CLIENT]->ops->open(r->conn[CLIENT]), -EPROTO);
	rig_free(r);
}

/* What ends the connection below is handed on as it is. */
static void errors_from_below(void **state)
{
	struct rig *r = rig_new(&trusting, &plain, NULL);
	char text[8];

	(void)state;
	r->end[CLIENT].error = -ETIMEDOUT;
	assert_int_equal(r->conn[CLIENT]->ops->open(r->conn[CLIENT]), -ETIMEDOUT);
	assert_null(why(r, CLIENT));
	hang_up(r);
	connect_ends(r);
	assert_int_equal(handshake(r), 0);
	r->end[CLIENT].error = -ECONNRESET;
	assert_int_equal(put(r, CLIENT, "x", 1), -ECONNRESET);
	assert_int_equal(get(r, CLIENT, text, 8), -ECONNRESET);
	assert_int_equal(r->conn[CLIENT]->ops->shutdown(r->conn[CLIENT]), 0);
	assert_null(why(r, CLIENT));
	assert_false(r->wrap[CLIENT]->troubled);
	rig_free(r);
}

static void not_tls_at_all(void **state)
{
	struct rig *r = rig_new(&trusting, &plain, NULL);
	struct iovec http = { (char[]){ "GET / HTTP/1.1\r\nHost: x\r\n\r\n" }, 27 };

	(void)state;
	end_write(&r->end[CLIENT].conn, &http, 1);
	assert_int_equal(r->conn[SERVER]->ops->open(r->conn[SERVER]), -EPROTO);
	assert_non_null(strstr(why(r, SERVER), "http request"));
	rig_free(r);
}

/* Bytes broken anywhere: an error or nothing, never a crash, and never other data. */
static void garbage(void **state)
{
	struct rig *r = rig_new(&trusting, &plain, NULL);
	unsigned failed = 0, came = 0;
	struct sp_rng rng;

	(void)state;
	sp_rng_init(&rng, 5246, "garbage");
	for (unsigned round = 0; round < 300; round++) {
		uint8_t data[100] = { 0 };
		unsigned turn = 0, at = (unsigned)sp_rng_below(&rng, 12);
		int a = -EAGAIN, b = -EAGAIN;
		ssize_t n = -EAGAIN;

		for (; turn < 12; turn++) {
			struct end *e = &r->end[turn & 1];

			if (a == -EAGAIN)
				a = r->conn[CLIENT]->ops->open(r->conn[CLIENT]);
			if (b == -EAGAIN)
				b = r->conn[SERVER]->ops->open(r->conn[SERVER]);
			if (a == 0 && turn < 6)
				put(r, CLIENT, "0123456789", 10);
			if (turn == at && e->n)
				e->data[sp_rng_below(&rng, e->n)] ^=
					(uint8_t)(1 + sp_rng_below(&rng, 255));
			if (b == 0 && n == -EAGAIN)
				n = get(r, SERVER, data, sizeof data);
			if (n > 0)
				assert_memory_equal(data, "0123456789", 10);
		}
		came += n > 0;
		failed += (a && a != -EAGAIN) || (b && b != -EAGAIN) ||
			  (n <= 0 && n != -EAGAIN);
		hang_up(r);
		connect_ends(r);
	}
	assert_true(failed > 30 && came > 30);
	rig_free(r);
}

static void random_bytes(void **state)
{
	struct rig *r = rig_new(&trusting, &plain, NULL);
	struct sp_rng rng;

	(void)state;
	sp_rng_init(&rng, 2246, "noise");
	for (unsigned round = 0; round < 200; round++) {
		struct end *e = &r->end[round & 1];

		e->n = 6 + (size_t)sp_rng_below(&rng, 2000);
		for (size_t i = 0; i < e->n; i++)
			e->data[i] = (uint8_t)sp_rng_u64(&rng);
		if (round & 2) /* as if it were a record of a handshake */
			memcpy(e->data, "\x16\x03\x03\x00\x40\x02", 6);
		for (unsigned i = 0; i < 3; i++)
			r->conn[round & 1]->ops->open(r->conn[round & 1]);
		assert_true(r->conn[round & 1]->ops->open(r->conn[round & 1]) != 0);
		hang_up(r);
		connect_ends(r);
	}
	rig_free(r);
}

/* ---- room and settings ---- */

static void no_more_than_asked(void **state)
{
	struct rig *r = rig_new(&trusting, &plain, NULL);
	struct end lower = { .conn = { &end_ops, 1 } };
	struct sp_conn *second, *third;

	(void)state;
	assert_int_equal(sp_wrap_tls.wrap(r->wrap[CLIENT], &lower.conn, &second), 0);
	assert_int_equal(sp_wrap_tls.wrap(r->wrap[CLIENT], &lower.conn, &third), -ENOBUFS);
	assert_false(lower.closed);
	lower.far = &lower;
	second->ops->close(second, true);
	assert_true(lower.closed && lower.reset);
	assert_int_equal(sp_wrap_tls.wrap(r->wrap[CLIENT], &lower.conn, &second), 0);
	second->ops->close(second, true);
	rig_free(r);
}

static void wrong_settings(void **state)
{
	static const struct {
		struct sp_tls_conf conf;
		const char *text;
		enum sp_exit exit;
	} rows[] = {
		{ { .cert = "/nonexistent" },
		  "tls: certificate /nonexistent: ",
		  SP_EXIT_NOINPUT },
		{ { .ca = "/nonexistent" }, "tls: CA file /nonexistent: ", SP_EXIT_NOINPUT },
		{ { .key = "/x" }, "tls: a key is given and no certificate", SP_EXIT_USAGE },
	};
	struct sp_env env = { .mem = sp_mem_system() };

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct sp_wrap_args args = { .conf = &rows[i].conf, .max_conns = 1 };
		struct sp_err e = { 0 };
		struct sp_wrap *w;

		assert_true(sp_wrap_tls.open(&w, &args, &env, &e) < 0);
		if (strncmp(e.text, rows[i].text, strlen(rows[i].text)))
			fail_msg("%s", e.text);
		assert_int_equal(e.exit, rows[i].exit);
	}
}

static void open_without_memory(void **state)
{
	int r = -ENOMEM;

	(void)state;
	for (uint64_t n = 0; r; n++) {
		const struct sp_wrap_args args = { .peer_name = "x", .max_conns = 3 };
		struct sp_err e = { 0 };
		struct sp_mem_test m;
		struct sp_env env = { .mem = &m.mem };
		struct sp_wrap *w;

		assert_true(n < 30);
		sp_mem_test_init(&m, n);
		r = sp_wrap_tls.open(&w, &args, &env, &e);
		if (r)
			assert_int_equal(r, -ENOMEM);
		else
			sp_wrap_tls.close(w);
		assert_int_equal(m.live, 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(talk_and_part),
		cmocka_unit_test(much_through_little),
		cmocka_unit_test(reads_ahead),
		cmocka_unit_test(trust),
		cmocka_unit_test(names_the_server),
		cmocka_unit_test(names_the_protocol),
		cmocka_unit_test(versions_must_meet),
		cmocka_unit_test(sessions_are_taken_up_if_wanted),
		cmocka_unit_test(cut_off),
		cmocka_unit_test(errors_from_below),
		cmocka_unit_test(not_tls_at_all),
		cmocka_unit_test(garbage),
		cmocka_unit_test(random_bytes),
		cmocka_unit_test(no_more_than_asked),
		cmocka_unit_test(wrong_settings),
		cmocka_unit_test(open_without_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
