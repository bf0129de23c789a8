/* What is sent. Owned by one worker; knows no clock, sends nothing. */
#ifndef SP_PLUGIN_SOURCE_H
#define SP_PLUGIN_SOURCE_H

#include <stdint.h>

#include "base/address.h"
#include "base/options.h"
#include "core/env.h"
#include "core/pacer.h"
#include "core/result.h"
#include "pkt/batch.h"
#include "pkt/rows.h"
#include "pkt/template.h"
#include "plugin/codec.h"
#include "plugin/transport.h"
#include "plugin/truth.h"

struct sp_source;
struct sp_catalog;

/* Asked of each recorded frame as it is read to be sent, by whatever thread reads: was the same shown
 * before (look), for that hardware address and target? 0, or an error with a sentence. */
typedef int sp_source_judge(const void *arg, const char *file, uint64_t number,
			    const uint8_t *frame, uint32_t len, struct sp_err *);

/* What the engine knows when it opens a source. */
struct sp_source_args {
	uint32_t size;	   /* of the unit as --size counts; largest one when it varies */
	uint32_t burst;	   /* messages that fill() gets at a time, at most; 0: SP_BATCH_MAX */
	uint8_t stamp_len; /* bytes kept free for the stamp at the end; 0 none */
	const struct sp_rows
		*rows; /* the payload, at least as long as the largest unit has room
				       for; borrowed until close */
	const struct sp_template *tmpl; /* frames: what is sent; borrowed until close */
	struct sp_link link;		/* frames: where it leaves */
	uint32_t keep;	  /* frames: octets of the payload that a stamp must not touch */
	const void *conf; /* the source's own settings */
	const struct sp_catalog *catalog; /* codecs and headers, by name */
	uint64_t seed;			  /* of the stream's own series */
	sp_source_judge *judge;		  /* NULL: anything may leave */
	const void *judge_arg;
};

/* What an answer says. */
struct sp_answer {
	uint32_t key;	 /* of the unit that it answers */
	uint16_t status; /* the protocol's */
	bool failed;	 /* that status is an error */
};

/* Units that are answered by messages which bring the unit's key back (DNS's id). */
struct sp_ask_ops {
	uint8_t key_bits; /* keys are below 2^this, 16 at most: so many can be outstanding */
	/* HOT. Writes the key into a unit that fill() has made. */
	void (*put_key)(struct sp_source *, struct sp_msg *, uint32_t key);
	/* HOT. False: the message is no answer. len is the payload's. */
	bool (*get_key)(const struct sp_source *, const uint8_t *data, uint32_t len,
			struct sp_answer *);
	uint64_t (*timeout_ns)(const struct sp_source *); /* how long an answer may take */
	const char *unit;				  /* "query" */
	/* What people call a status; NULL: it has no name. */
	const char *(*status_name)(uint32_t status);
};

/* A source of recorded messages has one session for each of whom it plays: a socket, or a
 * connection, with an address of its own. */
struct sp_source_session {
	struct sp_endpoint local;	  /* to bind; family 0: any */
	struct sp_endpoint remote;	  /* family 0: the stream's target */
	const struct sp_codec_ops *codec; /* of its messages; NULL: nobody knows */
};

/* A packet that will leave: where it is from, its whole frame, and how long after the start it is due
 * (UINT64_MAX: as fast as may be; SP_SOURCE_OTHER: it was shown with its time, and may look so in
 * other loops; an address of the own networks stands for all of its block that pkt/rewrite.h moves it
 * to). 0 to go on. */
#define SP_SOURCE_OTHER (UINT64_MAX - 1)
typedef int sp_source_see(void *arg, const char *file, uint64_t number, const uint8_t *frame,
			  uint32_t len, uint64_t due_ns);

struct sp_source_report {
	/* neutral: it takes nothing from the result. */
	void (*say)(void *arg, const char *code, bool neutral, const char *text);
	void *arg;
	/* Filled in: when the first and the last of those that left were due; 0: none did. */
	uint64_t first_due_ns, last_due_ns;
	bool nothing; /* filled in: there never was a unit to send */
};

struct sp_source_ops {
	SP_PLUGIN_HEAD;
	uint32_t makes; /* SP_T_DATAGRAM or SP_T_FRAME: which transports it feeds */
	/* Not 0: the source is a protocol by its name, with this port number. Its units have no
	 * stamp, and the size that they have. */
	uint16_t port;
	const struct sp_ask_ops *asks; /* NULL: its units are not answered */
	int (*open)(struct sp_source **, const struct sp_source_args *, const struct sp_env *,
		    struct sp_err *);
	/* Identifies the bytes that fill() leaves in a slot (two sources with equal bytes may
	 * share one): what tx_slots is asked for. Never 0. */
	uint32_t (*template_id)(const struct sp_source *);
	/* Length of the message for a unit of size bytes (frames: headers are inside). */
	uint32_t (*len)(const struct sp_source *, uint32_t size);
	/* HOT. Fills m[from .. n): bytes (skipped where SP_M_HELD) and stamp_off. */
	void (*fill)(struct sp_source *, struct sp_batch *, uint32_t from);
	/* HOT. After the stamp was put: mends what depends on it (checksums). May be NULL. */
	void (*finish)(struct sp_source *, struct sp_batch *, uint32_t from);
	/* HOT. The number of the unit that fill() will write next, as pkt/template.h counts them; and
	 * another one instead. NULL: nothing varies from unit to unit. */
	uint64_t (*unit)(const struct sp_source *);
	void (*seek)(struct sp_source *, uint64_t unit);
	/* Non-NULL: what was recorded. The source says when its units leave, and how long each is
	 * (its `size` is the message's length); st is the source, and times are as sp_schedule_ops
	 * has them, from begin's t0 on. Such a source is a protocol by its name, and belongs to one
	 * stream. fill() gets units in the order in which next() or size() gave them, but not all:
	 * what was too late, or not permitted, is left out. t_ns and len say which it is; where all
	 * leave at once, len alone.
	 * next() may say SP_NEVER - 1: there is no other unit, and the run is to stay all the same,
	 * its sessions open, until somebody stops it. */
	const struct sp_schedule_ops *schedule;
	/* Cold. Nothing was asked yet. */
	void (*begin)(struct sp_source *, uint64_t t0_ns);
	/* Recorded frames: shows each once, before anything is opened, so that it can be judged; with
	 * damage, those before it. Returns what see did, or an error. A hardware address that is not
	 * known before a port is open is shown as zeros. What is read later to be sent may be
	 * something else: args.judge is asked of that. */
	int (*look)(const void *conf, const struct sp_mem *, sp_source_see *see, void *arg,
		    struct sp_err *);
	/* True: units leave as fast as may be, each due when it does; schedule->size is asked, and
	 * says SP_PACE_OVER at the end. NULL: they have times. */
	bool (*at_once)(const struct sp_source *);
	/* True: with these settings units leave as fast as may be, and there is always another one.
	 * NULL: there is not. */
	bool (*endless)(const void *conf);
	/* Cold. All departures are over: what there is to say of them, each by one call, and what was
	 * sent first and last. 0, or what ended it before its time, with a sentence. May be NULL. */
	int (*report)(struct sp_source *, struct sp_source_report *, struct sp_err *);
	/* For people: "2 files as recorded". May be NULL. */
	void (*text)(const void *conf, char *buf, size_t cap);
	/* Cold. Everything is open and the run goes on the clock of the kernel: from now on the source
	 * may read ahead in a thread of its own, until close. Without this (virtual time) next() and
	 * size() read by themselves. May be NULL. 0 or -errno. */
	int (*run)(struct sp_source *, struct sp_err *);
	/* Recorded messages: how many sessions there are, and each. NULL: one, of the stream's
	 * target. fill() sets m[i].ep to the unit's session. */
	uint32_t (*sessions)(const struct sp_source *);
	void (*session)(const struct sp_source *, uint32_t i, struct sp_source_session *);
	/* How many units were met so far that cannot leave as they are: they were asked for, and are
	 * not sent. Control's thread, any time. NULL: there are none. */
	uint64_t (*unfit)(const struct sp_source *);
	/* What was recorded, as it counts against what is sent. Control's thread, any time. NULL: it does
	 * not say. */
	void (*recorded)(const struct sp_source *, struct sp_recorded_result *);
	/* Number k of its sessions, plays and senders, as it knows them. With recorded. */
	void (*recorded_session)(const struct sp_source *, uint32_t k,
				 struct sp_recorded_session *);
	void (*recorded_play)(const struct sp_source *, uint32_t k, struct sp_recorded_play *);
	void (*recorded_sender)(const struct sp_source *, uint32_t k,
				struct sp_recorded_sender *);
	/* HOT. The next n of the units that fill() has made left at now_ns (over connections: were
	 * handed to their session), or, 0, never will. May be NULL. */
	void (*left)(struct sp_source *, uint32_t n, uint64_t now_ns);
	/* Ground truth: what whoever gets units 0 .. units - 1 must have stored, as JSON lines
	 * (plugin/truth.h). Cold, after the run. Of such a source units that left have the numbers 0,
	 * 1, ... without gaps: what was refused is made again (seek, fill) as those that follow. */
	int (*truth)(const struct sp_source *, uint64_t units, const struct sp_truth *);
	void (*close)(struct sp_source *);
};

#endif
