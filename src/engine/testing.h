/* For tests: whole runs. Engine, catalog, verify and ledger together, in virtual time where the
 * plan says so. */
#ifndef SP_ENGINE_TESTING_H
#define SP_ENGINE_TESTING_H

#include "base/mem.h"
#include "engine/plan.h"
#include "engine/run.h"

struct sim {
	struct sp_mem_test mem;
	struct sp_clock clock;
	struct sp_env env;
	struct sp_plan *plan;
	struct sp_run *run;
	struct sp_err err;
	const struct sp_catalog *catalog; /* set after sim_start; NULL: that of all plug-ins */
	unsigned intervals, violations;
	uint32_t unknown;	/* identities that some event could not evaluate */
	uint64_t worst_pending; /* of any stream, at any event */
	uint64_t stop_after_ns; /* request a stop at the first event past this */
};

/* Allocation number fail_at fails; UINT64_MAX: none. */
void sim_start(struct sim *, uint64_t fail_at);
/* The plan. Words are "key=value", "+port", "+stream", "+recv" and "+run" begin an item, NULL ends
 * them. Then streams of rates of their own follow, from the port "p". */
int sim_build(struct sim *, const char *const *words, unsigned streams);
/* A built plan up to the moment before its T0, which is returned. */
int sim_arm(struct sim *, uint64_t *t0_ns);
/* All of it. 0, or what failed and s->err says why. */
int sim_execute(struct sim *, const char *const *words, unsigned streams);
/* Starts and executes; fails the test unless all went well and the ledger added up at every event,
 * for the run and each stream. */
const struct sp_measure *sim_run(struct sim *, const char *const *words, unsigned streams);
/* Frees everything; fails the test if something leaked. */
void sim_end(struct sim *);

/* The rate of stream i of those that sim_build adds, in packets per 1,000 s. */
uint64_t sim_milli_pps(unsigned i);

#define COUNT(m, name) ((m)->c.v[SP_C_##name])

#define LOOP	       "+port", "name=p", "transport=loop", "port=5001"
#define BOTH	       "+recv", "name=r", "from=p"
#define VIRTUAL	       "+run", "virtual=true"
#define STREAM(rate)                                                                           \
	"+stream", "name=s", "from=p", "host=127.0.0.1", "port=5001", "rate=" rate, "size=64"

#endif
