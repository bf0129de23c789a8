/* spate packet: what a packet expression would send. */
#ifndef SP_CLI_CMD_PACKET_H
#define SP_CLI_CMD_PACKET_H

#include "base/options.h"

extern const struct sp_flag sp_cmd_packet_flags[];
int sp_cmd_packet(int argc, char **argv);

#endif
