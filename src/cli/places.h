/* How a scenario's agents get to their hosts, and the lab that it brings. */
#ifndef SP_CLI_PLACES_H
#define SP_CLI_PLACES_H

#include <stdbool.h>

#include "fleet/fleet.h"
#include "scenario/scenario.h"

/* For sp_scenario_conf: the address of a lab's host. */
const char *sp_places_lab_address(void *arg, const struct sp_yaml *,
				  const struct sp_yaml_node *lab, const char *host);
/* Whether this process is the one that runs inside the scenario's lab; says so once only. */
bool sp_places_inside(void);
/* Makes the scenario's lab and runs this very command (argv, as main got it) inside it; *status is
 * what it exits with. */
int sp_places_run_in_lab(const struct sp_scenario *, char *const argv[], int *status,
			 struct sp_err *);
/* For sp_fleet_conf: in the child. part->kind is an enum sp_scenario_place. */
void sp_places_enter(void *arg, const struct sp_fleet_part *, char *const argv[],
		     struct sp_err *);
/* Changes a link of the lab that this process is in, as the file says. */
int sp_places_change_link(const struct sp_scenario *, const struct sp_scenario_link *,
			  struct sp_err *);

#endif
