#include "ctl/channel.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

void sp_ctl_chan_put(struct sp_ctl_chan *c, const struct sp_ctl_msg *m)
{
	sp_ctl_encode(m, c->out + c->out_end);
	c->out_end += SP_CTL_RECORD;
}

/* Bytes moved or a negative errno. */
static ssize_t put_bytes(struct sp_ctl_chan *c, const uint8_t *data, size_t len)
{
	ssize_t n;

	if (c->tls)
		return sp_tls_write(c->tls, data, len);
	n = send(c->fd, data, len, MSG_NOSIGNAL | MSG_DONTWAIT);
	return n < 0 ? -errno : n;
}

/* The same; 0 at the end. */
static ssize_t get_bytes(struct sp_ctl_chan *c, uint8_t *data, size_t len)
{
	ssize_t n;

	if (c->tls)
		return sp_tls_read(c->tls, data, len);
	n = recv(c->fd, data, len, MSG_DONTWAIT);
	return n < 0 ? -errno : n;
}

int sp_ctl_chan_flush(struct sp_ctl_chan *c)
{
	ssize_t n;

	while (sp_ctl_chan_pending(c)) {
		n = put_bytes(c, c->out + c->out_at, c->out_end - c->out_at);
		if (n == -EINTR)
			continue;
		if (n < 0)
			return n == -EAGAIN || n == -ENOBUFS ? 0 : (int)n;
		c->packets++;
		c->out_at += (uint32_t)n;
	}
	c->out_at = 0;
	c->out_end = 0;
	return 1;
}

bool sp_ctl_chan_buffered(const struct sp_ctl_chan *c)
{
	return c->tls && sp_tls_buffered(c->tls);
}

int sp_ctl_chan_read(struct sp_ctl_chan *c, uint8_t *buf, uint32_t max)
{
	uint32_t have, whole;
	ssize_t n;

	if (!max)
		return 0;
	memcpy(buf, c->in, c->in_len);
	do
		n = get_bytes(c, buf + c->in_len, (size_t)max * SP_CTL_RECORD - c->in_len);
	while (n == -EINTR);
	if (n < 0)
		return n == -EAGAIN ? 0 : (int)n;
	if (n == 0)
		return -ENODATA;
	c->packets++;
	have = c->in_len + (uint32_t)n;
	whole = have / SP_CTL_RECORD;
	c->in_len = have % SP_CTL_RECORD;
	memcpy(c->in, buf + (size_t)whole * SP_CTL_RECORD, c->in_len);
	return (int)whole;
}

void sp_ctl_chan_close(struct sp_ctl_chan *c)
{
	if (c->tls)
		sp_tls_bye(c->tls);
	sp_tls_free(c->tls);
	c->tls = NULL;
	if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
}
