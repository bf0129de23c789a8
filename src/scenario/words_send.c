#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "scenario/words_impl.h"

static bool key_is(const struct sp_given *g, const char *key)
{
	return g->flag && strcmp(g->flag->key, key) == 0;
}

/* --payload-file and its like are two rows: the kind, and its file. */
static void note_fill(struct sp_reader *r, struct sp_given *g)
{
	r->stream[r->n_stream++] = (struct sp_setting){
		.key = "fill", .value = g->flag->key + 5, .place = g->spelling, .given = g
	};
	r->stream[r->n_stream++] = (struct sp_setting){
		.key = "payload", .value = g->value, .place = g->spelling, .given = g
	};
}

/* The streams' rows, the last given of each, looked up once for all streams. */
static int note_common(struct sp_reader *r)
{
	r->stream = sp_arena_alloc(&r->scratch, (2 * r->n_given + 1) * sizeof *r->stream);
	if (!r->stream)
		return sp_fail(r->err, -ENOMEM, SP_EXIT_FAILED, "out of memory");
	for (unsigned i = 0; i < r->n_given; i++) {
		struct sp_given *g = &r->given[i];

		if (g->flag && strncmp(g->flag->key, "fill.", 5) == 0 &&
		    sp_reader_last(r, g->flag->key) == g)
			note_fill(r, g);
		if (!g->flag || strncmp(g->flag->key, "stream.", 7) != 0 ||
		    sp_reader_last(r, g->flag->key) != g)
			continue;
		r->stream[r->n_stream++] = (struct sp_setting){
			.key = g->flag->key + 7,
			.value = g->value,
			.place = g->spelling,
			.given = g,
		};
	}
	return 0;
}

static int read_streams(struct sp_reader *r)
{
	const struct sp_given *g = sp_reader_last(r, "streams");
	char shown[80];

	r->streams = 1;
	if (!g)
		return 0;
	if (!sp_parse_u64(g->value, &r->streams) && r->streams >= 1 &&
	    r->streams <= SP_WORDS_STREAMS)
		return 0;
	sp_str_printable(shown, sizeof shown, g->value);
	return sp_fail(r->err, -EINVAL, SP_EXIT_USAGE,
		       "%s: '%s' is not a number of streams (1 to %u)", g->spelling, shown,
		       SP_WORDS_STREAMS);
}

static int read_port(struct sp_reader *r)
{
	const struct sp_given *g = sp_reader_last(r, "target_port");
	uint16_t first, last;
	int rc;

	if (!g)
		return 0;
	rc = sp_ports_parse(g->value, g->spelling, &first, &last, r->err);
	if (rc)
		return rc;
	r->port_first = first;
	r->port_last = last;
	r->port = sp_arena_printf(&r->scratch, "%u", (unsigned)first);
	r->port_spelling = g->spelling;
	return r->port ? 0 : sp_fail(r->err, -ENOMEM, SP_EXIT_FAILED, "out of memory");
}

int sp_reader_note(struct sp_reader *r, const char *text, const char *file, unsigned line)
{
	if (r->n_targets == r->cap_targets) {
		unsigned cap = r->cap_targets ? r->cap_targets * 2 : 16;
		struct sp_target *more = cap > SP_WORDS_STREAMS * 2
						 ? NULL
						 : sp_alloc_array(r->mem, cap,
								  sizeof *r->targets);

		if (!more)
			return sp_fail(r->err, -ENOMEM, SP_EXIT_FAILED,
				       "out of memory for so many targets");
		if (r->n_targets)
			memcpy(more, r->targets, r->n_targets * sizeof *more);
		sp_free(r->mem, r->targets);
		r->targets = more;
		r->cap_targets = cap;
	}
	r->targets[r->n_targets++] = (struct sp_target){
		.text = text,
		.file = file,
		.line = line,
	};
	return 0;
}

static int note_word(struct sp_reader *r, const struct sp_given *g)
{
	char shown[100];
	int rc;

	/* A stray word is more often a mistake than a target. */
	if (!g->flag && !strstr(g->value, "://")) {
		sp_str_printable(shown, sizeof shown, g->value);
		return sp_fail(r->err, -EINVAL, SP_EXIT_USAGE,
			       "%s: neither an option nor a URL; a target is written "
			       "udp://HOST:PORT or -t HOST",
			       shown);
	}
	rc = sp_reader_note(r, g->value, NULL, 0);
	if (!rc && g->flag)
		r->targets[r->n_targets - 1].spelling = g->spelling;
	return rc;
}

/* All targets, in the order in which they were written. */
static int note_targets(struct sp_reader *r)
{
	int rc = 0;

	for (unsigned i = 0; i < r->n_given && !rc; i++) {
		const struct sp_given *g = &r->given[i];

		if (key_is(g, "targets"))
			rc = sp_reader_file(r, g->value);
		else if (!g->flag || key_is(g, "target"))
			rc = note_word(r, g);
	}
	if (!rc && !r->n_targets && sp_reader_targetless(r))
		rc = sp_reader_note(r, NULL, NULL, 0);
	if (!rc && !r->n_targets)
		rc = sp_fail(r->err, -EINVAL, SP_EXIT_USAGE,
			     "no target is given; such as udp://10.1.1.2:5001 or -t 10.1.1.2");
	return rc;
}

/* What comes back by itself is received and verified, without being asked for. */
static int add_own_receiver(struct sp_reader *r)
{
	const struct sp_given *g = sp_reader_last(r, "transport");
	const struct sp_transport_ops *ops = g ? sp_catalog_transport(r->catalog, g->value)
					       : NULL;
	int rc;

	if (!ops || !ops->echoes)
		return 0;
	rc = sp_plan_add(r->build, SP_PLAN_RECV, NULL, r->err);
	if (!rc)
		rc = sp_plan_set(r->build, "name", "rx0", NULL, r->err);
	if (!rc)
		rc = sp_plan_set(r->build, "from", "tx0", NULL, r->err);
	/* What is spoken at one end is spoken at the other. */
	if (!rc && ops->conn)
		rc = sp_plan_set(r->build, "protocol", r->spoken, NULL, r->err);
	return rc;
}

int sp_reader_send(struct sp_reader *r)
{
	int rc = sp_reader_random(r);

	if (!rc)
		rc = note_common(r);
	if (!rc)
		rc = read_streams(r);
	if (!rc)
		rc = read_port(r);
	if (!rc)
		rc = sp_reader_check_packet(r);
	if (!rc)
		rc = note_targets(r);
	for (unsigned i = 0; i < r->n_targets && !rc; i++)
		rc = sp_reader_target(r, i);
	if (!rc)
		rc = add_own_receiver(r);
	if (!rc)
		rc = sp_reader_all_taken(r, SP_PLAN_STREAM, "stream.");
	if (!rc && r->port && !r->port_used)
		rc = sp_fail(r->err, -EINVAL, SP_EXIT_USAGE,
			     "%s: no target takes it, each has a port number of its own",
			     r->port_spelling);
	if (!rc && r->ether_type && !r->type_used)
		rc = sp_fail(r->err, -EINVAL, SP_EXIT_USAGE,
			     "%s: nothing here takes it; --protocol eth does",
			     sp_reader_last(r, "ether_type")->spelling);
	if (!rc && r->source_first && !r->source_used)
		rc = sp_fail(r->err, -EINVAL, SP_EXIT_USAGE,
			     "%s: nothing here takes it; udp, tcp and syn do, and an "
			     "expression says it itself: sport=8001..8200",
			     sp_reader_last(r, "source_ports")->spelling);
	return rc;
}
