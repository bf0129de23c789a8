/* The scenario file: YAML to one plan for each part of a run. A part is what one agent does: a
 * host's sending, or its receiving. All values go through the plan's option rows, as a command
 * line's do, so that the same request has the same digest. */
#ifndef SP_SCENARIO_SCENARIO_H
#define SP_SCENARIO_SCENARIO_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/yaml.h"
#include "plugin/catalog.h"
#include "scenario/expect.h"

struct sp_plan;

#define SP_SCENARIO_HOSTS   64u
#define SP_SCENARIO_REPEATS 1000u

enum sp_scenario_place { SP_HOST_LOCAL, SP_HOST_NETNS, SP_HOST_LAB };

struct sp_scenario_host {
	const char *name;
	enum sp_scenario_place place;
	const char *where; /* netns: its name or path; lab: the host there */
	const struct sp_yaml_node *node;
};

struct sp_scenario_part {
	unsigned host; /* index */
	bool sends;
	struct sp_plan *plan; /* sealed */
};

/* A link of the lab that changes. */
struct sp_scenario_link {
	uint64_t at_ns;
	const char *link;
	const struct sp_yaml_node *change; /* a map, for the lab to read */
};

/* What is recorded on a host. */
struct sp_scenario_capture {
	unsigned host;			       /* index */
	const char *interface, *filter, *file; /* filter "": everything; file: a name */
};

struct sp_scenario {
	struct sp_yaml doc; /* everything below lives as long */
	const char *name;
	uint64_t seed, repeats;
	bool abort_on_loss;
	struct sp_scenario_host *hosts;
	unsigned n_hosts;
	struct sp_scenario_part *parts; /* receivers first */
	unsigned n_parts;
	struct sp_scenario_link *links; /* in order of time */
	unsigned n_links;
	struct sp_scenario_capture *captures;
	unsigned n_captures;
	struct sp_expect *expects;
	unsigned n_expects;
	const struct sp_yaml_node *lab; /* the lab's section, or NULL */
	char sha256[65];		/* of the parts' digests; a lone part's own */
};

struct sp_scenario_conf {
	const struct sp_mem *mem;
	const struct sp_catalog *catalog;
	/* Labs are not this folder's: who has them checks the section, gives the address of a
	 * host (NULL: there is no such host; "": it has none) for a host of the lab that sends to
	 * it (or NULL), and checks a change of a link. All
	 * or none. */
	void *arg;
	int (*lab)(void *arg, const struct sp_yaml *, const struct sp_yaml_node *lab,
		   struct sp_err *);
	const char *(*lab_address)(void *arg, const char *host, const char *from);
	int (*lab_link)(void *arg, const struct sp_yaml *, const struct sp_scenario_link *,
			struct sp_err *);
};

/* Reads and checks all of it. Errors: one sentence with FILE:LINE:COLUMN (65), a missing file (66);
 * nothing is to be freed then. */
int sp_scenario_read(struct sp_scenario *, const char *path, const struct sp_scenario_conf *,
		     struct sp_err *);
/* The same from memory; name opens the sentences. */
int sp_scenario_parse(struct sp_scenario *, const char *name, const char *text, size_t len,
		      const struct sp_scenario_conf *, struct sp_err *);
void sp_scenario_free(struct sp_scenario *);
/* For who may not look into plans: a part's canonical text (appended), its digest, and the plug-ins
 * of this build. */
void sp_scenario_plan_text(const struct sp_scenario_part *, struct sp_str *out);
const char *sp_scenario_plan_sha256(const struct sp_scenario_part *);
const struct sp_catalog *sp_scenario_catalog(void);
/* Does any stream know what its collector must have stored (plugin/truth.h)? */
bool sp_scenario_has_truth(const struct sp_scenario *, const struct sp_catalog *);
/* JSON Schema (2020-12) of the file, made from the same tables. */
void sp_scenario_schema(struct sp_str *out);

#endif
