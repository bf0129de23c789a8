/* The packet lane's other half: messages that arrive are narrowed to what is measured, matched and
 * verified. */
#ifndef SP_ENGINE_LANE_RX_H
#define SP_ENGINE_LANE_RX_H

#include <stdint.h>

#include "engine/lane_packet.h"

/* HOT. Receives a burst of each port; returns the number of messages. */
uint32_t sp_lane_rx(struct sp_lane *);

#endif
