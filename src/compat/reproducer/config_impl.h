/* What the configuration's files share. */
#ifndef SP_COMPAT_REPRODUCER_CONFIG_IMPL_H
#define SP_COMPAT_REPRODUCER_CONFIG_IMPL_H

#include "compat/reproducer/config.h"

/* A remark with the place of a node. */
void sp_repro_say(struct sp_repro *, const struct sp_yaml_node *, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* Remarks on keys of a map that are none of words (NULL ends). */
void sp_repro_unknown(struct sp_repro *, const struct sp_yaml_node *map, const char *what,
		      const char *const *words);
/* The value of map.key, where there is one that is not null; else NULL. */
const struct sp_yaml_node *sp_repro_value(const struct sp_yaml_node *map, const char *key);
/* The same for a map in a map: *out NULL where there is none. Wrong kind: an error. */
int sp_repro_map(struct sp_repro *, const struct sp_yaml_node *map, const char *key,
		 const char *what, const struct sp_yaml_node **out, struct sp_err *);
/* One value by its type; nothing changes where it is not given. what: "network.interface". */
int sp_repro_take(struct sp_repro *, const struct sp_yaml_node *map, const char *key,
		  const char *what, enum sp_opt_type, void *out, struct sp_err *);
/* A plain number within bounds; is: "a port number". */
int sp_repro_number(struct sp_repro *, const struct sp_yaml_node *, const char *what,
		    const char *is, uint64_t least, uint64_t most, uint64_t *out,
		    struct sp_err *);
/* Seconds as a number ("0.001"), or a time with its unit. */
int sp_repro_take_seconds(struct sp_repro *, const struct sp_yaml_node *map, const char *key,
			  const char *what, uint64_t *ns, bool *given, struct sp_err *);
int sp_repro_no_memory(struct sp_err *);
/* Their parts of the file, each in a file of its name. Values that are missing, all at once: */
int sp_repro_refuse_missing(struct sp_repro *, struct sp_err *);
int sp_repro_pcaps(struct sp_repro *, struct sp_err *);
int sp_repro_repeat(struct sp_repro *, struct sp_err *);
int sp_repro_network(struct sp_repro *, struct sp_err *);
int sp_repro_optimize(struct sp_repro *, struct sp_err *);
int sp_repro_processing(struct sp_repro *, struct sp_err *);
int sp_repro_sections(struct sp_repro *, bool for_replay, struct sp_err *);
/* Is it the name of a section? */
bool sp_repro_is_section(const struct sp_catalog *, const char *name);

#endif
