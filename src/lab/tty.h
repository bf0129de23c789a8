/* The terminal whose foreground this process group is. A shell inside a lab takes it, and cannot
 * give it back: outside its PID namespace it has no name for this group. */
#ifndef SP_LAB_TTY_H
#define SP_LAB_TTY_H

/* A descriptor of it, or -1 when there is none or another group is in the foreground. */
int sp_tty_foreground(void);
/* Puts this group into the foreground again and closes tty; nothing for -1. */
void sp_tty_take_back(int tty);

#endif
