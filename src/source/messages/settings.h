/* The source's settings, and what their texts mean. */
#ifndef SP_SOURCE_MESSAGES_SETTINGS_H
#define SP_SOURCE_MESSAGES_SETTINGS_H

#include "base/options.h"
#include "source/messages/senders.h"

struct msg_conf {
	const char *files;    /* paths, a line each */
	const char *order;    /* "0,1,1": which of them is played when; "": each once */
	const char *sections; /* source/messages/sections.h */
	const char *section;  /* the stream's own */
	const char *map;      /* "src>local,src>": recorded and local addresses */
	bool mapped;	      /* only those in the map are played, even where it is empty */
	const char *factor;
	uint64_t family; /* 4, 6: only sessions whose local address is of it; 0: all */
	bool rest;	 /* and those whose address is the system's choice */
	bool only;	 /* no other stream plays the other family */
	bool sync, keep_open;
	uint64_t exporters;
	const char *from; /* prefix of the exporters' addresses */
	uint64_t spread_ns;
	bool retime;
	const char *target; /* for sentences */
	bool preload;	    /* all units are in memory before the first one leaves */
	uint64_t ahead;	    /* else octets that are read ahead; 0: as many as are good */
};

extern const struct sp_opt sp_msg_opts[];

/* What they give is of the arena. 0, or an error: exit 2, 65 (too many) or 1. */
int sp_msg_read_paths(const struct msg_conf *, struct sp_arena *, const char ***, uint32_t *n,
		      struct sp_err *);
/* Captures in the order in which they are played. */
int sp_msg_read_order(const struct msg_conf *, struct sp_arena *, uint32_t captures,
		      uint32_t **, uint32_t *n, struct sp_err *);
int sp_msg_read_map(const struct msg_conf *, struct sp_arena *, struct msg_map_row **,
		    uint32_t *n, struct sp_err *);

#endif
