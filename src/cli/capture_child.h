/* `agent --capture`: records an interface where it was started, for a controller that started it. */
#ifndef SP_CLI_CAPTURE_CHILD_H
#define SP_CLI_CAPTURE_CHILD_H

/* Over standard input and output: says "ready", or "failed EXIT WHY"; takes one line, the path of the
 * file; records until its input ends; says "done FRAMES DROPPED". Returns an exit status. */
int sp_capture_child(const char *interface, const char *filter);

/* Lines are no longer than this. */
#define SP_CAPTURE_LINE 4400u

#endif
