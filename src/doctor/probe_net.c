#include "doctor/probe.h"

#include "forward/side.h"
#include "lab/link.h"
#include "lab/netem.h"
#include "lab/space.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/sock_diag.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#if __has_include(<linux/if_xdp.h>)
#define BUILT_WITH_XDP 1
#else
#define BUILT_WITH_XDP 0
#endif

/* Sets (or, with get, reads) an option of a fresh UDP socket; 0 or the errno. */
static int try_option(int level, int name, void *value, socklen_t len, bool get)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return errno;
	int rc = get ? getsockopt(fd, level, name, value, &len)
		     : setsockopt(fd, level, name, value, len);
	int e = rc ? errno : 0;
	close(fd);
	return e;
}

static void report_option(struct sp_doctor_row *r, int e, const char *without)
{
	if (!e)
		sp_probe_say(r, SP_DOCTOR_OK, "works");
	else
		sp_probe_say(r, SP_DOCTOR_MISSING, "%s; %s", strerror(e), without);
}

void sp_probe_udp_gso(struct sp_doctor_row *r)
{
	report_option(r, try_option(SOL_UDP, UDP_SEGMENT, &(int){ 1000 }, sizeof(int), false),
		      "each datagram costs its own pass through the kernel (needs 4.18)");
}

void sp_probe_udp_gro(struct sp_doctor_row *r)
{
	report_option(r, try_option(SOL_UDP, UDP_GRO, &(int){ 1 }, sizeof(int), false),
		      "each datagram is received on its own (needs 5.0)");
}

void sp_probe_timestamps(struct sp_doctor_row *r)
{
	report_option(r,
		      try_option(SOL_SOCKET, SO_TIMESTAMPNS, &(int){ 1 }, sizeof(int), false),
		      "delays are measured by the program's clock");
}

void sp_probe_meminfo(struct sp_doctor_row *r)
{
	uint32_t info[SK_MEMINFO_VARS];

	report_option(r, try_option(SOL_SOCKET, SO_MEMINFO, info, sizeof info, true),
		      "a socket's drops are seen only with its next packet (needs 4.12)");
}

void sp_probe_steering(struct sp_doctor_row *r)
{
	struct sock_filter first[] = { { BPF_RET | BPF_K, 0, 0, 0 } };
	struct sock_fprog prog = { .len = 1, .filter = first };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), e = 0;

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &(int){ 1 }, sizeof(int)) ||
	    setsockopt(fd, SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, &prog, sizeof prog))
		e = errno;
	if (fd >= 0)
		close(fd);
	report_option(r, e, "recv --cores N is refused above 1 (needs 4.5)");
}

static void report_buffer(struct sp_doctor_row *r, const char *sysctl, const char *path)
{
	const unsigned long wanted = 16u << 20;
	unsigned long max = 0;
	FILE *f = fopen(path, "re");

	if (!f || fscanf(f, "%lu", &max) != 1)
		max = 0;
	if (f)
		fclose(f);
	if (!max) {
		sp_probe_say(r, SP_DOCTOR_LIMITED, "unknown: %s cannot be read", path);
		return;
	}
	if (max >= wanted / 4) {
		sp_probe_say(r, SP_DOCTOR_OK, "up to %lu bytes", max);
		return;
	}
	sp_probe_say(r, SP_DOCTOR_LIMITED,
		     "up to %lu bytes: full within a millisecond at 1 Gbit/s "
		     "and more",
		     max);
	sp_probe_fix(r, "sudo sysctl -w %s=%lu", sysctl, wanted);
}

void sp_probe_receive_buffer(struct sp_doctor_row *r)
{
	report_buffer(r, "net.core.rmem_max", "/proc/sys/net/core/rmem_max");
}

void sp_probe_send_buffer(struct sp_doctor_row *r)
{
	report_buffer(r, "net.core.wmem_max", "/proc/sys/net/core/wmem_max");
}

/* How this program gets a capability. */
static void fix_cap(struct sp_doctor_row *r, const char *caps)
{
	char self[128];
	ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);

	self[n > 0 ? n : 0] = 0;
	sp_probe_fix(r, "sudo setcap %s=ep %s", caps, n > 0 ? self : "spate");
}

void sp_probe_af_packet(struct sp_doctor_row *r)
{
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);

	if (fd >= 0) {
		close(fd);
		sp_probe_say(r, SP_DOCTOR_OK, "may be opened");
		return;
	}
	if (errno == EPERM) {
		sp_probe_say(r, SP_DOCTOR_MISSING,
			     "needs CAP_NET_RAW; there is one inside 'spate lab run'");
		fix_cap(r, "cap_net_raw");
	} else {
		sp_probe_say(r, SP_DOCTOR_MISSING, "%s", strerror(errno));
		sp_probe_fix(r, "sudo modprobe af_packet");
	}
}

static int open_xdp(void *arg)
{
	(void)arg;
	return socket(44 /* AF_XDP */, SOCK_RAW, 0) < 0 ? -errno : 0;
}

/* Whether a driver takes programs itself is seen when one is attached: send and recv say so. */
static void say_live(struct sp_doctor_row *r)
{
	unsigned major = 0, minor = 0;
	struct utsname u;
	bool live = !uname(&u) && sscanf(u.release, "%u.%u", &major, &minor) == 2 &&
		    (major > 6 || (major == 6 && minor >= 3));

	if (live)
		sp_probe_say(r, SP_DOCTOR_OK,
			     "AF_XDP, live frames and the right to load programs");
	else
		sp_probe_say(r, SP_DOCTOR_LIMITED,
			     "AF_XDP and the right to load programs; frames made in the kernel "
			     "need Linux 6.3, and this is %u.%u",
			     major, minor);
}

void sp_probe_xdp(struct sp_doctor_row *r)
{
	bool bpf = sp_space_has_cap(CAP_SYS_ADMIN) ||
		   (sp_space_has_cap(CAP_BPF) && sp_space_has_cap(CAP_NET_ADMIN));
	int rc = sp_space_try(open_xdp, NULL, NULL);

	if (!BUILT_WITH_XDP) {
		sp_probe_say(r, SP_DOCTOR_MISSING, "built without linux/if_xdp.h");
		sp_probe_fix(r, "sudo apt-get install linux-libc-dev, and build again");
	} else if (rc) {
		sp_probe_say(r, SP_DOCTOR_MISSING, "AF_XDP: %s", strerror(-rc));
	} else if (!bpf) {
		sp_probe_say(
			r, SP_DOCTOR_LIMITED,
			"AF_XDP can send, but loading a program, to receive or to make frames in "
			"the kernel, needs CAP_BPF "
			"and CAP_NET_ADMIN");
		fix_cap(r, "cap_bpf,cap_net_admin,cap_net_raw");
	} else {
		say_live(r);
	}
}

static int open_side(void *arg)
{
	const struct sp_mem *mem = sp_mem_system();
	struct sp_side *s = sp_alloc(mem, sizeof *s);
	int rc = s ? sp_side_open(s, "lo", mem, arg) : -ENOMEM;

	if (s && !rc)
		sp_side_close(s, mem);
	sp_free(mem, s);
	return rc;
}

void sp_probe_forwarder(struct sp_doctor_row *r)
{
	struct sp_err err = { 0 };
	int rc = sp_space_try(open_side, NULL, &err);

	if (!rc)
		sp_probe_say(r, SP_DOCTOR_OK, "works");
	else if (err.text[0])
		sp_probe_say(r, SP_DOCTOR_MISSING,
			     "not tried: there are no network namespaces");
	else
		sp_probe_say(r, SP_DOCTOR_MISSING, "packet sockets with PACKET_VNET_HDR: %s",
			     strerror(-rc));
}

static int add_netem(void *arg)
{
	(void)arg;
	struct mnl_socket *nl = sp_link_open();
	if (!nl)
		return -errno;
	int rc = sp_netem_set(nl, if_nametoindex("lo"), &(struct sp_impair_conf){ 0 });
	sp_link_close(nl);
	return rc;
}

/* Whether this kernel has modules at all; many of virtual machines have none. */
static bool has_modules(void)
{
	struct utsname u;
	char path[128];

	uname(&u);
	snprintf(path, sizeof path, "/lib/modules/%s/modules.dep", u.release);
	return access(path, F_OK) == 0;
}

/* A probe that ran in a namespace of its own. */
static void report_inside(struct sp_doctor_row *r, int rc, const struct sp_err *err,
			  const char *module, const char *config)
{
	if (!rc) {
		sp_probe_say(r, SP_DOCTOR_OK, "works");
	} else if (err->text[0]) {
		sp_probe_say(r, SP_DOCTOR_MISSING,
			     "not tried: there are no network namespaces");
	} else if (has_modules()) {
		sp_probe_say(r, SP_DOCTOR_MISSING, "%s: the module %s is not loaded",
			     strerror(-rc), module);
		sp_probe_fix(r, "sudo modprobe %s", module);
	} else {
		sp_probe_say(r, SP_DOCTOR_MISSING,
			     "%s: not in this kernel, and it has no modules", strerror(-rc));
		sp_probe_fix(r, "boot a kernel with CONFIG_%s", config);
	}
}

void sp_probe_netem(struct sp_doctor_row *r)
{
	struct sp_err err = { 0 };

	report_inside(r, sp_space_try(add_netem, NULL, &err), &err, "sch_netem",
		      "NET_SCH_NETEM");
}

static void put_nft(struct mnl_nlmsg_batch *b, uint16_t type, uint16_t flags, uint16_t res_id)
{
	bool table = type == (NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWTABLE);
	struct nlmsghdr *h = mnl_nlmsg_put_header(mnl_nlmsg_batch_current(b));
	h->nlmsg_type = type;
	h->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags);
	struct nfgenmsg *g = mnl_nlmsg_put_extra_header(h, sizeof *g);
	g->nfgen_family = table ? NFPROTO_INET : AF_UNSPEC;
	g->version = NFNETLINK_V0;
	g->res_id = htons(res_id);
	if (table) {
		mnl_attr_put_strz(h, NFTA_TABLE_NAME, "spate");
		/* Gone with the descriptor: 1 << 1 is NFT_TABLE_F_OWNER. */
		mnl_attr_put_u32(h, NFTA_TABLE_FLAGS, htonl(1 << 1));
	}
	mnl_nlmsg_batch_next(b);
}

static int add_table(void *arg)
{
	_Alignas(struct nlmsghdr) char buf[1024], answer[8192];
	struct mnl_socket *nl = mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC);

	(void)arg;
	if (!nl)
		return -errno;
	int rc = 0;
	struct mnl_nlmsg_batch *b = mnl_nlmsg_batch_start(buf, sizeof buf / 2);
	put_nft(b, NFNL_MSG_BATCH_BEGIN, 0, NFNL_SUBSYS_NFTABLES);
	put_nft(b, NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWTABLE, NLM_F_CREATE | NLM_F_ACK, 0);
	put_nft(b, NFNL_MSG_BATCH_END, 0, NFNL_SUBSYS_NFTABLES);
	ssize_t n = -1;
	if (mnl_socket_bind(nl, 0, MNL_SOCKET_AUTOPID) == 0 &&
	    mnl_socket_sendto(nl, buf, mnl_nlmsg_batch_size(b)) > 0)
		n = mnl_socket_recvfrom(nl, answer, sizeof answer);
	if (n < 0 ||
	    mnl_cb_run(answer, (size_t)n, 0, mnl_socket_get_portid(nl), NULL, NULL) < 0)
		rc = -errno;
	mnl_nlmsg_batch_stop(b);
	mnl_socket_close(nl);
	return rc;
}

void sp_probe_nftables(struct sp_doctor_row *r)
{
	struct sp_err err = { 0 };

	report_inside(r, sp_space_try(add_table, NULL, &err), &err, "nf_tables", "NF_TABLES");
}
