/* The part of a transport's endpoint operation that must not be forgotten: the permit is asked,
 * then the target gets its index. */
#ifndef SP_PLUGIN_TARGET_H
#define SP_PLUGIN_TARGET_H

#include <errno.h>

#include "base/err.h"
#include "pkt/endpoints.h"
#include "plugin/permit.h"

/* 0; -EACCES: the permit does not name it; -ENOSPC: more than the port has room for. */
static inline int sp_target_add(struct sp_endpoints *t, const struct sp_permit *permit,
				const struct sp_endpoint *to, uint32_t *ep, struct sp_err *err)
{
	char text[72];

	if (!sp_permit_allows(permit, to))
		return sp_fail(err, -EACCES, SP_EXIT_PERM,
			       "%s: this run has no permit to send there",
			       sp_endpoint_format(text, sizeof text, to));
	if (sp_endpoints_add(t, to, ep))
		return sp_fail(err, -ENOSPC, SP_EXIT_FAILED,
			       "%s: the port was opened for %u targets and this is one more",
			       sp_endpoint_format(text, sizeof text, to), t->max);
	return 0;
}

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

#endif
