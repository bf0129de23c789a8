/* UDP-notif (draft-ietf-netconf-udp-notif): YANG notifications in datagrams, possibly in segments.
 * All of the protocol is in this file; the notification inside stays what it is. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cursor.h"
#include "plugin/codec.h"

enum {
	VERSION = 1,
	HEAD = 12,
	PUBLISHERS = 256, /* that are told apart; the one that was silent longest goes */

	OPTION_SEGMENT = 1,
	OPTION_ENCODING = 2, /* name of a private one */

	JSON = 1,
	XML = 2,
	CBOR = 3,
};

struct head {
	uint8_t version, media;
	bool private, last; /* last: the last segment of its message, or the only one */
	uint16_t segment;   /* from 0 */
	uint16_t size, len; /* of the header, of all */
	uint32_t publisher, message;
};

struct publisher {
	uint32_t id;
	uint64_t used; /* when: a count of datagrams */
	uint64_t messages, segments, media[4];
	/* rewrite */
	bool live;
	uint32_t recorded, next;
};

struct udp_notif {
	const struct sp_mem *mem;
	uint64_t datagrams, forgotten;
	uint32_t n, cap; /* cap: grows to PUBLISHERS */
	struct publisher *publisher, first;
};

static const char *read_segment(struct sp_rd option, struct head *h)
{
	uint16_t v = sp_rd_be16(&option);

	if (option.bad || sp_rd_left(&option))
		return "a segment's option that is not of four octets";
	h->segment = v >> 1;
	h->last = v & 1;
	return NULL;
}

/* An option's length counts its type and length, too. */
static const char *read_options(struct sp_rd r, struct head *h)
{
	const char *reason = NULL, *why;

	while (sp_rd_left(&r)) {
		uint8_t type = sp_rd_u8(&r);
		size_t len = sp_rd_u8(&r);
		const uint8_t *p = len < 2 ? NULL : sp_rd_take(&r, len - 2);

		if (!p)
			return "an option that is longer than its place";
		why = NULL;
		if (type == OPTION_SEGMENT)
			why = read_segment(sp_rd_of(p, len - 2), h);
		else if (type != OPTION_ENCODING)
			why = "an option of unknown type";
		if (!reason)
			reason = why;
	}
	return reason;
}

/* false: not of this protocol, or cut. */
static bool read_head(const uint8_t *p, size_t len, struct head *h)
{
	struct sp_rd r = sp_rd_of(p, len);
	uint8_t first = sp_rd_u8(&r);

	*h = (struct head){ .version = first >> 5,
			    .private = first & 0x10,
			    .media = first & 0x0f,
			    .last = true };
	h->size = sp_rd_u8(&r);
	h->len = sp_rd_be16(&r);
	h->publisher = sp_rd_be32(&r);
	h->message = sp_rd_be32(&r);
	return !r.bad && h->version == VERSION && h->size >= HEAD && h->len >= h->size;
}

static ptrdiff_t boundary(const uint8_t *p, size_t len)
{
	struct head h;

	if (len && *p >> 5 != VERSION)
		return -EBADMSG;
	if (len < HEAD)
		return 0;
	if (!read_head(p, len, &h))
		return -EBADMSG;
	return h.len <= len ? h.len : 0;
}

static const char *check(const uint8_t *p, size_t len, struct head *h)
{
	const char *reason;

	if (!read_head(p, len, h))
		return "not a header of UDP-notif";
	if (h->len != len)
		return "a length in the header that is not the message's";
	reason = read_options(sp_rd_of(p + HEAD, h->size - (size_t)HEAD), h);
	if (reason)
		return reason;
	return h->private || (h->media >= JSON && h->media <= CBOR)
		       ? NULL
		       : "a media type that is not known";
}

static bool guess(const uint8_t *p, size_t len)
{
	struct head h;

	return !check(p, len, &h);
}

static void *open_state(const struct sp_mem *mem)
{
	struct udp_notif *s = sp_alloc(mem, sizeof *s);

	if (!s)
		return NULL;
	s->mem = mem;
	s->publisher = &s->first;
	s->cap = 1;
	return s;
}

static void close_state(void *st)
{
	struct udp_notif *s = st;

	if (!s)
		return;
	if (s->publisher != &s->first)
		sp_free(s->mem, s->publisher);
	sp_free(s->mem, s);
}

static bool more_publishers(struct udp_notif *s)
{
	struct publisher *more = s->cap == PUBLISHERS
					 ? NULL
					 : sp_alloc_more(s->mem, s->publisher, &s->cap, 1,
							 s->cap + 1, PUBLISHERS, sizeof *more);

	if (!more)
		return false;
	if (s->publisher != &s->first)
		sp_free(s->mem, s->publisher);
	s->publisher = more;
	return true;
}

static struct publisher *find(struct udp_notif *s, uint32_t id)
{
	uint32_t oldest = 0;

	s->datagrams++;
	for (uint32_t i = 0; i < s->n; i++) {
		struct publisher *p = &s->publisher[i];

		if (p->id == id) {
			p->used = s->datagrams;
			return p;
		}
		if (p->used < s->publisher[oldest].used)
			oldest = i;
	}
	if (s->n < s->cap || more_publishers(s))
		oldest = s->n++;
	else
		s->forgotten++;
	s->publisher[oldest] = (struct publisher){ .id = id, .used = s->datagrams };
	return &s->publisher[oldest];
}

static void read_message(void *st, const uint8_t *p, size_t len, struct sp_codec_note *note)
{
	struct publisher *of;
	struct head h;

	*note = (struct sp_codec_note){ .reason = check(p, len, &h) };
	if (note->reason)
		note->flags = SP_CM_ODD;
	if (h.version != VERSION || len < HEAD)
		return;
	of = find(st, h.publisher);
	of->segments++;
	of->messages += h.last;
	of->media[h.media <= CBOR && !h.private ? h.media : 0] += h.last;
	note->type = h.media;
	note->domain = h.publisher;
	note->seq = h.message;
	note->units = h.last; /* segments before the last one are parts of a message */
}

static int field(const uint8_t *p, size_t len, const char *name, uint64_t *value)
{
	struct head h;

	if (!read_head(p, len, &h))
		return -ENOENT;
	if (!strcmp(name, "version"))
		*value = h.version;
	else if (!strcmp(name, "space"))
		*value = h.private;
	else if (!strcmp(name, "media_type"))
		*value = h.media;
	else if (!strcmp(name, "header_length"))
		*value = h.size;
	else if (!strcmp(name, "message_length"))
		*value = h.len;
	else if (!strcmp(name, "publisher_id"))
		*value = h.publisher;
	else if (!strcmp(name, "message_id"))
		*value = h.message;
	else
		return -ENOENT;
	return 0;
}

/* All segments of a message have its number. */
static int rewrite(void *st, uint8_t *p, size_t len, const struct sp_codec_live *live)
{
	struct publisher *of;
	struct head h;

	if (check(p, len, &h))
		return -EBADMSG;
	if (!live->renumber)
		return 0;
	of = find(st, h.publisher);
	if (of->live && of->recorded != h.message)
		of->next++;
	of->live = true;
	of->recorded = h.message;
	sp_put_be32(p + 4,
		    h.publisher + live->exporter * 0x9e3779b1u); /* as far apart as can be */
	sp_put_be32(p + 8, of->next);
	return 0;
}

static void describe(const void *st, struct sp_json *j)
{
	static const char *const media[] = { "other", "json", "xml", "cbor" };
	const struct udp_notif *s = st;
	char key[32];

	for (uint32_t i = 0; i < s->n; i++) {
		const struct publisher *p = &s->publisher[i];

		snprintf(key, sizeof key, "PublisherID %u", p->id);
		sp_json_open(j, key, '{');
		sp_json_u64(j, "messages_counter", p->messages);
		sp_json_u64(j, "segments_counter", p->segments);
		for (size_t m = 0; m < sizeof media / sizeof *media; m++)
			if (p->media[m])
				sp_json_u64(j, media[m], p->media[m]);
		sp_json_close(j, '}');
	}
	if (s->forgotten)
		sp_json_u64(j, "publishers_forgotten", s->forgotten);
}

static const char *const field_names[] = { "version",	     "space",
					   "media_type",     "header_length",
					   "message_length", "publisher_id",
					   "message_id",     NULL };

const struct sp_codec_ops sp_codec_udp_notif = {
	.name = "udp-notif",
	.summary = "YANG notifications over UDP",
	.abi = SP_PLUGIN_ABI,
	.over = SP_CODEC_UDP,
	.section = "udp_notif",
	.header = "udp_notif_h",
	.title = "UDP-notif Information",
	.boundary = boundary,
	.guess = guess,
	.open = open_state,
	.close = close_state,
	.read = read_message,
	.field = field,
	.fields = field_names,
	.rewrite = rewrite,
	.describe = describe,
};
