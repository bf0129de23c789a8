#include "cli/places.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"
#include "lab/lab.h"

#define INSIDE_ENV "SPATE_RUN_INSIDE"

/* ---- the lab ---- */

/* The hosts of a lab that only lists them. */
static int lab_hosts(const struct sp_yaml *doc, const struct sp_yaml_node *lab,
		     struct sp_lab_hosts *hosts, struct sp_err *err)
{
	static const char *const words[] = { "hosts", NULL };
	const struct sp_yaml_node *list = sp_yaml_get(lab, "hosts");
	char names[SP_LAB_MAX_HOSTS * SP_LAB_NAME_LEN] = "", place[256];
	int rc = sp_yaml_known(doc, lab, words, NULL, err);

	if (rc)
		return rc;
	if (!list)
		return sp_yaml_fail(doc, lab, err, "a lab has hosts: 'hosts: [h1, h2]'");
	rc = sp_yaml_want(doc, list, SP_YAML_LIST, "hosts", err);
	for (const struct sp_yaml_item *i = rc ? NULL : list->items; i && !rc; i = i->next) {
		size_t n = strlen(names);

		rc = sp_yaml_want(doc, i->value, SP_YAML_SCALAR, "hosts", err);
		if (!rc)
			snprintf(names + n, sizeof names - n, "%s%s", n ? "," : "",
				 i->value->text);
	}
	if (!rc && sp_lab_hosts_parse(names, hosts, err)) {
		sp_err_prefix(err, "%s", sp_yaml_place(doc, list, place, sizeof place));
		err->exit = SP_EXIT_DATA;
		rc = -EINVAL;
	}
	return rc;
}

const char *sp_places_lab_address(void *arg, const struct sp_yaml *doc,
				  const struct sp_yaml_node *lab, const char *host)
{
	struct sp_lab_hosts hosts;
	char *buf = arg;
	uint8_t ip[4];
	int at;

	if (lab_hosts(doc, lab, &hosts, NULL))
		return NULL;
	at = sp_lab_hosts_find(&hosts, host);
	if (at < 0)
		return NULL;
	sp_lab_ipv4((unsigned)at + 1, ip);
	snprintf(buf, 64, "%u.%u.%u.%u", ip[0], ip[1], ip[2], ip[3]);
	return buf;
}

bool sp_places_inside(void)
{
	bool inside = getenv(INSIDE_ENV) != NULL;

	unsetenv(INSIDE_ENV);
	return inside;
}

int sp_places_run_in_lab(const struct sp_scenario *s, char *const argv[], int *status,
			 struct sp_err *err)
{
	struct sp_lab_hosts hosts;
	int rc = lab_hosts(&s->doc, s->lab, &hosts, err);

	if (!rc && setenv(INSIDE_ENV, "1", 1))
		rc = sp_fail(err, -errno, SP_EXIT_FAILED, "the environment: %s",
			     strerror(errno));
	return rc ? rc : sp_lab_run(&hosts, argv, status, err);
}

int sp_places_change_link(const struct sp_scenario *s, const struct sp_scenario_link *l,
			  struct sp_err *err)
{
	return sp_yaml_fail(&s->doc, l->change, err,
			    "link %.40s: this lab has no links to change", l->link);
}

/* ---- hosts ---- */

static int enter_netns(const char *name, struct sp_err *err)
{
	char path[300];
	int fd;

	snprintf(path, sizeof path, "%s%s", strchr(name, '/') ? "" : "/run/netns/", name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return sp_fail(
			err, -errno, errno == ENOENT ? SP_EXIT_NOINPUT : SP_EXIT_PERM,
			"network namespace %s: %s (`ip netns list` shows those there are)",
			name, strerror(errno));
	if (setns(fd, CLONE_NEWNET))
		return sp_fail(err, -errno, SP_EXIT_PERM,
			       "network namespace %s: %s (entering one needs root: sudo spate "
			       "run ...; a lab does not)",
			       name, strerror(errno));
	close(fd);
	return 0;
}

void sp_places_enter(void *arg, const struct sp_fleet_part *part, char *const argv[],
		     struct sp_err *err)
{
	(void)arg;
	if (part->kind == SP_HOST_LAB) {
		sp_lab_exec(part->where, argv, err);
		return;
	}
	if (part->kind == SP_HOST_NETNS && enter_netns(part->where, err))
		return;
	execv(argv[0], argv);
	sp_fail(err, -errno, SP_EXIT_FAILED, "%s: %s", argv[0], strerror(errno));
}
