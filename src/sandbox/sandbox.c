#include "sandbox/sandbox.h"

#include <cap-ng.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <time.h>

#include "sandbox/part.h"

/* Sanitizers look at /proc, trace themselves and map memory as no program does. */
bool sp_sandbox_built_without(void)
{
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
	return true;
#elif defined(__has_feature)
	return __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) ||
	       __has_feature(undefined_behavior_sanitizer);
#else
	return false;
#endif
}

/* All sets: effective, permitted, inheritable, bounding where that is allowed, ambient. */
static bool drop_capabilities(void)
{
	capng_clear(CAPNG_SELECT_ALL);
	/* The bounding set is only root's to change; the rest is anybody's. */
	(void)capng_apply(CAPNG_SELECT_BOUNDS);
	return capng_apply(CAPNG_SELECT_CAPS) == 0 && capng_apply(CAPNG_SELECT_AMBIENT) == 0;
}

void sp_sandbox_enter(const struct sp_sandbox_conf *conf, struct sp_sandbox_state *s)
{
	int abi;

	*s = (struct sp_sandbox_state){ 0 };
	tzset(); /* reads a file */
	s->no_capabilities = drop_capabilities();
	s->no_new_privs = prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0;
	if (!s->no_new_privs || sp_sandbox_built_without())
		return;
	abi = sp_sandbox_landlock(conf);
	s->landlock = abi > 0 ? abi : 0;
	s->seccomp = sp_sandbox_seccomp(conf) == 0;
}

const char *sp_sandbox_format(char *buf, size_t cap, const struct sp_sandbox_state *s)
{
	char landlock[32] = "", all[128];

	if (s->landlock)
		snprintf(landlock, sizeof landlock, ", landlock %d", s->landlock);
	snprintf(all, sizeof all, "%s%s%s%s", s->no_capabilities ? ", no capabilities" : "",
		 s->no_new_privs ? ", no new privileges" : "", s->seccomp ? ", seccomp" : "",
		 landlock);
	snprintf(buf, cap, "%s", *all ? all + 2 : "off");
	return buf;
}
