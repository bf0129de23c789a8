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

int sp_ctl_chan_flush(struct sp_ctl_chan *c)
{
	ssize_t n;

	while (sp_ctl_chan_pending(c)) {
		n = send(c->fd, c->out + c->out_at, c->out_end - c->out_at,
			 MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EAGAIN || errno == ENOBUFS ? 0 : -errno;
		c->packets++;
		c->out_at += (uint32_t)n;
	}
	c->out_at = 0;
	c->out_end = 0;
	return 1;
}

int sp_ctl_chan_read(struct sp_ctl_chan *c, uint8_t *buf, uint32_t max)
{
	uint32_t have, whole;
	ssize_t n;

	if (!max)
		return 0;
	memcpy(buf, c->in, c->in_len);
	do
		n = recv(c->fd, buf + c->in_len, (size_t)max * SP_CTL_RECORD - c->in_len,
			 MSG_DONTWAIT);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return errno == EAGAIN ? 0 : -errno;
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
	if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
}
