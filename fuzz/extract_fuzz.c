/* Extraction from packets that the input describes: its first octet chooses how; then records of a
 * kind, a length, and so many octets of payload. Whatever comes, it ends as it says, and what was
 * extracted is clean: extracted again it gives the same octets. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/file.h"
#include "capio/pcap_write.h"
#include "capture/extract_choice.h"
#include "capture/extract_frame.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static char folder[2][40];

static void make_folders(void)
{
	for (unsigned i = 0; i < 2; i++) {
		strcpy(folder[i], "/tmp/spate-fuzz-XXXXXX");
		if (!mkdtemp(folder[i]))
			abort();
	}
}

static void remove_folders(void)
{
	static const char *const names[] = { "traffic.pcap", "traffic-reproducer.yml",
					     "traffic-info.json" };
	char path[128];

	for (unsigned i = 0; i < 2; i++) {
		for (unsigned k = 0; k < 3; k++) {
			snprintf(path, sizeof path, "%s/%s", folder[i], names[k]);
			unlink(path);
		}
		rmdir(folder[i]);
	}
}

/* Bits of a kind: 0 and 1 the source, 2 and 3 the protocol, 4 out of order, 5 a SYN before it. */
static void put(struct sp_pcap_writer *w, struct sp_extract_tcp tcp[4], int64_t t, uint8_t kind,
		const uint8_t *data, uint32_t len)
{
	static const uint16_t ports[4] = { 4739, 1790, 179, 9999 };
	struct sp_endpoint src = { .addr = { .family = 4, .ip = { 10, 0, 0, kind & 3 } },
				   .port = (uint16_t)(5000 + (kind >> 2 & 3)) };
	struct sp_endpoint dst = { .addr = { .family = 4, .ip = { 10, 9, 9, 9 } },
				   .port = ports[kind >> 2 & 3] };
	struct sp_extract_tcp *s = &tcp[kind & 3];
	uint8_t buf[SP_EXTRACT_HEADERS + 256], *at = buf + SP_EXTRACT_HEADERS, *frame;

	memcpy(at, data, len);
	if (!(kind >> 2 & 3)) {
		frame = sp_extract_udp_frame(buf, &src, &dst, len);
	} else {
		s->begun = !(kind & 32);
		if (kind & 16)
			s->seq += 3 - len;
		frame = sp_extract_tcp_frame(buf, &src, &dst, s, len);
	}
	if (sp_pcap_writer_put(w, t, frame, (uint32_t)(at + len - frame)))
		abort();
}

static void write_capture(const char *path, const uint8_t *data, size_t len)
{
	static const struct sp_pcap_link link = { SP_LINKTYPE_ETHERNET, NULL };
	struct sp_extract_tcp tcp[4] = { { 0 } };
	struct sp_pcap_writer *w;
	struct sp_err err = { 0 };
	int64_t t = 1000000000;

	if (sp_pcap_writer_open(&w, path, &link, sp_mem_system(), &err))
		abort();
	for (size_t at = 0; at + 2 <= len; at += 2 + data[at + 1]) {
		if (at + 2 + data[at + 1] > len)
			break;
		put(w, tcp, t += 1000, data[at], data + at + 2, data[at + 1]);
	}
	if (sp_pcap_writer_close(w))
		abort();
}

static int extract(const char *in, const char *out, uint8_t how, struct sp_extract_result *res)
{
	struct sp_extract_conf conf = { .inputs = &in, .n_inputs = 1, .folder = out };
	struct sp_extract_choice *choice;
	struct sp_err err = { 0 };
	int rc;

	sp_extract_defaults(&conf);
	conf.tcp_payload_size = how & 1 ? 1 : how & 2 ? 60 : SP_EXTRACT_SEGMENT;
	if (sp_extract_choice_new(&choice, how & 4 ? "bgp,ipfix,bmp" : NULL, sp_mem_system(),
				  &err))
		abort();
	conf.parts = sp_extract_choice_parts(choice, &conf.n_parts);
	rc = sp_extract(&conf, sp_mem_system(), res, &err);
	if (rc != 0 && (rc != -ENODATA || err.exit != SP_EXIT_DATA))
		abort();
	sp_extract_choice_free(choice);
	return rc;
}

static void read_back(const char *path, struct sp_str *s)
{
	struct sp_err err = { 0 };

	sp_str_init(s, sp_mem_system());
	if (sp_file_read(s, path, 1u << 28, &err))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct sp_extract_result first, again;
	struct sp_str a, b;
	char in[40], out[80], twice[80];
	int fd;

	if (!len)
		return 0;
	if (!*folder[0]) {
		make_folders();
		atexit(remove_folders);
	}
	fd = memfd_create("packets", MFD_CLOEXEC);
	snprintf(in, sizeof in, "/proc/self/fd/%d", fd);
	snprintf(out, sizeof out, "%s/traffic.pcap", folder[0]);
	snprintf(twice, sizeof twice, "%s/traffic.pcap", folder[1]);
	write_capture(in, data + 1, len - 1);
	if (extract(in, folder[0], data[0], &first) == 0) {
		if (extract(out, folder[1], data[0], &again) || again.read != first.packets)
			abort();
		read_back(out, &a);
		read_back(twice, &b);
		if (a.len != b.len || memcmp(a.text, b.text, a.len) != 0)
			abort();
		sp_str_fini(&a);
		sp_str_fini(&b);
	}
	close(fd);
	return 0;
}
