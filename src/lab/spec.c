#include "lab/spec.h"

#include "base/str.h"
#include "lab/netem.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

const char *sp_lab_via_name(enum sp_lab_via via)
{
	static const char *const names[] = { "auto", "veth", "netem", "forwarder" };

	return names[via];
}

int sp_lab_spec_node(const struct sp_lab_spec *s, const char *name)
{
	for (unsigned i = 0; i < s->n_nodes; i++)
		if (!strcmp(s->node[i].name, name))
			return (int)i;
	return -ENOENT;
}

int sp_lab_spec_link(const struct sp_lab_spec *s, const char *name)
{
	for (unsigned i = 0; i < s->n_links; i++)
		if (!strcmp(s->link[i].name, name))
			return (int)i;
	return -ENOENT;
}

void sp_lab_spec_of_hosts(struct sp_lab_spec *s, const struct sp_lab_hosts *h)
{
	struct sp_err err;
	unsigned at;

	*s = (struct sp_lab_spec){ .name = "lab", .n_places = h->n, .n_nodes = h->n };
	for (unsigned i = 0; i < h->n; i++)
		memcpy(s->node[i].name, h->name[i], sizeof s->node[i].name);
	if (h->n == 2) {
		s->n_links = 1;
		s->link[0].end[1].node = 1;
	} else {
		/* No host can have this name. */
		s->node[s->n_nodes++] = (struct sp_lab_node){ "+", SP_LAB_BRIDGE, 0 };
		s->n_links = h->n;
	}
	for (unsigned i = 0; i < s->n_links; i++) {
		snprintf(s->link[i].name, sizeof s->link[i].name, "l%u", i + 1);
		if (h->n != 2) {
			s->link[i].end[0].node = i;
			s->link[i].end[1].node = h->n;
		}
	}
	/* Nothing in it can contradict. */
	sp_lab_spec_seal(s, &at, &err);
}

/* ---- sealing ---- */

static bool is_bridge(const struct sp_lab_spec *s, unsigned node)
{
	return s->node[node].kind == SP_LAB_BRIDGE;
}

/* Bridges that are joined are one network: every bridge gets the number of its group. Without a
 * spanning tree a ring of them would carry a broadcast for ever. */
static int group_bridges(const struct sp_lab_spec *s, unsigned *group, unsigned *link,
			 struct sp_err *err)
{
	for (unsigned i = 0; i < s->n_nodes; i++)
		group[i] = i;
	for (unsigned i = 0; i < s->n_links; i++) {
		const struct sp_lab_end *e = s->link[i].end;
		unsigned from = group[e[0].node], to = group[e[1].node];

		if (!is_bridge(s, e[0].node) || !is_bridge(s, e[1].node))
			continue;
		if (from == to) {
			*link = i;
			return sp_fail(
				err, -EINVAL, SP_EXIT_DATA,
				"this link closes a ring of bridges, in which frames would "
				"run for ever; leave it out");
		}
		for (unsigned k = 0; k < s->n_nodes; k++)
			if (group[k] == from)
				group[k] = to;
	}
	return 0;
}

static struct sp_lab_addr auto_addr(unsigned family, unsigned net, unsigned n)
{
	struct sp_lab_addr a = { .addr.family = (uint8_t)family };

	if (family == 4) {
		a.prefix = 24;
		memcpy(a.addr.ip, (uint8_t[]){ 10, 99, (uint8_t)net, (uint8_t)n }, 4);
	} else {
		a.prefix = 64;
		memcpy(a.addr.ip,
		       (uint8_t[16]){ 0xfd, 0x99, [7] = (uint8_t)net, [15] = (uint8_t)n }, 16);
	}
	return a;
}

/* Networks get numbers in the order of links, ends in the order within their network. */
static void number_networks(struct sp_lab_spec *s, const unsigned *group)
{
	unsigned of_group[SP_LAB_MAX_NODES], used[SP_LAB_MAX_LINKS] = { 0 }, nets = 0;

	memset(of_group, 0xff, sizeof of_group);
	for (unsigned i = 0; i < s->n_links; i++) {
		struct sp_lab_end *e = s->link[i].end;
		unsigned bridge = is_bridge(s, e[0].node) ? 0 : is_bridge(s, e[1].node) ? 1 : 2;
		unsigned net = nets;

		if (bridge < 2 && of_group[group[e[bridge].node]] != ~0u)
			net = of_group[group[e[bridge].node]];
		else
			nets++;
		if (bridge < 2)
			of_group[group[e[bridge].node]] = net;
		for (unsigned k = 0; k < 2; k++) {
			e[k].net = net;
			if (is_bridge(s, e[k].node))
				continue;
			unsigned n = ++used[net];
			memcpy(e[k].mac, (uint8_t[]){ 2, 0, 10, 99, (uint8_t)net, (uint8_t)n },
			       6);
			e[k].eth = s->node[e[k].node].n_eth++;
			if (!e[k].given) {
				e[k].addr[0] = auto_addr(4, net, n);
				e[k].addr[1] = auto_addr(6, net, n);
				e[k].n_addr = 2;
			}
		}
	}
}

static bool same_bits(const struct sp_addr *a, const struct sp_addr *b, unsigned bits)
{
	unsigned bytes = bits / 8;

	return a->family == b->family && !memcmp(a->ip, b->ip, bytes) &&
	       !(bits % 8 && (a->ip[bytes] ^ b->ip[bytes]) >> (8 - bits % 8));
}

static const char *show(char *buf, size_t cap, const struct sp_lab_addr *a)
{
	size_t n = strlen(sp_addr_format(buf, cap, &a->addr));

	snprintf(buf + n, cap - n, "/%u", (unsigned)a->prefix);
	return buf;
}

static int check_pair(const struct sp_lab_spec *s, const struct sp_lab_end *a,
		      const struct sp_lab_addr *x, const struct sp_lab_end *b,
		      const struct sp_lab_addr *y, struct sp_err *err)
{
	unsigned bits = x->prefix < y->prefix ? x->prefix : y->prefix;
	char one[80], two[80];

	if (sp_addr_eq(&x->addr, &y->addr))
		return sp_fail(err, -EINVAL, SP_EXIT_DATA,
			       "%s is an address of %s already; give each interface its own",
			       show(one, sizeof one, x), s->node[b->node].name);
	if (a->net != b->net && same_bits(&x->addr, &y->addr, bits))
		return sp_fail(err, -EINVAL, SP_EXIT_DATA,
			       "%s and %s of %s are in one network, but no link joins them "
			       "directly; give this link a network of its own",
			       show(one, sizeof one, x), show(two, sizeof two, y),
			       s->node[b->node].name);
	return 0;
}

static int check_against(const struct sp_lab_spec *s, const struct sp_lab_end *a,
			 const struct sp_lab_end *b, struct sp_err *err)
{
	int rc = 0;

	for (unsigned i = 0; i < a->n_addr && !rc; i++)
		for (unsigned k = 0; k < b->n_addr && !rc; k++)
			rc = check_pair(s, a, &a->addr[i], b, &b->addr[k], err);
	return rc;
}

/* The two ends of a link that joins places hear each other, and so must their addresses. */
static int check_ends(const struct sp_lab_link *l, struct sp_err *err)
{
	const struct sp_lab_end *a = &l->end[0], *b = &l->end[1];
	char one[80], two[80];

	for (unsigned i = 0; i < a->n_addr; i++)
		for (unsigned k = 0; k < b->n_addr; k++)
			if (a->addr[i].prefix == b->addr[k].prefix &&
			    same_bits(&a->addr[i].addr, &b->addr[k].addr, a->addr[i].prefix))
				return 0;
	if (!a->n_addr || !b->n_addr)
		return 0;
	return sp_fail(err, -EINVAL, SP_EXIT_DATA,
		       "%s and %s are not in one network; give both ends addresses of the same",
		       show(one, sizeof one, &a->addr[0]), show(two, sizeof two, &b->addr[0]));
}

static int check_addresses(const struct sp_lab_spec *s, unsigned *link, struct sp_err *err)
{
	int rc = 0;

	for (unsigned i = 0; i < 2 * s->n_links && !rc; i++) {
		const struct sp_lab_end *a = &s->link[i / 2].end[i % 2];

		*link = i / 2;
		for (unsigned k = 0; k < i && !rc; k++)
			rc = check_against(s, a, &s->link[k / 2].end[k % 2], err);
		if (!rc && i % 2)
			rc = check_ends(&s->link[i / 2], err);
	}
	return rc;
}

int sp_lab_spec_seal(struct sp_lab_spec *s, unsigned *link, struct sp_err *err)
{
	unsigned group[SP_LAB_MAX_NODES];
	int rc = group_bridges(s, group, link, err);

	if (rc)
		return rc;
	number_networks(s, group);
	return check_addresses(s, link, err);
}

/* ---- changes ---- */

/* One word "key=value"; a second "there." or "back." chooses the direction. */
static int change(struct sp_impair_conf way[2], char *word, const char *place,
		  struct sp_arena *arena, struct sp_err *err)
{
	char *value = strchr(word, '=');
	unsigned from = 0, to = 2;
	int rc = 0;

	if (!value || value == word)
		return sp_fail(err, -EINVAL, SP_EXIT_USAGE,
			       "%s: '%.60s' is not of the form KEY=VALUE, such as loss=1%%",
			       place, word);
	*value++ = '\0';
	if (!*value)
		return sp_fail(err, -EINVAL, SP_EXIT_USAGE,
			       "%s: %.60s needs a value behind =", place, word);
	if (!strncmp(word, "there.", 6) || !strncmp(word, "back.", 5)) {
		from = *word == 'b';
		to = from + 1;
		word = strchr(word, '.') + 1;
	}
	for (unsigned i = from; i < to && !rc; i++)
		rc = sp_opts_set(sp_impair_opts, &way[i], word, value, place, arena, err);
	return rc;
}

int sp_lab_link_change(struct sp_lab_link *l, const char *words, struct sp_err *err)
{
	struct sp_impair_conf way[2] = { l->way[0], l->way[1] };
	const char *key;
	struct sp_arena arena;
	char place[64], copy[512], shown[512], *next = copy, *word;
	int rc = 0;

	snprintf(place, sizeof place, "link %s", l->name);
	sp_str_printable(shown, sizeof shown, words);
	if (sp_strlcpy(copy, shown, sizeof copy) != strlen(words))
		return sp_fail(err, -EINVAL, SP_EXIT_USAGE,
			       "%s: the settings are too long or no text", place);
	sp_arena_init(&arena, sp_mem_system());
	while (!rc && (word = strsep(&next, ", ")))
		if (*word)
			rc = change(way, word, place, &arena, err);
	sp_arena_fini(&arena);
	for (unsigned i = 0; i < 2 && !rc; i++)
		rc = sp_impair_check(&way[i], &key, err);
	if (!rc)
		memcpy(l->way, way, sizeof way);
	return rc;
}

int sp_lab_link_can(const struct sp_lab_link *l, struct sp_err *err)
{
	bool wire = sp_impair_is_wire(&l->way[0]) && sp_impair_is_wire(&l->way[1]);
	bool netem = sp_netem_can(&l->way[0]) && sp_netem_can(&l->way[1]);

	if (l->via == SP_LAB_VETH && !wire)
		return sp_fail(err, -EOPNOTSUPP, SP_EXIT_USAGE,
			       "link %s is a plain wire, which cannot change; write 'via: "
			       "forwarder' for it in the lab's file",
			       l->name);
	if (l->via == SP_LAB_NETEM && !netem)
		return sp_fail(err, -EOPNOTSUPP, SP_EXIT_USAGE,
			       "link %s is carried by netem, which cannot do that; write 'via: "
			       "forwarder' for it in the lab's file",
			       l->name);
	return 0;
}
