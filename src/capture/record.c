#include "capture/record.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "capio/pcap_write.h"
#include "pkt/filter.h"

#define BATCH	32u
#define FRAME	(128u << 10) /* a super-frame with its headers */
#define RCVBUF	(32 << 20)
#define TURNS	64u
#define VLAN_AT 12u /* behind both hardware addresses */

/* ---- filters ---- */

static int attach(int fd, const char *text, struct sp_err *err)
{
	struct sock_fprog prog;
	struct sp_filter *f;
	int rc = sp_filter_new(&f, text, SP_EXIT_DATA, sp_mem_system(), err);

	if (rc)
		return rc;
	/* libpcap's instructions are the kernel's. */
	prog.filter = (struct sock_filter *)(uintptr_t)sp_filter_program(f, &prog.len);
	if (setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &prog, sizeof prog))
		rc = sp_fail(err, -errno, SP_EXIT_PERM, "the kernel takes not the filter: %s",
			     strerror(errno));
	sp_filter_free(f);
	return rc;
}

/* Must it see the frame as it was on the link? */
static bool is_for_tags(const char *text)
{
	return strstr(text, "vlan") || strstr(text, "ether[") || strstr(text, "link[");
}

/* ---- the socket ---- */

static int find(int fd, const char *interface, int *index, struct sp_err *err)
{
	struct ifreq r = { 0 };

	if (!*interface || strlen(interface) >= sizeof r.ifr_name)
		return sp_fail(err, -ENODEV, SP_EXIT_PERM,
			       "there is no interface '%.40s'; `ip link` lists them",
			       interface);
	strcpy(r.ifr_name, interface);
	if (ioctl(fd, SIOCGIFINDEX, &r))
		return sp_fail(err, -errno, SP_EXIT_PERM,
			       "interface %s: %s; `ip link` lists those there are", interface,
			       strerror(errno));
	*index = r.ifr_ifindex;
	if (ioctl(fd, SIOCGIFHWADDR, &r) || (r.ifr_hwaddr.sa_family != ARPHRD_ETHER &&
					     r.ifr_hwaddr.sa_family != ARPHRD_LOOPBACK))
		return sp_fail(err, -ENOTSUP, SP_EXIT_PERM,
			       "interface %s has no Ethernet frames to record", interface);
	return 0;
}

static int bind_to(int fd, int index, const char *interface, struct sp_err *err)
{
	struct sockaddr_ll at = { .sll_family = AF_PACKET,
				  .sll_protocol = htons(ETH_P_ALL),
				  .sll_ifindex = index };
	struct packet_mreq all = { .mr_ifindex = index, .mr_type = PACKET_MR_PROMISC };
	int on = 1, size = RCVBUF;

	/* Whatever of these cannot be had makes a capture no worse than it is. */
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size))
		(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
	(void)setsockopt(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &all, sizeof all);
	if (setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on) ||
	    setsockopt(fd, SOL_PACKET, PACKET_AUXDATA, &on, sizeof on) ||
	    bind(fd, (struct sockaddr *)&at, sizeof at))
		return sp_fail(err, -errno, SP_EXIT_PERM, "interface %s: %s", interface,
			       strerror(errno));
	return 0;
}

int sp_capture_open(const char *interface, const char *filter, struct sp_err *err)
{
	/* Protocol 0: nothing comes before the filter is there. */
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), index = 0, rc;

	if (fd < 0)
		return sp_fail(err, -errno, SP_EXIT_PERM,
			       "no raw socket to record from: %s (as root, or in a lab)",
			       strerror(errno));
	rc = find(fd, interface, &index, err);
	if (!rc && is_for_tags(filter))
		rc = sp_filter_check(filter, SP_EXIT_DATA, err);
	else if (!rc && *filter)
		rc = attach(fd, filter, err);
	if (!rc)
		rc = bind_to(fd, index, interface, err);
	if (rc)
		close(fd);
	return rc ? rc : fd;
}

/* ---- recording ---- */

struct sp_capture {
	const struct sp_mem *mem;
	int fd;
	struct sp_record_file file;
	struct sp_filter *filter; /* that the kernel could not run; NULL: none */
	struct sp_capture_counts counts;
	struct mmsghdr msgs[BATCH];
	struct iovec iov[BATCH];
	struct sockaddr_ll from[BATCH];
	uint8_t control[BATCH][256];
	uint32_t snap;
	uint64_t most;	 /* frames; 0: no limit */
	uint64_t taken;	 /* by the file, or lost with it */
	uint64_t kernel; /* dropped by it */
	uint8_t *frames; /* BATCH of them, each with room for a VLAN tag in front */
};

int sp_capture_new(struct sp_capture **out, int fd, const struct sp_capture_conf *conf,
		   const struct sp_mem *mem, struct sp_err *err)
{
	struct sp_capture *c = sp_alloc(mem, sizeof *c);
	const char *filter = conf->filter ? conf->filter : "";
	int rc = -ENOMEM;

	*out = NULL;
	if (c)
		c->frames = sp_alloc_array(mem, BATCH, FRAME);
	if (!c || !c->frames)
		sp_fail(err, rc, SP_EXIT_FAILED, "out of memory");
	else
		rc = is_for_tags(filter)
			     ? sp_filter_new(&c->filter, filter, SP_EXIT_DATA, mem, err)
			     : 0;
	if (!rc)
		rc = sp_record_file_open(&c->file, &conf->file, mem, err);
	if (rc) {
		if (c) {
			sp_filter_free(c->filter);
			sp_free(mem, c->frames);
		}
		sp_free(mem, c);
		return rc;
	}
	c->mem = mem;
	c->fd = fd;
	c->snap = conf->snap ? conf->snap : UINT32_MAX;
	c->most = conf->count;
	*out = c;
	return 0;
}

/* When it was received, and the VLAN tag that the kernel took out (0: none). */
static int64_t read_control(struct msghdr *h, uint32_t *tag)
{
	struct tpacket_auxdata aux;
	struct timespec ts = { 0 };

	*tag = 0;
	for (struct cmsghdr *m = CMSG_FIRSTHDR(h); m; m = CMSG_NXTHDR(h, m)) {
		if (m->cmsg_level == SOL_SOCKET && m->cmsg_type == SCM_TIMESTAMPNS) {
			memcpy(&ts, CMSG_DATA(m), sizeof ts);
		} else if (m->cmsg_level == SOL_PACKET && m->cmsg_type == PACKET_AUXDATA) {
			memcpy(&aux, CMSG_DATA(m), sizeof aux);
			if (aux.tp_status & TP_STATUS_VLAN_VALID)
				*tag = (uint32_t)(aux.tp_status & TP_STATUS_VLAN_TPID_VALID
							  ? aux.tp_vlan_tpid
							  : ETH_P_8021Q)
					       << 16 |
				       aux.tp_vlan_tci;
		}
	}
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

/* On the loopback device each frame passes twice, as it goes and as it comes. */
static bool is_echo(const struct sockaddr_ll *from)
{
	return from->sll_pkttype == PACKET_OUTGOING && from->sll_hatype == ARPHRD_LOOPBACK;
}

static void put(struct sp_capture *c, unsigned i)
{
	uint8_t *data = c->iov[i].iov_base;
	uint32_t tag, kept, len = c->msgs[i].msg_len;
	int64_t at_ns = read_control(&c->msgs[i].msg_hdr, &tag);

	if (tag && len > VLAN_AT) {
		uint32_t be = htonl(tag);

		data -= sizeof be;
		memmove(data, data + sizeof be, VLAN_AT);
		memcpy(data + VLAN_AT, &be, sizeof be);
		len += (uint32_t)sizeof be;
	}
	if (is_echo(&c->from[i]))
		return;
	if (c->filter && !sp_filter_takes(c->filter, data, len))
		return;
	kept = len < c->snap ? len : c->snap;
	c->taken++;
	if (sp_record_file_put(&c->file, at_ns, data, kept, len, c->kernel))
		return; /* counted there, or by what is missing in the end */
	c->counts.bytes += kept;
}

int sp_capture_step(struct sp_capture *c)
{
	int n = (int)BATCH, total = 0;

	for (unsigned turn = 0; turn < TURNS && n == (int)BATCH; turn++) {
		for (unsigned i = 0; i < BATCH; i++) {
			c->iov[i] = (struct iovec){ c->frames + (size_t)i * FRAME + 4,
						    FRAME - 4 };
			c->msgs[i].msg_hdr = (struct msghdr){
				.msg_name = &c->from[i],
				.msg_namelen = sizeof c->from[i],
				.msg_iov = &c->iov[i],
				.msg_iovlen = 1,
				.msg_control = c->control[i],
				.msg_controllen = sizeof c->control[i]
			};
		}
		n = recvmmsg(c->fd, c->msgs, BATCH, MSG_DONTWAIT, NULL);
		if (n < 0)
			return total || errno == EAGAIN || errno == EINTR ? total : -errno;
		for (int i = 0; i < n && !sp_capture_full(c); i++)
			put(c, (unsigned)i);
		total += n;
	}
	return total;
}

int sp_capture_folder(const struct sp_capture *c)
{
	return c->file.dir;
}

bool sp_capture_full(const struct sp_capture *c)
{
	return c->most && c->taken >= c->most;
}

void sp_capture_counts(struct sp_capture *c, struct sp_capture_counts *counts)
{
	struct tpacket_stats stats = { 0 };
	socklen_t len = sizeof stats;

	/* The kernel begins at 0 again after each question. */
	if (getsockopt(c->fd, SOL_PACKET, PACKET_STATISTICS, &stats, &len) == 0)
		c->kernel += stats.tp_drops;
	c->counts.frames = sp_record_file_packets(&c->file);
	c->counts.dropped = sp_record_file_lost(&c->file) + c->kernel;
	*counts = c->counts;
}

int sp_capture_flush(struct sp_capture *c)
{
	return sp_record_file_flush(&c->file);
}

int sp_capture_free(struct sp_capture *c, struct sp_capture_counts *counts)
{
	int rc = sp_record_file_flush(&c->file), closed;

	sp_capture_counts(c, counts);
	closed = sp_record_file_close(&c->file, c->kernel);
	rc = rc ? rc : closed;
	counts->frames = sp_record_file_packets(&c->file);
	counts->dropped = sp_record_file_lost(&c->file) + c->kernel;
	sp_filter_free(c->filter);
	sp_free(c->mem, c->frames);
	sp_free(c->mem, c);
	return rc;
}
