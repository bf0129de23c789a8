#include "named/files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "named/state.h"

struct name {
	char text[SP_NAMED_NAME_LEN + 8];
};

static struct name with(const char *name, const char *ending)
{
	struct name n;

	snprintf(n.text, sizeof n.text, "%s%s", name, ending);
	return n;
}

int sp_named_open(int folder, const char *name, bool make)
{
	return openat(folder, with(name, ".state").text,
		      O_RDWR | O_CLOEXEC | O_NOFOLLOW | (make ? O_CREAT : 0), 0600);
}

int sp_named_open_log(int folder, const char *name)
{
	return openat(folder, with(name, ".log").text,
		      O_RDWR | O_APPEND | O_TRUNC | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
}

int sp_named_lock(int file)
{
	struct flock l = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

	return fcntl(file, F_SETLK, &l) ? -errno : 0;
}

bool sp_named_is_held(int file, pid_t *holder)
{
	struct flock l = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

	*holder = 0;
	if (fcntl(file, F_GETLK, &l) || l.l_type == F_UNLCK)
		return false;
	*holder = l.l_pid;
	return true;
}

void sp_named_remove(int folder, const char *name)
{
	unlinkat(folder, name, 0);
	unlinkat(folder, with(name, ".log").text, 0);
	unlinkat(folder, with(name, ".state").text, 0);
}
