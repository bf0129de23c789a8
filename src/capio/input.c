#include "capio/input.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include "base/str.h"

#define AHEAD	 (1u << 20)
#define ROOM	 (SP_INPUT_MOST + AHEAD)
#define RAW	 (256u << 10)
#define GZIP_AND 16 /* zlib: a gzip header is expected */
#define ZSTD_MAX                                                                               \
	23 /* log2 of the largest window: 8 MiB, what RFC 8878 asks everybody to take */

enum kind { PLAIN, GZIP, ZSTD };

struct sp_input {
	const struct sp_mem *mem;
	int fd;
	enum kind kind;
	uint8_t *buf;	   /* ROOM bytes, decompressed */
	size_t begin, end; /* of what is in it */
	uint64_t at;	   /* offset of begin */
	uint8_t *raw;	   /* RAW bytes as they are in the file */
	size_t raw_begin, raw_end;
	uint64_t raw_at;	     /* offset of raw_end */
	bool raw_over, over, inside; /* inside: a member or frame has begun and not ended */
	int error, read_error;
	z_stream z;
	bool z_open;
	ZSTD_DStream *zstd;
	char path[200];
};

static int open_fail(const char *path, int error, struct sp_err *err)
{
	return sp_fail(err, -error, SP_EXIT_NOINPUT, "%s: %s", path, strerror(error));
}

/* A file on standard input is opened anew, so that several may read it, each from its beginning. */
static int open_stdin(void)
{
	struct stat st;
	int fd = -1;

	if (fstat(STDIN_FILENO, &st) == 0 && S_ISREG(st.st_mode))
		fd = open("/proc/self/fd/0", O_RDONLY | O_CLOEXEC);
	return fd < 0 ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3) : fd;
}

void sp_cap_file_open(struct sp_cap_file *f, const char *path)
{
	struct stat st;

	*f = (struct sp_cap_file){ .path = path };
	f->fd = strcmp(path, "-") == 0 ? open_stdin() : open(path, O_RDONLY | O_CLOEXEC);
	if (f->fd < 0) {
		f->error = -errno;
	} else if (fstat(f->fd, &st) == 0 && S_ISDIR(st.st_mode)) {
		sp_cap_file_close(f);
		f->error = -EISDIR;
	} else {
		(void)posix_fadvise(f->fd, 0, 0, POSIX_FADV_SEQUENTIAL);
	}
}

void sp_cap_file_close(struct sp_cap_file *f)
{
	if (f->fd >= 0)
		close(f->fd);
	f->fd = -1;
}

static int take_file(struct sp_input *in, struct sp_cap_file *f, struct sp_err *err)
{
	sp_str_printable(in->path, sizeof in->path,
			 strcmp(f->path, "-") ? f->path : "standard input");
	in->fd = f->fd;
	f->fd = -1;
	return in->fd < 0 ? open_fail(in->path, f->error ? -f->error : EBADF, err) : 0;
}

/* Bytes of the file into to; 0: it is over, or cannot be read. */
static size_t read_raw(struct sp_input *in, uint8_t *to, size_t room)
{
	ssize_t n;

	do
		n = read(in->fd, to, room);
	while (n < 0 && errno == EINTR);
	if (n <= 0) {
		in->raw_over = true;
		if (n < 0) {
			in->error = -EIO;
			in->read_error = errno;
		}
		return 0;
	}
	in->raw_at += (size_t)n;
	return (size_t)n;
}

static void fill_raw(struct sp_input *in)
{
	memmove(in->raw, in->raw + in->raw_begin, in->raw_end - in->raw_begin);
	in->raw_end -= in->raw_begin;
	in->raw_begin = 0;
	if (!in->raw_over && in->raw_end < RAW)
		in->raw_end += read_raw(in, in->raw + in->raw_end, RAW - in->raw_end);
}

static int begin_kind(struct sp_input *in, struct sp_err *err)
{
	static const uint8_t gzip[] = { 0x1f, 0x8b }, zstd[] = { 0x28, 0xb5, 0x2f, 0xfd };
	const uint8_t *p = in->raw;

	while (in->raw_end < sizeof zstd && !in->raw_over)
		fill_raw(in);
	if (in->raw_end >= sizeof gzip && !memcmp(p, gzip, sizeof gzip)) {
		in->kind = GZIP;
		in->z_open = inflateInit2(&in->z, MAX_WBITS + GZIP_AND) == Z_OK;
		if (!in->z_open)
			return sp_fail(err, -ENOMEM, SP_EXIT_FAILED, "out of memory");
	} else if (in->raw_end >= sizeof zstd && !memcmp(p, zstd, sizeof zstd)) {
		in->kind = ZSTD;
		in->zstd = ZSTD_createDStream();
		if (!in->zstd)
			return sp_fail(err, -ENOMEM, SP_EXIT_FAILED, "out of memory");
		ZSTD_DCtx_setParameter(in->zstd, ZSTD_d_windowLogMax, ZSTD_MAX);
	}
	return 0;
}

int sp_input_open(struct sp_input **out, struct sp_cap_file *file, const struct sp_mem *mem,
		  struct sp_err *err)
{
	struct sp_input *in = sp_alloc(mem, sizeof *in);
	int rc;

	*out = NULL;
	if (!in)
		return sp_fail(err, -ENOMEM, SP_EXIT_FAILED, "out of memory");
	*in = (struct sp_input){ .mem = mem, .fd = -1 };
	rc = take_file(in, file, err);
	if (!rc) {
		in->buf = sp_alloc_array(mem, ROOM, 1);
		in->raw = sp_alloc_array(mem, RAW, 1);
		if (!in->buf || !in->raw)
			rc = sp_fail(err, -ENOMEM, SP_EXIT_FAILED, "out of memory");
	}
	if (!rc)
		rc = begin_kind(in, err);
	if (!rc)
		rc = in->error ? sp_input_error(in, err) : 0;
	if (rc)
		sp_input_close(in);
	else
		*out = in;
	return rc;
}

int sp_input_rewind(struct sp_input *in, struct sp_err *err)
{
	if (lseek(in->fd, 0, SEEK_SET))
		return errno == ESPIPE ? sp_fail(err, -ESPIPE, SP_EXIT_NOINPUT,
						 "%s: a pipe, which can be read once only, and "
						 "it is needed again; save it to a file, and "
						 "name that",
						 in->path)
				       : open_fail(in->path, errno, err);
	in->begin = in->end = in->raw_begin = in->raw_end = 0;
	in->at = in->raw_at = 0;
	in->raw_over = in->over = in->inside = false;
	in->error = in->read_error = 0;
	if (in->z_open)
		inflateReset(&in->z);
	if (in->zstd)
		ZSTD_DCtx_reset(in->zstd, ZSTD_reset_session_only);
	return 0;
}

void sp_input_close(struct sp_input *in)
{
	if (!in)
		return;
	if (in->fd >= 0)
		close(in->fd);
	if (in->z_open)
		inflateEnd(&in->z);
	ZSTD_freeDStream(in->zstd);
	sp_free(in->mem, in->buf);
	sp_free(in->mem, in->raw);
	sp_free(in->mem, in);
}

static size_t from_plain(struct sp_input *in, uint8_t *to, size_t room)
{
	size_t n = in->raw_end - in->raw_begin;

	if (!n) /* past what was looked at for the kind: straight to its place */
		return in->raw_over ? 0 : read_raw(in, to, room);
	n = n < room ? n : room;
	memcpy(to, in->raw + in->raw_begin, n);
	in->raw_begin += n;
	return n;
}

/* One step; bytes that came out of it. */
static size_t from_gzip(struct sp_input *in, uint8_t *to, size_t room)
{
	int rc;

	in->z.next_in = in->raw + in->raw_begin;
	in->z.avail_in = (uInt)(in->raw_end - in->raw_begin);
	in->z.next_out = to;
	in->z.avail_out = (uInt)room;
	rc = inflate(&in->z, Z_NO_FLUSH);
	in->raw_begin = in->raw_end - in->z.avail_in;
	in->inside = rc != Z_STREAM_END;
	if (rc == Z_STREAM_END)
		inflateReset(&in->z);
	else if (rc != Z_OK && rc != Z_BUF_ERROR)
		in->error = -EBADMSG;
	return room - in->z.avail_out;
}

static size_t from_zstd(struct sp_input *in, uint8_t *to, size_t room)
{
	ZSTD_inBuffer from = { in->raw, in->raw_end, in->raw_begin };
	ZSTD_outBuffer out = { to, room, 0 };
	size_t rc = ZSTD_decompressStream(in->zstd, &out, &from);

	in->raw_begin = from.pos;
	in->inside = rc != 0;
	if (ZSTD_isError(rc))
		in->error = -EBADMSG;
	return out.pos;
}

/* More bytes into the buffer; false: there are none. */
static bool more(struct sp_input *in)
{
	uint8_t *to = in->buf + in->end;
	size_t room = ROOM - in->end, n = 0;

	while (!n && !in->error && !in->over) {
		size_t before = in->raw_end - in->raw_begin;

		if (in->kind != PLAIN && !before && !in->raw_over)
			fill_raw(in);
		before = in->raw_end - in->raw_begin;
		n = in->kind == PLAIN  ? from_plain(in, to, room)
		    : !before	       ? 0
		    : in->kind == GZIP ? from_gzip(in, to, room)
				       : from_zstd(in, to, room);
		if (n || in->error)
			break;
		in->over = in->raw_over && in->raw_begin == in->raw_end;
		if (in->over && in->kind != PLAIN && in->inside)
			in->error = -EBADMSG;
	}
	in->end += n;
	return n > 0;
}

size_t sp_input_need(struct sp_input *in, size_t n, const uint8_t **p)
{
	if (in->end - in->begin < n && ROOM - in->begin < n + AHEAD / 2) {
		memmove(in->buf, in->buf + in->begin, in->end - in->begin);
		in->end -= in->begin;
		in->begin = 0;
	}
	while (in->end - in->begin < n && more(in))
		;
	*p = in->buf + in->begin;
	return in->end - in->begin < n ? in->end - in->begin : n;
}

void sp_input_take(struct sp_input *in, size_t n)
{
	in->begin += n;
	in->at += n;
	if (in->begin == in->end)
		in->begin = in->end = 0;
}

uint64_t sp_input_skip(struct sp_input *in, uint64_t n)
{
	uint64_t left = n;
	const uint8_t *p;

	while (left) {
		size_t step = left < AHEAD ? (size_t)left : AHEAD;

		step = sp_input_need(in, step, &p);
		if (!step)
			break;
		sp_input_take(in, step);
		left -= step;
	}
	return n - left;
}

uint64_t sp_input_offset(const struct sp_input *in)
{
	return in->at;
}

int sp_input_error(const struct sp_input *in, struct sp_err *err)
{
	if (in->error == -EIO)
		return sp_fail(err, -EIO, SP_EXIT_NOINPUT, "%s: cannot be read: %s", in->path,
			       strerror(in->read_error));
	if (in->error)
		return sp_fail(
			err, in->error, SP_EXIT_DATA,
			"%s: its %s data are damaged or cut short near byte %llu", in->path,
			in->kind == GZIP ? "gzip" : "zstd",
			(unsigned long long)(in->raw_at - (in->raw_end - in->raw_begin)));
	return 0;
}
