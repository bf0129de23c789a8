/* From messages to traffic.pcap: order, packing, times. */
#include <errno.h>
#include <string.h>

#include "capio/pcap_write.h"
#include "capture/extract_frame.h"
#include "capture/extract_impl.h"

#define DATAGRAM_MOST 65535u

/* The clock of the new capture, and where its packets go. */
struct out {
	struct sp_ext *x;
	struct sp_pcap_writer *w;
	struct sp_info *info;
	struct sp_extract_result *result;
	uint8_t *frame;	  /* headers, then a datagram at most */
	int64_t start_ns; /* of the part: its packet 0, before what codecs add */
	uint64_t n;	  /* packets of the part */
	uint64_t added_ns;
	int64_t last_ns;
};

/* Messages that leave together. */
struct pack {
	uint8_t *data;
	size_t len, cap;
	uint64_t before_ns, after_ns;
	uint16_t type;
};

static int time_of(const struct out *o, int64_t *t)
{
	uint64_t by;

	if (__builtin_mul_overflow(o->n, o->x->conf->inter_packet_delay_ns, &by) ||
	    __builtin_add_overflow(by, o->added_ns, &by) || by > INT64_MAX ||
	    __builtin_add_overflow(o->start_ns, (int64_t)by, t))
		return -ERANGE;
	return 0;
}

static int put(struct out *o, const uint8_t *frame, size_t len)
{
	struct sp_extract_result *r = o->result;
	int64_t t;
	int rc = time_of(o, &t);

	if (!rc)
		rc = sp_pcap_writer_put(o->w, t, frame, (uint32_t)len);
	if (rc)
		return rc;
	if (r->packets++ == 0)
		r->first_ns = t;
	r->last_ns = o->last_ns = t;
	o->n++;
	return 0;
}

static int tell(struct out *o, const struct sp_codec_ops *codec, const struct sp_ext_unit *u,
		const struct sp_ext_pair *pair)
{
	o->result->messages++;
	return sp_info_message(o->info, codec, &pair->src, &pair->dst, u->data, u->len, NULL);
}

static int write_datagrams(struct out *o, const struct sp_ext_part *p)
{
	uint8_t *payload = o->frame + SP_EXTRACT_HEADERS, *frame;
	int rc = 0;

	for (const struct sp_ext_unit *u = p->units.first; u && !rc; u = u->next) {
		memcpy(payload, u->data, u->len);
		frame = sp_extract_udp_frame(o->frame, &u->pair->src, &u->pair->dst, u->len);
		o->added_ns += u->before_ns;
		rc = put(o, frame, (size_t)(payload - frame) + u->len);
		o->added_ns += u->after_ns;
		if (!rc)
			rc = tell(o, p->conf->codec, u, u->pair);
	}
	return rc;
}

static int write_frames(struct out *o, const struct sp_ext_part *p)
{
	int rc = 0;

	for (const struct sp_ext_unit *u = p->units.first; u && !rc; u = u->next) {
		uint8_t *ip = o->frame + SP_EXTRACT_HEADERS;

		if (u->type && u->len <= DATAGRAM_MOST) {
			memcpy(ip, u->data, u->len);
			rc = put(o, sp_extract_ip_frame(ip, u->type), u->len + 14);
		} else {
			rc = put(o, u->data, u->len);
		}
		o->result->messages++;
	}
	return rc;
}

/* What is packed leaves, in as many segments as it takes. */
static int flush(struct out *o, const struct sp_ext_session *s, struct sp_extract_tcp *tcp,
		 struct pack *k)
{
	uint8_t *payload = o->frame + SP_EXTRACT_HEADERS, *frame;
	int rc = 0;

	if (!k->len)
		return 0;
	o->added_ns += k->before_ns;
	for (size_t at = 0, len; at < k->len && !rc; at += len) {
		len = k->len - at < SP_EXTRACT_SEGMENT ? k->len - at : SP_EXTRACT_SEGMENT;
		memcpy(payload, k->data + at, len);
		frame = sp_extract_tcp_frame(o->frame, &s->pair.src, &s->pair.dst, tcp,
					     (uint32_t)len);
		rc = put(o, frame, (size_t)(payload - frame) + len);
	}
	o->added_ns += k->after_ns;
	k->len = 0;
	return rc;
}

/* May it leave with those that are packed? A wait before it is as good for those of one type that
 * leave together; one after a message is for it alone. */
static bool goes_with(const struct pack *k, const struct sp_ext_unit *u, uint32_t most)
{
	return k->type == u->type && !k->after_ns && k->len + u->len <= most &&
	       (!u->before_ns || u->before_ns == k->before_ns);
}

static int pack(struct out *o, struct pack *k, const struct sp_ext_unit *u)
{
	size_t need = k->len + u->len, cap = k->cap ? k->cap : 4096;
	uint8_t *data;

	while (cap < need)
		cap *= 2;
	if (cap != k->cap) {
		data = sp_alloc(o->x->mem, cap);
		if (!data)
			return -ENOMEM;
		if (k->len)
			memcpy(data, k->data, k->len);
		sp_free(o->x->mem, k->data);
		k->data = data;
		k->cap = cap;
	}
	if (!k->len) {
		k->type = u->type;
		k->before_ns = u->before_ns;
	}
	k->after_ns = u->after_ns;
	memcpy(k->data + k->len, u->data, u->len);
	k->len = need;
	return 0;
}

static int write_session(struct out *o, const struct sp_ext_part *p,
			 const struct sp_ext_session *s, struct pack *k)
{
	struct sp_extract_tcp tcp = { 0 };
	int rc = 0;

	for (const struct sp_ext_unit *u = s->units.first; u && !rc; u = u->next) {
		if (k->len && !goes_with(k, u, o->x->conf->tcp_payload_size))
			rc = flush(o, s, &tcp, k);
		if (!rc)
			rc = pack(o, k, u);
		if (!rc)
			rc = tell(o, p->conf->codec, u, &s->pair);
	}
	return rc ? rc : flush(o, s, &tcp, k);
}

static int write_streams(struct out *o, const struct sp_ext_part *p)
{
	struct pack k = { 0 };
	int rc = 0;

	for (const struct sp_ext_session *s = p->sessions; s && !rc; s = s->next) {
		rc = write_session(o, p, s, &k);
		o->result->sessions += s->units.n > 0;
	}
	sp_free(o->x->mem, k.data);
	return rc;
}

static int write_part(struct out *o, const struct sp_ext_part *p)
{
	const struct sp_extract_part *c = p->conf;
	char name[64];
	size_t n = 0;
	int rc;

	for (; c->section[n] && n < sizeof name - 16; n++)
		name[n] = c->section[n] >= 'a' && c->section[n] <= 'z'
				  ? (char)(c->section[n] - 'a' + 'A')
				  : c->section[n];
	memcpy(name + n, " Information", 13);
	rc = sp_info_section(o->info, c->codec, name);
	o->n = o->added_ns = 0;
	if (rc)
		return rc;
	if (!c->codec)
		return write_frames(o, p);
	o->result->sessions += p->sources.n;
	return c->over == SP_CODEC_TCP ? write_streams(o, p) : write_datagrams(o, p);
}

static int write_parts(struct out *o)
{
	const struct sp_extract_conf *c = o->x->conf;
	int64_t start;
	int rc = 0;

	if (c->initial_delay_ns > INT64_MAX || c->inter_protocol_delay_ns > INT64_MAX ||
	    __builtin_add_overflow(SP_EXTRACT_EPOCH_NS, (int64_t)c->initial_delay_ns, &start))
		return -ERANGE;
	for (unsigned i = 0; i < c->n_parts && !rc; i++) {
		if (c->parts[i].guess && !sp_ext_part_used(&o->x->part[i]))
			continue;
		o->start_ns = start;
		rc = write_part(o, &o->x->part[i]);
		if (o->n && __builtin_add_overflow(o->last_ns,
						   (int64_t)c->inter_protocol_delay_ns, &start))
			rc = -ERANGE;
	}
	return rc;
}

static int explain(int rc, const char *path, struct sp_err *err)
{
	if (rc == -ENOMEM)
		return sp_fail(err, rc, SP_EXIT_FAILED, "out of memory");
	if (rc == -ERANGE)
		return sp_fail(
			err, rc, SP_EXIT_DATA,
			"%s: with these delays it would end after the year 2106, which a "
			"capture cannot say; choose shorter ones",
			path);
	return sp_fail(err, rc, SP_EXIT_IO, "cannot write %s: %s", path, strerrordesc_np(-rc));
}

int sp_ext_write_pcap(struct sp_ext *x, const struct sp_pcap_place *to, struct sp_info *info,
		      struct sp_extract_result *result, struct sp_err *err)
{
	static const struct sp_pcap_link link = { SP_LINKTYPE_ETHERNET, NULL };
	struct out o = { .x = x, .info = info, .result = result };
	int rc = sp_pcap_writer_open_at(&o.w, to, &link, x->mem, err);

	if (rc)
		return rc;
	o.frame = sp_alloc(x->mem, SP_EXTRACT_HEADERS + DATAGRAM_MOST);
	rc = o.frame ? write_parts(&o) : -ENOMEM;
	sp_free(x->mem, o.frame);
	if (rc)
		sp_pcap_writer_drop(o.w);
	else
		rc = sp_pcap_writer_close(o.w);
	return rc ? explain(rc, to->path, err) : 0;
}
