#include "capio/pcap_write.h"

#include "base/str.h"
#include "capio/pcapng.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BUFFER	 (512u << 10)
#define WRITE_AT (256u << 10)
#define AROUND	 (SP_PCAPNG_HEAD + SP_PCAPNG_TAIL) /* a packet, at most */
_Static_assert(BUFFER >= WRITE_AT + SP_PCAP_SNAPLEN, "a packet fits behind a full buffer");
_Static_assert(AROUND <= SP_PCAP_AROUND, "as it is told");
_Static_assert(AROUND >= 16, "classic pcap has less");

#define NS_PER_S 1000000000

/* Both in the byte order of the writer: readers tell by the magic. */
struct file_header {
	uint32_t magic;
	uint16_t major, minor;
	uint32_t zone, sigfigs, snaplen, linktype;
};

struct packet_header {
	uint32_t s, ns, captured, original;
};

struct sp_pcap_writer {
	const struct sp_mem *mem;
	struct sp_out to;
	int error;
	bool ng;
	uint32_t interfaces; /* beside the first */
	uint64_t packets, lost, last_ns;
	uint64_t received, dropped; /* as told; pcapng's statistics */
	bool has_stats;
	off_t at;      /* end of what the kernel has: always the end of a packet */
	uint32_t used; /* bytes of buf: whole packets */
	uint8_t *buf;
};

static void writer_free(struct sp_pcap_writer *w)
{
	sp_out_drop(&w->to);
	sp_free(w->mem, w->buf);
	sp_free(w->mem, w);
}

/* Writes all of it: returns len, or less with the reason in *error. */
static uint32_t write_all(int fd, const uint8_t *data, uint32_t len, int *error)
{
	uint32_t done = 0;

	while (done < len) {
		ssize_t n = write(fd, data + done, len - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			*error = n ? -errno : -EIO;
			break;
		}
		done += (uint32_t)n;
	}
	return done;
}

/* The packet's at this place of the buffer, with what is around it. */
static uint32_t record_len(const struct sp_pcap_writer *w, const uint8_t *at)
{
	struct packet_header h;
	uint32_t block[2];

	if (w->ng) {
		memcpy(block, at, sizeof block);
		return block[1];
	}
	memcpy(&h, at, sizeof h);
	return (uint32_t)sizeof h + h.captured;
}

/* Writing ended after done bytes of the buffer: cuts the file behind the last whole packet, so
 * that what was good before stays readable, and counts the rest as lost. */
static void cut_off(struct sp_pcap_writer *w, uint32_t done)
{
	uint32_t off = 0, whole = 0;

	while (off < w->used) {
		off += record_len(w, w->buf + off);
		if (off <= done) {
			whole = off;
		} else {
			w->lost++;
			w->packets--;
		}
	}
	w->at += whole;
	/* Pipes and devices cannot be cut, and then there is nothing better to do. */
	if (ftruncate(w->to.fd, w->at) == 0)
		(void)lseek(w->to.fd, w->at, SEEK_SET);
	w->used = 0;
}

int sp_pcap_writer_flush(struct sp_pcap_writer *w)
{
	uint32_t done;

	if (w->error || !w->used)
		return w->error;
	done = write_all(w->to.fd, w->buf, w->used, &w->error);
	if (done == w->used) {
		w->at += done;
		w->used = 0;
	} else {
		cut_off(w, done);
	}
	return w->error;
}

static uint32_t classic_head(uint8_t *to, int64_t real_ns, uint32_t len, uint32_t orig_len)
{
	const struct packet_header h = { .s = (uint32_t)(real_ns / NS_PER_S),
					 .ns = (uint32_t)(real_ns % NS_PER_S),
					 .captured = len,
					 .original = orig_len };

	memcpy(to, &h, sizeof h);
	return sizeof h;
}

int sp_pcap_writer_put(struct sp_pcap_writer *w, int64_t real_ns, const void *data,
		       uint32_t len)
{
	return sp_pcap_writer_put_cut(w, 0, real_ns, data, len, len);
}

int sp_pcap_writer_put_cut(struct sp_pcap_writer *w, uint32_t interface, int64_t real_ns,
			   const void *data, uint32_t len, uint32_t orig_len)
{
	uint8_t *at;

	if (w->error)
		return w->error;
	if (len > SP_PCAP_SNAPLEN)
		return -EMSGSIZE;
	if (real_ns < 0 || (!w->ng && real_ns / NS_PER_S > UINT32_MAX))
		return -ERANGE;
	if (w->used >= WRITE_AT && sp_pcap_writer_flush(w))
		return w->error;
	at = w->buf + w->used;
	at += w->ng ? sp_pcapng_head(at, interface, (uint64_t)real_ns, len, orig_len)
		    : classic_head(at, real_ns, len, orig_len);
	if (len)
		memcpy(at, data, len);
	at += len;
	if (w->ng)
		at += sp_pcapng_tail(at, len);
	w->used = (uint32_t)(at - w->buf);
	w->packets++;
	w->last_ns = (uint64_t)real_ns;
	return 0;
}

static int write_header(struct sp_pcap_writer *w, const struct sp_pcap_link *link)
{
	uint8_t ng[SP_PCAPNG_BEGIN];

	const struct file_header h = {
		.magic = 0xa1b23c4d, /* nanoseconds */
		.major = 2,
		.minor = 4,
		.snaplen = SP_PCAP_SNAPLEN,
		.linktype = link->linktype,
	};
	uint32_t len = w->ng ? sp_pcapng_begin(ng, link->linktype, SP_PCAP_SNAPLEN,
					       link->interface)
			     : (uint32_t)sizeof h;

	w->at = len;
	write_all(w->to.fd, w->ng ? ng : (const uint8_t *)&h, len, &w->error);
	return w->error;
}

int sp_pcap_writer_interface(struct sp_pcap_writer *w, const struct sp_pcap_link *link)
{
	uint8_t block[SP_PCAPNG_BEGIN];
	uint32_t len, done;

	if (!w->ng)
		return -ENOTSUP;
	if (sp_pcap_writer_flush(w))
		return w->error;
	len = sp_pcapng_interface(block, link->linktype, SP_PCAP_SNAPLEN, link->interface);
	done = write_all(w->to.fd, block, len, &w->error);
	if (done == len)
		w->at += len;
	else if (ftruncate(w->to.fd, w->at) == 0)
		(void)lseek(w->to.fd, w->at, SEEK_SET);
	return w->error ? w->error : (int)++w->interfaces;
}

static bool is_ng(const char *path)
{
	size_t len = strlen(path), ext = strlen(".pcapng");

	return len > ext && strcmp(path + len - ext, ".pcapng") == 0;
}

static int open_file(struct sp_pcap_writer *w, const struct sp_pcap_place *at)
{
	w->ng = at->ng || is_ng(at->path) || strcmp(at->path, "-") == 0;
	if (!at->out)
		return sp_out_open(&w->to, at->path);
	w->to = *at->out;
	at->out->fd = at->out->dir = -1;
	at->out->part[0] = '\0';
	return 0;
}

int sp_pcap_writer_open_at(struct sp_pcap_writer **out, const struct sp_pcap_place *at,
			   const struct sp_pcap_link *link, const struct sp_mem *mem,
			   struct sp_err *err)
{
	struct sp_pcap_writer *w = sp_alloc(mem, sizeof *w);
	char shown[200];
	int r;

	if (!w)
		goto no_memory;
	w->mem = mem;
	w->to = (struct sp_out){ .fd = -1, .dir = -1 };
	w->buf = sp_alloc_array(mem, BUFFER + AROUND, 1);
	if (!w->buf)
		goto no_memory;
	r = open_file(w, at);
	if (!r)
		r = write_header(w, link);
	if (!r && at->live)
		r = sp_out_show(&w->to);
	if (r) {
		sp_fail(err, r, SP_EXIT_IO, "%s: cannot be written: %s",
			sp_str_printable(shown, sizeof shown, at->path), strerror(-r));
		goto fail;
	}
	*out = w;
	return 0;
no_memory:
	r = sp_fail(err, -ENOMEM, SP_EXIT_FAILED, "%s: not enough memory to write a capture",
		    sp_str_printable(shown, sizeof shown, at->path));
fail:
	if (w)
		writer_free(w);
	return r;
}

int sp_pcap_writer_open(struct sp_pcap_writer **out, const char *path,
			const struct sp_pcap_link *link, const struct sp_mem *mem,
			struct sp_err *err)
{
	const struct sp_pcap_place at = { .path = path, .live = true };

	return sp_pcap_writer_open_at(out, &at, link, mem, err);
}

int sp_pcap_writer_show(struct sp_pcap_writer *w)
{
	return sp_out_show(&w->to);
}

uint64_t sp_pcap_writer_packets(const struct sp_pcap_writer *w)
{
	return w->packets;
}

uint64_t sp_pcap_writer_lost(const struct sp_pcap_writer *w)
{
	return w->lost;
}

uint64_t sp_pcap_writer_size(const struct sp_pcap_writer *w)
{
	return (uint64_t)w->at + w->used;
}

void sp_pcap_writer_stats(struct sp_pcap_writer *w, uint64_t received, uint64_t dropped)
{
	w->received = received;
	w->dropped = dropped;
	w->has_stats = true;
}

static void write_stats(struct sp_pcap_writer *w)
{
	uint8_t stats[SP_PCAPNG_STATS];
	uint32_t len = sp_pcapng_stats(stats, w->last_ns, w->received, w->dropped);

	if (write_all(w->to.fd, stats, len, &w->error) != len &&
	    ftruncate(w->to.fd, w->at) == 0)
		(void)lseek(w->to.fd, w->at, SEEK_SET);
}

void sp_pcap_writer_drop(struct sp_pcap_writer *w)
{
	if (w)
		writer_free(w);
}

int sp_pcap_writer_close(struct sp_pcap_writer *w)
{
	int r;

	if (!w)
		return 0;
	r = sp_pcap_writer_flush(w);
	if (!r && w->ng && w->has_stats) {
		write_stats(w);
		r = w->error;
	}
	if (!r)
		r = sp_out_finish(&w->to);
	writer_free(w);
	return r;
}
