/* The names of a lab's hosts, and how COMMAND's process tree finds them again. */
#ifndef SP_LAB_HOSTS_H
#define SP_LAB_HOSTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"

#define SP_LAB_MAX_HOSTS 64u
#define SP_LAB_NAME_LEN	 32u /* with the NUL */
#define SP_LAB_MAP_TEXT	 4096u
#define SP_LAB_ENV	 "SPATE_LAB"

/* "h1", "web-2.x": 1 to 31 letters, digits, '-', '_' or '.', a letter or digit first. */
bool sp_lab_is_name(const char *s, size_t len);

struct sp_lab_hosts {
	unsigned n;
	char name[SP_LAB_MAX_HOSTS][SP_LAB_NAME_LEN];
};

/* "h1,h2,h3": 1 to 64 different names of 1 to 31 letters, digits, '-', '_' and '.', the first a
 * letter or a digit. -EINVAL with SP_EXIT_USAGE. */
int sp_lab_hosts_parse(const char *list, struct sp_lab_hosts *, struct sp_err *);

/* Host name -> the process that keeps its network namespace alive, valid in one PID namespace. */
struct sp_lab_map {
	uint64_t pidns; /* inode number of that PID namespace */
	struct sp_lab_hosts hosts;
	pid_t holder[SP_LAB_MAX_HOSTS];
};

/* "4026532567:h1=2,h2=3". cap of SP_LAB_MAP_TEXT is always enough; returns buf. */
const char *sp_lab_map_format(char *buf, size_t cap, const struct sp_lab_map *);
/* -EINVAL when text is not such a map. */
int sp_lab_map_parse(const char *text, struct sp_lab_map *);
/* The index of a host, or -ENOENT. */
int sp_lab_hosts_find(const struct sp_lab_hosts *, const char *name);

#endif
