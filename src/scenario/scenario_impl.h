/* What the files of the scenario reader share; nobody else includes this. */
#ifndef SP_SCENARIO_SCENARIO_IMPL_H
#define SP_SCENARIO_SCENARIO_IMPL_H

#include "engine/plan_build.h"
#include "scenario/scenario.h"
#include "scenario/shares.h"

struct sc_port {
	const char *name;
	const struct sp_yaml_node *node; /* its key, or the list's place */
	const struct sp_yaml_node *map;	 /* its settings; NULL: an implied one */
	unsigned host;
	bool tx, rx;
	bool echoes; /* what leaves by it comes back by itself */
	/* By those that use it; NULL: nobody does yet. */
	const char *transport; /* that they need; what the port itself says goes before */
	const char *user;      /* "stream a": who needed it first */
	const char *word;      /* its receiver's protocol */
};

struct sc_stream {
	const char *name;
	const struct sp_yaml_node *map;
	const struct sp_yaml_node *outer; /* its group's; NULL: it is in none */
	unsigned from;
	int to;			  /* port, or -1 */
	const char *word;	  /* its protocol */
	const char *const *words; /* of all that share settings with it; NULL ends */
	const char *whole; /* the stream or group of whose schedule it is a part; NULL: none */
	uint32_t deal_n, deal_at, deal_of;
	unsigned entry; /* from 1: of streams and groups as written */
};

struct sc_receiver {
	const char *name;
	const struct sp_yaml_node *map; /* NULL: implied by a stream's `to` */
	unsigned from;
	const char *word;	  /* its protocol */
	const char *const *words; /* of all that its entry makes; NULL: this one's */
};

struct sc_reader {
	struct sp_scenario *s;
	const struct sp_scenario_conf *conf;
	struct sp_err *err;
	const struct sp_yaml_node *root;
	bool from_file;
	struct sc_port *ports;
	unsigned n_ports;
	bool implied; /* the file has no ports: they are made as they are needed */
	struct sc_stream *streams;
	unsigned n_streams, n_entries;
	struct sc_receiver *receivers;
	unsigned n_receivers;
};

/* The words of each kind of map that are not rows of a table; NULL ends each. */
extern const char *const sc_root_words[];
extern const char *const sc_host_words[];
extern const char *const sc_port_words[];
extern const char *const sc_stream_words[];
extern const char *const sc_group_words[];
extern const char *const sc_member_words[];
extern const char *const sc_stage_words[];
extern const char *const sc_profile_words[];
/* Rows of a plan's items that a file may set: not those that it says in another way. */
bool sc_row_is_ours(enum sp_plan_item, const char *name);
/* Refuses keys that are neither in words nor settable rows of the item. */
int sc_known(struct sc_reader *, const struct sp_yaml_node *map, const char *const *words,
	     enum sp_plan_item);
/* The same for a stream or receiver, which may have settings of these protocols (NULL ends), too. */
int sc_known_of(struct sc_reader *, const struct sp_yaml_node *map, const char *const *words,
		enum sp_plan_item, const char *const *protocols);
/* Is it a setting that others of its entry have, and who speaks this protocol has not? */
bool sc_lacks(const struct sc_reader *, enum sp_plan_item, const char *protocol,
	      const char *key);

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

/* scenario_ports.c: those that are written, or room for so many that are not. */
int sc_read_ports(struct sc_reader *, size_t room);
int sc_find_port(struct sc_reader *, const struct sp_yaml_node *v, const char *what,
		 unsigned *at);
/* The port of a stream (sends) or receiver of this protocol, at `from`, or map where that is NULL:
 * it says so, or there is only one. A port that has not said its transport gets the
 * protocol's. */
int sc_port_of(struct sc_reader *, bool sends, const char *who, const char *word,
	       const struct sp_yaml_node *map, const struct sp_yaml_node *from, unsigned *at);
/* The same for a port that is found: somebody speaks this protocol there. */
int sc_use_port(struct sc_reader *, unsigned port, bool sends, const char *who,
		const char *word, const struct sp_yaml_node *at);
int sc_check_ports(struct sc_reader *);

/* scenario_items.c: streams and receivers. */
int sc_read_items(struct sc_reader *);
/* What an item of `streams` or of a group's (outer) says, as several streams where it speaks several
 * protocols. */
int sc_protocol_of(struct sc_reader *, const struct sp_yaml_node *map,
		   const struct sp_yaml_node *outer, const struct sp_yaml_node **at,
		   const char **word);
/* Refuses a word that is no protocol for this role (enum sp_role). */
int sc_need_protocol(struct sc_reader *, const char *word, int role,
		     const struct sp_yaml_node *at);
/* The next free name, or as written: "s1". */
int sc_entry_name(struct sc_reader *, const struct sp_yaml_node *map, const char **name);
/* The parts' names. */
const char *const *sc_words_of(struct sc_reader *, const struct sp_shares *, const char *one);
int sc_check_keys(struct sc_reader *, const struct sp_yaml_node *map, const char *const *words,
		  const char *const *protocols);
/* All is filled but from and to, and by the name nobody else goes. */
int sc_add_stream(struct sc_reader *, const struct sc_stream *);
/* The value of a key: of the stream, its profile, its group, its group's profile; or NULL. */
const struct sp_yaml_node *sc_stream_get(const struct sp_yaml_node *map,
					 const struct sp_yaml_node *outer, const char *key);
/* scenario_groups.c: streams that share a schedule. */
int sc_read_groups(struct sc_reader *);
/* How many streams they have at most. */
size_t sc_count_members(const struct sc_reader *);
/* scenario_parts.c: the plans. */
int sc_make_parts(struct sc_reader *);
/* scenario_set.c: one row from a scalar, or a law from a map ({weibull: {shape: 0.7}}). */
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
