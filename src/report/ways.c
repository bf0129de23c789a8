#include "report/ways.h"

#include "base/units.h"
#include "report/fmt.h"

bool sp_ways_put(struct sp_str *out, const char *before, const struct sp_result *r)
{
	size_t n = r->n_streams < SP_WAYS_STREAMS ? r->n_streams : SP_WAYS_STREAMS, known = 0;
	uint64_t again = 0, rtt = 0, cwnd = UINT64_MAX;
	struct sp_stream_result s;
	char text[SP_FMT_FIGURE];

	for (size_t i = 0; r->role != SP_ROLE_RECV && i < n; i++) {
		sp_result_stream(r, i, &s);
		if (!s.way.known)
			continue;
		known++;
		again += s.way.retransmits;
		rtt = s.way.rtt_ns > rtt ? s.way.rtt_ns : rtt;
		cwnd = s.way.cwnd_bytes < cwnd ? s.way.cwnd_bytes : cwnd;
	}
	if (!known)
		return false;
	sp_str_puts(out, before);
	sp_str_printf(out, "retransmits %s", sp_str_grouped(text, sizeof text, again));
	sp_str_printf(out, "  rtt %s%s", rtt && known > 1 ? "up to " : "",
		      rtt ? sp_human_ns(text, sizeof text, (double)rtt) : "unknown");
	sp_str_printf(out, "  cwnd %s%s", known > 1 ? "from " : "",
		      sp_str_grouped(text, sizeof text, cwnd));
	if (n < r->n_streams)
		sp_str_printf(out, "  (the first %u streams)", SP_WAYS_STREAMS);
	return true;
}
