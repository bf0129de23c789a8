#include "source/capture/cache.h"

#include <errno.h>
#include <string.h>

#include "base/endian.h"
#include "base/file.h"
#include "base/str.h"

#define HEAD	 24u
#define PER_BYTE 4u
#define PRIMARY	 1u
#define LEAVES	 2u

struct sp_cache_file {
	const struct sp_mem *mem;
	struct sp_str text;
	struct sp_cache cache;
};

static int bad(struct sp_err *err, const char *place, const char *what)
{
	return sp_fail(err, -EBADMSG, SP_EXIT_DATA, "%s: %s", place, what);
}

int sp_cache_parse(struct sp_cache *c, const uint8_t *data, size_t len, const char *place,
		   struct sp_err *err)
{
	static const char magic[8] = "tcpprep", version[4] = "04";
	size_t comment, left;

	if (len < sizeof magic || memcmp(data, magic, sizeof magic))
		return bad(err, place, "byte 0: this is no cache file of tcpprep");
	if (len < HEAD)
		return bad(err, place, "the file ends in its header");
	if (memcmp(data + 8, version, sizeof version))
		return bad(err, place,
			   "byte 8: a version of the format that is not known (it is 04)");
	if (sp_get_be16(data + 20) != PER_BYTE)
		return bad(err, place, "byte 20: not 4 packets in a byte");
	comment = sp_get_be16(data + 22);
	c->n = sp_get_be64(data + 12);
	left = len - HEAD;
	if (comment > left)
		return bad(err, place, "byte 22: the comment is longer than the file");
	if (c->n > (uint64_t)(left - comment) * PER_BYTE)
		return bad(err, place, "byte 12: more packets than the file has room for");
	c->bits = data + HEAD + comment;
	return 0;
}

enum sp_cache_way sp_cache_of(const struct sp_cache *c, uint64_t number)
{
	uint64_t i = number - 1;
	unsigned two;

	if (i >= c->n)
		return SP_CACHE_UNKNOWN;
	two = (unsigned)c->bits[i / PER_BYTE] >> i % PER_BYTE * 2;
	if (!(two & LEAVES))
		return SP_CACHE_STAYS;
	return two & PRIMARY ? SP_CACHE_PRIMARY : SP_CACHE_SECONDARY;
}

int sp_cache_open(struct sp_cache_file **out, const char *path, const struct sp_mem *mem,
		  struct sp_err *err)
{
	struct sp_cache_file *f = sp_alloc(mem, sizeof *f);
	char place[200];
	int rc;

	*out = NULL;
	if (!f)
		return sp_fail(err, -ENOMEM, SP_EXIT_FAILED, "capture: out of memory");
	f->mem = mem;
	sp_str_init(&f->text, mem);
	rc = sp_file_read(&f->text, path, SP_CACHE_BYTES, err);
	if (!rc)
		rc = sp_cache_parse(&f->cache, (const uint8_t *)f->text.text, f->text.len,
				    sp_str_printable(place, sizeof place, path), err);
	if (rc)
		sp_cache_close(f);
	else
		*out = f;
	return rc;
}

const struct sp_cache *sp_cache_file(const struct sp_cache_file *f)
{
	return &f->cache;
}

void sp_cache_close(struct sp_cache_file *f)
{
	if (!f)
		return;
	sp_str_fini(&f->text);
	sp_free(f->mem, f);
}
