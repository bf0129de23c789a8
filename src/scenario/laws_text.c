/* spate help laws: every law with its settings, from the tables that read them. */
#include "base/options.h"
#include "base/str.h"
#include "plugin/catalog.h"
#include "scenario/traffic.h"

static void put_rows(const struct sp_dist_ops *d, struct sp_str *out)
{
	for (const struct sp_opt *o = d->opts; o && o->name; o++)
		sp_str_printf(out, "      %-10s %s%s%s%s\n", o->name, o->help,
			      o->dflt ? " (default " : "", o->dflt ? o->dflt : "",
			      o->dflt ? ")" : "");
	for (const char *const *p = d->parts; p && *p; p++)
		sp_str_printf(out, "      %-10s a law\n", *p);
}

void sp_laws_text(struct sp_str *out)
{
	sp_str_puts(
		out,
		"Laws of the gaps between packets (--departure) and of their sizes "
		"(--packet-size)\n\n"
		"  NAME, NAME(KEY=VALUE,...), or values without their names in this order:\n"
		"  weibull(shape=0.7,scale=2ms) is weibull(0.7,2ms). A number alone is that "
		"number.\n\n"
		"  Gaps: with times (2ms, 50us) a law has a mean of its own, and goes without "
		"--rate;\n"
		"  plain numbers are shares of the rate's gap, to whose mean the law is scaled.\n"
		"  Sizes: bytes (1400, 64Ki), rounded, and clamped to what a unit can be here.\n\n");
	for (const struct sp_dist_ops *const *d = sp_catalog.dist; *d; d++) {
		sp_str_printf(out, "  %-12s %s\n", (*d)->name, (*d)->summary);
		put_rows(*d, out);
	}
	sp_str_puts(
		out,
		"\n  mix(0.6*exponential(mean=2ms)+0.4*10ms)     laws by weights\n"
		"  values(27:0.83,28:0.17)                     values by weights\n"
		"  onoff(on=pareto(1.5,100ms),off=pareto(1.5,400ms),gap=1ms)\n"
		"  empirical(file=gaps.txt)                    becomes values(...) in the plan\n"
		"  ditg(-W 10 100)                             D-ITG's letters and numbers: C U E O "
		"in\n"
		"                                              packets a second, N V Y G W in ms;\n"
		"                                              sizes in bytes; -B ON OFF behind it\n\n"
		"Models (--model): voip:CODEC[,rtp|crtp][,vad] with G.711.1 G.711.2 G.729.2 "
		"G.729.3\n"
		"  G.723.1; telnet, dns, quake3, cs-active, cs-idle: D-ITG's figures.\n"
		"  Two of its laws have no mean and are bounded here: telnet's times at 100 s, and\n"
		"  those of cs-active (and cs-idle) at twice their middle.\n");
}
