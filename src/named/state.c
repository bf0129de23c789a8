#include "named/state.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"

#define MAGIC 0x73706e31u

static bool is_plain(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool sp_named_is_name(const char *text)
{
	size_t n = 0;

	if (!is_plain(*text))
		return false;
	for (; text[n]; n++)
		if (n + 1 >= SP_NAMED_NAME_LEN ||
		    (!is_plain(text[n]) && text[n] != '-' && text[n] != '_'))
			return false;
	return true;
}

void sp_named_state_init(struct sp_named_state *s, const char *name, const char *command)
{
	memset(s, 0, sizeof *s); /* it is written as it stands */
	s->magic = MAGIC;
	s->bytes = sizeof *s;
	s->phase = SP_NAMED_STARTING;
	s->counts = (struct sp_named_counts){ -1, -1, -1 };
	sp_strlcpy(s->name, name, sizeof s->name);
	sp_strlcpy(s->command, command, sizeof s->command);
}

bool sp_named_state_ok(const struct sp_named_state *s, size_t bytes)
{
	return bytes == sizeof *s && s->magic == MAGIC && s->bytes == sizeof *s &&
	       s->phase >= SP_NAMED_STARTING && s->phase <= SP_NAMED_ENDED && s->pid > 0 &&
	       memchr(s->name, 0, sizeof s->name) && memchr(s->command, 0, sizeof s->command) &&
	       memchr(s->folder, 0, sizeof s->folder) && sp_named_is_name(s->name);
}

/* Field 22; the second, a name in brackets, may hold anything. */
uint64_t sp_named_start_ticks(pid_t pid)
{
	char path[32], text[1024], *p;
	ssize_t n;
	int fd;

	snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
	if (fd >= 0)
		close(fd);
	if (n <= 0)
		return 0;
	text[n] = '\0';
	p = strrchr(text, ')');
	for (unsigned field = 2; p && field < 22; field++)
		p = strchr(p + 1, ' ');
	return p ? strtoull(p, NULL, 10) : 0;
}
