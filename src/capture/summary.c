#include "capture/summary.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "capture/summary_impl.h"
#include "plugin/catalog.h"

#define DAY_NS 86400000000000

static int no_memory(struct sp_err *err)
{
	return sp_fail(err, -ENOMEM, SP_EXIT_FAILED, "out of memory");
}

static int add_filter(struct sp_capsum *s, uint16_t link, struct sp_err *err)
{
	int rc = sp_filter_new_link(&s->filter[s->n_filters].filter, s->conf.filter, link,
				    SP_EXIT_DATA, s->mem, err);

	if (!rc)
		s->filter[s->n_filters++].link = link;
	return rc;
}

/* Names of hosts and services are looked up now, as long as that may be done. What a link type has
 * no word for is told when it is met. */
static int prepare_filters(struct sp_capsum *s, struct sp_err *err)
{
	struct sp_err none;
	int rc = 0;

	for (unsigned i = 0; s->conf.filter && i < SP_LINKS_DISSECTED && rc != -ENOMEM; i++)
		rc = add_filter(s, sp_links_dissected[i], &none);
	return rc == -ENOMEM ? no_memory(err) : 0;
}

int sp_capsum_new(struct sp_capsum **out, const struct sp_capsum_conf *conf,
		  const struct sp_mem *mem, struct sp_err *err)
{
	static const struct sp_reassembly_conf usual;
	struct sp_capsum *s = sp_alloc(mem, sizeof *s);
	int rc;

	*out = NULL;
	if (!s)
		return no_memory(err);
	s->mem = mem;
	s->conf = *conf;
	s->codecs = sp_catalog.codec;
	sp_arena_init(&s->arena, mem);
	sp_flow_count_init(&s->flows, 0, mem);
	sp_remarks_init(&s->remarks, mem);
	rc = sp_info_new(&s->info, mem);
	if (!rc)
		rc = sp_reassembly_new(&s->ra, &usual, &sp_sum_messages, s, mem);
	if (rc)
		no_memory(err);
	if (!rc && conf->filter)
		rc = sp_filter_check(conf->filter, SP_EXIT_USAGE, err);
	if (!rc)
		rc = prepare_filters(s, err);
	if (!rc && conf->where && *conf->where)
		rc = sp_selector_new(&s->where, "--where", conf->where, sp_catalog.hdr, NULL,
				     mem, err);
	if (rc)
		sp_capsum_free(s);
	else
		*out = s;
	return rc;
}

void sp_capsum_free(struct sp_capsum *s)
{
	if (!s)
		return;
	sp_reassembly_free(s->ra);
	sp_sum_messages_fini(s);
	sp_info_free(s->info);
	sp_remarks_fini(&s->remarks);
	sp_flow_count_fini(&s->flows);
	sp_selector_free(s->where);
	for (uint32_t i = 0; i < s->n_filters; i++)
		sp_filter_free(s->filter[i].filter);
	sp_arena_fini(&s->arena);
	sp_free(s->mem, s);
}

/* ---- counters of others that become remarks ---- */

struct counter {
	size_t off;
	const char *what;
};

#define READ(field, text)                                                                      \
	{                                                                                      \
		offsetof(struct sp_read_odd, field), text                                      \
	}
#define STREAM(field, text)                                                                    \
	{                                                                                      \
		offsetof(struct sp_reassembly_odd, field), text                                \
	}

static const struct counter read_counters[] = {
	READ(above_original, "a captured length above the original one"),
	READ(bad_fraction, "a fraction of a second of one second or more"),
	READ(back_in_time, "older than the packet before"),
	READ(untimed, "no time stamp"),
	READ(other_blocks, "blocks before it that are custom or of unknown type"),
	READ(above_snaplen, "a captured length above the snap length"),
	READ(told_drops, "the capture says that packets before it were lost"),
	READ(told_errors, "the capture says that the link saw an error"),
	READ(bad_options, "options that end behind their block"),
	READ(odd_options,
	     "an interface option before it of a length that it cannot have: ignored"),
};

static const struct counter stream_counters[] = {
	STREAM(retransmitted, "TCP octets that were there before"),
	STREAM(overlapping, "TCP octets that were there before, and new ones"),
	STREAM(differing, "TCP octets that differ from those that were there before"),
	STREAM(out_of_order, "a TCP segment before its turn"),
	STREAM(outside, "a TCP segment far outside of the window"),
	STREAM(after_end, "TCP octets after the end of their stream"),
	STREAM(gaps, "TCP octets that the capture lacks"),
	STREAM(reused, "a TCP stream of endpoints that had another one before"),
	STREAM(pushed_out, "a TCP stream too many to follow: the one silent for longest ended"),
	STREAM(fragments_lost, "fragments of an IP packet that never became whole"),
	STREAM(fragments_overlapping, "IP fragments that overlap: their packet is left out"),
	STREAM(fragments_long,
	       "IP fragments that make more than 65535 octets, or are too many"),
};

/* A remark for each counter that has risen; *before follows. */
static void note_counters(struct sp_capsum *s, const struct counter *c, size_t n, void *before,
			  const void *now, uint64_t packet)
{
	for (size_t i = 0; i < n; i++) {
		uint64_t *old = (uint64_t *)(void *)((char *)before + c[i].off), new;

		memcpy(&new, (const char *)now + c[i].off, sizeof new);
		if (new != *old)
			sp_sum_remark(s, NULL, c[i].what, packet);
		*old = new;
	}
}

#define ROWS(table) (sizeof(table) / sizeof *(table))

static void note_streams(struct sp_capsum *s, uint64_t packet)
{
	const struct sp_reassembly_odd *now = sp_reassembly_odd(s->ra);

	if (now->events == s->seen.events)
		return;
	note_counters(s, stream_counters, ROWS(stream_counters), &s->seen, now, packet);
	s->seen.events = now->events;
}

/* ---- packets ---- */

static void note_time(struct sp_capsum *s, const struct sp_cap_packet *p)
{
	if (!s->packets) {
		s->first_bytes = p->orig_len;
		s->first_ns = s->last_ns = p->t_ns;
	} else if (p->t_ns - s->before_ns > DAY_NS) {
		sp_sum_remark(s, NULL, "more than a day after the packet before", p->number);
	}
	if (p->t_ns < s->first_ns)
		s->first_ns = p->t_ns;
	if (p->t_ns > s->last_ns)
		s->last_ns = p->t_ns;
	s->before_ns = p->t_ns;
}

static void note_view(struct sp_capsum *s, const struct sp_cap_packet *p,
		      const struct sp_cap_view *c)
{
	if (c->odd)
		sp_sum_remark(s, NULL, c->odd, p->number);
	if (c->cut)
		sp_sum_remark(s, NULL, "the capture has not all of its octets", p->number);
	if (!c->dissected)
		sp_sum_remark(s, NULL, "of a link type that is counted and not looked into",
			      p->number);
}

/* 1: the filter takes it; 0: not. */
static int filter_takes(struct sp_capsum *s, const struct sp_cap_packet *p, struct sp_err *err)
{
	uint32_t i = 0;
	int rc;

	while (i < s->n_filters && s->filter[i].link != p->link)
		i++;
	if (i == SP_SUM_LINKS)
		return sp_fail(err, -E2BIG, SP_EXIT_DATA,
			       "--filter: packets of more than %u link types", SP_SUM_LINKS);
	if (i == s->n_filters) {
		rc = add_filter(s, p->link, err);
		if (rc)
			return rc;
	}
	return sp_filter_takes(s->filter[i].filter, p->data, p->len);
}

static int takes(struct sp_capsum *s, const struct sp_cap_packet *p,
		 const struct sp_cap_view *c, struct sp_err *err)
{
	int rc = 1;

	if (s->conf.filter)
		rc = filter_takes(s, p, err);
	if (rc == 1 && s->where) {
		rc = sp_selector_takes(s->where, p, c);
		if (rc < 0)
			no_memory(err);
	}
	return rc;
}

static int note_packet(struct sp_capsum *s, const struct sp_cap_packet *p, struct sp_err *err)
{
	struct sp_cap_view c;
	int rc;

	sp_cap_view(p, &c);
	rc = takes(s, p, &c, err);
	if (rc <= 0)
		return rc;
	rc = 0;
	note_time(s, p);
	s->number = p->number;
	s->packets++;
	s->bytes += p->orig_len;
	note_view(s, p, &c);
	sp_protocols_note(&s->protocols, &c, p->link);
	/* A later fragment belongs to the flow of the first one, which has the port numbers. */
	if (c.v.src.addr.family && !c.v.frag_off)
		rc = sp_flow_count_note(&s->flows, c.v.proto, &c.v.src, &c.v.dst);
	if (!rc)
		rc = sp_reassembly_feed(s->ra, p, &c);
	note_streams(s, p->number);
	return rc ? no_memory(err) : 0;
}

/* ---- files ---- */

static uint64_t sum(const struct sp_read_odd *o)
{
	return o->above_original + o->bad_fraction + o->back_in_time + o->untimed +
	       o->other_blocks + o->above_snaplen + o->told_drops + o->told_errors +
	       o->bad_options + o->odd_options;
}

static int read_packets(struct sp_capsum *s, struct sp_cap *c, struct sp_err *err)
{
	const struct sp_read_odd *odd = sp_cap_odd(c);
	struct sp_read_odd seen = { 0 };
	struct sp_cap_packet p;
	uint64_t events = 0;
	int rc;

	while ((rc = sp_cap_next(c, &p, err)) == 1) {
		if (sum(odd) != events) {
			note_counters(s, read_counters, ROWS(read_counters), &seen, odd,
				      p.number);
			events = sum(odd);
		}
		rc = note_packet(s, &p, err);
		if (rc)
			return rc;
		s->read = true;
	}
	if (odd->other_blocks != seen.other_blocks)
		sp_remarks_say(&s->remarks,
			       "blocks behind the last packet that are custom or of unknown "
			       "type");
	return rc;
}

/* What is odd about a file and not about a packet. */
static void note_file(struct sp_capsum *s, const char *path, const struct sp_read_odd *o)
{
	if (o->kuznetzov)
		sp_remarks_say(&s->remarks,
			       "%s: a modified pcap format (Kuznetzov's), with record headers "
			       "of 24 octets",
			       path);
	if (!o->snaplen || o->snaplen > 1)
		sp_remarks_say(&s->remarks, "%s: a snap length of %u octets", path, o->snaplen);
	if (o->shifted)
		sp_remarks_say(&s->remarks, "%s: a time zone in its header, which is ignored",
			       path);
}

int sp_capsum_read(struct sp_capsum *s, const char *path, struct sp_err *err)
{
	struct sp_cap_file file;
	int rc;

	sp_cap_file_open(&file, path);
	rc = sp_capsum_read_file(s, &file, err);
	sp_cap_file_close(&file);
	return rc;
}

int sp_capsum_read_file(struct sp_capsum *s, struct sp_cap_file *file, struct sp_err *err)
{
	char shown[200];
	struct sp_cap *c;
	int rc;

	if (s->n_files == SP_SUMMARY_FILES)
		return sp_fail(err, -E2BIG, SP_EXIT_USAGE, "more than %u files",
			       SP_SUMMARY_FILES);
	sp_str_printable(shown, sizeof shown, file->path);
	s->file[s->n_files] = sp_arena_strdup(&s->arena, shown);
	if (!s->file[s->n_files])
		return no_memory(err);
	s->n_files++;
	rc = sp_cap_open_file(&c, file, s->mem, err);
	if (rc)
		return rc;
	/* Damage before the first packet: there was nothing good in it. */
	s->read = false;
	rc = read_packets(s, c, err);
	s->opened |= !rc || s->read;
	if (rc && s->opened)
		sp_remarks_say(&s->remarks, "%s; what follows is not counted", err->text);
	note_file(s, shown, sp_cap_odd(c));
	sp_cap_close(c);
	return rc;
}

int sp_capsum_end(struct sp_capsum *s, struct sp_err *err)
{
	bool exact;

	if (sp_reassembly_finish(s->ra))
		return no_memory(err);
	note_streams(s, s->number);
	if (s->tcp_generic && sp_info_section(s->info, NULL, "TCP_GENERIC Information"))
		return no_memory(err);
	if (s->udp_generic && sp_info_section(s->info, NULL, "UDP_GENERIC Information"))
		return no_memory(err);
	sp_flow_count(&s->flows, &exact);
	if (!exact)
		sp_remarks_say(&s->remarks,
			       "more than %u flows: their number is an estimate, mostly "
			       "within 1 %%",
			       SP_FLOWS_EXACT);
	if (sp_info_left_out(s->info))
		sp_remarks_say(&s->remarks,
			       "more sessions, or more of them, than is kept (%u, %u MiB): "
			       "%llu messages are not described, or in part",
			       SP_INFO_SESSIONS, SP_INFO_BYTES >> 20,
			       (unsigned long long)sp_info_left_out(s->info));
	return 0;
}

bool sp_capsum_opened(const struct sp_capsum *s)
{
	return s->opened;
}
