/* A stream whose packet is said by an expression: its target, size and stamp. */
#include <errno.h>
#include <string.h>

#include "engine/packet.h"
#include "engine/plan_impl.h"

#define FCS 4u

/* The target that the expression names, or that fills it. */
static int settle_host(struct sp_plan_build *b, struct sp_plan_stream *s,
		       const struct sp_packet_facts *f, const char *place, struct sp_err *err)
{
	char text[64];

	if (!f->ip || !f->dst_given)
		return f->ip && !*s->host
			       ? sp_fail(err, -EINVAL, SP_EXIT_USAGE,
					 "%s: where to? the expression has no dst; give one, "
					 "or a target (-t)",
					 place)
			       : 0;
	sp_addr_format(text, sizeof text, &f->dst.addr);
	if (*s->host && strcmp(s->host, text) != 0)
		return sp_fail(err, -EINVAL, SP_EXIT_USAGE,
			       "%s: the expression sends to %s, and the target is to be %s; "
			       "leave one out",
			       place, text, s->host);
	s->host = sp_arena_strdup(&b->plan->arena, text);
	return s->host ? 0 : sp_fail(err, -ENOMEM, SP_EXIT_FAILED, "out of memory");
}

static int check_size(const struct sp_plan_stream *s, const struct sp_packet_facts *f,
		      const char *place, struct sp_err *err)
{
	if (s->size < f->head)
		return sp_fail(
			err, -ERANGE, SP_EXIT_USAGE,
			"%s: size %llu is too small: this packet has %u bytes as a frame",
			place, (unsigned long long)s->size, f->head);
	if (f->fixed && s->size != f->len)
		return sp_fail(err, -ERANGE, SP_EXIT_USAGE,
			       "%s: size %llu cannot be: this packet has %u bytes as a frame, "
			       "and nothing in it may grow",
			       place, (unsigned long long)s->size, f->len);
	if (s->size > UINT16_MAX)
		return sp_fail(err, -ERANGE, SP_EXIT_USAGE,
			       "%s: size %llu is too large: a frame holds at most %u bytes",
			       place, (unsigned long long)s->size, UINT16_MAX);
	return 0;
}

/* Sizes by a law: what follows the expression's headers grows. */
static int check_law(struct sp_plan_build *b, struct sp_plan_stream *s,
		     const struct sp_packet_facts *f, const char *place, struct sp_err *err)
{
	const struct sp_plan_sizes r = { .headers = f->head,
					 .max = UINT16_MAX,
					 .less = FCS,
					 .stamps = true,
					 .native = SP_PLAN_NATIVE,
					 .brief = SP_PLAN_BRIEF };

	if (f->fixed)
		return sp_fail(err, -ERANGE, SP_EXIT_USAGE,
			       "%s: this packet has %u bytes as a frame, and nothing in it may "
			       "grow: leave packet_size out",
			       place, f->len);
	return sp_plan_settle_sizes(b, s, &r, place, err);
}

int sp_plan_check_packet(struct sp_plan_build *b, struct sp_plan_stream *s, bool sized,
			 const char *place, struct sp_err *err)
{
	uint32_t need = sp_plan_stamp_need(s, SP_PLAN_NATIVE, SP_PLAN_BRIEF);
	struct sp_endpoint to = { .port = 0 };
	struct sp_packet_facts f;
	uint64_t room;
	int rc;

	if (sp_addr_parse(s->host, &to.addr))
		to.addr.family = 0;
	rc = sp_packet_look(s->packet, place, &to, b->catalog, &b->scratch, &f, err);
	if (!rc)
		rc = settle_host(b, s, &f, place, err);
	if (rc)
		return rc;
	if (f.dst.port)
		s->port = f.dst.port;
	if (!sized && !s->packet_size)
		s->size = f.fixed || f.len - f.head >= need ? f.len : f.head + need;
	s->packet_head = f.head;
	if (s->packet_size)
		return check_law(b, s, &f, place, err);
	rc = check_size(s, &f, place, err);
	if (rc)
		return rc;
	room = f.fixed ? 0 : s->size - f.head;
	if (room >= sp_plan_settle_stamp(s, room, SP_PLAN_NATIVE, SP_PLAN_BRIEF))
		return 0;
	return sp_fail(
		err, -EINVAL, SP_EXIT_USAGE,
		"%s: the %s stamp needs %u bytes that the packet leaves free: size %u at "
		"least",
		place, s->stamp == SP_STAMP_NATIVE ? "native" : "short", need, f.head + need);
}
