#include "capture/record_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"

static bool is_rotated(const struct sp_record_conf *c)
{
	return c->rotate_bytes || c->rotate_ns;
}

/* "seen.pcapng" is "seen-00002.pcapng". false: too long. */
static bool name_of(const struct sp_record_file *f, uint32_t number, char name[NAME_MAX + 1])
{
	const char *slash = strrchr(f->conf.path, '/');
	const char *base = slash ? slash + 1 : f->conf.path, *dot = strrchr(base, '.');
	size_t len = dot && dot != base ? (size_t)(dot - base) : strlen(base);

	return snprintf(name, NAME_MAX + 1, "%.*s-%05u%s", (int)len, base, number,
			base + len) <= NAME_MAX;
}

static int open_plain(struct sp_record_file *f, const struct sp_pcap_link *link,
		      struct sp_err *err)
{
	const struct sp_pcap_place at = { .path = f->conf.path, .live = true };

	return sp_pcap_writer_open_at(&f->w, &at, link, f->mem, err);
}

/* The next of them. */
static int open_next(struct sp_record_file *f, struct sp_err *err)
{
	const struct sp_pcap_link link = { SP_LINKTYPE_ETHERNET, f->conf.interface };
	char name[NAME_MAX + 1], old[NAME_MAX + 1], shown[200];
	struct sp_pcap_place at = { .path = name, .live = true };
	struct sp_out out;
	int rc;

	if (!is_rotated(&f->conf))
		return open_plain(f, &link, err);
	f->number++;
	rc = name_of(f, f->number, name) ? sp_out_open_in(&out, f->dir, name, 0666)
					 : -ENAMETOOLONG;
	if (rc)
		return sp_fail(err, rc, SP_EXIT_IO, "%s: cannot be written: %s",
			       sp_str_printable(shown, sizeof shown, f->conf.path),
			       strerror(-rc));
	at.out = &out;
	rc = sp_pcap_writer_open_at(&f->w, &at, &link, f->mem, err);
	sp_out_drop(&out);
	if (!rc && f->conf.keep && f->number > f->conf.keep &&
	    name_of(f, f->number - f->conf.keep, old))
		(void)unlinkat(f->dir, old, 0);
	return rc;
}

static int open_folder(struct sp_record_file *f, struct sp_err *err)
{
	const char *path = f->conf.path, *slash = strrchr(path, '/');
	char folder[PATH_MAX] = ".";

	if (sp_out_is_stdout(path) || strncmp(path, "/dev/", 5) == 0)
		return sp_fail(err, -EINVAL, SP_EXIT_USAGE,
			       "--rotate: %s is no file that could be followed by another",
			       strcmp(path, "-") ? path : "standard output");
	if (slash && slash - path >= PATH_MAX)
		return sp_fail(err, -ENAMETOOLONG, SP_EXIT_IO, "--out: too long a path");
	if (slash)
		sp_strlcpy(folder, path, slash == path ? 2 : (size_t)(slash - path) + 1);
	f->dir = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return f->dir < 0 ? sp_fail(err, -errno, SP_EXIT_IO, "%s: cannot be written: %s", path,
				    strerror(errno))
			  : 0;
}

int sp_record_file_open(struct sp_record_file *f, const struct sp_record_conf *conf,
			const struct sp_mem *mem, struct sp_err *err)
{
	int rc = 0;

	*f = (struct sp_record_file){ .mem = mem, .conf = *conf, .dir = -1 };
	if (is_rotated(conf))
		rc = open_folder(f, err);
	if (!rc)
		rc = open_next(f, err);
	if (rc && f->dir >= 0)
		close(f->dir);
	return rc;
}

/* dropped: of all files. */
static int close_one(struct sp_record_file *f, uint64_t dropped)
{
	uint64_t packets, lost, own;
	int rc = sp_pcap_writer_flush(f->w);

	packets = sp_pcap_writer_packets(f->w);
	lost = sp_pcap_writer_lost(f->w);
	own = lost + dropped - f->told;
	f->told = dropped;
	f->packets += packets;
	f->lost += lost;
	sp_pcap_writer_stats(f->w, packets + own, own);
	if (sp_pcap_writer_close(f->w) && !rc)
		rc = -EIO;
	f->w = NULL;
	f->begun = false;
	f->error = f->error ? f->error : rc;
	return rc;
}

/* Is the frame one of the next file? */
static bool is_over(const struct sp_record_file *f, int64_t real_ns, uint32_t len)
{
	return f->begun &&
	       ((f->conf.rotate_bytes &&
		 sp_pcap_writer_size(f->w) + len + SP_PCAP_AROUND > f->conf.rotate_bytes) ||
		(f->conf.rotate_ns && real_ns >= f->until_ns));
}

int sp_record_file_put(struct sp_record_file *f, int64_t real_ns, const void *data,
		       uint32_t len, uint32_t orig_len, uint64_t dropped)
{
	struct sp_err err;
	int rc;

	if (f->error)
		return f->lost++, f->error;
	if (is_over(f, real_ns, len)) {
		rc = close_one(f, dropped);
		if (!rc)
			rc = f->error = open_next(f, &err);
		if (rc)
			return f->lost++, rc;
	}
	if (!f->begun && f->conf.rotate_ns)
		f->until_ns = real_ns + (int64_t)f->conf.rotate_ns;
	f->begun = true;
	return sp_pcap_writer_put_cut(f->w, 0, real_ns, data, len, orig_len);
}

int sp_record_file_flush(struct sp_record_file *f)
{
	return f->error || !f->w ? f->error : sp_pcap_writer_flush(f->w);
}

uint64_t sp_record_file_packets(const struct sp_record_file *f)
{
	return f->packets + (f->w ? sp_pcap_writer_packets(f->w) : 0);
}

uint64_t sp_record_file_lost(const struct sp_record_file *f)
{
	return f->lost + (f->w ? sp_pcap_writer_lost(f->w) : 0);
}

int sp_record_file_close(struct sp_record_file *f, uint64_t dropped)
{
	if (f->w)
		close_one(f, dropped);
	if (f->dir >= 0)
		close(f->dir);
	f->dir = -1;
	return f->error;
}
