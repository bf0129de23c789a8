/* Files of lines, and nfdump's CSV. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/address.h"
#include "base/prefix.h"
#include "base/units.h"
#include "capture/score_impl.h"

enum { KIND_ADDR, KIND_NUMBER, KIND_PROTO, KIND_FLAGS, KIND_PREFIX };

const struct sp_score_field sp_score_fields[SP_SCORE_FIELDS] = {
	{ "src", "sa", "ip_src", KIND_ADDR },
	{ "dst", "da", "ip_dst", KIND_ADDR },
	{ "src_port", "sp", "port_src", KIND_NUMBER },
	{ "dst_port", "dp", "port_dst", KIND_NUMBER },
	{ "proto", "pr", "ip_proto", KIND_PROTO },
	{ "tos", "stos", "tos", KIND_NUMBER },
	{ "flags", "flg", NULL, KIND_FLAGS },
	{ "in", "in", "iface_in", KIND_NUMBER },
	{ "out", "out", "iface_out", KIND_NUMBER },
	{ "src_as", "sas", "as_src", KIND_NUMBER },
	{ "dst_as", "das", "as_dst", KIND_NUMBER },
	{ "peer", NULL, NULL, KIND_ADDR },
	{ "prefix", NULL, NULL, KIND_PREFIX },
};

int sp_score_bad(const struct sp_score_file *f, const char *what, struct sp_err *err)
{
	return sp_fail(err, -EBADMSG, SP_EXIT_DATA, "%s:%u: %s", f->path, f->line, what);
}

/* ---- values ---- */

static int put_proto(char *out, const char *text)
{
	static const struct {
		const char *name;
		unsigned number;
	} names[] = { { "icmp", 1 }, { "igmp", 2 },   { "tcp", 6 },    { "udp", 17 },
		      { "gre", 47 }, { "icmp6", 58 }, { "sctp", 132 }, { "ipv6-icmp", 58 } };
	uint64_t n = 0;
	bool known = false;

	for (size_t i = 0; i < sizeof names / sizeof *names && !known; i++) {
		known = sp_str_ieq(text, names[i].name);
		n = names[i].number;
	}
	if (!known && (sp_parse_u64(text, &n) || n > 255))
		return -EBADMSG;
	snprintf(out, 64, "%u", (unsigned)n);
	return 0;
}

/* A number, or nfdump's letters CEUAPRSF, dots where a bit is not set. */
static int put_flags(char *out, const char *text)
{
	unsigned bits = 0;
	uint64_t n;

	if (!sp_parse_u64(text, &n)) {
		bits = (unsigned)n;
	} else {
		if (strlen(text) != 8)
			return -EBADMSG;
		for (unsigned i = 0; i < 8; i++)
			bits |= text[i] == '.' ? 0 : 0x80u >> i;
	}
	snprintf(out, 64, "%u", bits);
	return 0;
}

static int put_prefix(char *out, const char *text)
{
	struct sp_prefix p;
	char addr[64];

	if (sp_prefix_parse(text, &p))
		return -EBADMSG;
	snprintf(out, 64, "%.45s/%u", sp_addr_format(addr, sizeof addr, &p.addr), p.len);
	return 0;
}

int sp_score_put(struct sp_score_fact *fact, unsigned field, const char *text)
{
	char *out = fact->value[field];
	struct sp_addr a;
	uint64_t n;
	int rc = 0;

	switch (sp_score_fields[field].kind) {
	case KIND_ADDR:
		rc = sp_addr_parse(text, &a);
		if (!rc)
			sp_addr_format(out, 64, &a);
		break;
	case KIND_PROTO:
		rc = put_proto(out, text);
		break;
	case KIND_FLAGS:
		rc = put_flags(out, text);
		break;
	case KIND_PREFIX:
		rc = put_prefix(out, text);
		break;
	default:
		rc = sp_parse_u64(text, &n);
		if (!rc)
			snprintf(out, 64, "%llu", (unsigned long long)n);
	}
	if (rc)
		return -EBADMSG;
	fact->has |= 1u << field;
	return 0;
}

/* ---- nfdump's CSV ---- */

/* Cuts the next word between commas off. */
static char *next_word(char **at)
{
	char *word = *at, *comma;

	if (!word)
		return NULL;
	word += strspn(word, " ");
	comma = strchr(word, ',');
	*at = comma ? comma + 1 : NULL;
	if (comma)
		*comma = '\0';
	return word;
}

static int column_of(const char *word)
{
	if (strcmp(word, "ipkt") == 0)
		return (int)SP_SCORE_FIELDS;
	if (strcmp(word, "ibyt") == 0)
		return (int)SP_SCORE_FIELDS + 1;
	for (unsigned i = 0; i < SP_SCORE_FIELDS; i++)
		if (sp_score_fields[i].csv && strcmp(word, sp_score_fields[i].csv) == 0)
			return (int)i;
	return -1;
}

static int read_header(struct sp_score_file *f, struct sp_err *err)
{
	char *at = f->text, *word;
	unsigned seen = 0;

	f->n_columns = 0;
	while ((word = next_word(&at)) && f->n_columns < 64) {
		f->column[f->n_columns] = column_of(word);
		seen |= f->column[f->n_columns] < 0 ? 0 : 1u << f->column[f->n_columns];
		f->n_columns++;
	}
	if (seen >> SP_SCORE_FIELDS == 3 && seen & ((1u << SP_SCORE_FIELDS) - 1))
		return 0;
	return sp_score_bad(
		f,
		"this is no header of nfdump's CSV (ts,te,td,sa,da,...,ipkt,ibyt,...); "
		"`nfdump -o csv` without -q writes one",
		err);
}

static int read_csv(struct sp_score_file *f, struct sp_score_fact *fact, struct sp_err *err)
{
	char *at = f->text, *word, text[120];
	unsigned n = 0;
	uint64_t value;

	if (strcmp(f->text, "Summary") == 0) {
		f->ended = true;
		return 0;
	}
	if (!*f->text || f->ended || strcmp(f->text, "No matched flows") == 0)
		return 0;
	if (!f->n_columns)
		return read_header(f, err);
	while ((word = next_word(&at)) && n < f->n_columns) {
		int c = f->column[n++];
		int rc = 0;

		if (c >= (int)SP_SCORE_FIELDS) {
			rc = sp_parse_u64(word, &value);
			fact->number[(unsigned)c - SP_SCORE_FIELDS] = value;
		} else if (c >= 0) {
			rc = sp_score_put(fact, (unsigned)c, word);
		}
		if (rc) {
			snprintf(text, sizeof text, "column %u makes no sense", n);
			return sp_score_bad(f, text, err);
		}
	}
	if (n < f->n_columns || word)
		return sp_score_bad(f, "it has not as many columns as the header", err);
	return 1;
}

/* ---- files ---- */

static int read_line(struct sp_score_file *f, size_t *len, struct sp_err *err)
{
	if (!fgets(f->text, SP_SCORE_LINE, f->f)) {
		if (!ferror(f->f))
			return 0;
		return sp_fail(err, -EIO, SP_EXIT_NOINPUT, "%s: cannot be read: %s", f->path,
			       strerror(errno));
	}
	f->line++;
	*len = strlen(f->text);
	if (*len + 1 == SP_SCORE_LINE && f->text[*len - 1] != '\n')
		return sp_score_bad(f, "the line is longer than 64 KiB", err);
	while (*len && (f->text[*len - 1] == '\n' || f->text[*len - 1] == '\r'))
		f->text[--*len] = '\0';
	return 1;
}

int sp_score_next(struct sp_score_file *f, struct sp_score_fact *fact, struct sp_err *err)
{
	size_t len = 0;
	int rc;

	while ((rc = read_line(f, &len, err)) > 0) {
		fact->has = 0;
		fact->route = fact->gone = false;
		fact->number[0] = fact->number[1] = fact->number[2] = 0;
		if (f->format == SP_SCORE_NFDUMP)
			rc = read_csv(f, fact, err);
		else if (f->text[strspn(f->text, " \t")])
			rc = sp_score_json_line(f, len, fact, err);
		else
			rc = 0;
		if (rc)
			return rc;
	}
	return rc;
}

int sp_score_rewind(struct sp_score_file *f, struct sp_err *err)
{
	if (fseeko(f->f, 0, SEEK_SET))
		return sp_fail(
			err, -ESPIPE, SP_EXIT_NOINPUT,
			"%s: too much for one reading, and it cannot be read again; give "
			"a regular file",
			f->path);
	clearerr(f->f);
	f->line = 0;
	f->other = 0;
	f->n_columns = 0;
	f->ended = false;
	return 0;
}

/* JSON begins with a bracket, or it is a CSV. */
void sp_score_guess(struct sp_score_file *f)
{
	int c = getc(f->f);

	f->format = c == '{' || c == EOF ? SP_SCORE_PMACCT : SP_SCORE_NFDUMP;
	if (c != EOF)
		ungetc(c, f->f);
}

int sp_score_open(struct sp_score_file *f, const char *path, enum sp_score_format format,
		  const struct sp_mem *mem, struct sp_err *err)
{
	*f = (struct sp_score_file){ .path = path, .format = format };
	f->f = fopen(path, "re");
	if (!f->f)
		return sp_fail(err, -errno, SP_EXIT_NOINPUT, "%s: cannot be read: %s", path,
			       strerror(errno));
	f->text = sp_alloc(mem, SP_SCORE_LINE);
	if (!f->text)
		return sp_fail(err, -ENOMEM, SP_EXIT_FAILED, "out of memory");
	return 0;
}

void sp_score_close(struct sp_score_file *f, const struct sp_mem *mem)
{
	if (f->f)
		fclose(f->f);
	sp_free(mem, f->text);
	*f = (struct sp_score_file){ 0 };
}
