/* An agent: spate on a host, under a controller. It speaks the messages of ctl/agent_msg.h over two
 * descriptors, runs one plan, and goes when its controller does. */
#ifndef SP_AGENT_AGENT_H
#define SP_AGENT_AGENT_H

/* Serves one controller until it says quit or is gone; then whatever runs is stopped. Returns what the
 * process should exit with: 0, 65 (the controller speaks no sense) or 1. */
int sp_agent_serve(int in, int out);

#endif
