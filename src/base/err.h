/* Errors: a negative errno-like code for the caller, an exit class for the program and one
 * sentence for the user. */
#ifndef SP_BASE_ERR_H
#define SP_BASE_ERR_H

#include <stdarg.h>
#include <stddef.h>

/* The program's exit codes; DESIGN of the command line, see spate(1) EXIT STATUS. */
enum sp_exit {
	SP_EXIT_OK = 0,
	SP_EXIT_FAILED = 1,    /* the run failed */
	SP_EXIT_USAGE = 2,     /* unknown word, option or value on the command line */
	SP_EXIT_UNMET = 3,     /* ran, but less than 99 % of what was asked left */
	SP_EXIT_UNTRUSTED = 4, /* ran, but its own counters disagree */
	SP_EXIT_EXPECT = 5,    /* an expectation was not met */
	SP_EXIT_AGENTS = 6,    /* some agents were lost */
	SP_EXIT_DATA = 65,     /* bad input data */
	SP_EXIT_NOINPUT = 66,  /* input missing */
	SP_EXIT_UNAVAIL = 69,  /* a name does not resolve, peer not reached */
	SP_EXIT_IO = 74,       /* output could not be written */
	SP_EXIT_PERM = 77,     /* permission, consent or a kernel feature is missing */
	SP_EXIT_INTR = 130,    /* interrupted, the report is complete up to then */
};

#define SP_ERR_TEXT 512

/* Filled by cold functions that fail. Owned by the caller; zero-initialise it. */
struct sp_err {
	int code;	   /* negative errno value */
	enum sp_exit exit; /* what the program should exit with */
	char text[SP_ERR_TEXT];
};

/* Of two codes of a run that has ended, the one that counts: 1, 4, 74, 130, 6, 3, 5, then any. */
enum sp_exit sp_exit_worse(enum sp_exit, enum sp_exit);

/* Sets *e (which may be NULL) and returns code, so that `return sp_fail(...)` reads well.
 * The sentence names the thing, the place and the way out; it carries no final newline. */
int sp_fail(struct sp_err *e, int code, enum sp_exit exit, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/* Puts "PREFIX: " before the sentence that *e already holds. */
void sp_err_prefix(struct sp_err *e, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

#endif
