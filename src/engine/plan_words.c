#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/address.h"
#include "base/str.h"
#include "engine/law.h"
#include "engine/packet.h"
#include "engine/plan_impl.h"
#include "engine/schedule.h"

const struct sp_transport_ops *sp_plan_transport(const struct sp_catalog *catalog,
						 const char *name, const char *place,
						 struct sp_err *err)
{
	const struct sp_transport_ops *ops = sp_catalog_transport(catalog, name);
	const char *best = NULL;
	char shown[80], list[200] = "";
	size_t len = 0;

	if (ops)
		return ops;
	for (const struct sp_transport_ops *const *p = catalog->transport; *p; p++) {
		const char *pair[] = { best ? best : (*p)->name, (*p)->name };

		best = sp_str_nearest(name, pair, 2);
		if (len < sizeof list)
			len += (size_t)snprintf(list + len, sizeof list - len, "%s%s",
						len ? ", " : "", (*p)->name);
	}
	sp_str_printable(shown, sizeof shown, name);
	sp_fail(err, -EINVAL, SP_EXIT_USAGE, "%s: no such transport '%s'; there are: %s%s%s%s",
		place, shown, list, best ? "; did you mean '" : "", best ? best : "",
		best ? "'?" : "");
	return NULL;
}

static int check_catch_up(struct sp_plan_build *b, const char *value, const char *place,
			  const char **canonical, struct sp_err *err)
{
	struct sp_catch_up_conf conf;
	char text[SP_CATCH_UP_TEXT];
	int rc = sp_catch_up_parse(value, &conf, err);

	if (rc) {
		sp_err_prefix(err, "%s", place);
		return rc;
	}
	sp_catch_up_print(&conf, text);
	*canonical = sp_arena_strdup(&b->plan->arena, text);
	return *canonical ? 0 : -ENOMEM;
}

/* Names stand in tables, file names and control records. */
static int check_name(const char *value, const char *place, struct sp_err *err)
{
	size_t len = strlen(value);
	char shown[80];

	if (!len)
		return sp_fail(err, -EINVAL, SP_EXIT_USAGE, "%s: a name is empty", place);
	if (len > 64)
		return sp_fail(err, -EINVAL, SP_EXIT_USAGE,
			       "%s: a name has at most 64 characters", place);
	for (const char *p = value; *p; p++) {
		if ((unsigned char)*p > ' ' && (unsigned char)*p < 0x7f && *p != '/')
			continue;
		sp_str_printable(shown, sizeof shown, value);
		return sp_fail(err, -EINVAL, SP_EXIT_USAGE,
			       "%s: the name '%s' holds a blank, a '/' or a character that is "
			       "not ASCII",
			       place, shown);
	}
	return 0;
}

/* The plan is JSON text: what is not UTF-8 would not survive it. */
static int check_payload(const char *value, const char *place, struct sp_err *err)
{
	if (!*value)
		return sp_fail(err, -EINVAL, SP_EXIT_USAGE, "%s: the payload is empty", place);
	while (*value) {
		size_t n = sp_utf8_len(value);

		if (!n)
			return sp_fail(err, -EINVAL, SP_EXIT_USAGE,
				       "%s: the payload is not UTF-8 text", place);
		value += n;
	}
	return 0;
}

static int check_fill(struct sp_plan_build *b, const char *value, const char *place,
		      const char **canonical, struct sp_err *err)
{
	const struct sp_payload_ops *ops = sp_catalog_payload(b->catalog,
							      *value ? value : "text");
	char shown[80], list[200] = "";
	const char *best = NULL;
	size_t len = 0;

	*canonical = ops && strcmp(ops->name, "text") == 0 ? "" : value;
	if (ops && ops->is_file && b->distrust)
		return sp_fail(err, -EPERM, SP_EXIT_PERM,
			       "%s: a peer may not name a file of this host", place);
	if (ops || !*value)
		return 0;
	for (const struct sp_payload_ops *const *p = b->catalog->payload; *p; p++) {
		const char *pair[] = { best ? best : (*p)->name, (*p)->name };

		best = sp_str_nearest(value, pair, 2);
		len += (size_t)snprintf(list + len, sizeof list - len, "%s%s", len ? ", " : "",
					(*p)->name);
	}
	sp_str_printable(shown, sizeof shown, value);
	return sp_fail(err, -EINVAL, SP_EXIT_USAGE,
		       "%s: no such kind of payload '%s'; there are: %s%s%s%s", place, shown,
		       list, best ? "; did you mean '" : "", best ? best : "",
		       best ? "'?" : "");
}

static int check_interface(const char *value, const char *place, struct sp_err *err)
{
	size_t n = strcspn(value, "/% \t\n:");
	char shown[80];

	if (value[n] == '\0' && n < 16)
		return 0;
	sp_str_printable(shown, sizeof shown, value);
	return sp_fail(err, -EINVAL, SP_EXIT_USAGE, "%s: '%s' is not the name of an interface",
		       place, shown);
}

const char *sp_plan_host(const char *host, struct sp_arena *arena)
{
	struct sp_addr a;
	char buf[64], *copy;

	/* The scope behind '%' stays a name: its index is another one on another host. */
	if (!strchr(host, '%') && sp_addr_parse(host, &a) == 0)
		return sp_arena_strdup(arena, sp_addr_format(buf, sizeof buf, &a));
	copy = sp_arena_strdup(arena, host);
	for (char *p = copy; p && *p && *p != '%'; p++)
		if (*p >= 'A' && *p <= 'Z')
			*p = (char)(*p + ('a' - 'A'));
	return copy;
}

static bool good_host(const char *host)
{
	size_t n = strspn(host, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				"0123456789.-_:%");
	struct sp_addr a;
	char ip[48];

	if (!n || host[n] != '\0' || n > 253)
		return false;
	/* The system's resolver would take "10.1" and "1" for addresses. */
	if (host[strspn(host, "0123456789.")] == '\0')
		return sp_addr_parse(host, &a) == 0;
	if (!strchr(host, ':'))
		return !strchr(host, '%');
	n = strcspn(host, "%");
	if (n >= sizeof ip)
		return false;
	memcpy(ip, host, n);
	ip[n] = '\0';
	return sp_addr_parse(ip, &a) == 0;
}

static int check_host(struct sp_plan_build *b, const char *value, const char *place,
		      const char **canonical, struct sp_err *err)
{
	char shown[80];

	if (!good_host(value)) {
		sp_str_printable(shown, sizeof shown, value);
		return sp_fail(err, -EINVAL, SP_EXIT_USAGE,
			       "%s: '%s' is not an address or a host name%s", place, shown,
			       strchr(value, '%') ? "; %DEV belongs to IPv6 addresses only, "
						    "--interface to the rest"
						  : "");
	}
	*canonical = sp_plan_host(value, &b->plan->arena);
	return *canonical ? 0 : sp_fail(err, -ENOMEM, SP_EXIT_FAILED, "out of memory");
}

static int check_law(struct sp_plan_build *b, enum sp_law_use use, const char *value,
		     const char *place, const char **canonical, struct sp_err *err)
{
	const struct sp_law_conf conf = { b->catalog, use, b->distrust, place };
	struct sp_law law;
	int rc = sp_law_parse(value, &conf, &b->scratch, &law, err);

	if (rc)
		return rc;
	*canonical = sp_law_text(&law, &b->plan->arena);
	return *canonical ? 0 : sp_fail(err, -ENOMEM, SP_EXIT_FAILED, "out of memory");
}

int sp_plan_word(struct sp_plan_build *b, const struct sp_opt *row, const char *value,
		 const char *place, const char **canonical, struct sp_err *err)
{
	*canonical = value;
	if (strcmp(row->name, "departure") == 0)
		return check_law(b, SP_LAW_GAPS, value, place, canonical, err);
	if (strcmp(row->name, "packet_size") == 0)
		return check_law(b, SP_LAW_SIZES, value, place, canonical, err);
	if (strcmp(row->name, "catch_up") == 0)
		return check_catch_up(b, value, place, canonical, err);
	if (strcmp(row->name, "host") == 0)
		return check_host(b, value, place, canonical, err);
	if (strcmp(row->name, "name") == 0)
		return check_name(value, place, err);
	if (strcmp(row->name, "payload") == 0)
		return check_payload(value, place, err);
	if (strcmp(row->name, "packet") == 0 && *value)
		return sp_packet_spell(value, place, !b->distrust, b->catalog, &b->plan->arena,
				       canonical, err);
	if (strcmp(row->name, "fill") == 0)
		return check_fill(b, value, place, canonical, err);
	if (strcmp(row->name, "interface") == 0)
		return check_interface(value, place, err);
	return 0;
}
