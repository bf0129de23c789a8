#include "forward/side.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/endian.h"

#ifndef PACKET_IGNORE_OUTGOING
#define PACKET_IGNORE_OUTGOING 23
#endif

#define RCVBUF	 (16 << 20)
#define VLAN_LEN 4u
#define SLACK_NS 1000000ull /* between the clock of stamps and ours */

static int fail(struct sp_err *err, const char *interface, int code, const char *what)
{
	return sp_fail(err, -code, SP_EXIT_PERM, "the forwarder cannot %s %s: %s", what,
		       interface, strerror(code));
}

static int set_options(struct sp_side *s, struct sp_err *err)
{
	int one = 1, size = RCVBUF;

	if (setsockopt(s->fd, SOL_PACKET, PACKET_VNET_HDR, &one, sizeof one))
		return fail(err, s->name, errno,
			    "ask for checksum states (PACKET_VNET_HDR) on");
	if (setsockopt(s->fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &one, sizeof one))
		return fail(err, s->name, errno, "leave out its own frames (needs 4.20) on");
	if (setsockopt(s->fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size))
		setsockopt(s->fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
	setsockopt(s->fd, SOL_PACKET, PACKET_AUXDATA, &one, sizeof one);
	setsockopt(s->fd, SOL_SOCKET, SO_TIMESTAMPNS, &one, sizeof one);
	return 0;
}

int sp_side_open(struct sp_side *s, const char *interface, const struct sp_mem *mem,
		 struct sp_err *err)
{
	struct sockaddr_ll ll = { .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL) };
	struct packet_mreq promisc = { .mr_type = PACKET_MR_PROMISC };
	int rc;

	*s = (struct sp_side){ .fd = -1 };
	strncpy(s->name, interface, sizeof s->name - 1);
	promisc.mr_ifindex = ll.sll_ifindex = (int)if_nametoindex(interface);
	if (!ll.sll_ifindex)
		return fail(err, interface, ENODEV, "find");
	s->spill = sp_alloc_array(mem, SP_SIDE_BURST, SP_POOL_FRAME);
	if (!s->spill)
		return sp_fail(err, -ENOMEM, SP_EXIT_FAILED, "out of memory");
	/* Protocol 0 until bound: nothing of other interfaces slips in between. */
	s->fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	if (s->fd < 0)
		rc = fail(err, interface, errno, "open a packet socket on");
	else if (!(rc = set_options(s, err)) &&
		 (bind(s->fd, (struct sockaddr *)&ll, sizeof ll) ||
		  setsockopt(s->fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &promisc,
			     sizeof promisc)))
		rc = fail(err, interface, errno, "bind to");
	if (rc)
		sp_side_close(s, mem);
	return rc;
}

void sp_side_close(struct sp_side *s, const struct sp_mem *mem)
{
	if (s->fd >= 0)
		close(s->fd);
	sp_free(mem, s->spill);
	s->fd = -1;
	s->spill = NULL;
}

/* ---- in ---- */

/* Gives every unit of the burst a slot; returns how many have one. */
static uint32_t arm(struct sp_side *s, struct sp_pool *p)
{
	for (uint32_t i = 0; i < SP_SIDE_BURST; i++) {
		struct sp_side_unit *u = &s->rx[i];

		if (i >= s->n_rx) {
			if (!sp_pool_get(p, &u->id))
				break;
			s->n_rx++;
		}
		u->iov[0] = (struct iovec){ &p->slots[u->id].vnet, sizeof(struct sp_vnet) };
		u->iov[1] = (struct iovec){ sp_pool_data(p, u->id), SP_POOL_ROOM };
		u->iov[2] = (struct iovec){ s->spill + (size_t)i * SP_POOL_FRAME,
					    SP_POOL_FRAME };
		s->rx_msgs[i].msg_hdr = (struct msghdr){ .msg_iov = u->iov,
							 .msg_iovlen = 3,
							 .msg_control = u->control,
							 .msg_controllen = sizeof u->control };
	}
	return s->n_rx;
}

/* The kernel takes the outer tag out of the frame. */
static void put_vlan(struct sp_pool *p, uint32_t id, const struct tpacket_auxdata *aux)
{
	struct sp_slot *s = &p->slots[id];
	uint8_t *at;

	if (!(aux->tp_status & TP_STATUS_VLAN_VALID) || s->len < 12)
		return;
	s->off -= VLAN_LEN;
	s->len += VLAN_LEN;
	at = sp_pool_data(p, id);
	memmove(at, at + VLAN_LEN, 12);
	sp_put_be16(at + 12, aux->tp_status & TP_STATUS_VLAN_TPID_VALID ? aux->tp_vlan_tpid
									: ETH_P_8021Q);
	sp_put_be16(at + 14, aux->tp_vlan_tci);
	if (s->vnet.flags & 1)
		s->vnet.csum_start = (uint16_t)(s->vnet.csum_start + VLAN_LEN);
	if (s->vnet.gso_type)
		s->vnet.hdr_len = (uint16_t)(s->vnet.hdr_len + VLAN_LEN);
}

static uint64_t arrival(struct sp_side *s, const struct timespec *ts, uint64_t now_ns,
			int64_t real_offset)
{
	uint64_t t_ns = (uint64_t)((int64_t)ts->tv_sec * 1000000000 + ts->tv_nsec -
				   real_offset);

	/* The clock that made it was set meanwhile. */
	if (t_ns > now_ns || t_ns + SLACK_NS < s->empty_ns)
		t_ns = now_ns;
	if (t_ns < s->last_ns)
		t_ns = s->last_ns;
	s->last_ns = t_ns;
	return t_ns;
}

/* The frame of unit i goes into its slot, whole; false: it was too long for anything. */
static bool settle(struct sp_side *s, struct sp_pool *p, uint32_t i)
{
	struct sp_side_unit *u = &s->rx[i];
	struct sp_slot *slot = &p->slots[u->id];
	uint32_t len = s->rx_msgs[i].msg_len;
	uint8_t *big;

	if (len < sizeof(struct sp_vnet) || (s->rx_msgs[i].msg_hdr.msg_flags & MSG_TRUNC))
		return false;
	slot->len = len -= (uint32_t)sizeof(struct sp_vnet);
	s->supers += slot->vnet.gso_type != 0;
	if (len <= SP_POOL_ROOM)
		return true;
	big = sp_pool_big(p, u->id, len);
	if (!big)
		return false;
	memcpy(big, u->iov[1].iov_base, SP_POOL_ROOM);
	memcpy(big + SP_POOL_ROOM, u->iov[2].iov_base, len - SP_POOL_ROOM);
	return true;
}

static bool take(struct sp_side *s, struct sp_pool *p, uint32_t i, uint64_t now_ns,
		 int64_t real_offset, struct sp_arrival *a)
{
	struct msghdr *h = &s->rx_msgs[i].msg_hdr;
	struct tpacket_auxdata aux = { 0 };
	struct timespec ts;

	*a = (struct sp_arrival){ .id = s->rx[i].id, .t_ns = now_ns };
	if (!settle(s, p, i)) {
		s->drops++;
		sp_pool_put(p, a->id);
		return false;
	}
	for (struct cmsghdr *c = CMSG_FIRSTHDR(h); c; c = CMSG_NXTHDR(h, c)) {
		if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_TIMESTAMPNS) {
			memcpy(&ts, CMSG_DATA(c), sizeof ts);
			a->t_ns = arrival(s, &ts, now_ns, real_offset);
		} else if (c->cmsg_level == SOL_PACKET && c->cmsg_type == PACKET_AUXDATA) {
			memcpy(&aux, CMSG_DATA(c), sizeof aux);
			put_vlan(p, a->id, &aux);
		}
	}
	return true;
}

uint32_t sp_side_receive(struct sp_side *s, struct sp_pool *p, const struct sp_clock *clock,
			 int64_t real_offset, struct sp_arrival *a)
{
	uint32_t armed = arm(s, p), n = 0;
	uint64_t before_ns = sp_clock_now(clock), now_ns;
	int got = armed ? recvmmsg(s->fd, s->rx_msgs, armed, MSG_DONTWAIT, NULL) : 0;

	s->known_ns = before_ns;
	/* Not before: a process that stood still in between would take stamps for wrong ones. */
	now_ns = sp_clock_now(clock);
	for (int i = 0; i < got; i++)
		n += take(s, p, (uint32_t)i, now_ns, real_offset, &a[n]);
	if (got < (int)armed)
		s->empty_ns = before_ns;
	else if (got)
		s->known_ns = s->last_ns;
	if (got <= 0)
		return 0;
	/* The slots that were not needed stay armed, at the front. */
	s->n_rx -= (uint32_t)got;
	for (uint32_t i = 0; i < s->n_rx; i++)
		s->rx[i].id = s->rx[i + (uint32_t)got].id;
	return n;
}

void sp_side_count_drops(struct sp_side *s)
{
	struct tpacket_stats st;
	socklen_t len = sizeof st;

	if (!getsockopt(s->fd, SOL_PACKET, PACKET_STATISTICS, &st, &len))
		s->drops += st.tp_drops;
}

/* ---- out ---- */

void sp_side_flush(struct sp_side *s, struct sp_pool *p)
{
	for (uint32_t done = 0; done < s->n_tx;) {
		int n = sendmmsg(s->fd, s->tx_msgs + done, s->n_tx - done, 0);

		if (n > 0) {
			done += (uint32_t)n;
		} else if (errno != EINTR) {
			s->refused++;
			done++;
		}
	}
	for (uint32_t i = 0; i < s->n_tx; i++)
		sp_pool_put(p, s->tx_ids[i]);
	s->n_tx = 0;
}

void sp_side_send(struct sp_side *s, struct sp_pool *p, uint32_t id)
{
	struct iovec *iov = s->tx_iov[s->n_tx];
	struct sp_slot *slot = &p->slots[id];

	/* Whether the checksum is right is for the receiver to find out. */
	slot->vnet.flags &= 1;
	iov[0] = (struct iovec){ &slot->vnet, sizeof slot->vnet };
	iov[1] = (struct iovec){ sp_pool_data(p, id), slot->len };
	s->tx_msgs[s->n_tx].msg_hdr = (struct msghdr){ .msg_iov = iov, .msg_iovlen = 2 };
	s->tx_ids[s->n_tx++] = id;
	if (s->n_tx == SP_SIDE_BURST)
		sp_side_flush(s, p);
}
