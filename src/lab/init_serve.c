#include "lab/init_impl.h"

#include "base/str.h"
#include "lab/wire.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define ANSWER_MS 1000 /* a forwarder's */
#define ASK_MS	  100  /* who connects says at once what it wants */

/* A forwarder that did not answer in time may have obeyed all the same, or will: the next order
 * says again what holds, and answers to earlier ones are passed over. */
static int ask_forwarder(struct lab_init *s, unsigned link,
			 const struct sp_forward_order *order, struct sp_forward_answer *a,
			 struct sp_err *err)
{
	struct lab_forwarder *f = &s->forwarder[link];
	struct sp_forward_order o = *order;
	struct pollfd p = { .fd = f->fd, .events = POLLIN };

	if (f->unsure && !o.set) {
		o.set = true;
		memcpy(o.way, s->spec->link[link].way, sizeof o.way);
	}
	o.serial = ++f->serial;
	f->unsure = true;
	for (int rc = sp_talk_send(f->fd, &o, sizeof o, NULL, 0);
	     !rc && poll(&p, 1, ANSWER_MS) == 1;) {
		rc = sp_talk_recv(f->fd, a, sizeof *a, NULL, NULL);
		if (rc || a->serial != o.serial)
			continue;
		f->unsure = false;
		return 0;
	}
	*a = (struct sp_forward_answer){ 0 };
	return sp_fail(err, -EIO, SP_EXIT_FAILED, "the forwarder of link %s does not answer",
		       s->spec->link[link].name);
}

/* ---- orders ---- */

static int change(struct lab_init *s, unsigned link, const char *words,
		  struct sp_lab_note *note)
{
	struct sp_lab_link next = s->spec->link[link];
	struct sp_forward_order o = { .set = true };
	struct sp_forward_answer a = { 0 };
	struct sp_err *err = &note->err;
	int rc = sp_lab_link_change(&next, words, err);

	if (!rc)
		rc = sp_lab_link_can(&next, err);
	if (rc)
		return rc;
	struct sp_lab_link before = s->spec->link[link];
	s->spec->link[link] = next;
	memcpy(o.way, next.way, sizeof o.way);
	if (next.via == SP_LAB_FORWARDER)
		rc = ask_forwarder(s, link, &o, &a, err);
	else if (next.via == SP_LAB_NETEM)
		rc = sp_wire_set_netem(s->spec, &s->map, link, err);
	if (rc)
		s->spec->link[link] = before;
	note->at_ns = a.at_ns;
	return rc;
}

static int state(struct lab_init *s, unsigned link, struct sp_lab_note *note)
{
	const struct sp_lab_link *l = &s->spec->link[link];
	struct sp_lab_link_state *st = &note->link;
	struct sp_forward_answer a = { 0 };
	struct sp_forward_order o = { 0 };
	int rc = 0;

	memcpy(st->name, l->name, sizeof st->name);
	for (unsigned i = 0; i < 2; i++) {
		memcpy(st->end[i], s->spec->node[l->end[i].node].name, sizeof st->end[i]);
		st->way[i] = l->way[i];
	}
	st->via = l->via;
	st->counted = l->via == SP_LAB_FORWARDER;
	if (st->counted)
		rc = ask_forwarder(s, link, &o, &a, &note->err);
	memcpy(st->counts, a.way, sizeof st->counts);
	return rc;
}

static int who(struct lab_init *s, const struct sp_lab_order *o, struct sp_lab_note *note)
{
	struct sp_lab_who *w = &note->who;

	memcpy(w->name, s->spec->name, sizeof w->name);
	w->started_ns = s->started_ns;
	w->n_nodes = s->spec->n_nodes;
	w->n_links = s->spec->n_links;
	if (o->number < w->n_nodes) {
		memcpy(w->node, s->spec->node[o->number].name, sizeof w->node);
		w->kind = (int)s->spec->node[o->number].kind;
	}
	return 0;
}

/* Descriptors of the namespaces in which a place's processes are. */
static int open_door(struct lab_init *s, unsigned place, struct sp_lab_note *note, int fds[4])
{
	static const char *const own[] = { "/proc/self/ns/user", "/proc/self/ns/pid",
					   "/proc/self/ns/mnt" };
	char net[64];

	snprintf(net, sizeof net, "/proc/%d/ns/net", (int)s->map.holder[place]);
	for (unsigned i = 0; i < 4; i++) {
		fds[i] = open(i < 3 ? own[i] : net, O_RDONLY | O_CLOEXEC);
		if (fds[i] >= 0)
			continue;
		int rc = sp_fail(&note->err, -errno, SP_EXIT_PERM, "cannot open %s: %s",
				 i < 3 ? own[i] : net, strerror(errno));
		while (i--)
			close(fds[i]);
		return rc;
	}
	sp_lab_map_format(note->map, sizeof note->map, &s->map);
	return 0;
}

static int find(const struct lab_init *s, const struct sp_lab_order *o, struct sp_err *err)
{
	bool door = o->what == SP_LAB_DOOR;
	unsigned n = door ? s->spec->n_places : s->spec->n_links;
	const char *names[SP_LAB_MAX_NODES + SP_LAB_MAX_LINKS], *near;
	char shown[80];

	for (unsigned i = 0; i < n; i++) {
		names[i] = door ? s->spec->node[i].name : s->spec->link[i].name;
		if (o->name[0] ? !strcmp(names[i], o->name) : i == o->number)
			return (int)i;
	}
	near = sp_str_nearest(o->name, names, n);
	return sp_fail(err, -ENOENT, SP_EXIT_USAGE,
		       "this lab has no %s '%s'%s%s%s; 'spate lab list' shows what it has",
		       door ? "host" : "link", sp_str_printable(shown, sizeof shown, o->name),
		       near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
}

void sp_init_answer(struct lab_init *s, int fd, const struct sp_lab_order *order, bool doors)
{
	struct sp_lab_note note = { .serial = order->serial, .kind = SP_LAB_NOTE_ANSWER };
	struct sp_lab_order o = *order;
	int fds[4], rc = 0, at = 0;
	unsigned n_fds = 0;

	o.name[sizeof o.name - 1] = '\0';
	o.text[sizeof o.text - 1] = '\0';
	if (o.what == SP_LAB_CHANGE || o.what == SP_LAB_STATE ||
	    (o.what == SP_LAB_DOOR && doors))
		rc = at = find(s, &o, &note.err);
	if (rc >= 0 && o.what == SP_LAB_CHANGE)
		rc = change(s, (unsigned)at, o.text, &note);
	else if (rc >= 0 && o.what == SP_LAB_STATE)
		rc = state(s, (unsigned)at, &note);
	else if (rc >= 0 && o.what == SP_LAB_WHO)
		rc = who(s, &o, &note);
	else if (rc >= 0 && o.what == SP_LAB_DOOR && doors)
		rc = open_door(s, (unsigned)at, &note, fds);
	else if (rc >= 0)
		rc = sp_fail(&note.err, -EPERM, SP_EXIT_USAGE,
			     "this is done from outside the lab");
	if (!rc && o.what == SP_LAB_DOOR)
		n_fds = 4;
	sp_talk_send(fd, &note, sizeof note, fds, n_fds);
	while (n_fds)
		close(fds[--n_fds]);
}

void sp_init_accept(struct lab_init *s, int listening)
{
	int fd = accept4(listening, NULL, NULL, SOCK_CLOEXEC);
	struct pollfd p = { .fd = fd, .events = POLLIN };
	struct ucred peer = { .uid = ~0u };
	socklen_t len = sizeof peer;
	struct sp_lab_order o;

	if (fd < 0)
		return;
	/* Whoever gave up being root in here gave this up too. */
	if (!getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) && peer.uid == geteuid() &&
	    poll(&p, 1, ASK_MS) == 1 && !sp_talk_recv(fd, &o, sizeof o, NULL, NULL))
		sp_init_answer(s, fd, &o, false);
	close(fd);
}
