/* OpenSSL's view of the connection below. */
#include <errno.h>
#include <openssl/bio.h>

#include "conn/tls/tls.h"

static int bio_read(BIO *b, char *data, size_t len, size_t *got)
{
	struct sp_tls_conn *c = BIO_get_data(b);
	ssize_t n = c->lower->ops->read(c->lower, data, len);

	*got = n > 0 ? (size_t)n : 0;
	BIO_clear_retry_flags(b);
	if (n == -EAGAIN)
		BIO_set_retry_read(b);
	else if (n < 0)
		c->lower_error = (int)n;
	else if (!n)
		c->ended = true;
	return n > 0;
}

static int bio_write(BIO *b, const char *data, size_t len, size_t *put)
{
	struct sp_tls_conn *c = BIO_get_data(b);
	union {
		const char *in;
		void *out; /* iov_base is not const, but nobody writes there */
	} p = { data };
	struct iovec iov = { p.out, len };
	ssize_t n = c->lower->ops->write(c->lower, &iov, 1);

	*put = n > 0 ? (size_t)n : 0;
	BIO_clear_retry_flags(b);
	if (n == -EAGAIN)
		BIO_set_retry_write(b);
	else if (n < 0)
		c->lower_error = (int)n;
	return n > 0;
}

static long bio_ctrl(BIO *b, int command, long num, void *arg)
{
	const struct sp_tls_conn *c = BIO_get_data(b);

	(void)num;
	(void)arg;
	if (command == BIO_CTRL_EOF)
		return c->ended;
	return command == BIO_CTRL_FLUSH; /* nothing is held back here */
}

BIO_METHOD *sp_tls_bio_method(void)
{
	BIO_METHOD *m = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "spate conn");

	if (!m)
		return NULL;
	if (BIO_meth_set_read_ex(m, bio_read) && BIO_meth_set_write_ex(m, bio_write) &&
	    BIO_meth_set_ctrl(m, bio_ctrl))
		return m;
	BIO_meth_free(m);
	return NULL;
}

BIO *sp_tls_bio(const BIO_METHOD *method, struct sp_tls_conn *c)
{
	BIO *b = BIO_new(method);

	if (!b)
		return NULL;
	BIO_set_data(b, c);
	BIO_set_init(b, 1);
	return b;
}
