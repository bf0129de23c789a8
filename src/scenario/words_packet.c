/* Packets that a command crafts: --packet, words for frames, --source-ports. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "scenario/presets.h"
#include "scenario/words_impl.h"

bool sp_reader_crafts(const struct sp_reader *r, const char *word)
{
	bool socket = strcmp(word, "udp") == 0 || strcmp(word, "tcp") == 0;

	return sp_preset_is(word) || strcmp(word, "packet") == 0 || (r->source_first && socket);
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
				       .source_last = r->source_last };
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
	rc = sp_plan_set(r->build, "packet", p.packet, place, r->err);
	if (rc || !p.size || size_said || sp_reader_last(r, "stream.size"))
		return rc;
	snprintf(text, sizeof text, "%u", p.size);
	return sp_plan_set(r->build, "size", text, place, r->err);
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
	return source ? sp_ports_parse(source->value, source->spelling, &r->source_first,
					&r->source_last, r->err)
		      : 0;
}
