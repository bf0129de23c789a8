#include "transport/packet/packet.h"

#include "base/str.h"

#include <errno.h>
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

int sp_packet_filter(struct sp_port *p, struct sp_err *err)
{
	const struct sp_mem *mem = p->env->mem;
	struct bpf_program program;
	pcap_t *h;
	int rc;

	if (!p->conf.filter || !*p->conf.filter)
		return 0;
	h = handle_on(p);
	if (!h)
		h = pcap_open_dead(DLT_EN10MB, SNAPLEN);
	rc = compile(h, p->conf.filter, &program, err);
	if (h)
		pcap_close(h);
	if (rc)
		return rc;
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
