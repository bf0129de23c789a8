/* What is said between the process that holds a lab, the lab's init, and whoever asks them: one
 * order and one note a message, over SOCK_SEQPACKET. All ends are the same program; a message of
 * another length comes from another version of it. */
#ifndef SP_LAB_TALK_H
#define SP_LAB_TALK_H

#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "forward/forward.h"
#include "lab/spec.h"

enum sp_lab_what {
	SP_LAB_BEGIN, /* to init: make the lab; its note comes when it is ready, or at its end */
	SP_LAB_SIGNAL, /* to init: pass number on; no note */
	SP_LAB_CHANGE, /* text: settings for link number */
	SP_LAB_STATE,  /* of link number */
	SP_LAB_WHO,    /* name, holder, node number and how many there are */
	SP_LAB_DOOR,   /* into place number: the note carries descriptors */
	SP_LAB_DOWN,   /* end the lab */
};

struct sp_lab_order {
	uint32_t serial; /* comes back in the note */
	uint32_t what;
	uint32_t number;
	char name
		[SP_LAB_NAME_LEN]; /* CHANGE, STATE, DOOR: of the link or place; "" = by number */
	char text[512];
};

struct sp_lab_link_state {
	char name[SP_LAB_NAME_LEN], end[2][SP_LAB_NAME_LEN];
	int via; /* enum sp_lab_via */
	struct sp_impair_conf way[2];
	bool counted; /* only the forwarder counts */
	struct sp_forward_counts counts[2];
};

struct sp_lab_who {
	char name[SP_LAB_NAME_LEN];
	pid_t holder;	    /* 0: the lab of a command */
	int64_t started_ns; /* wall clock */
	unsigned n_nodes, n_links;
	char node[SP_LAB_NAME_LEN]; /* number asked for */
	int kind;
};

enum sp_lab_note_kind { SP_LAB_NOTE_OVER, SP_LAB_NOTE_READY, SP_LAB_NOTE_ANSWER };

struct sp_lab_note {
	uint32_t serial; /* ANSWER: the order's */
	uint32_t kind;
	int32_t status; /* OVER: COMMAND's, as a shell shows it */
	uint64_t at_ns; /* CHANGE: CLOCK_MONOTONIC, when it took effect; 0: it is not known */
	struct sp_err err; /* code != 0: it went wrong */
	union {
		struct sp_lab_link_state link;
		struct sp_lab_who who;
		char map[SP_LAB_MAP_TEXT]; /* DOOR, READY */
	};
};

/* At most SP_TALK_FDS descriptors go along. 0 or a negative errno. */
#define SP_TALK_FDS (SP_LAB_MAX_HOSTS + 3u)
int sp_talk_send(int fd, const void *message, size_t len, const int *fds, unsigned n_fds);
/* Waits; -ECONNRESET at the end, -EPROTO for another length. Descriptors that come along go to fds
 * (close-on-exec; n_fds in: room, out: how many), or are closed. */
int sp_talk_recv(int fd, void *message, size_t len, int *fds, unsigned *n_fds);

#endif
