#include "engine/lane_select.h"

#include <errno.h>
#include <string.h>

#include "engine/run_impl.h"

#include "engine/protocol.h"
#include "plugin/proto.h"

#define ETH_IP4_UDP (14u + 20u + 8u)
#define ETH_IP6_UDP (14u + 40u + 8u)

static const struct sp_source_ops *source_for(const struct sp_catalog *c, uint32_t makes)
{
	for (unsigned i = 0; c->source[i]; i++)
		if ((c->source[i]->makes & makes) && !c->source[i]->port &&
		    !c->source[i]->schedule)
			return c->source[i];
	return NULL;
}

/* The protocol's own, or any that makes what the transport carries. */
static const struct sp_source_ops *source_of(const struct sp_plan_stream *s,
					     const struct sp_catalog *c, uint32_t makes)
{
	struct sp_protocol p;

	if (!sp_protocol_find(c, s->protocol, SP_ROLE_CLIENT, &p) && p.source)
		return p.recorded || p.source->makes & makes ? p.source : NULL;
	return source_for(c, makes);
}

static const struct sp_stamp_ops *stamp_for(const struct sp_catalog *c, int mode,
					    uint64_t payload)
{
	const struct sp_stamp_ops *native = sp_catalog_stamp(c, "native");
	const struct sp_stamp_ops *shorter = sp_catalog_stamp(c, "short");

	if (mode == SP_STAMP_OFF)
		return NULL;
	if (mode != SP_STAMP_SHORT && native && payload >= native->len)
		return native;
	if (mode != SP_STAMP_NATIVE && shorter && payload >= shorter->len)
		return shorter;
	return NULL;
}

const struct sp_stamp_ops *sp_lane_stamp(const struct sp_plan_stream *s, bool frames,
					 int family, const struct sp_catalog *c,
					 uint32_t *headers)
{
	*headers = !frames ? 0 : family == 6 ? ETH_IP6_UDP : ETH_IP4_UDP;
	if (*s->packet)
		*headers = s->packet_head;
	return s->size < *headers ? NULL : stamp_for(c, s->stamp, s->size - *headers);
}

int sp_lane_select(const struct sp_plan_stream *s, const struct sp_tcaps *caps, int family,
		   const struct sp_catalog *c, struct sp_lane_choice *choice,
		   struct sp_err *err)
{
	uint32_t makes = *s->packet ? SP_T_FRAME : caps->bits & (SP_T_DATAGRAM | SP_T_FRAME);

	if (caps->bits & SP_T_CONN && s->recorded) {
		*choice = (struct sp_lane_choice){ .lane = SP_LANE_DIALOGUE,
						   .source = source_of(
							   s, c, SP_T_CONN | SP_T_DATAGRAM),
						   .why = "dialogue lane, as recorded" };
		return choice->source ? 0
				      : sp_fail(err, -ENOTSUP, SP_EXIT_USAGE,
						"stream %s: %s makes nothing for connections",
						s->name, s->protocol);
	}
	if (caps->bits & SP_T_CONN) {
		*choice = (struct sp_lane_choice){
			.lane = s->bulk ? SP_LANE_BULK : SP_LANE_DIALOGUE,
			.stamp = stamp_for(c, s->stamp, s->size),
			.why = s->bulk ? "bulk lane" : "dialogue lane",
		};
		return 0;
	}
	*choice = (struct sp_lane_choice){ .source = source_of(s, c, makes) };
	if (choice->source && choice->source->port) {
		choice->why = choice->source->asks ? "packet lane, datagrams that are answered"
						   : "packet lane, the protocol's datagrams";
		return 0;
	}
	if (choice->source && choice->source->schedule) {
		choice->why = "packet lane, as recorded";
		return 0;
	}
	if (!choice->source)
		return sp_fail(err, -ENOTSUP, SP_EXIT_USAGE,
			       "stream %s: no source makes what its transport carries",
			       s->name);
	choice->stamp = sp_lane_stamp(s, makes & SP_T_FRAME, family, c, &choice->headers);
	if (s->size < choice->headers)
		return sp_fail(
			err, -EINVAL, SP_EXIT_USAGE,
			"stream %s: size %llu is smaller than its headers (%u bytes): on "
			"this transport the size is the frame's",
			s->name, (unsigned long long)s->size, choice->headers);
	if ((s->packet_size ? s->size_least : s->size) > caps->max_len)
		return sp_fail(err, -EMSGSIZE, SP_EXIT_USAGE,
			       "stream %s: size %llu is larger than the %u bytes that this "
			       "transport takes",
			       s->name, (unsigned long long)s->size, caps->max_len);
	if (!choice->stamp && (s->stamp == SP_STAMP_NATIVE || s->stamp == SP_STAMP_SHORT))
		return sp_fail(err, -EINVAL, SP_EXIT_USAGE,
			       "stream %s: the stamp does not fit into %llu bytes", s->name,
			       (unsigned long long)(s->size - choice->headers));
	choice->why = makes & SP_T_FRAME ? "packet lane, whole frames"
					 : "packet lane, datagrams";
	return 0;
}

const struct sp_transport_ops *sp_lane_fastest(const struct sp_catalog *c,
					       const struct sp_transport_ops *below)
{
	const struct sp_transport_ops *best = NULL;

	for (unsigned i = 0; c->transport[i]; i++) {
		const struct sp_transport_ops *t = c->transport[i];

		if (t->rank && (!below || t->rank < below->rank) &&
		    (!best || t->rank > best->rank))
			best = t;
	}
	return best;
}

const char *sp_lane_why_no_repeat(const struct sp_plan_stream *s, const struct sp_lane *l,
				  uint32_t stream)
{
	const struct sp_lane_stream *ls = &l->streams[stream];
	const struct sp_lane_source *src;

	if (l->n_streams != 1)
		return "its worker has other streams, too";
	if (ls->lane != SP_LANE_PACKET)
		return "it is none of the packet lane";
	src = &l->sources[ls->source];
	if (s->rate.kind != SP_RATE_MAX && s->rate.kind != SP_RATE_NONE)
		return "it has a rate, and each unit its own time";
	if (l->ports[ls->port].echo || ls->plain)
		return "its answers are waited for";
	if (ls->metered && !ls->lease)
		return "its packets are metered";
	if (!sp_run_template(src, &(uint32_t){ 0 }) || !src->ops->seek)
		return "its units follow no template";
	if (src->stamp && strcmp(src->stamp->name, "native") != 0)
		return "its stamp is the short one";
	return NULL;
}
