/* Log sink, passed in by pointer. Never called from a hot path. */
#ifndef SP_BASE_LOG_H
#define SP_BASE_LOG_H

#include <stdarg.h>

enum sp_log_level { SP_LOG_ERROR, SP_LOG_WARN, SP_LOG_INFO, SP_LOG_DEBUG };

/* write() gets one line without a newline; it may be called from any cold thread, so it must
 * be safe for that (the standard sink writes one line with one write(2)). */
struct sp_log {
	void *arg;
	void (*write)(void *arg, enum sp_log_level level, const char *text);
	enum sp_log_level max; /* lines above it are dropped */
};

/* log may be NULL: then nothing happens. Lines longer than 1 KiB are cut. */
void sp_log(const struct sp_log *log, enum sp_log_level level, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* A sink that writes "spate: text" to the file descriptor in *fd_arg (an int *). */
void sp_log_fd_write(void *fd_arg, enum sp_log_level level, const char *text);

#endif
