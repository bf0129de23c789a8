/* What the files of the scenario reader share; nobody else includes this. */
#ifndef SP_SCENARIO_SCENARIO_IMPL_H
#define SP_SCENARIO_SCENARIO_IMPL_H

#include "engine/plan_build.h"
#include "scenario/scenario.h"

struct sc_port {
	const char *name;
	const struct sp_yaml_node *node; /* its key, or the list's place */
	const struct sp_yaml_node *map;	 /* its settings; NULL: the implied one */
	unsigned host;
	bool tx, rx;
	bool echoes; /* what leaves by it comes back by itself */
};

struct sc_stream {
	const char *name;
	const struct sp_yaml_node *map;
	unsigned from;
	int to; /* port, or -1 */
};

struct sc_receiver {
	const char *name;
	const struct sp_yaml_node *map; /* NULL: implied by a stream's `to` */
	unsigned from;
};

struct sc_reader {
	struct sp_scenario *s;
	const struct sp_scenario_conf *conf;
	struct sp_err *err;
	const struct sp_yaml_node *root;
	bool from_file;
	struct sc_port *ports;
	unsigned n_ports;
	struct sc_stream *streams;
	unsigned n_streams;
	struct sc_receiver *receivers;
	unsigned n_receivers;
};

/* The words of each kind of map that are not rows of a table; NULL ends each. */
extern const char *const sc_root_words[],
	*const sc_host_words[], *const sc_port_words[],
					*const sc_stream_words[],
						*const sc_stage_words[],
							*const sc_profile_words[];
/* Rows of a plan's items that a file may set: not those that it says in another way. */
bool sc_row_is_ours(enum sp_plan_item, const char *name);
/* Refuses keys that are neither in words nor settable rows of the item. */
int sc_known(struct sc_reader *, const struct sp_yaml_node *map, const char *const *words,
	     enum sp_plan_item, bool rows);

void *sc_alloc(struct sc_reader *, size_t n, size_t size);
int sc_no_memory(struct sc_reader *);
/* The index of a name among n names that name(r, i) gives, or a sentence with the nearest. */
int sc_find(struct sc_reader *, const struct sp_yaml_node *at, const char *what,
	    const char *word, const char *(*name)(const struct sc_reader *, unsigned),
	    unsigned n, unsigned *index);
const char *sc_port_name(const struct sc_reader *, unsigned);
const char *sc_stream_name(const struct sc_reader *, unsigned);
/* A scalar's text. */
int sc_text(struct sc_reader *, const struct sp_yaml_node *, const char *what,
	    const char **out);

/* scenario_items.c: ports, streams and receivers. */
int sc_read_items(struct sc_reader *);
/* scenario_parts.c: the plans. */
int sc_make_parts(struct sc_reader *);
/* One row from a scalar, or a law from a map ({weibull: {shape: 0.7}}). */
int sc_set(struct sc_reader *, struct sp_plan_build *, const char *key,
	   const struct sp_yaml_node *value);
/* scenario_include.c: root with what it takes in. */
int sc_expand_includes(struct sc_reader *);
/* scenario_captures.c: what is recorded. */
extern const struct sp_opt sc_capture_rows[];
int sc_read_captures(struct sc_reader *);
const char *sc_host_name(const struct sc_reader *, unsigned);
/* scenario_stages.c: links that change; and into a plan, the stages of its streams. */
int sc_read_stages(struct sc_reader *);
int sc_add_stages(struct sc_reader *, struct sp_plan_build *, unsigned host);

#endif
