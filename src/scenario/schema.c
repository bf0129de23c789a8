/* JSON Schema of scenario files, for editors: made from the tables that the reader reads by. */
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/str.h"
#include "plugin/proto.h"
#include "scenario/scenario_impl.h"

static void put_types(struct sp_json *j, const char *a, const char *b)
{
	sp_json_open(j, "type", '[');
	sp_json_str(j, NULL, a);
	sp_json_str(j, NULL, b);
	sp_json_close(j, ']');
}

/* A size, or a law of sizes. */
static void put_size_types(struct sp_json *j, bool law)
{
	sp_json_open(j, "type", '[');
	sp_json_str(j, NULL, "number");
	sp_json_str(j, NULL, "string");
	if (law)
		sp_json_str(j, NULL, "object");
	sp_json_close(j, ']');
}

static void put_enum(struct sp_json *j, const char *values)
{
	char word[48];

	sp_json_open(j, "enum", '[');
	while (*values) {
		size_t n = strcspn(values, "|");

		snprintf(word, sizeof word, "%.*s", (int)n, values);
		sp_json_str(j, NULL, word);
		values += n + (values[n] == '|');
	}
	sp_json_close(j, ']');
}

static void put_row(struct sp_json *j, const struct sp_opt *o)
{
	sp_json_open(j, o->name, '{');
	switch (o->type) {
	case SP_OPT_BOOL:
		put_types(j, "boolean", "string");
		break;
	case SP_OPT_ENUM:
		put_enum(j, o->values);
		break;
	case SP_OPT_TEXT:
		if (strcmp(o->name, "steps") == 0) {
			put_types(j, "string", "array");
			break;
		}
		if (strcmp(o->name, "departure") == 0 || strcmp(o->name, "packet_size") == 0 ||
		    strcmp(o->name, "payload") == 0) {
			put_types(j, "string", "object");
			break;
		}
		put_types(j, "string", "number");
		break;
	case SP_OPT_PATH:
		sp_json_str(j, "type", "string");
		break;
	case SP_OPT_SIZE:
		put_size_types(j, strcmp(o->name, "size") == 0);
		break;
	default:
		put_types(j, "number", "string");
	}
	sp_json_str(j, "description", o->help);
	if (o->dflt && *o->dflt)
		sp_json_str(j, "default", o->dflt);
	sp_json_close(j, '}');
}

static void put_rows(struct sp_json *j, enum sp_plan_item item)
{
	for (const struct sp_opt *o = sp_plan_rows(item); o->name; o++)
		if (sc_row_is_ours(item, o->name))
			put_row(j, o);
	for (const struct sp_opt *o = sp_plan_profile_rows(); item == SP_PLAN_STREAM && o->name;
	     o++)
		if (o->type != SP_OPT_PATH) /* no files in scenarios */
			put_row(j, o);
}

/* Settings of all transports; one that several have stands once. */
static void put_transport_rows(struct sp_json *j)
{
	for (const struct sp_transport_ops *const *t = sp_catalog.transport; *t; t++) {
		for (const struct sp_opt *o = (*t)->opts; o && o->name; o++) {
			const struct sp_transport_ops *const *before = sp_catalog.transport;

			while (before != t &&
			       !((*before)->opts && sp_opt_find((*before)->opts, o->name)))
				before++;
			if (before == t && !sp_opt_find(sp_plan_rows(SP_PLAN_PORT), o->name))
				put_row(j, o);
		}
	}
}

/* Is it a row of this item's or of a protocol's before these? */
static bool is_put(enum sp_plan_item item, const struct sp_opt *const *tables, unsigned n,
		   const char *name)
{
	if (sp_opt_find(sp_plan_rows(item), name))
		return true;
	for (unsigned i = 0; i < n; i++)
		if (tables[i] && sp_opt_find(tables[i], name))
			return true;
	return false;
}

#define TABLES 32u

/* Settings of all protocols, and of the layers under them, that this role has; each once. */
static void put_protocol_rows(struct sp_json *j, enum sp_plan_item item)
{
	uint32_t role = item == SP_PLAN_RECV ? 1u << SP_ROLE_SERVER : 1u << SP_ROLE_CLIENT;
	const struct sp_opt *tables[TABLES];
	unsigned n = 0;

	for (const struct sp_proto_ops *const *p = sp_catalog.proto; *p && n < TABLES; p++)
		if ((*p)->roles & role && (*p)->init)
			tables[n++] = (*p)->opts;
	for (const struct sp_wrap_ops *const *w = sp_catalog.wrap; *w && n < TABLES; w++)
		tables[n++] = (*w)->opts;
	for (unsigned i = 0; i < n; i++)
		for (const struct sp_opt *o = tables[i]; o && o->name; o++)
			if (!is_put(item, tables, i, o->name))
				put_row(j, o);
}

static void begin_object(struct sp_json *j, const char *key)
{
	sp_json_open(j, key, '{');
	sp_json_str(j, "type", "object");
	sp_json_bool(j, "additionalProperties", false);
	sp_json_open(j, "properties", '{');
}

static void end_object(struct sp_json *j)
{
	sp_json_close(j, '}');
	sp_json_close(j, '}');
}

static void put_simple(struct sp_json *j, const char *key, const char *type,
		       const char *description)
{
	sp_json_open(j, key, '{');
	sp_json_str(j, "type", type);
	sp_json_str(j, "description", description);
	sp_json_close(j, '}');
}

/* A map of names, each an object whose properties follow. */
static void begin_map(struct sp_json *j, const char *key, const char *description)
{
	sp_json_open(j, key, '{');
	sp_json_str(j, "type", "object");
	sp_json_str(j, "description", description);
	begin_object(j, "additionalProperties");
}

static void begin_list(struct sp_json *j, const char *key, const char *description)
{
	sp_json_open(j, key, '{');
	sp_json_str(j, "type", "array");
	sp_json_str(j, "description", description);
	begin_object(j, "items");
}

static void end_many(struct sp_json *j)
{
	end_object(j);
	sp_json_close(j, '}');
}

static void put_texts(struct sp_json *j, const char *key, const char *description)
{
	sp_json_open(j, key, '{');
	sp_json_str(j, "type", "array");
	sp_json_str(j, "description", description);
	sp_json_open(j, "items", '{');
	sp_json_str(j, "type", "string");
	sp_json_close(j, '}');
	sp_json_close(j, '}');
}

static void put_hosts_and_ports(struct sp_json *j)
{
	begin_map(j, "hosts", "who takes part; each is one of local, netns and lab");
	put_simple(j, "local", "boolean", "this host");
	put_simple(j, "netns", "string", "a network namespace, by name or path");
	put_simple(j, "lab", "string", "a host of the lab");
	end_many(j);
	put_simple(j, "lab", "object", "a lab that is made for the run; see spate lab");
	begin_map(j, "ports", "transports opened on hosts");
	put_simple(j, "host", "string", "on which host; needed when there are several");
	put_rows(j, SP_PLAN_PORT);
	put_transport_rows(j);
	end_many(j);
}

static void put_share(struct sp_json *j, const char *key, const char *description)
{
	sp_json_open(j, key, '{');
	put_types(j, "number", "string");
	sp_json_str(j, "description", description);
	sp_json_close(j, '}');
}

#define MODEL                                                                                  \
	"rate, gaps and sizes of an application: voip:CODEC, telnet, dns, quake3, cs-active, " \
	"cs-idle"

static void put_settings(struct sp_json *j)
{
	put_simple(j, "to", "string", "the port that receives it");
	put_simple(j, "target", "string",
		   "or where to: HOST, HOST:NUMBER or PROTOCOL://HOST:NUMBER/PATH; of frames "
		   "also a range of numbers");
	put_simple(j, "source_ports", "string",
		   "udp, tcp and syn as frames: FIRST-LAST, the next one for each packet");
	put_simple(j, "model", "string", MODEL);
	begin_object(j, "profile");
	put_simple(j, "source_ports", "string", "the same here");
	put_simple(j, "model", "string", MODEL);
	put_rows(j, SP_PLAN_STREAM);
	put_protocol_rows(j, SP_PLAN_STREAM);
	end_object(j);
	put_rows(j, SP_PLAN_STREAM);
	put_protocol_rows(j, SP_PLAN_STREAM);
}

static void put_streams(struct sp_json *j)
{
	begin_list(j, "streams", "what is sent");
	put_settings(j);
	end_many(j);
	begin_list(j, "groups", "streams that share one schedule, each departure being one's");
	put_settings(j);
	begin_list(j, "streams", "who shares it; what they do not say, the group says");
	put_share(j, "share", "of the departures: 50 of the sum of all, or 50%");
	put_settings(j);
	end_many(j);
	end_many(j);
	begin_list(j, "receivers",
		   "ports that receive though no stream of the file goes there");
	put_rows(j, SP_PLAN_RECV);
	put_protocol_rows(j, SP_PLAN_RECV);
	end_many(j);
}

static void put_captures(struct sp_json *j)
{
	begin_list(j, "capture", "what is recorded into the run folder");
	put_simple(j, "host", "string", "on which host; needed when there are several");
	for (const struct sp_opt *o = sc_capture_rows; o->name; o++)
		put_row(j, o);
	end_many(j);
}

static void put_stages(struct sp_json *j)
{
	begin_list(j, "stages", "what changes, and when");
	put_row(j, sp_opt_find(sp_plan_rows(SP_PLAN_STAGE), "at"));
	put_texts(j, "start",
		  "streams that begin (anew); one that a stage starts waits for it");
	put_texts(j, "stop", "streams that end");
	begin_map(j, "set", "streams that get another rate, their phase kept");
	put_row(j, sp_opt_find(sp_plan_rows(SP_PLAN_STAGE), "rate"));
	end_many(j);
	put_simple(j, "link", "object",
		   "links of the lab: {LINK: {down: true, loss: 1%, ...}}");
	end_many(j);
}

void sp_scenario_schema(struct sp_str *out)
{
	struct sp_json j;

	sp_json_init(&j, out, 2);
	sp_json_open(&j, NULL, '{');
	sp_json_str(&j, "$schema", "https://json-schema.org/draft/2020-12/schema");
	sp_json_str(&j, "title", "spate scenario");
	sp_json_str(&j, "type", "object");
	sp_json_bool(&j, "additionalProperties", false);
	sp_json_open(&j, "required", '[');
	sp_json_str(&j, NULL, "spate");
	sp_json_close(&j, ']');
	sp_json_open(&j, "properties", '{');
	sp_json_open(&j, "spate", '{');
	sp_json_u64(&j, "const", 1);
	sp_json_str(&j, "description", "version of the format");
	sp_json_close(&j, '}');
	sp_json_open(&j, "include", '{');
	put_types(&j, "string", "array");
	sp_json_str(&j, "description",
		    "other scenario files that are taken in, by a path from here");
	sp_json_close(&j, '}');
	put_simple(&j, "name", "string", "name of the run");
	put_simple(&j, "seed", "integer", "seed of everything that is drawn");
	put_simple(&j, "repeats", "integer", "run it so often, and report medians and spread");
	sp_json_open(&j, "on_loss", '{');
	put_enum(&j, "continue|abort");
	sp_json_str(&j, "description", "what to do when a host is lost");
	sp_json_close(&j, '}');
	begin_object(&j, "run");
	put_rows(&j, SP_PLAN_RUN);
	end_object(&j);
	put_hosts_and_ports(&j);
	put_streams(&j);
	put_stages(&j);
	put_captures(&j);
	put_texts(&j, "expect", "METRIC [of STREAM] OP VALUE, such as loss < 0.1%");
	sp_json_close(&j, '}');
	sp_json_close(&j, '}');
	sp_str_puts(out, "\n");
}
