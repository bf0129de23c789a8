#include "lab/wire.h"

#include "lab/link.h"
#include "lab/netem.h"
#include "lab/space.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define MTU_MAX 65535u /* of a veth */

/* An attempt: where /proc/sys is read-only the lab works all the same, with a second's delay
 * of link-local addresses. */
static bool set(const char *path, const char *value)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return false;
	ssize_t n = write(fd, value, 1);
	close(fd);
	return n == 1;
}

int sp_wire_prepare_place(enum sp_lab_kind kind)
{
	set("/proc/sys/net/ipv6/conf/all/disable_ipv6", "0");
	set("/proc/sys/net/ipv6/conf/default/disable_ipv6", "0");
	set("/proc/sys/net/ipv6/conf/lo/disable_ipv6", "0");
	set("/proc/sys/net/ipv6/conf/all/accept_dad", "0");
	set("/proc/sys/net/ipv6/conf/default/accept_dad", "0");
	/* No router will come; soliciting one only puts frames into people's captures. */
	set("/proc/sys/net/ipv6/conf/default/accept_ra", "0");
	/* The way there and the way back need not be the same. */
	set("/proc/sys/net/ipv4/conf/all/rp_filter", "0");
	set("/proc/sys/net/ipv4/conf/default/rp_filter", "0");
	if (kind != SP_LAB_ROUTER)
		return 0;
	set("/proc/sys/net/ipv4/conf/all/send_redirects", "0");
	set("/proc/sys/net/ipv4/conf/default/send_redirects", "0");
	set("/proc/sys/net/ipv6/conf/all/forwarding", "1");
	set("/proc/sys/net/ipv6/conf/default/forwarding", "1");
	return set("/proc/sys/net/ipv4/ip_forward", "1") ? 0 : -EROFS;
}

void sp_wire_prepare_switch(void)
{
	set("/proc/sys/net/ipv6/conf/all/disable_ipv6", "1");
	set("/proc/sys/net/ipv6/conf/default/disable_ipv6", "1");
}

static int fail(struct sp_err *err, int code, const char *what, const char *whose)
{
	const char *remedy = "";

	if (code == -EOPNOTSUPP || code == -ENOENT || code == -ENODEV)
		remedy = "; the kernel lacks it, try 'sudo modprobe -a veth bridge'";
	return sp_fail(err, code, SP_EXIT_PERM, "cannot %s %s: %s%s", what, whose,
		       strerror(-code), remedy);
}

struct wire {
	struct sp_lab_spec *spec;
	const struct sp_lab_map *map;
	int home; /* the switch's network namespace */
};

static int go_home(const struct wire *w)
{
	return setns(w->home, CLONE_NEWNET) ? -errno : 0;
}

static bool is_place(const struct wire *w, unsigned node)
{
	return node < w->spec->n_places;
}

/* Into a place's namespace; a bridge is in the switch's. */
static int go_to(const struct wire *w, unsigned node)
{
	return is_place(w, node) ? sp_space_enter_net(w->map->holder[node]) : go_home(w);
}

/* ---- links ---- */

static unsigned bridge_index(unsigned node)
{
	char name[IFNAMSIZ];

	snprintf(name, sizeof name, "br%u", node);
	return if_nametoindex(name);
}

void sp_wire_forwarder_end(unsigned link, unsigned end, char *name)
{
	snprintf(name, IFNAMSIZ, "f%u%c", link, end ? 'b' : 'a');
}

/* The interface at the end of a link: eth0 of a place, or the port of a bridge. */
static void end_name(const struct wire *w, unsigned link, unsigned end, char *name)
{
	const struct sp_lab_end *e = &w->spec->link[link].end[end];

	if (is_place(w, e->node))
		snprintf(name, IFNAMSIZ, "eth%u", e->eth);
	else
		snprintf(name, IFNAMSIZ, "p%u%c", link, end ? 'b' : 'a');
}

static void mac_of(const struct wire *w, unsigned link, unsigned end, uint8_t mac[6])
{
	const struct sp_lab_end *e = &w->spec->link[link].end[end];

	if (is_place(w, e->node))
		memcpy(mac, e->mac, 6);
	else
		memcpy(mac, (uint8_t[]){ 2, 0, 10, 100, (uint8_t)link, (uint8_t)end }, 6);
}

/* In the switch's namespace: the forwarder's interface at this end, and what it is joined to. */
static int join_forwarder(const struct wire *w, struct mnl_socket *nl, unsigned link,
			  unsigned end)
{
	unsigned node = w->spec->link[link].end[end].node;
	char near[IFNAMSIZ], far[IFNAMSIZ];
	struct sp_link_veth v = { .name = far, .peer = near };
	int rc;

	end_name(w, link, end, near);
	sp_wire_forwarder_end(link, end, far);
	mac_of(w, link, end, v.peer_mac);
	memcpy(v.mac, (uint8_t[]){ 2, 0, 10, 101, (uint8_t)link, (uint8_t)end }, 6);
	v.peer_pid = is_place(w, node) ? w->map->holder[node] : getpid();
	rc = sp_link_add_veth(nl, &v);
	/* How long frames are is for the hosts to say. */
	if (!rc)
		rc = sp_link_set_mtu(nl, if_nametoindex(far), MTU_MAX);
	if (rc || is_place(w, node))
		return rc;
	rc = sp_link_set_master(nl, if_nametoindex(near), bridge_index(node));
	return rc ? rc : sp_link_up(nl, if_nametoindex(near));
}

/* One veth between the two ends, made where the first of them is. */
static int join_direct(const struct wire *w, unsigned link)
{
	const struct sp_lab_end *e = w->spec->link[link].end;
	unsigned from = is_place(w, e[0].node) && !is_place(w, e[1].node);
	char name[IFNAMSIZ], peer[IFNAMSIZ];
	struct sp_link_veth v = { .name = name, .peer = peer };
	struct mnl_socket *nl;
	int rc = go_to(w, e[from].node);

	if (rc)
		return rc;
	end_name(w, link, from, name);
	end_name(w, link, !from, peer);
	mac_of(w, link, from, v.mac);
	mac_of(w, link, !from, v.peer_mac);
	v.peer_pid = is_place(w, e[!from].node) ? w->map->holder[e[!from].node] : getpid();
	v.master = is_place(w, e[from].node) ? 0 : bridge_index(e[from].node);
	if (!(nl = sp_link_open()))
		return -errno;
	rc = sp_link_add_veth(nl, &v);
	/* Between two bridges the other end is here too. */
	if (!rc && !is_place(w, e[!from].node)) {
		rc = sp_link_set_master(nl, if_nametoindex(peer), bridge_index(e[!from].node));
		if (!rc)
			rc = sp_link_up(nl, if_nametoindex(peer));
	}
	sp_link_close(nl);
	return rc;
}

static int join(const struct wire *w, unsigned link)
{
	struct mnl_socket *nl;
	int rc;

	if (w->spec->link[link].via != SP_LAB_FORWARDER)
		return join_direct(w, link);
	if ((rc = go_home(w)))
		return rc;
	if (!(nl = sp_link_open()))
		return -errno;
	rc = join_forwarder(w, nl, link, 0);
	if (!rc)
		rc = join_forwarder(w, nl, link, 1);
	sp_link_close(nl);
	return rc;
}

static int make_bridges(const struct wire *w)
{
	struct mnl_socket *nl = sp_link_open();
	char name[IFNAMSIZ];
	int rc = nl ? 0 : -errno;

	for (unsigned i = w->spec->n_places; !rc && i < w->spec->n_nodes; i++) {
		snprintf(name, sizeof name, "br%u", i);
		rc = sp_link_add_bridge(nl, name);
	}
	sp_link_close(nl);
	return rc;
}

/* ---- what carries a link ---- */

static int set_netem(const struct wire *w, unsigned link, unsigned end)
{
	const struct sp_lab_link *l = &w->spec->link[link];
	char name[IFNAMSIZ];
	struct mnl_socket *nl;
	int rc = go_to(w, l->end[end].node);

	if (rc)
		return rc;
	if (!(nl = sp_link_open()))
		return -errno;
	end_name(w, link, end, name);
	rc = sp_netem_set(nl, if_nametoindex(name), &l->way[end]);
	sp_link_close(nl);
	return rc;
}

int sp_wire_set_netem(struct sp_lab_spec *spec, const struct sp_lab_map *map, unsigned link,
		      struct sp_err *err)
{
	struct wire w = { spec, map, open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC) };
	int rc = w.home < 0 ? -errno : set_netem(&w, link, 0);

	if (!rc)
		rc = set_netem(&w, link, 1);
	if (w.home >= 0) {
		go_home(&w);
		close(w.home);
	}
	return rc ? fail(err, rc, "set netem of link", spec->link[link].name) : 0;
}

static bool kernel_has_netem(void)
{
	struct mnl_socket *nl = sp_link_open();
	bool has = nl && !sp_netem_set(nl, if_nametoindex("lo"), &(struct sp_impair_conf){ 0 });

	sp_link_close(nl);
	return has;
}

static int choose(const struct wire *w, struct sp_err *err)
{
	bool netem = false, known = false;

	for (unsigned i = 0; i < w->spec->n_links; i++) {
		struct sp_lab_link *l = &w->spec->link[i];
		bool able = sp_netem_can(&l->way[0]) && sp_netem_can(&l->way[1]);

		if (l->via == SP_LAB_AUTO && sp_impair_is_wire(&l->way[0]) &&
		    sp_impair_is_wire(&l->way[1]))
			l->via = SP_LAB_VETH;
		if (l->via == SP_LAB_VETH || l->via == SP_LAB_FORWARDER)
			continue;
		if (!known) {
			netem = kernel_has_netem();
			known = true;
		}
		if (l->via == SP_LAB_NETEM && !netem)
			return sp_fail(
				err, -EOPNOTSUPP, SP_EXIT_PERM,
				"link %s: this kernel has no netem; write via: forwarder, or "
				"try 'sudo modprobe sch_netem'",
				l->name);
		l->via = netem && able ? SP_LAB_NETEM : SP_LAB_FORWARDER;
	}
	return 0;
}

/* ---- addresses and routes ---- */

/* A kernel without IPv6, or with it switched off for good. */
static bool is_no_ipv6(int rc)
{
	return rc == -EOPNOTSUPP || rc == -EAFNOSUPPORT || rc == -EACCES || rc == -EPERM;
}

static int set_up_end(const struct wire *w, struct mnl_socket *nl, unsigned link, unsigned end)
{
	const struct sp_lab_end *e = &w->spec->link[link].end[end];
	char name[IFNAMSIZ];
	unsigned index;
	int rc = 0;

	end_name(w, link, end, name);
	index = if_nametoindex(name);
	for (unsigned i = 0; i < e->n_addr && !rc; i++)
		if (e->addr[i].addr.family == 4)
			rc = sp_link_add_addr(nl, index, e->addr[i].addr.ip, 4,
					      e->addr[i].prefix);
	if (!rc)
		rc = sp_link_up(nl, index);
	for (unsigned i = 0; i < e->n_addr && !rc; i++) {
		if (e->addr[i].addr.family != 6)
			continue;
		rc = sp_link_add_addr(nl, index, e->addr[i].addr.ip, 16, e->addr[i].prefix);
		if (is_no_ipv6(rc))
			return 0;
	}
	return rc;
}

/* In the place: lo and its interfaces get up and addresses. */
static int set_up_place(const struct wire *w, struct mnl_socket *nl, unsigned node)
{
	int rc = sp_link_up(nl, if_nametoindex("lo"));

	for (unsigned i = 0; i < 2 * w->spec->n_links && !rc; i++)
		if (w->spec->link[i / 2].end[i % 2].node == node)
			rc = set_up_end(w, nl, i / 2, i % 2);
	return rc;
}

static int add_routes(const struct wire *w, struct mnl_socket *nl, unsigned node)
{
	struct sp_lab_route routes[SP_LAB_MAX_ROUTES];
	unsigned n = sp_lab_routes(w->spec, node, routes);
	int rc = 0;

	for (unsigned i = 0; i < n && !rc; i++) {
		const struct sp_lab_route *r = &routes[i];
		size_t len = r->to.addr.family == 4 ? 4 : 16;
		char name[IFNAMSIZ];

		snprintf(name, sizeof name, "eth%u", r->eth);
		rc = sp_link_add_route(nl, if_nametoindex(name), r->to.addr.ip, len,
				       r->to.prefix, r->gateway.ip);
		/* Without IPv6 the gateway is not reachable either. */
		if (len == 16 && (is_no_ipv6(rc) || rc == -EHOSTUNREACH || rc == -ENETUNREACH))
			rc = 0;
	}
	return rc;
}

static int in_place(const struct wire *w, unsigned node,
		    int (*fn)(const struct wire *, struct mnl_socket *, unsigned))
{
	struct mnl_socket *nl;
	int rc = go_to(w, node);

	if (rc)
		return rc;
	if (!(nl = sp_link_open()))
		return -errno;
	rc = fn(w, nl, node);
	sp_link_close(nl);
	return rc;
}

/* What leaves an end whose link is no plain wire are single frames: each meets its own fate. A link has carrier only when both
 * of its ends are up, and the kernel is to see that now. */
static int settle(const struct wire *w, unsigned link, unsigned end)
{
	const struct sp_lab_link *l = &w->spec->link[link];
	char name[IFNAMSIZ];
	int rc = go_to(w, l->end[end].node);

	if (rc)
		return rc;
	end_name(w, link, end, name);
	if (l->via != SP_LAB_VETH)
		rc = sp_link_plain_frames(name);
	sp_link_settle(name);
	return rc;
}

static int build(const struct wire *w, struct sp_err *err)
{
	const struct sp_lab_spec *s = w->spec;
	int rc = make_bridges(w);

	if (rc)
		return fail(err, rc, "make the bridges of the lab", s->name);
	for (unsigned i = 0; i < s->n_links; i++)
		if ((rc = join(w, i)))
			return fail(err, rc, "make the interfaces of link", s->link[i].name);
	for (unsigned i = 0; i < s->n_places; i++)
		if ((rc = in_place(w, i, set_up_place)))
			return fail(err, rc, "set up the addresses of", s->node[i].name);
	for (unsigned i = 0; i < s->n_places; i++)
		if ((rc = in_place(w, i, add_routes)))
			return fail(err, rc, "set up the routes of", s->node[i].name);
	for (unsigned i = 0; i < 2 * s->n_links; i++)
		if ((rc = settle(w, i / 2, i % 2)))
			return fail(err, rc, "switch off the offloads of link",
				    s->link[i / 2].name);
	for (unsigned i = 0; i < 2 * s->n_links; i++)
		if (s->link[i / 2].via == SP_LAB_NETEM && (rc = set_netem(w, i / 2, i % 2)))
			return fail(err, rc, "set netem of link", s->link[i / 2].name);
	return 0;
}

int sp_wire_up(struct sp_lab_spec *spec, const struct sp_lab_map *map, struct sp_err *err)
{
	struct wire w = { spec, map, open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC) };
	int rc;

	if (w.home < 0)
		return fail(err, -errno, "open", "/proc/self/ns/net");
	rc = choose(&w, err);
	if (!rc)
		rc = build(&w, err);
	if (go_home(&w) && !rc)
		rc = fail(err, -errno, "go back to the switch of lab", spec->name);
	close(w.home);
	return rc;
}
