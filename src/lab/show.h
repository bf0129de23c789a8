/* A lab's links as text and JSON: what carries each, its settings, and what the forwarder counted. */
#ifndef SP_LAB_SHOW_H
#define SP_LAB_SHOW_H

#include "base/json.h"
#include "lab/talk.h"

/* One line a link, and one more each way that is no plain wire. */
void sp_lab_show_link(struct sp_str *, const struct sp_lab_link_state *);
/* {"name", "ends", "via", "there": {settings, "counts": {...} or null}, "back": {...}} in an array. */
void sp_lab_show_link_json(struct sp_json *, const struct sp_lab_link_state *);
/* "link l1 (h1 - r1) is carried by the forwarder: there delay=3ms; back as a wire", for reports. */
void sp_lab_show_carrier(struct sp_str *, const struct sp_lab_link_state *);
const char *sp_lab_kind_name(int kind);

#endif
