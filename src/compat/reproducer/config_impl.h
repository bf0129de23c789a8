/* What the configuration's files share: config.c (the file as a whole), config_sections.c (protocols
 * and selectors), config_values.c (keys, values and what is said of them). */
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
/* Seconds as a number ("0.001"), or a time with its unit. */
int sp_repro_take_seconds(struct sp_repro *, const struct sp_yaml_node *map, const char *key,
			  const char *what, uint64_t *ns, bool *given, struct sp_err *);
int sp_repro_no_memory(struct sp_err *);
/* config_sections.c */
int sp_repro_sections(struct sp_repro *, bool for_replay, struct sp_err *);
/* Is it the name of a section? */
bool sp_repro_is_section(const struct sp_catalog *, const char *name);

#endif
