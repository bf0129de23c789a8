/* Units that are made where they leave (SP_T_REPEAT): the packet lane hands over how many, and what
 * the stamp and the template go on with. */
#ifndef SP_ENGINE_LANE_REPEAT_H
#define SP_ENGINE_LANE_REPEAT_H

#include "engine/lane_packet.h"

struct sp_run;

/* Cold. Streams of this run that can be sent so will be; the log says which, and why not. */
int sp_run_prepare_repeats(struct sp_run *, struct sp_err *);
/* HOT. Sends in one piece what can be; returns how many units left. 0: sp_lane_tx() goes on as with
 * any other stream. */
uint32_t sp_lane_repeat(struct sp_lane *, uint64_t now_ns);

#endif
