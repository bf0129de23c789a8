/* How a scenario's agents get to their hosts, and the lab that it brings. */
#ifndef SP_CLI_PLACES_H
#define SP_CLI_PLACES_H

#include "fleet/fleet.h"
#include "lab/lab.h"
#include "scenario/scenario.h"

struct sp_places {
	struct sp_lab_spec *spec; /* NULL: the scenario has no lab */
	struct sp_lab *lab;	  /* open */
	char address[64];
};

/* For sp_scenario_conf, arg is the places: a lab's section, and the address of a host of it. */
int sp_places_lab(void *arg, const struct sp_yaml *, const struct sp_yaml_node *lab,
		  struct sp_err *);
const char *sp_places_address(void *arg, const char *host, const char *from);
/* 0 when there is such a link and its change makes sense. */
int sp_places_check_link(void *arg, const struct sp_yaml *, const struct sp_scenario_link *,
			 struct sp_err *);
/* Makes the lab, if there is one; while there is only one thread. leave: takes it away; every run
 * has a lab of its own, since the last one's links may have changed. */
int sp_places_open(struct sp_places *, struct sp_err *);
void sp_places_leave(struct sp_places *);
void sp_places_fini(struct sp_places *);
/* For sp_fleet_conf. part->kind is an enum sp_scenario_place. */
int sp_places_spawn(struct sp_places *, const struct sp_fleet_part *, char *const argv[],
		    const int stdio[2], pid_t *pid, struct sp_err *);
/* Changes a link of the lab as the file says; what was said of it goes to words ("down=true"). */
int sp_places_change_link(struct sp_places *, const struct sp_scenario_link *, char *words,
			  size_t cap, struct sp_err *);
/* One line for each link that is no plain wire: what carries it, and what happened to its frames. */
void sp_places_tell_links(struct sp_places *, void (*tell)(void *arg, const char *text),
			  void *arg);

#endif
