/* Which packets of a capture are wanted, by the fields of their headers: the one language of
 * `capture summary --where`, `capture extract --where`, and of the selectors of a replay.
 *
 * Headers and fields have the names of the tables of headers (pkt/hdr.h), which `spate fields` lists;
 * "ip" is either family: src, dst, ttl, proto, ... A value is a number or a word, a range a..b, or a
 * prefix 10.0.0.0/8. A condition holds when a header of that name has one of its values; with "not",
 * when none has. All conditions must hold. As a text:
 *
 *   ip.src=10.0.0.0/8|192.0.2.1,udp.dport!=53,tcp.flags=S
 *
 * Conditions are joined by commas and values by |; a word behind a comma that is no condition is one
 * more value, too.
 *
 * Two ways to ask: sp_select_match() looks at the outermost IP, TCP and UDP header alone, and is fast;
 * a selector decodes what lies deeper. Pure. */
#ifndef SP_CAPIO_SELECT_H
#define SP_CAPIO_SELECT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/mem.h"
#include "capio/packet_view.h"
#include "pkt/hdr.h"

struct sp_select_field; /* one condition */
struct sp_select {
	struct sp_arena *arena;
	struct sp_select_field *fields;
	bool deep; /* any header may be asked for: sp_select_match() is not to be used */
};

/* One more value of header.field: of the same field (and not) as before it is another one that may be,
 * of a new field a condition. Texts are not kept. hdr is the catalog's table. 0; -ENOENT: there is no
 * such header or field, or, not deep, none of these in ip, tcp and udp; -EINVAL: not a value of that
 * field; -ENOMEM. err has a sentence (exit 65) that begins with "header.field", and the nearest
 * name. */
int sp_select_add(struct sp_select *, const struct sp_hdr_ops *const *hdr, const char *layer,
		  const char *field, const char *value, struct sp_err *);
int sp_select_add_not(struct sp_select *, const struct sp_hdr_ops *const *hdr,
		      const char *layer, const char *field, const char *value, struct sp_err *);
/* HOT. Without conditions every packet matches; a condition on a header that the packet has not
 * fails, and so do those on what a fragment does not have. */
bool sp_select_match(const struct sp_select *, const struct sp_cap_packet *,
		     const struct sp_cap_view *);

/* ---- as a text, and of any header ---- */

struct sp_selector;

/* Conditions on what is no header of packets, such as the messages in them. */
struct sp_select_others {
	bool (*is)(const void *arg, const char *name);
	/* One value; as sp_select_add. */
	int (*add)(void *arg, const char *name, const char *field, bool not, const char *value,
		   struct sp_err *);
	const char *const *names; /* of these, NULL ends: for suggestions */
	void *arg;
};

/* what: the option, such as "--where". others may be NULL. -EINVAL (exit 2): "--where:12: what is
 * wrong", 12 being the place of the condition in the text, from 1; -ENOMEM. */
int sp_selector_new(struct sp_selector **, const char *what, const char *text,
		    const struct sp_hdr_ops *const *hdr, const struct sp_select_others *,
		    const struct sp_mem *, struct sp_err *);
/* 1: the packet is wanted; 0: not; -ENOMEM. Slow where a header is asked for that is not the outermost
 * IP, TCP or UDP: the packet is decoded. */
int sp_selector_takes(struct sp_selector *, const struct sp_cap_packet *,
		      const struct sp_cap_view *);
void sp_selector_free(struct sp_selector *);

#endif
