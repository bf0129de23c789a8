/* What a lab is to be: hosts, routers and bridges, and the links between them. Plain data; made
 * from a YAML file or a list of names, then sealed, which fills in what was left out. */
#ifndef SP_LAB_SPEC_H
#define SP_LAB_SPEC_H

#include <stdbool.h>
#include <stdint.h>

#include "base/address.h"
#include "base/err.h"
#include "base/yaml.h"
#include "forward/impair.h"
#include "lab/hosts.h"

#define SP_LAB_MAX_BRIDGES 32u
#define SP_LAB_MAX_NODES   (SP_LAB_MAX_HOSTS + SP_LAB_MAX_BRIDGES)
#define SP_LAB_MAX_LINKS   128u
#define SP_LAB_MAX_ADDRS   4u /* of an interface */

enum sp_lab_kind { SP_LAB_HOST, SP_LAB_ROUTER, SP_LAB_BRIDGE };

struct sp_lab_node {
	char name[SP_LAB_NAME_LEN];
	enum sp_lab_kind kind;
	unsigned n_eth; /* sealed: its interfaces are eth0 to eth(n_eth - 1) */
};

struct sp_lab_addr {
	struct sp_addr addr;
	uint8_t prefix;
};

struct sp_lab_end {
	unsigned node;
	bool given;   /* addr was written, perhaps as none at all */
	unsigned eth; /* sealed */
	unsigned net; /* sealed: ends that hear each other's broadcasts have the same number */
	uint8_t mac[6]; /* sealed */
	unsigned n_addr;
	struct sp_lab_addr addr[SP_LAB_MAX_ADDRS];
};

/* What carries a link. AUTO becomes one of the others when the lab is made. */
enum sp_lab_via { SP_LAB_AUTO, SP_LAB_VETH, SP_LAB_NETEM, SP_LAB_FORWARDER };
const char *sp_lab_via_name(enum sp_lab_via);

struct sp_lab_link {
	char name[SP_LAB_NAME_LEN];
	struct sp_lab_end end[2];
	struct sp_impair_conf way[2]; /* [0] from end 0 to end 1, [1] back */
	int via;		      /* enum sp_lab_via */
};

/* Hosts come first, then routers, then bridges: the first n_places nodes have a network namespace
 * of their own. */
struct sp_lab_spec {
	char name[SP_LAB_NAME_LEN];
	uint64_t seed;
	unsigned n_places, n_nodes, n_links;
	struct sp_lab_node node[SP_LAB_MAX_NODES];
	struct sp_lab_link link[SP_LAB_MAX_LINKS];
};

/* Two hosts joined by a link, or any other number by a bridge. */
void sp_lab_spec_of_hosts(struct sp_lab_spec *, const struct sp_lab_hosts *);

/* The map `lab` of a document (DESIGN: hosts, routers, bridges, links), or one that has it as the
 * value of its key `lab`, such as a scenario. Sealed. -EINVAL, SP_EXIT_DATA, with the place. */
int sp_lab_spec_from_yaml(struct sp_lab_spec *, const struct sp_yaml *,
			  const struct sp_yaml_node *lab, struct sp_err *);
/* A file with the key `lab`. The name is `name` of it, or the file's without folder and suffix.
 * SP_EXIT_NOINPUT, SP_EXIT_DATA, SP_EXIT_FAILED (memory). */
int sp_lab_spec_read(struct sp_lab_spec *, const char *path, const struct sp_mem *,
		     struct sp_err *);

/* Numbers interfaces and networks, gives addresses where none were written: the end number n of
 * network number s (both in the order of links) gets 10.99.s.n/24 and fd99:0:0:s::n/64. On a
 * contradiction -EINVAL, the sentence without a place, and *link the link at fault. */
int sp_lab_spec_seal(struct sp_lab_spec *, unsigned *link, struct sp_err *);

/* -ENOENT when there is none. */
int sp_lab_spec_node(const struct sp_lab_spec *, const char *name);
int sp_lab_spec_link(const struct sp_lab_spec *, const char *name);

/* Changes a link's settings by words such as "loss=1%,delay=20ms,down=true"; "back.loss=1%" and
 * "there.loss=1%" change one direction only (there: from the first end to the second). All or
 * nothing. -EINVAL with SP_EXIT_USAGE. */
int sp_lab_link_change(struct sp_lab_link *, const char *words, struct sp_err *);
/* Whether what carries the link can do what its settings ask; -EOPNOTSUPP and the way out. */
int sp_lab_link_can(const struct sp_lab_link *, struct sp_err *);

/* ---- routes ---- */
struct sp_lab_route {
	struct sp_lab_addr to; /* a network; its address has no host bits */
	struct sp_addr gateway;
	unsigned eth;
};
#define SP_LAB_MAX_ROUTES (2 * SP_LAB_MAX_LINKS * SP_LAB_MAX_ADDRS)
/* The shortest way from a node to each network of the lab that it is not on itself, through
 * routers only; among equals the one over the earlier link. out has room for SP_LAB_MAX_ROUTES. */
unsigned sp_lab_routes(const struct sp_lab_spec *, unsigned node, struct sp_lab_route *out);

#endif
