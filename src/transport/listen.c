#include "transport/listen.h"

#include <errno.h>

/* Two exclusive binds may lose a race for the second family's number that often. */
#define TRIES 16

static int both_families(const struct sp_listen *l, uint16_t number, uint32_t i,
			 struct sp_err *err)
{
	int rc = 0;

	for (unsigned t = 0; t < TRIES; t++) {
		struct sp_endpoint at = { .addr.family = 4, .port = number };

		rc = l->open(l->port, &at, i, err);
		if (rc || !l->v6)
			break;
		at.addr = (struct sp_addr){ .family = 6 };
		rc = l->open(l->port, &at, i + 1, err);
		if (rc != -EADDRINUSE || number)
			break;
		l->close(l->port, i);
		l->close(l->port, i + 1);
	}
	return rc;
}

int sp_listen_all(const struct sp_listen *l, struct sp_err *err)
{
	int rc = 0;

	for (uint32_t k = 0; k < l->numbers && !rc; k++) {
		struct sp_endpoint at = { .addr = l->bind.addr,
					  .port = (uint16_t)(l->bind.port + k) };

		rc = l->bind.addr.family ? l->open(l->port, &at, k, err)
					 : both_families(l, at.port, l->v6 ? 2 * k : k, err);
	}
	return rc;
}
