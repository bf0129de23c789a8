/* spate help replies, spate help transports: what has settings of its own, from the tables that read
 * them. */
#include "base/options.h"
#include "base/str.h"
#include "plugin/catalog.h"
#include "scenario/traffic.h"

static void put_rows(const struct sp_opt *o, struct sp_str *out)
{
	for (; o && o->name; o++) {
		if (!o->help)
			continue;
		sp_str_printf(out, "      %-10s %s", o->name, o->help);
		if (o->type == SP_OPT_ENUM && o->values)
			sp_str_printf(out, " (%s)", o->values);
		if (o->dflt && *o->dflt)
			sp_str_printf(out, " (default %s)", o->dflt);
		sp_str_puts(out, "\n");
	}
}

void sp_replies_text(struct sp_str *out)
{
	sp_str_puts(
		out,
		"Machines that answer (recv --reply)\n\n"
		"  NAME or NAME(KEY=VALUE,...), several with commas between:\n"
		"  arp,icmp,tcp(greet=\"220 hello\",end=fin). An address or a prefix in the\n"
		"  brackets is what the machine answers for: arp(10.0.0.0/24).\n\n");
	for (const struct sp_proto_ops *const *p = sp_catalog.proto; *p; p++) {
		if (!((*p)->roles & 1u << SP_ROLE_RESPONDER))
			continue;
		sp_str_printf(out, "  %-12s %s\n", (*p)->name, (*p)->summary);
		put_rows((*p)->opts, out);
	}
}

void sp_transports_text(struct sp_str *out)
{
	sp_str_puts(out, "Transports (--transport) and their settings (--set KEY=VALUE)\n\n");
	for (const struct sp_transport_ops *const *t = sp_catalog.transport; *t; t++) {
		sp_str_printf(out, "  %-12s %s\n", (*t)->name, (*t)->summary);
		put_rows((*t)->opts, out);
	}
}
