/* What to extract when no reproduction file says it: protocols by the names of their sections, packets
 * by a filter in tcpdump's language, messages by fields of their headers. */
#ifndef SP_CAPTURE_EXTRACT_CHOICE_H
#define SP_CAPTURE_EXTRACT_CHOICE_H

#include "capture/extract.h"

struct sp_extract_choice;

/* protocols: "ipfix,bgp,bmp", in the order in which they are to be written; NULL: every codec, in
 * the order of the catalog. -EINVAL (SP_EXIT_USAGE) names those that there are. */
int sp_extract_choice_new(struct sp_extract_choice **, const char *protocols,
			  const struct sp_mem *, struct sp_err *);
/* Only packets that this takes; once. -EINVAL (SP_EXIT_USAGE). */
int sp_extract_choice_filter(struct sp_extract_choice *, const char *text, struct sp_err *);
/* Conditions on headers of packets, and on the messages in them, by the name of their section or
 * header: "ip.src=10.0.0.0/8,bgp.type=1|2", in the language of capio/select.h. Of a protocol that is
 * named only messages for which its conditions hold. Several of these are ANDed. -EINVAL
 * (SP_EXIT_USAGE) with the place, and the nearest name. */
int sp_extract_choice_where(struct sp_extract_choice *, const char *text, struct sp_err *);
/* The parts, for sp_extract_conf; they live as long as the choice. */
const struct sp_extract_part *sp_extract_choice_parts(const struct sp_extract_choice *,
						      unsigned *n);
/* "ipfix, bmp, bgp", for help. */
void sp_extract_choice_names(struct sp_str *);
void sp_extract_choice_free(struct sp_extract_choice *);

#endif
