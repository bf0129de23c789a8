/* Packets that a command crafts: --packet, words for frames, --source-ports. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/packet.h"
#include "scenario/presets.h"
#include "scenario/words_impl.h"

bool sp_reader_crafts(const struct sp_reader *r, const char *word)
{
	bool socket = strcmp(word, "udp") == 0 || strcmp(word, "tcp") == 0;

	return sp_preset_is(word) || strcmp(word, "packet") == 0 || (r->source_first && socket);
}

bool sp_reader_targetless(const struct sp_reader *r)
{
	const struct sp_given *word = sp_reader_last(r, "stream.protocol");

	return sp_reader_last(r, "stream.packet") || (word && strcmp(word->value, "eth") == 0);
}

bool sp_reader_draws(const struct sp_reader *r, const char *key, const char *value)
{
	if (strcmp(key, "departure") == 0)
		return strcmp(value, "constant") != 0;
	if (strcmp(key, "fill") == 0)
		return strcmp(value, "text") != 0 && strcmp(value, "file") != 0;
	return strcmp(key, "packet") == 0 && sp_packet_draws(value, r->catalog, r->mem);
}

static bool is_v6(const char *host)
{
	return strchr(host, ':') != NULL;
}

int sp_reader_preset(struct sp_reader *r, const char *word, const char *place, const char *host,
		     uint16_t first, uint16_t last, bool size_said)
{
	struct sp_preset_args args = { .v6 = is_v6(host),
				       .port_first = first,
				       .port_last = last,
				       .source_first = r->source_first,
				       .source_last = r->source_last,
				       .ether_type = r->ether_type };
	struct sp_preset p;
	char text[16];
	int rc;

	if (strcmp(word, "packet") == 0)
		return 0;
	rc = sp_preset_of(word, &args, &r->scratch, &p);
	if (rc)
		return sp_fail(r->err, rc, SP_EXIT_FAILED, "%s: out of memory", place);
	r->source_used |= p.takes_source;
	r->port_used |= p.takes_port;
	r->type_used |= p.takes_type;
	rc = sp_plan_set(r->build, "packet", p.packet, place, r->err);
	if (rc || !p.size || size_said || sp_reader_last(r, "stream.size"))
		return rc;
	snprintf(text, sizeof text, "%u", p.size);
	return sp_plan_set(r->build, "size", text, place, r->err);
}

static int read_ether_type(struct sp_reader *r)
{
	const struct sp_given *g = sp_reader_last(r, "ether_type");
	unsigned long v;
	char *end;

	if (!g)
		return 0;
	v = strtoul(g->value, &end, 0);
	if (*g->value < '0' || *g->value > '9' || *end || v < 1536 || v > 65535)
		return sp_fail(r->err, -EINVAL, SP_EXIT_USAGE,
			       "%s: it is a number from 0x0600 to 0xffff", g->spelling);
	r->ether_type = (uint16_t)v;
	return 0;
}

int sp_reader_check_packet(struct sp_reader *r)
{
	const struct sp_given *source = sp_reader_last(r, "source_ports");
	const struct sp_given *packet = sp_reader_last(r, "stream.packet");
	const struct sp_given *protocol = sp_reader_last(r, "stream.protocol");

	if (packet && protocol && strcmp(protocol->value, "packet") != 0)
		return sp_fail(r->err, -EINVAL, SP_EXIT_USAGE,
			       "%s and %s do not go together: the expression says what is sent",
			       packet->spelling, protocol->spelling);
	if (read_ether_type(r))
		return -EINVAL;
	return source ? sp_ports_parse(source->value, source->spelling, &r->source_first,
				       &r->source_last, r->err)
		      : 0;
}
