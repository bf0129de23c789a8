#include "lab/show.h"

#include <inttypes.h>

static const struct {
	const char *name;
	size_t off;
	bool always; /* in the text, even when it is 0 */
} counts[] = {
#define COUNT(name, member, always)                                                            \
	{                                                                                      \
		name, offsetof(struct sp_forward_counts, member), always                       \
	}
	COUNT("frames_in", impair.frames_in, true),
	COUNT("frames_out", impair.frames_out, true),
	COUNT("lost", impair.lost, false),
	COUNT("lost_while_down", impair.down, false),
	COUNT("queue_overflow", impair.overflow, false),
	COUNT("corrupted", impair.corrupted, false),
	COUNT("duplicated", impair.duplicated, false),
	COUNT("reordered", impair.reordered, false),
	COUNT("not_taken_in", socket_drops, false),
	COUNT("not_sent_on", refused, false),
	COUNT("super_frames", supers, false),
#undef COUNT
};

static uint64_t count(const struct sp_forward_counts *c, size_t i)
{
	return *(const uint64_t *)(const void *)((const char *)c + counts[i].off);
}

const char *sp_lab_kind_name(int kind)
{
	static const char *const names[] = { "host", "router", "bridge" };

	return names[kind];
}

static void show_shares(struct sp_str *out, const struct sp_impair_conf *c)
{
	const struct {
		const char *name;
		double share;
		uint64_t every;
	} rows[] = { { "loss", c->loss, c->loss_every },
		     { "corrupt", c->corrupt, c->corrupt_every },
		     { "duplicate", c->duplicate, c->duplicate_every },
		     { "reorder", c->reorder, c->reorder_every } };

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		if (rows[i].share > 0)
			sp_str_printf(out, " %s=%g%%", rows[i].name, rows[i].share * 100);
		if (rows[i].every)
			sp_str_printf(out, " %s_every=%" PRIu64, rows[i].name, rows[i].every);
	}
}

static void show_settings(struct sp_str *out, const struct sp_impair_conf *c)
{
	char buf[48];

	if (sp_impair_is_wire(c))
		sp_str_puts(out, " as a wire");
	if (c->down)
		sp_str_puts(out, " down");
	if (c->rate.kind == SP_RATE_BPS)
		sp_str_printf(out, " rate=%s", sp_format_rate(buf, sizeof buf, &c->rate));
	if (c->delay_ns)
		sp_str_printf(out, " delay=%s", sp_format_time(buf, sizeof buf, c->delay_ns));
	if (c->jitter_ns)
		sp_str_printf(out, " jitter=%s", sp_format_time(buf, sizeof buf, c->jitter_ns));
	show_shares(out, c);
}

static void show_way(struct sp_str *out, const char *name, const struct sp_impair_conf *c,
		     const struct sp_forward_counts *n)
{
	sp_str_printf(out, "    %-5s", name);
	show_settings(out, c);
	sp_str_puts(out, n ? ":" : "");
	for (size_t i = 0; n && i < sizeof counts / sizeof *counts; i++)
		if (counts[i].always || count(n, i))
			sp_str_printf(out, " %s %" PRIu64, counts[i].name, count(n, i));
	sp_str_puts(out, "\n");
}

void sp_lab_show_link(struct sp_str *out, const struct sp_lab_link_state *l)
{
	sp_str_printf(out, "  link %s: %s - %s, %s\n", l->name, l->end[0], l->end[1],
		      sp_lab_via_name((enum sp_lab_via)l->via));
	for (int i = 0; i < 2 && l->via != SP_LAB_VETH; i++)
		show_way(out, i ? "back" : "there", &l->way[i],
			 l->counted ? &l->counts[i] : NULL);
}

void sp_lab_show_carrier(struct sp_str *out, const struct sp_lab_link_state *l)
{
	static const char *const carriers[] = { "nothing yet", "a plain veth",
						"the kernel's netem", "spate's forwarder" };

	sp_str_printf(out, "link %s (%s - %s) is carried by %s", l->name, l->end[0], l->end[1],
		      carriers[l->via]);
	for (int i = 0; i < 2 && l->via != SP_LAB_VETH; i++) {
		sp_str_puts(out, i ? "; back" : ": there");
		show_settings(out, &l->way[i]);
	}
}

void sp_lab_show_link_json(struct sp_json *j, const struct sp_lab_link_state *l)
{
	sp_json_open(j, NULL, '{');
	sp_json_str(j, "name", l->name);
	sp_json_open(j, "ends", '[');
	sp_json_str(j, NULL, l->end[0]);
	sp_json_str(j, NULL, l->end[1]);
	sp_json_close(j, ']');
	sp_json_str(j, "via", sp_lab_via_name((enum sp_lab_via)l->via));
	for (int i = 0; i < 2; i++) {
		sp_json_open(j, i ? "back" : "there", '{');
		sp_opts_print(sp_impair_opts, &l->way[i], j);
		if (l->counted) {
			sp_json_open(j, "counts", '{');
			for (size_t k = 0; k < sizeof counts / sizeof *counts; k++)
				sp_json_u64(j, counts[k].name, count(&l->counts[i], k));
			sp_json_close(j, '}');
		} else {
			sp_json_null(j, "counts");
		}
		sp_json_close(j, '}');
	}
	sp_json_close(j, '}');
}
