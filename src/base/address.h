/* IP addresses, endpoints, targets as users write them, and which addresses are whose. */
#ifndef SP_BASE_ADDRESS_H
#define SP_BASE_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct sp_addr {
	uint8_t family; /* 4, 6; 0 = none */
	uint32_t scope; /* interface index of a link-local v6 address, else 0 */
	uint8_t ip[16]; /* network order; v4 in the first four bytes */
};

struct sp_endpoint {
	struct sp_addr addr;
	uint16_t port; /* host order; 0 = none */
};

/* Numeric addresses only ("10.1.1.2", "fe80::1%eth0", brackets allowed). 0 or -EINVAL. */
int sp_addr_parse(const char *text, struct sp_addr *);
/* A hardware address, "02:00:5e:10:00:01" or with dashes, of len octets of text. 0 or -EINVAL. */
int sp_mac_parse(const char *text, size_t len, uint8_t mac[6]);
/* "10.1.1.2", "fd99::1", "fe80::1%3". buf of 64 is enough. Returns buf. */
const char *sp_addr_format(char *buf, size_t cap, const struct sp_addr *);
/* "10.1.1.2:5001", "[::1]:5001". buf of 72 is enough. */
const char *sp_endpoint_format(char *buf, size_t cap, const struct sp_endpoint *);
bool sp_addr_eq(const struct sp_addr *, const struct sp_addr *);
bool sp_endpoint_eq(const struct sp_endpoint *, const struct sp_endpoint *);
uint64_t sp_endpoint_hash(const struct sp_endpoint *);

struct sockaddr;
/* sa has room for a sockaddr_in6; returns its length. */
unsigned sp_endpoint_to_sockaddr(const struct sp_endpoint *, struct sockaddr *sa);
int sp_endpoint_from_sockaddr(struct sp_endpoint *, const struct sockaddr *sa);

/* Whose network an address belongs to, for consent (DESIGN 10). Mapped (::ffff:0:0/96) and
 * NAT64 (64:ff9b::/96) addresses are judged as the IPv4 address inside. */
enum sp_addr_class {
	SP_ADDR_LOOPBACK,      /* 127/8, ::1 */
	SP_ADDR_LINK_LOCAL,    /* 169.254/16, fe80::/10 */
	SP_ADDR_PRIVATE,       /* RFC 1918, 100.64/10 (RFC 6598), fc00::/7 */
	SP_ADDR_DOCUMENTATION, /* RFC 5737, 198.18/15 (RFC 2544), 2001:db8::/32 */
	SP_ADDR_MULTICAST_OWN, /* 224.0.0/24, 239/8, ff01 to ff05 */
	SP_ADDR_MULTICAST,     /* other multicast: judged as public */
	SP_ADDR_BROADCAST,     /* 255.255.255.255 */
	SP_ADDR_UNSPECIFIED,   /* 0.0.0.0, :: */
	SP_ADDR_NEVER,	       /* the rest of 0/8, 240/4: never a target */
	SP_ADDR_PUBLIC,
};
enum sp_addr_class sp_addr_class(const struct sp_addr *);
/* The same; *last is an address from a on up to which all are of this class. */
enum sp_addr_class sp_addr_class_run(const struct sp_addr *a, struct sp_addr *last);
/* -1, 0, 1, as numbers, of one family; and *a + 1, false: there is none. */
int sp_addr_compare(const struct sp_addr *, const struct sp_addr *);
bool sp_addr_next(struct sp_addr *a);
const char *sp_addr_class_name(enum sp_addr_class);
/* Loopback, link-local, private, documentation, own multicast: no limit there. */
bool sp_addr_is_own(const struct sp_addr *);

/* A target or listener as written. udp://10.1.1.2:5555?rate=10kpps&size=100,
 * udp://[::1]:5001, udp://:5001 (host empty), udp://:5001-5010 (range), host%dev kept in host.
 * A bare "host", "host:port" or "[v6]:port" has scheme "". query keeps the raw text. Of http and
 * https a path may follow; then all from its '/' on, with the '?', is path. */
struct sp_url {
	char scheme[16];
	char host[256];
	uint16_t port, port_last; /* 0: none; port_last == port unless a range */
	char query[512]; /* without '?'; "" when none; percent-decoding is the reader's */
	char path[512];	 /* with its '/', as it goes to a server; "" when none */
};
int sp_url_parse(const char *text, struct sp_url *, struct sp_err *); /* -EINVAL: usage */

#endif
