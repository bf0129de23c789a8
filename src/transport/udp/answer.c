#include "transport/udp/udp.h"

#include "plugin/tstats.h"

#include <errno.h>

#define UNITS 64u

struct units {
	struct mmsghdr mm[UNITS];
	struct iovec iov[UNITS];
	struct sockaddr_in6 to[UNITS];
};

/* The socket of messages [i ..) that came in by the same one, and how many of them. */
static uint32_t build(const struct sp_queue *q, const struct sp_batch *b, uint32_t i,
		      struct units *u, uint32_t *lane)
{
	uint32_t n = 0;

	for (; n < UNITS && i + n < b->n; n++) {
		const struct sp_msg *m = &b->m[i + n];
		const struct sp_endpoint_entry *from = sp_endpoints_at(&q->peers, m->ep);

		if (!from || !from->lane || (n && from->lane != *lane))
			break;
		*lane = from->lane;
		u->iov[n] = (struct iovec){ m->data, m->len };
		u->mm[n].msg_hdr = (struct msghdr){
			.msg_name = &u->to[n],
			.msg_namelen = sp_endpoint_to_sockaddr(&from->remote,
							       (struct sockaddr *)&u->to[n]),
			.msg_iov = &u->iov[n],
			.msg_iovlen = 1,
		};
	}
	return n;
}

/* An answer of the network to an earlier one is read and passed over, once a message. */
static uint32_t push(struct sp_queue *q, const struct udp_sock *s, struct units *u, uint32_t n)
{
	uint32_t k = 0, again = 0;
	uint64_t bytes = 0;

	while (k < n) {
		int r = sendmmsg(s->fd, u->mm + k, n - k, MSG_DONTWAIT);

		if (r > 0) {
			for (int i = 0; i < r; i++)
				bytes += u->iov[k + (uint32_t)i].iov_len;
			k += (uint32_t)r;
		} else if (errno != EINTR && !(sp_udp_is_unreachable(errno) && again++ < n)) {
			break;
		}
	}
	if (k)
		sp_tstats_sent(&q->stats, k, k, bytes, 1);
	return k;
}

uint32_t sp_udp_answer(struct sp_queue *q, const struct sp_batch *b)
{
	struct units u;
	uint32_t i = 0;

	while (i < b->n) {
		uint32_t lane = 0, n = build(q, b, i, &u, &lane), left;

		if (!n)
			break;
		left = push(q, &q->socks[lane - 1], &u, n);
		i += left;
		if (left < n)
			break;
	}
	return i;
}
