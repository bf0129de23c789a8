/* spate fields: the headers and fields of the packet expression. */
#ifndef SP_CLI_CMD_FIELDS_H
#define SP_CLI_CMD_FIELDS_H

#include "base/options.h"

extern const struct sp_flag sp_cmd_fields_flags[];
int sp_cmd_fields(int argc, char **argv);

#endif
