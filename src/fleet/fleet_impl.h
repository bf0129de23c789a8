/* What the files of the controller share; nobody else includes this. */
#ifndef SP_FLEET_FLEET_IMPL_H
#define SP_FLEET_FLEET_IMPL_H

#include "ctl/agent_msg.h"
#include "ctl/clock.h"
#include "ctl/lines.h"
#include "fleet/fleet.h"

#define FLEET_MS 1000000ull
#define FLEET_S	 1000000000ull

enum member_state {
	MEMBER_STARTED, /* no word yet */
	MEMBER_CLOCKS,	/* clocks are compared */
	MEMBER_IDLE,
	MEMBER_PREPARING,
	MEMBER_READY,
	MEMBER_ARMING,
	MEMBER_RUNNING,
	MEMBER_DONE,
	MEMBER_LOST,
};

/* An agent as its controller knows it. */
struct member {
	const struct sp_fleet_part *part;
	pid_t pid; /* 0: gone and waited for */
	struct sp_lines lines;
	bool open; /* its descriptors are */
	enum member_state state;
	unsigned rounds; /* of clocks compared */
	struct sp_ctl_host host;
	struct sp_ctl_estimate clock; /* theirs - ours */
	struct sp_arena words[2];     /* of its last message with a result, and of this one */
	unsigned last;		      /* index of the former */
	struct sp_result result;      /* its latest */
	bool has_result, stopping, muted;
	uint64_t last_word_ns, lost_ns;
	char why[200];
};

enum fleet_phase {
	PHASE_MEET,
	PHASE_RECEIVERS,
	PHASE_SENDERS,
	PHASE_ARM,
	PHASE_RUN,
	PHASE_OVER
};

struct sp_fleet {
	struct sp_fleet_conf conf;
	const struct sp_mem *mem;
	struct member *members;
	enum fleet_phase phase;
	uint64_t phase_ns; /* when it began */
	uint64_t t0_ns, next_tick_ns, ending_ns;
	unsigned next_stage;
	int wake;	      /* eventfd: somebody asked for a stop */
	int stops;	      /* atomic */
	int stops_seen;	      /* told to the agents */
	bool finishes;	      /* the stop is no interruption */
	struct sp_err failed; /* why nothing can be run */
	struct sp_arena merged[2];
	unsigned merged_at;
	struct sp_result result;
	struct sp_arena kept; /* remarks of our own, names */
	struct sp_remark own[64];
	unsigned n_own, n_own_told;
	bool output_failed;
	bool stage_failed;
};

uint64_t sp_fleet_now(void);

/* fleet_agent.c: one agent. */
int sp_member_start(struct sp_fleet *, struct member *, struct sp_err *);
/* Reads and handles what it has said. */
void sp_member_read(struct sp_fleet *, struct member *);
void sp_member_say(struct sp_fleet *, struct member *, const struct sp_agent_msg *);
/* It is gone: says so and forgets it. why: NULL: as its process tells. */
void sp_member_lose(struct sp_fleet *, struct member *, const char *why);
void sp_member_end(struct member *);

/* fleet_report.c */
int64_t sp_fleet_real_now(void);
/* A remark of the controller's own. */
void sp_fleet_say(struct sp_fleet *, const char *code, bool neutral, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
/* An agent's remark, as it comes. */
void sp_fleet_pass_on(struct sp_fleet *, const struct member *, const struct sp_remark *);
/* Hands out an event about the result as it is. remark: of a REMARK; else NULL. */
void sp_fleet_give(struct sp_fleet *, enum sp_event_kind, const struct sp_remark *);
/* Events for remarks of our own that nobody was told of yet. */
void sp_fleet_tell_remarks(struct sp_fleet *);
/* Everything that is known now, as one result. 0 or -ENOMEM. */
int sp_fleet_merge(struct sp_fleet *);

#endif
