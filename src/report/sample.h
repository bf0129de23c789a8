/* For tests: results made by hand, as a run would leave them. */
#ifndef SP_REPORT_SAMPLE_H
#define SP_REPORT_SAMPLE_H

#include "core/result.h"
#include "report/json.h"

#define SP_SAMPLE_START_NS 1767225600000000000 /* 2026-01-01T00:00:00Z */

struct sp_sample {
	struct sp_result result; /* its parts come from here: the sample stays where it is */
	struct sp_event event;
	struct sp_stream_result *streams;
	struct sp_flow_result *flows;
	struct sp_transport_result transports[2];
	struct sp_remark remarks[2];
	char (*names)[24];
};

/* A finished run of n streams ("udp-1", ...), each 1,000 pps of 1,024 bytes for 10 s; of each
 * stream i the last i % 4 packets were lost in the network. The event is its end. */
void sp_sample_init(struct sp_sample *, unsigned n_streams);
void sp_sample_fini(struct sp_sample *);
/* The same run s seconds after T0: an interval. */
void sp_sample_at(struct sp_sample *, double s);
/* Everything that can be unknown is. */
void sp_sample_forget(struct sp_sample *);
/* The same run seen by a receiver that has no control session. */
void sp_sample_recv(struct sp_sample *);

extern const struct sp_report_env sp_sample_env;

/* A name that tries everything: escapes, controls, C1, invalid UTF-8, bidi, quotes, commas. */
#define SP_SAMPLE_HOSTILE "=\033[2J\a\r\n\t\"a,b\"\x9b\xc2\x9b\xe2\x80\xae\xff</script>"
/* No byte of text may act on a terminal: only \n, and ESC where esc is true. */
void sp_sample_assert_harmless(const char *text, bool esc);

#endif
