#include "base/log.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"

#define LINE_CAP 1024

void sp_log(const struct sp_log *log, enum sp_log_level level, const char *fmt, ...)
{
	char raw[LINE_CAP], line[LINE_CAP];
	va_list ap;
	int n;

	if (!log || !log->write || level > log->max)
		return;
	va_start(ap, fmt);
	n = vsnprintf(raw, sizeof raw, fmt, ap);
	va_end(ap);
	if (n < 0)
		return;
	/* Peers and files put text into the log: it must stay one line, and harmless. */
	log->write(log->arg, level, sp_str_printable(line, sizeof line, raw));
}

void sp_log_fd_write(void *fd_arg, enum sp_log_level level, const char *text)
{
	static const char head[] = "spate: ";
	char line[LINE_CAP + sizeof head + 1];
	const int *fd = fd_arg;
	int saved = errno;
	size_t len;

	(void)level;
	len = sp_strlcpy(line, head, sizeof line);
	len += sp_strlcpy(line + len, text, sizeof line - len - 1);
	if (len > sizeof line - 2)
		len = sizeof line - 2;
	line[len++] = '\n';
	/* One call, so that lines of several threads do not mix; a log that cannot be written
	 * is nothing to act upon. */
	while (write(*fd, line, len) < 0 && errno == EINTR)
		;
	errno = saved;
}
