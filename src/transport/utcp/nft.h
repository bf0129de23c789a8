/* A table in the kernel's packet filter that keeps it from resetting connections which it does not
 * know: it drops the RSTs of certain address and port numbers to a target, and nothing else. The
 * table is owned by a socket (NFT_TABLE_F_OWNER): it is gone when that is closed, also with the
 * process. */
#ifndef SP_TRANSPORT_UTCP_NFT_H
#define SP_TRANSPORT_UTCP_NFT_H

#include <stdint.h>

#include "base/address.h"
#include "base/err.h"
#include "base/mem.h"

struct sp_nft;

/* Makes the table; those that an earlier process left behind are removed. Errors: exit 77. */
int sp_nft_open(struct sp_nft **, const struct sp_mem *, struct sp_err *);
/* From src, port numbers first .. last, to that target. */
int sp_nft_drop_resets(struct sp_nft *, const struct sp_addr *src, uint16_t first,
		       uint16_t last, const struct sp_endpoint *to, struct sp_err *);
void sp_nft_close(struct sp_nft *); /* NULL: nothing */

#endif
