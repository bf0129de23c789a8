/* The messages between a controller and an agent: a line of JSON each, whatever carries them. An
 * agent is spate on a host, with one plan to run.
 *
 *   controller            agent
 *   hello              -> hello (version, what it has, its clock and host)
 *   clock (t1)         -> clock (t1, t2, t3): several times
 *   prepare (plan)     -> ready (where it listens), or failed
 *   arm (T0, by the agent's clock, in the future) -> armed, or failed
 *   command, stop      -> failed, if it cannot
 *                      -> sample (each second), remark, log
 *                      -> truth (where prepare asked for it: as often as it takes)
 *                      -> done (everything, with histograms)
 *   quit, or the end of its input: the agent stops its run and goes
 */
#ifndef SP_CTL_AGENT_MSG_H
#define SP_CTL_AGENT_MSG_H

#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "core/result.h"
#include "ctl/clock.h"

#define SP_AGENT_PROTOCOL 1
/* A line that is longer than this is refused; the plan of 40,000 streams fits. */
#define SP_AGENT_LINE_MAX (16u << 20)
#define SP_AGENT_NAMES	  64u /* transports, laws, interfaces, listeners: the first so many */

enum sp_agent_type {
	SP_AGENT_HELLO,
	SP_AGENT_CLOCK,
	SP_AGENT_PREPARE,
	SP_AGENT_READY,
	SP_AGENT_FAILED,
	SP_AGENT_ARM,
	SP_AGENT_ARMED,
	SP_AGENT_COMMAND,
	SP_AGENT_STOP,
	SP_AGENT_QUIT,
	SP_AGENT_SAMPLE,
	SP_AGENT_REMARK,
	SP_AGENT_LOG,
	SP_AGENT_TRUTH,
	SP_AGENT_DONE,
};

struct sp_agent_names {
	unsigned n;
	const char *name[SP_AGENT_NAMES];
};

struct sp_agent_msg {
	enum sp_agent_type type;
	/* HELLO */
	int protocol;
	const char *version;
	struct sp_agent_names features, interfaces;
	struct sp_ctl_host host;
	uint64_t mono_ns; /* its clock, as it wrote this */
	int64_t real_ns;
	/* CLOCK: by the controller's clock, and by the agent's */
	uint64_t t1, t2, t3;
	/* PREPARE; truth: what its collectors must have stored is wanted (plugin/truth.h) */
	const char *plan, *sha256;
	bool truth;
	/* READY */
	struct sp_agent_names listening;
	/* FAILED: in answer to what, why, and what a program would exit with. LOG: text, level.
	 * TRUTH: text, whole lines */
	const char *to, *text;
	int exit, level;
	/* ARM */
	uint64_t t0_ns;
	/* COMMAND: "start", "stop", "set"; at_ns after T0, 0: now */
	const char *action, *stream, *rate;
	uint64_t at_ns;
	/* STOP */
	bool interrupted;
	/* SAMPLE, DONE */
	struct sp_result result;
	/* REMARK */
	struct sp_remark remark;
};

/* Appends the message as one line with its newline. */
void sp_agent_msg_put(struct sp_str *out, const struct sp_agent_msg *);
/* Reads a line (the newline may be there). All that the message points at is in the arena. shift_ns:
 * our clock - the agent's, for the points of time in results. -EINVAL with SP_EXIT_DATA, -ENOMEM. */
int sp_agent_msg_get(const char *line, size_t len, int64_t shift_ns, struct sp_arena *,
		     struct sp_agent_msg *, struct sp_err *);

#endif
