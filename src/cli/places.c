#include "cli/places.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/address.h"
#include "base/str.h"
#include "lab/netem.h"
#include "lab/show.h"

/* ---- the lab ---- */

/* A lab that lists hosts only: they are joined, as `spate lab run --hosts` does. */
static void join_all(struct sp_lab_spec *spec)
{
	struct sp_lab_hosts hosts = { .n = spec->n_places };

	for (unsigned i = 0; i < hosts.n; i++)
		sp_strlcpy(hosts.name[i], spec->node[i].name, sizeof hosts.name[i]);
	sp_lab_spec_of_hosts(spec, &hosts);
}

int sp_places_lab(void *arg, const struct sp_yaml *doc, const struct sp_yaml_node *lab,
		  struct sp_err *err)
{
	struct sp_places *p = arg;
	int rc;

	if (!p->spec)
		p->spec = calloc(1, sizeof *p->spec);
	if (!p->spec)
		return sp_fail(err, -ENOMEM, SP_EXIT_FAILED, "out of memory");
	rc = sp_lab_spec_from_yaml(p->spec, doc, lab, err);
	if (!rc && !p->spec->n_links)
		join_all(p->spec);
	/* Nobody wrote what carries them. */
	for (unsigned i = 0; i < p->spec->n_links && !rc; i++)
		if (p->spec->link[i].via == SP_LAB_VETH && !sp_yaml_get(lab, "links"))
			p->spec->link[i].via = SP_LAB_AUTO;
	return rc;
}

static bool is_on(const struct sp_lab_spec *s, int node, unsigned net)
{
	for (unsigned i = 0; i < 2 * s->n_links; i++)
		if (s->link[i / 2].end[i % 2].node == (unsigned)node &&
		    s->link[i / 2].end[i % 2].net == net)
			return node >= 0;
	return false;
}

/* The first address of a node: in a network of `from`'s if there is one, and of IPv4 if there is. */
static const struct sp_lab_addr *address_of(const struct sp_lab_spec *s, unsigned node,
					    int from)
{
	const struct sp_lab_addr *best = NULL;
	int best_score = -1;

	for (unsigned i = 0; i < 2 * s->n_links; i++) {
		const struct sp_lab_end *end = &s->link[i / 2].end[i % 2];
		int near = end->node == node && is_on(s, from, end->net) ? 2 : 0;

		for (unsigned k = 0; end->node == node && k < end->n_addr; k++) {
			int score = near + (end->addr[k].addr.family == 4);

			if (score <= best_score)
				continue;
			best = &end->addr[k];
			best_score = score;
		}
	}
	return best;
}

const char *sp_places_address(void *arg, const char *host, const char *from)
{
	struct sp_places *p = arg;
	const struct sp_lab_addr *a;
	int node = p->spec ? sp_lab_spec_node(p->spec, host) : -1;

	if (node < 0 || (unsigned)node >= p->spec->n_places)
		return NULL;
	a = address_of(p->spec, (unsigned)node, from ? sp_lab_spec_node(p->spec, from) : -1);
	return a ? sp_addr_format(p->address, sizeof p->address, &a->addr) : "";
}

/* {loss: 1%, down: true} is "loss=1%,down=true". */
static int link_words(const struct sp_yaml *doc, const struct sp_scenario_link *l, char *buf,
		      size_t cap, struct sp_err *err)
{
	size_t n = 0;
	int rc = 0;

	*buf = '\0';
	for (const struct sp_yaml_item *i = l->change->items; i && !rc; i = i->next) {
		rc = sp_yaml_want(doc, i->value, SP_YAML_SCALAR, i->key->text, err);
		if (!rc && n < cap)
			n += (size_t)snprintf(buf + n, cap - n, "%s%s=%s", n ? "," : "",
					      i->key->text, i->value->text);
	}
	if (!rc && n >= cap)
		rc = sp_yaml_fail(doc, l->change, err, "that is too much for one link");
	return rc;
}

int sp_places_check_link(void *arg, const struct sp_yaml *doc, const struct sp_scenario_link *l,
			 struct sp_err *err)
{
	const struct sp_places *p = arg;
	struct sp_lab_link changed;
	char words[400], place[256];
	int at = sp_lab_spec_link(p->spec, l->link), rc;

	if (at < 0)
		return sp_yaml_fail(doc, l->change, err, "the lab has no link '%.40s'",
				    l->link);
	changed = p->spec->link[at];
	rc = link_words(doc, l, words, sizeof words, err);
	if (rc)
		return rc;
	rc = sp_lab_link_change(&changed, words, err);
	if (rc)
		sp_err_prefix(err, "%s", sp_yaml_place(doc, l->change, place, sizeof place));
	else if (changed.via == SP_LAB_VETH ||
		 (changed.via == SP_LAB_NETEM &&
		  (!sp_netem_can(&changed.way[0]) || !sp_netem_can(&changed.way[1]))))
		rc = sp_yaml_fail(doc, l->change, err,
				  "link %.40s is carried by %s, which cannot do that; write "
				  "'via: forwarder' in the lab, or leave 'via' out",
				  l->link, sp_lab_via_name((enum sp_lab_via)changed.via));
	else if (changed.via == SP_LAB_AUTO)
		p->spec->link[at].via = SP_LAB_FORWARDER;
	return rc;
}

int sp_places_open(struct sp_places *p, struct sp_err *err)
{
	return p->spec ? sp_lab_open(&p->lab, p->spec, sp_mem_system(), err) : 0;
}

void sp_places_leave(struct sp_places *p)
{
	if (p->lab)
		sp_lab_close(p->lab);
	p->lab = NULL;
}

void sp_places_fini(struct sp_places *p)
{
	free(p->spec);
	*p = (struct sp_places){ 0 };
}

int sp_places_change_link(struct sp_places *p, const struct sp_scenario_link *l, char *words,
			  size_t cap, struct sp_err *err)
{
	const struct sp_yaml doc = { .name = "stages" };
	int rc = link_words(&doc, l, words, cap, err);

	if (!rc)
		rc = sp_lab_link_set(p->lab, l->link, words, NULL, err);
	if (rc)
		sp_err_prefix(err, "link %s", l->link);
	return rc;
}

/* In place: "; " between lines, and one blank where there are many. */
static void join_lines(char *text)
{
	char *to = text;

	for (const char *c = text + strspn(text, " "); *c; c++) {
		if (*c == '\n' && c[1])
			*to++ = ';';
		else if (*c != '\n' && (*c != ' ' || c[-1] != ' ' || to[-1] == ';'))
			*to++ = *c;
	}
	*to = '\0';
}

void sp_places_tell_links(struct sp_places *p, void (*tell)(void *arg, const char *text),
			  void *arg)
{
	struct sp_lab_link_state state;
	struct sp_err err = { 0 };
	struct sp_str text;

	sp_str_init(&text, sp_mem_system());
	for (unsigned i = 0; p->lab && i < p->spec->n_links; i++) {
		sp_str_clear(&text);
		if (sp_lab_link_state(p->lab, i, &state, &err) || state.via == SP_LAB_VETH)
			continue;
		sp_lab_show_link(&text, &state);
		join_lines(text.text);
		tell(arg, text.text);
	}
	sp_str_fini(&text);
}

/* ---- hosts ---- */

static int open_netns(const char *name, int *fd, struct sp_err *err)
{
	char path[300];

	snprintf(path, sizeof path, "%s%s", strchr(name, '/') ? "" : "/run/netns/", name);
	*fd = open(path, O_RDONLY | O_CLOEXEC);
	if (*fd >= 0)
		return 0;
	return sp_fail(err, -errno, errno == ENOENT ? SP_EXIT_NOINPUT : SP_EXIT_PERM,
		       "network namespace %s: %s (`ip netns list` shows those there are)", name,
		       strerror(errno));
}

/* What a process does before it is an agent; 1: it may not enter, 2: no program. */
static void become(char *const argv[], const int stdio[2], int netns)
{
	sigset_t none;

	/* Also when the controller is killed. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (netns >= 0 && setns(netns, CLONE_NEWNET))
		_exit(SP_EXIT_PERM);
	if (dup2(stdio[0], STDIN_FILENO) >= 0 && dup2(stdio[1], STDOUT_FILENO) >= 0)
		execv(argv[0], argv);
	_exit(SP_EXIT_FAILED);
}

/* May this process enter it? A child tries, so that the sentence is ours. */
static int try_netns(const char *name, int fd, struct sp_err *err)
{
	int here = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC), code = 0;

	if (here < 0 || setns(fd, CLONE_NEWNET))
		code = errno;
	else if (setns(here, CLONE_NEWNET))
		code = errno;
	if (here >= 0)
		close(here);
	if (!code)
		return 0;
	return sp_fail(
		err, -code, SP_EXIT_PERM,
		"network namespace %s: %s (entering one needs root: sudo spate run ...; a "
		"lab does not)",
		name, strerror(code));
}

int sp_places_spawn(struct sp_places *p, const struct sp_fleet_part *part, char *const argv[],
		    const int stdio[2], pid_t *pid, struct sp_err *err)
{
	const int all[3] = { stdio[0], stdio[1], STDERR_FILENO };
	int netns = -1, rc = 0;

	if (part->kind == SP_HOST_LAB)
		return sp_lab_spawn(p->lab, part->where, argv, all, pid, err);
	if (part->kind == SP_HOST_NETNS) {
		rc = open_netns(part->where, &netns, err);
		if (!rc)
			rc = try_netns(part->where, netns, err);
	}
	if (!rc) {
		*pid = fork();
		if (*pid == 0)
			become(argv, stdio, netns);
		if (*pid < 0)
			rc = sp_fail(err, -errno, SP_EXIT_PERM, "no process: %s",
				     strerror(errno));
	}
	if (netns >= 0)
		close(netns);
	return rc;
}
