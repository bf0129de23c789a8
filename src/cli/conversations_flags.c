#include "cli/conversations_words.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/address.h"
#include "base/str.h"
#include "base/units.h"
#include "cli/cmd_conversations.h"
#include "cli/replay_ways.h"

#define WHAT "Conversations (with --as client)"
#define OUT  "Conversations: output"

const struct sp_flag sp_conversations_flags[] = {
	{ "--as", SP_FLAG_VALUE, "client", "as", NULL, WHAT,
	  "the client's side of the TCP and UDP conversations of a capture, over sockets" },
	{ "--target", SP_FLAG_VALUE, "HOST[:PORT]", "target", NULL, WHAT,
	  "the server; without a port the numbers that were recorded" },
	{ "--server-port", SP_FLAG_VALUE, "N", "port", NULL, WHAT,
	  "only conversations with servers of this port number" },
	{ "--protocol", SP_FLAG_VALUE, "NAME", "protocol", NULL, WHAT,
	  "only those over tcp, or over udp" },
	{ "--compare", SP_FLAG_VALUE, "HOW", "compare", NULL, WHAT,
	  "the answers with the recorded ones: bytes (the default), length, none" },
	{ "--times", SP_FLAG_VALUE, "HOW", "times", NULL, WHAT,
	  "answers: the client goes on as soon as the answer is there (the default); recorded: "
	  "after the pauses, and with the beginnings, of the capture" },
	{ "--await", SP_FLAG_VALUE, "WHAT", "await", NULL, WHAT,
	  "octets (the default): the client goes on when as many octets of the server (UDP: "
	  "datagrams) have come as had then; pause: or when it has said something and no more "
	  "for 200 ms, for servers whose answers have other lengths over TCP; none: it waits "
	  "for no answer" },
	{ "--timeout", SP_FLAG_VALUE, "TIME", "timeout", NULL, WHAT,
	  "how long an answer, or more of one, may take (default 10 s; UDP 2 s). A TCP "
	  "conversation ends then, one of UDP goes on" },
	{ "--connections", SP_FLAG_VALUE, "N", "connections", NULL, WHAT,
	  "so many at a time (default: as were recorded)" },
	{ "--json", SP_FLAG_NONE, NULL, "json", "yes", OUT,
	  "a document about each conversation, and nothing else, on standard output" },
	{ "--run-dir", SP_FLAG_VALUE, "DIR", "run_dir", NULL, OUT,
	  "folder for plan, events and report" },
	{ "--no-run-dir", SP_FLAG_NONE, NULL, "no_run_dir", "yes", OUT,
	  "keep nothing of the run" },
	{ "-q, --quiet", SP_FLAG_NONE, NULL, "quiet", "yes", OUT, "log errors only" },
	{ 0 },
};

static int one_of(const char *spelling, const char *value, const char *words, const char **to,
		  struct sp_err *err)
{
	size_t n = strlen(value);
	char shown[80];

	for (const char *w = words; *w; w += strcspn(w, "|") + (w[strcspn(w, "|")] == '|'))
		if (n && strcspn(w, "|") == n && !strncmp(w, value, n)) {
			*to = value;
			return 0;
		}
	sp_str_printable(shown, sizeof shown, value);
	return strchr(words, '|') ? sp_fail(err, -EINVAL, SP_EXIT_USAGE,
					    "%s: '%s' is none of %s", spelling, shown, words)
				  : sp_fail(err, -EINVAL, SP_EXIT_USAGE,
					    "%s: '%s' is not the one word there is: %s",
					    spelling, shown, words);
}

static int number(const char *spelling, const char *value, uint64_t max, uint64_t *to,
		  struct sp_err *err)
{
	char shown[80];

	if (!sp_parse_u64(value, to) && *to && *to <= max)
		return 0;
	return sp_fail(err, -EINVAL, SP_EXIT_USAGE, "%s: '%s' is no number from 1 to %" PRIu64,
		       spelling, sp_str_printable(shown, sizeof shown, value), max);
}

static int check_time(const char *spelling, const char *value, struct sp_err *err)
{
	char shown[80];
	uint64_t ns;

	if (!sp_parse_time(value, &ns) && ns)
		return 0;
	return sp_fail(err, -EINVAL, SP_EXIT_USAGE,
		       "%s: '%s' is no time, such as 500ms or 3 (seconds)", spelling,
		       sp_str_printable(shown, sizeof shown, value));
}

/* An address, a name, either with a port number behind it. */
static int read_target(struct sp_conversations_words *w, const char *spelling,
		       const char *value, struct sp_err *err)
{
	struct sp_addr bare;
	struct sp_url url;
	char shown[300];

	w->target = value;
	if (!sp_addr_parse(value, &bare) && *value != '[') {
		sp_strlcpy(w->host, value, sizeof w->host);
		return 0;
	}
	sp_str_printable(shown, sizeof shown, value);
	if (sp_url_parse(value, &url, err)) {
		sp_err_prefix(err, "%s", spelling);
		return err->code;
	}
	if (*url.scheme || *url.query || *url.path || !*url.host || url.port != url.port_last)
		return sp_fail(err, -EINVAL, SP_EXIT_USAGE,
			       "%s: '%s' is no HOST or HOST:PORT; --protocol says tcp or udp",
			       spelling, shown);
	sp_strlcpy(w->host, url.host, sizeof w->host);
	w->host_port = url.port;
	return 0;
}

static int on_file(struct sp_conversations_words *w, const char *value, struct sp_err *err)
{
	char shown[200];

	if (w->file)
		return sp_fail(err, -EINVAL, SP_EXIT_USAGE,
			       "one capture at a time; what is '%s'?",
			       sp_str_printable(shown, sizeof shown, value));
	w->file = value;
	return 0;
}

static int on_word(void *arg, const struct sp_flag *flag, const char *value,
		   const char *spelling, struct sp_err *err)
{
	struct sp_conversations_words *w = arg;
	const struct {
		const char *key, *words;
		const char **to;
	} choices[] = {
		{ "as", "client", &w->as },
		{ "protocol", "tcp|udp", &w->protocol },
		{ "compare", "bytes|length|none", &w->compare },
		{ "times", "answers|recorded", &w->times },
		{ "await", "octets|pause|none", &w->await },
	};

	if (!flag)
		return on_file(w, value, err);
	for (size_t i = 0; i < sizeof choices / sizeof *choices; i++)
		if (!strcmp(flag->key, choices[i].key))
			return one_of(spelling, value, choices[i].words, choices[i].to, err);
	if (!strcmp(flag->key, "target"))
		return read_target(w, spelling, value, err);
	if (!strcmp(flag->key, "port"))
		return number(spelling, value, 65535, &w->port, err);
	if (!strcmp(flag->key, "connections"))
		return number(spelling, value, 10000, &w->connections, err);
	if (!strcmp(flag->key, "timeout")) {
		w->timeout = value;
		return check_time(spelling, value, err);
	}
	w->json |= !strcmp(flag->key, "json");
	w->quiet |= !strcmp(flag->key, "quiet");
	w->no_run_dir |= !strcmp(flag->key, "no_run_dir");
	if (!strcmp(flag->key, "run_dir"))
		w->run_dir = value;
	return 0;
}

int sp_conversations_words_read(struct sp_conversations_words *w, int argc, char **argv,
				struct sp_err *err)
{
	int rc;

	*w = (struct sp_conversations_words){ .port = 0 };
	rc = sp_flags_parse(sp_conversations_flags, argc, argv, on_word, w, err);
	if (rc == -ENOENT)
		rc = sp_replay_explain(SP_REPLAY_CONVERSATIONS, err);
	if (!rc && !w->file)
		rc = sp_fail(err, -EINVAL, SP_EXIT_USAGE, "--as client: which capture?");
	if (!rc && !w->target)
		rc = sp_fail(err, -EINVAL, SP_EXIT_USAGE,
			     "--as client: who is the server? --target HOST[:PORT]");
	if (!rc && w->run_dir && w->no_run_dir)
		rc = sp_fail(err, -EINVAL, SP_EXIT_USAGE,
			     "--run-dir and --no-run-dir do not go together");
	return rc;
}
