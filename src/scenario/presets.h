/* Protocol words that stand for a packet: the expression that each says. Pure. */
#ifndef SP_SCENARIO_PRESETS_H
#define SP_SCENARIO_PRESETS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/mem.h"

struct sp_preset_args {
	bool v6;			    /* the target is an IPv6 address */
	uint16_t port_first, port_last;	    /* the target's; 0: as the word has it */
	uint16_t source_first, source_last; /* 0: one, as the word has it */
	uint16_t ether_type;		    /* eth; 0: as the word has it */
};

struct sp_preset {
	const char *packet; /* in the arena */
	uint32_t size;	    /* unless somebody says otherwise; 0: the packet's own */
	bool takes_port, takes_source, takes_type;
};

/* Is it a word for frames alone: icmp, icmp6, arp, eth, syn? udp and tcp become one by source
 * ports. */
bool sp_preset_is(const char *word);
/* 0; -ENOENT: no such word; -ENOMEM. */
int sp_preset_of(const char *word, const struct sp_preset_args *, struct sp_arena *,
		 struct sp_preset *);

/* "5001" or "5001-5010". place opens the sentence. */
int sp_ports_parse(const char *text, const char *place, uint16_t *first, uint16_t *last,
		   struct sp_err *);

#endif
