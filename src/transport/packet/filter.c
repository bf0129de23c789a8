#include "transport/packet/packet.h"

#include "base/str.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <pcap/pcap.h>

#define SNAPLEN	    (1 << 18)
#define HANDLE_RING (1 << 16) /* of a handle that captures nothing */

/* The same instructions under another name. */
_Static_assert(sizeof(struct bpf_insn) == sizeof(struct sock_filter), "classic BPF");

/* The kernel takes VLAN tags out of frames before a filter sees them; only for a handle that is
 * open on the interface does libpcap know that, and make "vlan 5" ask for the tag. */
static pcap_t *handle_on(const struct sp_port *p)
{
	char why[PCAP_ERRBUF_SIZE];
	pcap_t *h = pcap_create(p->iface.name, why);

	if (!h)
		return NULL;
	pcap_set_snaplen(h, SNAPLEN);
	pcap_set_buffer_size(h, HANDLE_RING);
	if (pcap_activate(h) >= 0)
		return h;
	pcap_close(h);
	return NULL;
}

static int compile(pcap_t *h, const char *filter, struct bpf_program *program,
		   struct sp_err *err)
{
	char shown[100], why[PCAP_ERRBUF_SIZE];

	if (!h)
		return sp_fail(err, -ENOMEM, SP_EXIT_FAILED, "out of memory for a filter");
	if (!pcap_compile(h, program, filter, 1, PCAP_NETMASK_UNKNOWN))
		return 0;
	return sp_fail(err, -EINVAL, SP_EXIT_USAGE, "filter '%s': %s; see man pcap-filter",
		       sp_str_printable(shown, sizeof shown, filter),
		       sp_str_printable(why, sizeof why, pcap_geterr(h)));
}

/* What the port is bound to: so that others' frames are not among those that the socket drops. Frames
 * with a tag in them pass, and are looked at here. */
static void bound_to(const struct sp_port *p, char *text, size_t size)
{
	unsigned first = p->bind.port, last = p->port_last > first ? p->port_last : first;
	char address[64], host[96] = "", ports[48] = "";

	if (p->bind.addr.family)
		snprintf(host, sizeof host, "%s dst host %s",
			 p->bind.addr.family == 4 ? "ip" : "ip6",
			 sp_addr_format(address, sizeof address, &p->bind.addr));
	if (first)
		snprintf(ports, sizeof ports, "%sdst portrange %u-%u", *host ? " and " : "",
			 first, last);
	snprintf(text, size, "(%s%s) or ether proto 0x8100 or ether proto 0x88a8", host, ports);
}

/* Ours first: behind a user's "vlan" words mean other places. */
static char *whole_text(const struct sp_port *p)
{
	const char *user = p->conf.filter ? p->conf.filter : "";
	bool bound = p->bind.addr.family || p->bind.port;
	size_t size = strlen(user) + 256;
	char own[200], *text = sp_alloc(p->env->mem, size);

	if (!text)
		return NULL;
	bound_to(p, own, sizeof own);
	if (bound && *user)
		snprintf(text, size, "(%s) and (%s)", own, user);
	else
		snprintf(text, size, "%s", bound ? own : user);
	return text;
}

static int compile_text(struct sp_port *p, const char *text, struct bpf_program *program,
			struct sp_err *err)
{
	pcap_t *h = handle_on(p);
	int rc;

	if (!h)
		h = pcap_open_dead(DLT_EN10MB, SNAPLEN);
	rc = compile(h, text, program, err);
	if (h)
		pcap_close(h);
	return rc;
}

int sp_packet_filter(struct sp_port *p, struct sp_err *err)
{
	const struct sp_mem *mem = p->env->mem;
	struct bpf_program program;
	char *text = whole_text(p);
	int rc;

	if (!text)
		return sp_fail(err, -ENOMEM, SP_EXIT_FAILED, "out of memory for a filter");
	rc = *text ? compile_text(p, text, &program, err) : 0;
	if (rc || !*text) {
		sp_free(mem, text);
		return rc;
	}
	sp_free(mem, text);
	p->filter.filter = sp_alloc_array(mem, program.bf_len, sizeof *p->filter.filter);
	if (p->filter.filter) {
		p->filter.len = (unsigned short)program.bf_len;
		memcpy(p->filter.filter, program.bf_insns,
		       program.bf_len * sizeof *p->filter.filter);
	} else {
		rc = sp_fail(err, -ENOMEM, SP_EXIT_FAILED, "out of memory for a filter");
	}
	pcap_freecode(&program);
	return rc;
}

void sp_packet_filter_free(struct sp_port *p)
{
	sp_free(p->env->mem, p->filter.filter);
	p->filter = (struct sock_fprog){ 0 };
}

static int attach(int fd, const struct sock_fprog *prog)
{
	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, prog, sizeof *prog) ? -errno : 0;
}

int sp_packet_filter_close(int fd)
{
	struct sock_filter none[] = { BPF_STMT(BPF_RET | BPF_K, 0) };

	return attach(fd, &(struct sock_fprog){ 1, none });
}

int sp_packet_filter_attach(const struct sp_port *p, int fd)
{
	struct sock_filter all[] = { BPF_STMT(BPF_RET | BPF_K, UINT32_MAX) };

	return attach(fd, p->filter.len ? &p->filter : &(struct sock_fprog){ 1, all });
}
