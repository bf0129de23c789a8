/* spate doctor [--json]: what this host can do, why not, and how to mend it. */
#ifndef SP_CLI_CMD_DOCTOR_H
#define SP_CLI_CMD_DOCTOR_H

#include "base/options.h"

/* argv[0] is the word after "doctor". Returns the program's exit status. */
int sp_cmd_doctor(int argc, char **argv);

extern const struct sp_flag sp_cmd_doctor_flags[];

#endif
