#include "engine/errors.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "core/shared.h"

enum sp_why sp_why_of(int error)
{
	switch (error) {
	case 0:
		return SP_WHY_NONE;
	case -ECONNREFUSED:
		return SP_WHY_REFUSED;
	case -ECONNRESET:
	case -EPIPE:
	case -ECONNABORTED:
		return SP_WHY_RESET;
	case -ETIMEDOUT:
		return SP_WHY_TIMEOUT;
	case -EHOSTUNREACH:
	case -ENETUNREACH:
	case -ENETDOWN:
	case -EHOSTDOWN:
		return SP_WHY_UNREACHABLE;
	case -EPROTO:
		return SP_WHY_TLS;
	default:
		return SP_WHY_OTHER;
	}
}

const char *sp_error_of_port(int error, const char *interface, char *text, size_t size)
{
	if (error == -ENETDOWN && interface && *interface)
		snprintf(text, size, "interface %s is down or gone", interface);
	else if (error == -ENOLINK && interface && *interface)
		snprintf(text, size, "interface %s has no carrier", interface);
	else
		snprintf(text, size, "%s", strerror(-error));
	return text;
}

bool sp_error_is_final(int error)
{
	return error == -ENOSPC || error == -EDQUOT || error == -EFBIG || error == -EIO;
}

void sp_errors_add(struct sp_errors *e, enum sp_why why, int error, uint64_t now_ns)
{
	if (why == SP_WHY_NONE || why == SP_WHY_STOPPED)
		return;
	SP_ADD(e->by_why[why], 1);
	if (error) {
		SP_STORE(e->last, error);
		SP_STORE(e->last_ns, now_ns);
	}
}
