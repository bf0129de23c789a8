/* What is sent. Owned by one worker; knows no clock, sends nothing. */
#ifndef SP_PLUGIN_SOURCE_H
#define SP_PLUGIN_SOURCE_H

#include <stdint.h>

#include "base/address.h"
#include "base/options.h"
#include "core/env.h"
#include "core/pacer.h"
#include "pkt/batch.h"
#include "pkt/rows.h"
#include "pkt/template.h"
#include "plugin/codec.h"
#include "plugin/transport.h"
#include "plugin/truth.h"

struct sp_source;

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
	uint64_t seed;	  /* of the stream's own series */
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
	/* Non-NULL: the source says when its units leave, and how long each is; st is the source, and
	 * times are as sp_schedule_ops has them, from begin's t0 on. */
	const struct sp_schedule_ops *schedule;
	void (*begin)(struct sp_source *, uint64_t t0_ns);
	/* Recorded messages: how many sessions there are, and each. NULL: one, of the stream's
	 * target. fill() sets m[i].ep to the unit's session. */
	uint32_t (*sessions)(const struct sp_source *);
	void (*session)(const struct sp_source *, uint32_t i, struct sp_source_session *);
	/* Ground truth: what whoever gets units 0 .. units - 1 must have stored, as JSON lines
	 * (plugin/truth.h). Cold, after the run. Of such a source units that left have the numbers 0,
	 * 1, ... without gaps: what was refused is made again (seek, fill) as those that follow. */
	int (*truth)(const struct sp_source *, uint64_t units, const struct sp_truth *);
	void (*close)(struct sp_source *);
};

#endif
