/* A plan's receivers: checks that need the whole. */
#include <stdlib.h>
#include <string.h>

#include "base/address.h"
#include "engine/listener.h"
#include "engine/plan_check.h"
#include "engine/reply_words.h"
#include "pkt/filter.h"
#include "plugin/proto.h"

static int by_number(const void *a, const void *b)
{
	const struct sp_plan_port *x = *(const struct sp_plan_port *const *)a;
	const struct sp_plan_port *y = *(const struct sp_plan_port *const *)b;

	if (x->port != y->port)
		return x->port < y->port ? -1 : 1;
	return strcmp(x->name, y->name);
}

static bool same_place(const struct sp_plan_port *a, const struct sp_plan_port *b)
{
	bool address = !*a->bind || !*b->bind || strcmp(a->bind, b->bind) == 0;
	bool interface = !*a->interface || !*b->interface ||
			 strcmp(a->interface, b->interface) == 0;

	return address && interface && strcmp(a->transport, b->transport) == 0;
}

/* Two sockets on one number would share its traffic between them, silently. */
static int check_overlap(struct plan_check *c, const struct sp_plan_port **p, unsigned n)
{
	const struct sp_plan_port *ports = plan_items(c, SP_PLAN_PORT);

	qsort(p, n, sizeof *p, by_number);
	for (unsigned i = 0; i < n; i++) {
		for (unsigned k = i + 1; k < n && p[k]->port <= p[i]->port_last; k++) {
			if (!same_place(p[i], p[k]))
				continue;
			return sp_fail(c->err, -EINVAL, SP_EXIT_USAGE,
				       "%s: port number %llu is listened on twice",
				       plan_place(c, SP_PLAN_PORT, (unsigned)(p[k] - ports),
						  "receivers"),
				       (unsigned long long)p[k]->port);
		}
	}
	return 0;
}

/* Machines of frames need a transport of frames, and addresses to speak for. */
static int check_reply(struct plan_check *c, const struct sp_plan_recv *r,
		       const struct sp_plan_port *port, const struct sp_transport_ops *ops,
		       const char *place)
{
	struct sp_prefixes all = { 0 };
	struct sp_reply_words words;
	int rc;

	rc = sp_reply_words(r->reply, c->b->catalog, place, &c->b->plan->arena, &words, c->err);
	if (!rc && r->address)
		rc = sp_reply_addresses(r->address, place, &all, c->err);
	if (rc)
		return rc;
	for (uint32_t i = 0; i < words.n; i++) {
		const struct sp_reply_word *w = &words.w[i];

		if (w->names_file && c->b->distrust)
			return sp_fail(c->err, -EPERM, SP_EXIT_PERM,
				       "%s: %s: a peer may not name a file of this host", place,
				       w->ops->name);
		if (w->ops->takes == SP_REPLY_FRAME && !plan_of_frames(ops))
			return sp_fail(c->err, -EINVAL, SP_EXIT_USAGE,
				       "%s: %s answers frames; give --interface DEV and "
				       "--transport packet",
				       place, w->ops->name);
		if (plan_of_frames(ops) && !w->at.n && !all.n && !*port->bind)
			return sp_fail(c->err, -EINVAL, SP_EXIT_USAGE,
				       "%s: %s has no address to answer for; give --address "
				       "10.0.0.5 (or a prefix), --bind, or %s(10.0.0.5)",
				       place, w->ops->name, w->ops->name);
	}
	for (uint32_t i = 0; i < words.n && !plan_of_frames(ops); i++)
		if (words.w[i].at.n || all.n)
			return sp_fail(
				c->err, -EINVAL, SP_EXIT_USAGE,
				"%s: over '%s' the kernel says which addresses are answered; "
				"say where to listen by a URL or --bind",
				place, ops->name);
	if (plan_of_frames(ops) ? !ops->mac : !ops->answer)
		return sp_fail(c->err, -EINVAL, SP_EXIT_USAGE,
			       "%s: nothing is answered over the transport '%s'; udp does, "
			       "and packet",
			       place, ops->name);
	return 0;
}

/* Where the transport has a filter of its own, it is that one's. */
static int check_filter(struct plan_check *c, const struct sp_plan_recv *r,
			struct sp_plan_port *port, const char *place)
{
	const struct sp_transport_ops *ops = sp_catalog_transport(c->b->catalog,
								  port->transport);
	int rc = sp_filter_check(r->filter, SP_EXIT_USAGE, c->err);

	if (rc)
		sp_err_prefix(c->err, "%s", place);
	if (rc || !ops->opts || !sp_opt_find(ops->opts, "filter"))
		return rc;
	return sp_opts_set(ops->opts, (void *)(uintptr_t)port->conf, "filter", r->filter, place,
			   &c->b->plan->arena, c->err);
}

static int check_listener(struct plan_check *c, const struct sp_plan_recv *r, const char *place)
{
	struct sp_endpoint at;
	bool tcp;
	int rc = sp_listener_parse(r->listener, &tcp, &at, c->err);

	if (rc)
		sp_err_prefix(c->err, "%s", place);
	return rc;
}

/* What only receivers of frames have. */
static int check_frames(struct plan_check *c, struct sp_plan_recv *r, struct sp_plan_port *port,
			const char *place)
{
	const char *set = plan_given(r->filter)	    ? "filter"
			  : r->checksum		    ? "checksum"
			  : plan_given(r->count_as) ? "count_as"
			  : plan_given(r->listener) ? "listener"
						    : NULL;

	if (!plan_of_frames(sp_catalog_transport(c->b->catalog, port->transport)))
		return set ? sp_fail(c->err, -EINVAL, SP_EXIT_USAGE,
				     "%s: %s is for frames, and '%s' carries none; add "
				     "--transport packet --interface DEV",
				     place, set, port->transport)
			   : 0;
	if (plan_given(r->count_as) && strcmp(r->count_as, "all") == 0)
		r->count_as = NULL;
	if (plan_given(r->count_as) && strcmp(r->count_as, "contrail") != 0)
		return sp_fail(c->err, -EINVAL, SP_EXIT_USAGE,
			       "%s: count_as: '%.40s' is none of all, contrail", place,
			       r->count_as);
	if (plan_given(r->listener) && check_listener(c, r, place))
		return -EINVAL;
	return plan_given(r->filter) ? check_filter(c, r, port, place) : 0;
}

static int check_recv(struct plan_check *c, struct sp_names *names, unsigned i,
		      const struct sp_plan_port **port)
{
	struct sp_plan_recv *r = (struct sp_plan_recv *)plan_items(c, SP_PLAN_RECV) + i;
	const char *place = plan_place(c, SP_PLAN_RECV, i, r->name);
	const struct sp_transport_ops *ops;
	struct sp_protocol p;
	unsigned before;
	int rc;

	if (!*r->name)
		return sp_fail(c->err, -EINVAL, SP_EXIT_USAGE, "%s: the receiver has no name",
			       place);
	if (!sp_names_add(names, r->name, i, &before))
		return sp_fail(c->err, -EINVAL, SP_EXIT_USAGE,
			       "%s: two receivers are called '%s'", place, r->name);
	rc = sp_plan_find_port(c, r->from, place, &r->from_port);
	if (rc)
		return rc;
	*port = (struct sp_plan_port *)plan_items(c, SP_PLAN_PORT) + r->from_port;
	rc = sp_protocol_need(c->b->catalog, r->protocol, SP_ROLE_SERVER, place, &p, c->err);
	if (!rc)
		rc = sp_plan_check_carrier(c, r->protocol, &p, *port, place);
	if (!rc)
		rc = sp_plan_check_settings(c, &p, r->conf, r->wrap_conf, place);
	if (rc)
		return rc;
	ops = sp_catalog_transport(c->b->catalog, (*port)->transport);
	rc = check_frames(c, r, (struct sp_plan_port *)(uintptr_t)*port, place);
	if (rc)
		return rc;
	if (!(*port)->port && !(ops && (ops->echoes || plan_of_frames(ops))))
		return sp_fail(c->err, -EINVAL, SP_EXIT_USAGE,
			       "%s: no port number is given to listen on", place);
	if (r->address && !r->reply)
		return sp_fail(c->err, -EINVAL, SP_EXIT_USAGE,
			       "%s: address: nothing answers there; give --reply", place);
	return r->reply && ops ? check_reply(c, r, *port, ops, place) : 0;
}

int sp_plan_check_recvs(struct plan_check *c)
{
	unsigned n = c->b->list[SP_PLAN_RECV].n;
	const struct sp_plan_port **used;
	struct sp_names names;
	int rc = 0;

	if (!n)
		return 0;
	if (sp_names_init(&names, c->b->mem, n))
		return plan_no_memory(c->err);
	used = sp_alloc_array(c->b->mem, n, sizeof(struct sp_plan_port *));
	if (!used)
		rc = plan_no_memory(c->err);
	for (unsigned i = 0; i < n && !rc; i++)
		rc = check_recv(c, &names, i, &used[i]);
	if (!rc)
		rc = check_overlap(c, used, n);
	sp_free(c->b->mem, used);
	sp_names_fini(&names);
	return rc;
}
