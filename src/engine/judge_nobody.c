/* Which targets answered that nobody listens there. */
#include "engine/run_impl.h"

#include <stdio.h>
#include <string.h>

#include "base/str.h"

#define NAMED 3u /* targets; of more only the number is said */

/* A sum of text that has room for the rest of the sentence. */
struct said {
	char text[256];
	struct sp_endpoint at[NAMED];
	uint32_t n;
};

/* A spate receiver that answered is somebody, whatever came back after it had ended. */
static bool was_somebody(const struct sp_run *r, const struct sp_endpoint *to)
{
	for (uint32_t i = 0; i < r->n_asks; i++)
		if (r->asks[i].grant.peer && sp_endpoint_eq(&r->asks[i].ask.to, to))
			return true;
	return false;
}

static uint64_t answers_of(const struct sp_run *r, unsigned p, unsigned w, uint32_t ep)
{
	return r->ports[p].ops->unreachable(r->ports[p].queues[w], ep);
}

/* Was this target met already, in a queue before w? Workers may share targets. */
static bool met_before(const struct sp_run *r, unsigned p, unsigned w,
		       const struct sp_endpoint *to)
{
	const struct sp_transport_ops *ops = r->ports[p].ops;
	struct sp_endpoint at;

	for (unsigned k = 0; k < w; k++)
		for (uint32_t ep = 0; ops->peer(r->ports[p].queues[k], ep, &at, NULL) == 0;
		     ep++)
			if (sp_endpoint_eq(&at, to) && answers_of(r, p, k, ep))
				return true;
	return false;
}

static void say_one(struct said *s, const char *protocol, const struct sp_endpoint *to)
{
	size_t len = strlen(s->text);
	char text[80];

	for (uint32_t i = 0; i < s->n && i < NAMED; i++)
		if (sp_endpoint_eq(&s->at[i], to)) /* by another port of ours */
			return;
	if (s->n < NAMED) {
		s->at[s->n] = *to;
		snprintf(s->text + len, sizeof s->text - len, "%s%s://%s", len ? ", " : "",
			 protocol, sp_endpoint_format(text, sizeof text, to));
	}
	s->n++;
}

static void say_queue(const struct sp_run *r, unsigned p, unsigned w, struct said *s)
{
	const struct run_port *port = &r->ports[p];
	struct sp_endpoint to;

	for (uint32_t ep = 0; port->ops->peer(port->queues[w], ep, &to, NULL) == 0; ep++)
		if (answers_of(r, p, w, ep) && !was_somebody(r, &to) &&
		    !met_before(r, p, w, &to))
			say_one(s, port->ops->name, &to);
}

void sp_run_name_unreachable(const struct sp_run *r, char *buf, size_t cap)
{
	struct said s = { .n = 0 };

	for (unsigned p = 0; p < r->plan->n_ports; p++)
		for (unsigned w = 0; r->ports[p].ops->unreachable && w < r->n_workers; w++)
			say_queue(r, p, w, &s);
	if (s.n > NAMED)
		snprintf(buf, cap, "%s and %u more", s.text, s.n - NAMED);
	else if (s.n)
		sp_strlcpy(buf, s.text, cap);
	else if (r->plan->n_streams == 1)
		sp_run_target_text(r, 0, buf, cap);
	else
		sp_strlcpy(buf, "some target", cap);
}
