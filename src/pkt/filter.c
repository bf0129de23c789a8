#include "pkt/filter.h"

#include <errno.h>
#include <pcap/pcap.h>

#include "base/str.h"
#include "pkt/link_type.h"

#define SNAPLEN 262144

struct sp_filter {
	const struct sp_mem *mem;
	struct bpf_program program;
};

static int compile(const char *text, int link, struct bpf_program *program, enum sp_exit wrong,
		   struct sp_err *err)
{
	pcap_t *p = pcap_open_dead(link, SNAPLEN);
	char shown[100], why[PCAP_ERRBUF_SIZE];
	int rc = 0;

	if (!p)
		return sp_fail(err, -ENOMEM, SP_EXIT_FAILED, "out of memory");
	if (pcap_compile(p, program, text, 1, PCAP_NETMASK_UNKNOWN))
		rc = sp_fail(err, -EINVAL, wrong, "filter '%s': %s; see man pcap-filter",
			     sp_str_printable(shown, sizeof shown, text),
			     sp_str_printable(why, sizeof why, pcap_geterr(p)));
	pcap_close(p);
	return rc;
}

int sp_filter_new(struct sp_filter **out, const char *text, enum sp_exit wrong,
		  const struct sp_mem *mem, struct sp_err *err)
{
	return sp_filter_new_link(out, text, DLT_EN10MB, wrong, mem, err);
}

int sp_filter_new_link(struct sp_filter **out, const char *text, uint16_t link,
		       enum sp_exit wrong, const struct sp_mem *mem, struct sp_err *err)
{
	struct sp_filter *f = sp_alloc(mem, sizeof *f);
	int rc;

	*out = NULL;
	if (!f)
		return sp_fail(err, -ENOMEM, SP_EXIT_FAILED, "out of memory");
	f->mem = mem;
	/* In files its number is another than in libpcap on this system. */
	rc = compile(text, link == SP_LINK_RAW ? DLT_RAW : link, &f->program, wrong, err);
	if (rc) {
		sp_free(mem, f);
		return rc;
	}
	*out = f;
	return 0;
}

void sp_filter_free(struct sp_filter *f)
{
	if (!f)
		return;
	pcap_freecode(&f->program);
	sp_free(f->mem, f);
}

bool sp_filter_takes(const struct sp_filter *f, const uint8_t *frame, uint32_t len)
{
	const struct pcap_pkthdr h = { .caplen = len, .len = len };

	return pcap_offline_filter(&f->program, &h, frame) != 0;
}

const void *sp_filter_program(const struct sp_filter *f, uint16_t *n)
{
	*n = (uint16_t)f->program.bf_len;
	return f->program.bf_insns;
}

int sp_filter_check(const char *text, enum sp_exit wrong, struct sp_err *err)
{
	struct bpf_program program;
	int rc = compile(text, DLT_EN10MB, &program, wrong, err);

	if (!rc)
		pcap_freecode(&program);
	return rc;
}
