/* Lines of JSON: a truth's, and those of pmacct's daemons (flows of nfacctd, logs and dumps of pmbgpd
 * and pmbmpd). */
#include <errno.h>
#include <jansson.h>
#include <string.h>

#include "base/address.h"
#include "base/rng.h"
#include "capture/score_impl.h"

#define PEER   11u
#define PREFIX 12u

/* A text or a number as a text; NULL: neither. */
static const char *text_of(const json_t *v, char *buf, size_t cap)
{
	if (json_is_string(v))
		return json_string_value(v);
	if (!json_is_integer(v))
		return NULL;
	snprintf(buf, cap, "%lld", (long long)json_integer_value(v));
	return buf;
}

static int put(struct sp_score_fact *fact, unsigned field, const json_t *v)
{
	char buf[32];
	const char *text = text_of(v, buf, sizeof buf);

	if (!v || json_is_null(v))
		return 0;
	return text ? sp_score_put(fact, field, text) : -EBADMSG;
}

static int put_count(struct sp_score_fact *fact, unsigned i, const json_t *v)
{
	if (!json_is_integer(v) || json_integer_value(v) < 0)
		return -EBADMSG;
	fact->number[i] = (uint64_t)json_integer_value(v);
	return 0;
}

/* Words between blanks. Their order counts, or (a set) does not. */
static uint64_t hash_text(uint64_t h, const char *text, bool set)
{
	char word[64];

	while (*(text += strspn(text, " "))) {
		size_t len = strcspn(text, " ");

		snprintf(word, sizeof word, "%.*s", (int)(len < 63 ? len : 63), text);
		h = (set ? h : h * 0x100000001b3ull) + sp_hash_text(word);
		text += len;
	}
	return h;
}

/* The same for a text, and for a list with a word each. */
static uint64_t hash_words(const json_t *v, bool set)
{
	const json_t *member;
	const char *text;
	char buf[32];
	uint64_t h = 0;
	size_t i;

	if (!json_is_array(v)) {
		text = text_of(v, buf, sizeof buf);
		return text ? hash_text(0, text, set) : 0;
	}
	json_array_foreach(v, i, member)
	{
		text = text_of(member, buf, sizeof buf);
		h = text ? hash_text(h, text, set) : h;
	}
	return h;
}

static void put_attributes(struct sp_score_fact *fact, const json_t *hop, const json_t *path,
			   const json_t *communities)
{
	const char *text = json_string_value(hop);
	struct sp_addr a;
	char canonical[64];

	fact->number[0] = text && !sp_addr_parse(text, &a)
				  ? sp_hash_text(
					    sp_addr_format(canonical, sizeof canonical, &a))
				  : 0;
	fact->number[1] = hash_words(path, false);
	fact->number[2] = hash_words(communities, true);
}

static int truth_route(const json_t *o, struct sp_score_fact *fact)
{
	const char *state = json_string_value(json_object_get(o, "state"));

	if (!state)
		return -EBADMSG;
	fact->route = true;
	fact->gone = strcmp(state, "withdrawn") == 0;
	put_attributes(fact, json_object_get(o, "next_hop"), json_object_get(o, "as_path"),
		       json_object_get(o, "communities"));
	if (put(fact, PEER, json_object_get(o, "peer")))
		return -EBADMSG;
	return put(fact, PREFIX, json_object_get(o, "prefix")) || !(fact->has & 1u << PREFIX)
		       ? -EBADMSG
		       : 1;
}

static int read_truth(const json_t *o, struct sp_score_fact *fact)
{
	const char *kind = json_string_value(json_object_get(o, "kind"));
	int rc = 0;

	if (kind && strcmp(kind, "route") == 0)
		return truth_route(o, fact);
	if (!kind || strcmp(kind, "flow") != 0)
		return -EBADMSG;
	for (unsigned i = 0; i < PEER && !rc; i++)
		rc = put(fact, i, json_object_get(o, sp_score_fields[i].name));
	if (!rc)
		rc = put_count(fact, 0, json_object_get(o, "packets"));
	if (!rc)
		rc = put_count(fact, 1, json_object_get(o, "bytes"));
	fact->number[2] = 1;
	if (!rc && json_object_get(o, "sampling"))
		rc = put_count(fact, 2, json_object_get(o, "sampling"));
	return rc ? rc : 1;
}

/* log_type is missing in dumps, which say what is there; "delete" says that the session is over. */
static int pmacct_route(const json_t *o, struct sp_score_fact *fact)
{
	const char *log = json_string_value(json_object_get(o, "log_type"));
	const json_t *peer = json_object_get(o, "peer_ip");

	if (log && strcmp(log, "delete") == 0)
		return 0;
	fact->route = true;
	fact->gone = log && strcmp(log, "withdraw") == 0;
	put_attributes(fact, json_object_get(o, "bgp_nexthop"), json_object_get(o, "as_path"),
		       json_object_get(o, "comms"));
	if (put(fact, PEER, peer ? peer : json_object_get(o, "peer_ip_src")))
		return -EBADMSG;
	return put(fact, PREFIX, json_object_get(o, "ip_prefix")) ? -EBADMSG : 1;
}

static int read_pmacct(const json_t *o, struct sp_score_fact *fact)
{
	int rc = 0;

	if (json_object_get(o, "kind")) /* a truth in the collector's place */
		return -EBADMSG;
	if (json_object_get(o, "ip_prefix"))
		return pmacct_route(o, fact);
	if (!json_object_get(o, "packets") || !json_object_get(o, "bytes"))
		return 0;
	for (unsigned i = 0; i < PEER && !rc; i++)
		if (sp_score_fields[i].json)
			rc = put(fact, i, json_object_get(o, sp_score_fields[i].json));
	if (!rc)
		rc = put_count(fact, 0, json_object_get(o, "packets"));
	if (!rc)
		rc = put_count(fact, 1, json_object_get(o, "bytes"));
	return rc ? rc : fact->has != 0;
}

int sp_score_json_line(struct sp_score_file *f, size_t len, struct sp_score_fact *fact,
		       struct sp_err *err)
{
	bool truth = f->format == SP_SCORE_AUTO;
	json_error_t why;
	json_t *o = json_loadb(f->text, len, JSON_REJECT_DUPLICATES, &why);
	char text[240];
	int rc;

	if (!json_is_object(o)) {
		snprintf(text, sizeof text, "%s", o ? "this is no JSON object" : why.text);
		json_decref(o);
		return sp_score_bad(f, text, err);
	}
	rc = truth ? read_truth(o, fact) : read_pmacct(o, fact);
	json_decref(o);
	if (rc == 0)
		f->other++;
	if (rc >= 0)
		return rc;
	return sp_score_bad(
		f,
		truth ? "this is no line of a truth (a flow or route, as send --truth "
			"writes them)"
		      : "a value makes no sense",
		err);
}
