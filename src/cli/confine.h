/* What send, recv and agents do to themselves around a run. */
#ifndef SP_CLI_CONFINE_H
#define SP_CLI_CONFINE_H

struct spate_run;

/* As many descriptors as the hard limit allows: for the main thread, before a run opens any. */
void sp_cli_allow_descriptors(void);
/* At a run's START event, when everything is open and this is the only thread: what is not needed
 * any more goes, for good. folders: those n in which files are still made, besides the run's own;
 * -1: none. The run's report says what went. */
void sp_cli_confine(struct spate_run *, const int *folders, unsigned n);

#endif
