#include "lab/subid.h"

#include "base/file.h"

#include <pwd.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define FILE_MAX (1u << 20)

/* "first:count" up to the end of the line. */
static bool read_range(const char *p, struct sp_subid *r)
{
	unsigned long long first, count;
	char end;
	int n = sscanf(p, "%10llu:%10llu%c", &first, &count, &end);

	if (*p < '0' || *p > '9' || n < 2 || (n == 3 && end != '\n') || !count ||
	    first + count > UINT32_MAX)
		return false;
	*r = (struct sp_subid){ (uint32_t)first, (uint32_t)count };
	return true;
}

bool sp_subid_find(const char *text, const char *name, uint32_t id, struct sp_subid *best)
{
	char number[16];
	struct sp_subid r;

	snprintf(number, sizeof number, "%u", id);
	*best = (struct sp_subid){ 0 };
	for (const char *p = text; *p;) {
		size_t len = strcspn(p, ":\n");
		bool mine = (strlen(name) == len && !strncmp(p, name, len)) ||
			    (strlen(number) == len && !strncmp(p, number, len));

		if (mine && len && p[len] == ':' && read_range(p + len + 1, &r) &&
		    r.count > best->count)
			*best = r;
		p += strcspn(p, "\n");
		p += *p == '\n';
	}
	return best->count > 0;
}

static bool find(const char *path, const char *name, struct sp_subid *r)
{
	struct sp_str text;
	bool found;

	sp_str_init(&text, sp_mem_system());
	found = !sp_file_read(&text, path, FILE_MAX, NULL) &&
		sp_subid_find(text.text, name, getuid(), r);
	sp_str_fini(&text);
	return found;
}

/* Both are looked for where Debian has them: PATH is the user's. */
static const char *program(bool group)
{
	const char *path = group ? "/usr/bin/newgidmap" : "/usr/bin/newuidmap";

	return access(path, X_OK) ? NULL : path;
}

static bool find_both(struct sp_subid r[2], char *why, size_t cap)
{
	const struct passwd *pw = getpwuid(getuid());
	const char *name = pw ? pw->pw_name : "";

	*why = '\0';
	if (!program(false) || !program(true))
		snprintf(why, cap, "newuidmap and newgidmap are missing");
	else if (!find("/etc/subuid", name, &r[0]))
		snprintf(why, cap, "no range for this user in /etc/subuid");
	else if (!find("/etc/subgid", name, &r[1]))
		snprintf(why, cap, "no range for this user in /etc/subgid");
	return !*why;
}

bool sp_subid_can(char *why, size_t cap)
{
	struct sp_subid r[2];

	return find_both(r, why, cap);
}

static bool run(const char *path, pid_t pid, uint32_t own, const struct sp_subid *r)
{
	char name[32], text[5][16];
	char *argv[] = { name,	  text[0],	   (char[]){ "0" },
			 text[1], (char[]){ "1" }, (char[]){ "1" },
			 text[2], text[3],	   NULL };
	posix_spawn_file_actions_t quiet;
	char *env[] = { NULL };
	int status = 1;
	pid_t child;

	snprintf(name, sizeof name, "%s", strrchr(path, '/') + 1);
	snprintf(text[0], sizeof text[0], "%d", (int)pid);
	snprintf(text[1], sizeof text[1], "%u", own);
	snprintf(text[2], sizeof text[2], "%u", r->first);
	snprintf(text[3], sizeof text[3], "%u", r->count);
	posix_spawn_file_actions_init(&quiet);
	posix_spawn_file_actions_addopen(&quiet, 2, "/dev/null", 1, 0);
	if (posix_spawn(&child, path, &quiet, NULL, argv, env))
		child = -1;
	posix_spawn_file_actions_destroy(&quiet);
	return child > 0 && waitpid(child, &status, 0) == child && status == 0;
}

bool sp_subid_map(pid_t pid)
{
	struct sp_subid r[2];
	char why[80];

	/* The group first: without it the child can still write a map of one user itself. */
	return find_both(r, why, sizeof why) && run(program(true), pid, getgid(), &r[1]) &&
	       run(program(false), pid, getuid(), &r[0]);
}
