#include "source/messages/settings.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "source/messages/play.h"

static int no_memory(struct sp_err *err)
{
	return sp_fail(err, -ENOMEM, SP_EXIT_FAILED, "out of memory");
}

static uint32_t count_parts(const char *text, char between)
{
	uint32_t n = *text != '\0';

	for (; *text; text++)
		n += *text == between;
	return n;
}

int sp_msg_read_paths(const struct msg_conf *c, struct sp_arena *arena, const char ***out,
		      uint32_t *n, struct sp_err *err)
{
	uint32_t most = count_parts(c->files, '\n');
	char *copy = sp_arena_strdup(arena, c->files), *save = NULL;
	const char **paths = sp_arena_alloc(arena, (most + 1) * sizeof *paths);

	if (!copy || !paths)
		return no_memory(err);
	*n = 0;
	for (char *p = strtok_r(copy, "\n", &save); p; p = strtok_r(NULL, "\n", &save))
		paths[(*n)++] = p;
	*out = paths;
	return *n ? 0
		  : sp_fail(err, -EINVAL, SP_EXIT_USAGE,
			    "messages: no capture is given (files)");
}

int sp_msg_read_order(const struct msg_conf *c, struct sp_arena *arena, uint32_t captures,
		      uint32_t **out, uint32_t *n, struct sp_err *err)
{
	const char *p = c->order;
	uint32_t most = *p ? count_parts(p, ',') : captures;
	uint32_t *order = sp_arena_alloc(arena, (most + 1) * sizeof *order);

	if (!order)
		return no_memory(err);
	if (most > MSG_PLAYS_MAX)
		return sp_fail(err, -ERANGE, SP_EXIT_DATA,
			       "messages: %" PRIu32 " captures, repetitions counted, are too "
			       "many; at most %u are played",
			       most, MSG_PLAYS_MAX);
	*n = most;
	*out = order;
	for (uint32_t i = 0; i < most; i++) {
		unsigned long k = i;
		char *end;

		if (*p) {
			k = strtoul(p, &end, 10);
			if (end == p || (*end && *end != ',') || k >= captures)
				return sp_fail(err, -EINVAL, SP_EXIT_USAGE,
					       "messages: order: '%.40s' is no list of numbers "
					       "of captures",
					       c->order);
			p = *end ? end + 1 : end;
		}
		order[i] = (uint32_t)k;
	}
	return 0;
}

int sp_msg_read_map(const struct msg_conf *c, struct sp_arena *arena, struct msg_map_row **out,
		    uint32_t *n, struct sp_err *err)
{
	uint32_t most = count_parts(c->map, ',');
	char *copy = sp_arena_strdup(arena, c->map), *save = NULL;
	struct msg_map_row *rows = sp_arena_alloc(arena, (most + 1) * sizeof *rows);

	if (!copy || !rows)
		return no_memory(err);
	*n = 0;
	for (char *p = strtok_r(copy, ",", &save); p; p = strtok_r(NULL, ",", &save)) {
		char *to = strchr(p, '>');

		if (to)
			*to++ = '\0';
		if (!to || sp_addr_parse(p, &rows[*n].from) ||
		    (*to && sp_addr_parse(to, &rows[*n].to)))
			return sp_fail(err, -EINVAL, SP_EXIT_USAGE,
				       "messages: map: '%.80s' is not RECORDED>LOCAL", p);
		(*n)++;
	}
	*out = rows;
	return 0;
}

#define AT(member) offsetof(struct msg_conf, member)
const struct sp_opt sp_msg_opts[] = {
	{ "files", SP_OPT_PATH, AT(files), "", NULL, 0, 0,
	  "captures that hold the messages, a line each" },
	{ "order", SP_OPT_TEXT, AT(order), "", NULL, 0, 0,
	  "which of them is played when: 0,1,1; else each once" },
	{ "sections", SP_OPT_TEXT, AT(sections), "", NULL, 0, 0,
	  "protocols and whose packets are theirs: ipfix udp.dport=9991|9992;bmp tcp.dport=1790" },
	{ "section", SP_OPT_TEXT, AT(section), "", NULL, 0, 0, "the one that is played" },
	{ "map", SP_OPT_TEXT, AT(map), "", NULL, 0, 0,
	  "recorded and local addresses: 192.0.2.1>127.0.0.2; else all sources are played" },
	{ "mapped", SP_OPT_BOOL, AT(mapped), "false", NULL, 0, 0,
	  "only recorded addresses of the map are played" },
	{ "time_factor", SP_OPT_TEXT, AT(factor), "1", NULL, 0, 0,
	  "what the gaps are multiplied by" },
	{ "family", SP_OPT_U64, AT(family), "0", NULL, 0, 6,
	  "only sessions with local addresses of IPv4 (4) or IPv6 (6)" },
	{ "rest", SP_OPT_BOOL, AT(rest), "true", NULL, 0, 0,
	  "those whose local address is the system's choice, too" },
	{ "only", SP_OPT_BOOL, AT(only), "true", NULL, 0, 0,
	  "sessions of the other family are an error" },
	{ "sync", SP_OPT_BOOL, AT(sync), "false", NULL, 0, 0,
	  "each capture begins at its own second of the minute" },
	{ "keep_open", SP_OPT_BOOL, AT(keep_open), "false", NULL, 0, 0,
	  "sessions stay open until the run is stopped" },
	{ "exporters", SP_OPT_U64, AT(exporters), "0", NULL, 0, 1000000,
	  "so many copies, each with an address and numbers of its own; 0: as recorded" },
	{ "addresses", SP_OPT_TEXT, AT(from), "", NULL, 0, 0,
	  "the prefix that the exporters' addresses are of" },
	{ "spread", SP_OPT_TIME, AT(spread_ns), "1s", NULL, 0, 0,
	  "time over which the exporters begin" },
	{ "retime", SP_OPT_BOOL, AT(retime), "false", NULL, 0, 0,
	  "times inside the messages become those of the replay" },
	{ "target", SP_OPT_TEXT, AT(target), "the collector", NULL, 0, 0,
	  "what sentences call the target" },
	{ "preload", SP_OPT_BOOL, AT(preload), NULL, SP_OPT_QUIET, 0, 0,
	  "read everything into memory before the first message leaves" },
	{ "read_ahead", SP_OPT_SIZE, AT(ahead), NULL, SP_OPT_QUIET, 0, UINT64_C(1) << 40,
	  "octets of messages that are read ahead; captures with fewer stay in memory" },
	{ 0 },
};
#undef AT
