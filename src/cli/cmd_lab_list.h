/* What labs there are, printed. */
#ifndef SP_CLI_CMD_LAB_LIST_H
#define SP_CLI_CMD_LAB_LIST_H

#include "base/err.h"
#include "lab/talk.h"

/* 0, or a negative code with *err filled. */
int sp_cmd_lab_list(bool json, struct sp_err *err);
/* Returns the program's exit status. */
int sp_cmd_lab_show_link(const struct sp_lab_link_state *, bool json);

#endif
