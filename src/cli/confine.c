#include "cli/confine.h"

#include <sys/resource.h>

#include "sandbox/sandbox.h"
#include "spate/spate.h"

/* The usual soft limit of 1,024 is there for programs that use select(). */
void sp_cli_allow_descriptors(void)
{
	struct rlimit l;

	if (getrlimit(RLIMIT_NOFILE, &l) == 0 && l.rlim_cur < l.rlim_max) {
		l.rlim_cur = l.rlim_max;
		setrlimit(RLIMIT_NOFILE, &l);
	}
}

void sp_cli_confine(struct spate_run *run, const int *folders, unsigned n)
{
	struct sp_sandbox_conf conf = { 0 };
	struct sp_sandbox_state state;
	char text[128];

	for (unsigned i = 0; i < n; i++)
		if (folders[i] >= 0)
			conf.dirs[conf.n_dirs++] = folders[i];
	conf.n_dirs += (unsigned)spate_run_folders(run, conf.dirs + conf.n_dirs,
						   (int)(SP_SANDBOX_DIRS - conf.n_dirs));
	conf.runs_bpf = spate_run_needs_bpf(run);
	sp_sandbox_enter(&conf, &state);
	spate_run_confined(run, sp_sandbox_format(text, sizeof text, &state));
}
