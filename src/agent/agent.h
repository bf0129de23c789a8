/* An agent: spate on a host, under a controller. It speaks the messages of ctl/agent_msg.h over two
 * descriptors, runs one plan, and goes when its controller does. */
#ifndef SP_AGENT_AGENT_H
#define SP_AGENT_AGENT_H

struct spate_run;

/* Serves one controller until it says quit or is gone; then whatever runs is stopped. confine is called
 * at the run's START event, when everything is open and there are no threads yet: the moment for a
 * program to confine itself; NULL: not wanted. Returns what the process should exit with: 0, 65 (the
 * controller speaks no sense) or 1. */
int sp_agent_serve(int in, int out, void (*confine)(struct spate_run *));

#endif
