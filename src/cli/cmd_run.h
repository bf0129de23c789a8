/* spate send, spate recv. */
#ifndef SP_CLI_CMD_RUN_H
#define SP_CLI_CMD_RUN_H

#include <stdbool.h>

struct sp_self;
struct sp_event;
struct sp_words_output;
struct spate_plan;

/* How a plan is run from the command line. */
struct sp_run_how {
	const char *command; /* for sentences */
	const struct sp_words_output *out;
	void (*event)(void *arg, const struct sp_event *); /* before the outputs; NULL */
	void *event_arg;
	const char *remarks; /* lines for the report; NULL: none */
	const char *(*last)(
		void *event_arg); /* more of them, asked for at the end; NULL: none */
	bool tell;		  /* what is going on is told without -v, too */
};
/* Runs it to its end, with its outputs; self: of a run with a name, or NULL. The exit status. */
int sp_run_plan(struct spate_plan *, const struct sp_run_how *, struct sp_self *);

/* argv[0] is the word after the command. Return the program's exit status. */
int sp_cmd_send(int argc, char **argv);
int sp_cmd_recv(int argc, char **argv);
/* command is "send" or "recv". self: of a run with a name; NULL: it has none. */
int sp_run_words(const char *command, int argc, char **argv, struct sp_self *);

#endif
