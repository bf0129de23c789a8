/* Streams of recorded messages: sessions, plays, what was left out. Internal to report. */
#ifndef SP_REPORT_RECORDED_H
#define SP_REPORT_RECORDED_H

#include "report/json.h"

/* The key "recorded" of stream i: an object, or null. Lists have at most limit members. */
void sp_json_recorded(struct sp_json *, const struct sp_result *, size_t i,
		      const struct sp_stream_result *, size_t limit,
		      const struct sp_report_drain *);
/* A line of the ledger; nothing where nothing was recorded or left out. */
void sp_text_recorded(struct sp_str *, const struct sp_result *);

#endif
