/* Is a DNS message what it says (RFC 1035 4)? Pure. */
#ifndef SP_CAPTURE_DNS_CHECK_H
#define SP_CAPTURE_DNS_CHECK_H

#include <stddef.h>
#include <stdint.h>

/* NULL, or what is wrong: a static part of a sentence. */
const char *sp_dns_check(const uint8_t *, size_t len);

#endif
