/* Names of the domain name system: text to wire and back (RFC 1035 3.1, 4.1.4, and 5.1 for the
 * text's escapes). Pure. */
#ifndef SP_PKT_DNS_NAME_H
#define SP_PKT_DNS_NAME_H

#include <stddef.h>
#include <stdint.h>

#define SP_DNS_NAME_MAX	 255u /* octets on the wire, the root's among them */
#define SP_DNS_LABEL_MAX 63u
#define SP_DNS_TEXT_MAX	 1009u /* a name as text, each octet escaped, and the NUL */

/* "www.example.com", with or without the last dot; "." is the root. \DDD is the octet of that
 * decimal value, \X is X itself. Returns the number of octets written to wire, at most
 * SP_DNS_NAME_MAX; -EINVAL: an empty label or a bad escape; -ENAMETOOLONG: a label above 63 octets
 * or a name above 255. */
int sp_dns_name_put(uint8_t wire[SP_DNS_NAME_MAX], const char *text);

/* The name at msg[at], pointers followed (each must point further back). Writes its text with the
 * last dot and returns how many octets it takes at its place (a pointer counts two); -EBADMSG:
 * it leaves the message, points forward, or is too long. */
int sp_dns_name_get(char text[SP_DNS_TEXT_MAX], const uint8_t *msg, size_t len, size_t at);

#endif
