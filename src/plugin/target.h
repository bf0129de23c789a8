/* What each transport does about its permit, which must not be forgotten, and its two kinds of
 * endpoints: targets, which the permit names, and sources, which nobody chooses. */
#ifndef SP_PLUGIN_TARGET_H
#define SP_PLUGIN_TARGET_H

#include <errno.h>
#include <sys/random.h>

#include "base/err.h"
#include "pkt/batch.h"
#include "pkt/endpoints.h"
#include "plugin/permit.h"

/* What each open asks: 0, or -EACCES for a permit that is made up or does not let it listen. */
static inline int sp_permit_check(const struct sp_permit *permit, bool listen,
				  struct sp_err *err)
{
	if (!permit || permit->magic != SP_PERMIT_MAGIC)
		return sp_fail(err, -EACCES, SP_EXIT_PERM,
			       "the port was opened without a permit");
	if (listen && !permit->listen)
		return sp_fail(err, -EACCES, SP_EXIT_PERM,
			       "the run's permit does not let this port receive");
	return 0;
}

/* 0; -EACCES: the permit does not name it. */
static inline int sp_target_check(const struct sp_permit *permit, const struct sp_endpoint *to,
				  struct sp_err *err)
{
	char text[72];

	if (sp_permit_allows(permit, to))
		return 0;
	return sp_fail(err, -EACCES, SP_EXIT_PERM, "%s: this run has no permit to send there",
		       sp_endpoint_format(text, sizeof text, to));
}

/* 0 and the index of a target that was checked; -ENOSPC: more than the port has room for. */
static inline int sp_target_enter(struct sp_endpoints *t, const struct sp_endpoint *to,
				  uint32_t *ep, struct sp_err *err)
{
	uint32_t index = sp_endpoints_get(t, to, 0);
	char text[72];

	if (index == SP_NO_FLOW)
		return sp_fail(err, -ENOSPC, SP_EXIT_FAILED,
			       "%s: the port was opened for %u targets and this is one more",
			       sp_endpoint_format(text, sizeof text, to), t->max);
	*ep = index;
	return 0;
}

/* Both: the endpoint operation of most. */
static inline int sp_target_add(struct sp_endpoints *t, const struct sp_permit *permit,
				const struct sp_endpoint *to, uint32_t *ep, struct sp_err *err)
{
	int r = sp_target_check(permit, to, err);

	return r ? r : sp_target_enter(t, to, ep, err);
}

/* A table that strangers fill. 0 or -ENOMEM. */
static inline int sp_sources_init(struct sp_endpoints *t, const struct sp_mem *mem,
				  uint32_t max)
{
	uint64_t key[4] = { 0 };

	/* Early in a boot there may be none: then the zeros do. */
	(void)!getrandom(key, sizeof key, GRND_NONBLOCK);
	return sp_endpoints_init(t, mem, max, key);
}

#endif
