/* The source, for its own files. */
#ifndef SP_SOURCE_MESSAGES_IMPL_H
#define SP_SOURCE_MESSAGES_IMPL_H

#include "plugin/source.h"
#include "source/messages/account.h"
#include "source/messages/exporters.h"
#include "source/messages/play.h"
#include "source/messages/settings.h"

/* Units that next() has given and fill() was not asked for yet: at most two batches, if none is left
 * out. */
#define MSG_GIVEN 4096u

struct sp_source {
	const struct sp_env *env;
	struct sp_arena arena;
	const struct msg_conf *conf;
	struct msg_sections sections;
	const struct msg_section *own;
	struct msg_load load;
	struct msg_store store;
	struct msg_feed *feed;
	struct msg_play play;
	struct msg_exporters who;
	struct msg_account account;
	uint32_t *plays;      /* [captures]: how often each is played */
	uint32_t *repetition; /* [plays]: of its capture, from 1 */
	uint64_t next_ns;     /* atomic */
	void **states;	      /* [sessions]: rewriting; NULL: nothing is rewritten */
	struct msg_due given[MSG_GIVEN];
	uint32_t head, tail; /* free running */
	int64_t real_offset_ns;
	uint64_t t0_ns, first_due_ns, last_due_ns;
	uint64_t unchanged; /* messages that could not be rewritten */
	bool held;	    /* all were given, and it stays open */
};

/* counts.c: what sp_source_ops wants of what was recorded. */
int sp_msg_counts_open(struct sp_source *, struct sp_err *);
void sp_msg_recorded(const struct sp_source *, struct sp_recorded_result *);
void sp_msg_recorded_session(const struct sp_source *, uint32_t k,
			     struct sp_recorded_session *);
void sp_msg_recorded_play(const struct sp_source *, uint32_t k, struct sp_recorded_play *);
void sp_msg_recorded_sender(const struct sp_source *, uint32_t k, struct sp_recorded_sender *);
/* remarks.c: as sp_source_ops.report. */
int sp_msg_report(struct sp_source *, struct sp_source_report *, struct sp_err *);

#endif
