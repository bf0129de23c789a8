/* Link types of capture files. */
#ifndef SP_CAPIO_LINK_TYPE_H
#define SP_CAPIO_LINK_TYPE_H

#include <stdbool.h>
#include <stdint.h>

#include "pkt/link_type.h"

/* Those above, which are looked into. */
#define SP_LINKS_DISSECTED 9u
extern const uint16_t sp_links_dissected[SP_LINKS_DISSECTED];
/* Old numbers that some systems wrote become the registered ones. */
uint16_t sp_link_type_plain(uint16_t);
/* Is it registered, and not for private use (147 to 162)? */
bool sp_link_type_known(uint16_t);
/* "Ethernet"; "link type 105" of those that are not dissected. */
const char *sp_link_type_name(uint16_t, char buf[24]);

#endif
