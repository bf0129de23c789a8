/* What every codec promises, whatever the bytes: one target a codec, which gives its name. */
#ifndef CODEC_FUZZ_H
#define CODEC_FUZZ_H

#include "plugin/catalog.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct codec_fuzz {
	const struct sp_codec_ops *ops;
	void *seen, *live; /* states: of read, of rewrite */
	uint64_t messages;
};

static void codec_demand(bool ok)
{
	if (!ok)
		abort();
}

/* In a block of its exact size, so that a sanitizer sees each byte too far. */
static uint8_t *codec_copy(const uint8_t *p, size_t len)
{
	uint8_t *m = malloc(len ? len : 1);

	codec_demand(m != NULL);
	if (len)
		memcpy(m, p, len);
	return m;
}

static void codec_look(const struct codec_fuzz *f, const uint8_t *m, size_t len)
{
	static const char *const names[] = { "version",
					     "type",
					     "len",
					     "count",
					     "engineID",
					     "SourceID",
					     "ObservationDomainID",
					     "nothing" };
	uint64_t v;

	f->ops->guess(m, len);
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		int rc = f->ops->field(m, len, names[i], &v);

		codec_demand(rc == 0 || rc == -ENOENT);
	}
}

/* What is left of a message is no longer than it, and left alone the second time. */
static void codec_clean(const struct codec_fuzz *f, const uint8_t *m, size_t len)
{
	uint8_t *out = malloc(len ? len : 1), *again = malloc(len ? len : 1);
	size_t n, left;

	codec_demand(out && again);
	n = f->ops->clean(f->seen, m, len, out, len);
	codec_demand(n <= len);
	left = n ? f->ops->clean(f->seen, out, n, again, len) : 0;
	codec_demand(left == n && !(n && memcmp(out, again, n)));
	free(out);
	free(again);
}

/* A rewritten message is one of the same kind; one that is not understood is not touched. */
static void codec_rewrite(struct codec_fuzz *f, const uint8_t *m, size_t len)
{
	uint64_t now_ns = UINT64_C(1800000000000000000) + f->messages * 1000003;
	struct sp_codec_live live = {
		.retime = f->messages & 1,
		.renumber = f->messages & 2,
		.shift_ns = (int64_t)(f->messages % 7) * INT64_C(100000000000000),
		.now_ns = now_ns,
		.exporter = (uint32_t)f->messages * 77u,
		.address = { .family = f->messages & 4 ? 4 : 6, .ip = { 10, 1, 2, 3 } },
	};
	uint8_t *copy = codec_copy(m, len);
	int rc = f->ops->rewrite(f->live, copy, len, &live);

	codec_demand(rc == 0 || rc == -EBADMSG);
	if (rc)
		codec_demand(!len || !memcmp(copy, m, len));
	else
		codec_demand(f->ops->boundary(copy, len) == f->ops->boundary(m, len));
	free(copy);
}

static void codec_message(struct codec_fuzz *f, const uint8_t *p, size_t len)
{
	struct sp_codec_note note;
	uint8_t *m = codec_copy(p, len);

	f->messages++;
	codec_look(f, m, len);
	f->ops->read(f->seen, m, len, &note);
	codec_demand(!(note.flags & SP_CM_ODD) == !note.reason);
	if (f->ops->clean)
		codec_clean(f, m, len);
	if (f->ops->rewrite)
		codec_rewrite(f, m, len);
	free(m);
}

/* Datagrams: each has two octets of length before it. */
static void codec_datagrams(struct codec_fuzz *f, const uint8_t *p, size_t size)
{
	while (size >= 2) {
		size_t len = (size_t)p[0] << 8 | p[1];

		p += 2;
		size -= 2;
		if (len > size)
			len = size;
		codec_demand(f->ops->boundary(p, len) <= (ptrdiff_t)len);
		codec_message(f, p, len);
		p += len;
		size -= len;
	}
}

/* A stream: where a message ends does not depend on how much of the next one is there. */
static void codec_stream(struct codec_fuzz *f, const uint8_t *p, size_t size)
{
	ptrdiff_t n;

	while ((n = f->ops->boundary(p, size)) > 0) {
		codec_demand(n <= (ptrdiff_t)size);
		codec_demand(f->ops->boundary(p, (size_t)n) == n);
		codec_demand(f->ops->boundary(p, (size_t)n - 1) == 0);
		codec_message(f, p, (size_t)n);
		p += n;
		size -= (size_t)n;
	}
	codec_message(f, p, size); /* cut, or not of this protocol */
}

static void codec_peer(const struct codec_fuzz *f, const uint8_t *p, size_t size)
{
	const struct sp_codec_peer_ops *peer = f->ops->peer;
	struct sp_codec_talk talk = { 0 };
	uint8_t *st = calloc(1, peer->state_size);
	size_t used = 0, n;

	codec_demand(st != NULL);
	while (used < size) {
		ptrdiff_t ours = f->ops->boundary(p + used, size - used);

		if (ours > 0)
			peer->sent(st, p + used, (size_t)ours, &talk);
		n = peer->got(st, p + used, size - used, &talk);
		codec_demand(n <= size - used);
		codec_demand(!talk.over || talk.reason);
		used += n;
		if (!n)
			break;
	}
	free(st);
}

static void codec_describe(const struct codec_fuzz *f)
{
	json_error_t why;
	struct sp_json j;
	struct sp_str s;
	json_t *doc;

	sp_str_init(&s, sp_mem_system());
	sp_json_init(&j, &s, 0);
	sp_json_open(&j, NULL, '{');
	f->ops->describe(f->seen, &j);
	sp_json_close(&j, '}');
	doc = json_loads(s.text, JSON_REJECT_DUPLICATES, &why);
	codec_demand(doc != NULL);
	json_decref(doc);
	sp_str_fini(&s);
}

static int codec_fuzz(const char *name, const uint8_t *data, size_t size)
{
	struct codec_fuzz f = { .ops = sp_catalog_codec(&sp_catalog, name) };

	codec_demand(f.ops != NULL);
	f.seen = f.ops->open(sp_mem_system());
	f.live = f.ops->open(sp_mem_system());
	codec_demand(f.seen && f.live);
	if (f.ops->over & SP_CODEC_UDP)
		codec_datagrams(&f, data, size);
	else
		codec_stream(&f, data, size);
	if (f.ops->peer)
		codec_peer(&f, data, size);
	codec_describe(&f);
	f.ops->close(f.seen);
	f.ops->close(f.live);
	return 0;
}

#endif
