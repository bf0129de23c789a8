/* Man pages in the macros of man(7). */
#include <ctype.h>
#include <string.h>

#include "cli/help.h"

/* Text between macros: what troff would take for its own is escaped. A hyphen is a minus here,
 * so that options can be copied. */
static void put_text(struct sp_str *out, const char *text, size_t len)
{
	bool line_start = out->len == 0 || out->text[out->len - 1] == '\n';

	for (size_t i = 0; i < len; i++) {
		char c = text[i];

		if (line_start && (c == '.' || c == '\''))
			sp_str_puts(out, "\\&");
		line_start = c == '\n';
		if (c == '\\')
			sp_str_puts(out, "\\e");
		else if (c == '-')
			sp_str_puts(out, "\\-");
		else if (c == '\'')
			sp_str_puts(out, "\\(aq");
		else if (c == '~')
			sp_str_puts(out, "\\(ti");
		else
			sp_str_put(out, &c, 1);
	}
}

static void put_line(struct sp_str *out, const char *text)
{
	put_text(out, text, strlen(text));
	sp_str_puts(out, "\n");
}

static void put_paragraphs(struct sp_str *out, const char *text)
{
	while (*text) {
		size_t n = strcspn(text, "\n");

		put_text(out, text, n);
		text += n + (text[n] == '\n');
		sp_str_puts(out, *text ? "\n.PP\n" : "\n");
	}
}

/* Upper case letters and digits only: "SPATE\-SEND". */
static void put_title(struct sp_str *out, const char *name, const char *version)
{
	sp_str_puts(out, ".TH SPATE");
	if (name)
		sp_str_puts(out, "\\-");
	for (; name && *name; name++) {
		char c = (char)toupper((unsigned char)*name);

		sp_str_put(out, *name == ' ' ? "\\-" : &c, *name == ' ' ? 2 : 1);
	}
	sp_str_printf(out, " 1 \"\" \"spate %s\" \"User Commands\"\n", version);
}

static void put_usage(struct sp_str *out, const struct sp_cli_command *c)
{
	const char *line = c->usage;

	sp_str_puts(out, ".SH SYNOPSIS\n.nf\n");
	while (*line) {
		size_t n = strcspn(line, "\n");

		sp_str_puts(out, "\\fBspate ");
		put_text(out, c->name, strlen(c->name));
		sp_str_puts(out, "\\fR ");
		put_text(out, line, n);
		sp_str_puts(out, "\n");
		line += n + (line[n] == '\n');
	}
	sp_str_puts(out, ".fi\n");
}

static void put_flag(struct sp_str *out, const struct sp_flag *f)
{
	const char *p = f->spell;

	sp_str_puts(out, ".TP\n");
	while (*p) {
		size_t n = strcspn(p, ",");

		sp_str_puts(out, "\\fB");
		put_text(out, p, n);
		sp_str_puts(out, "\\fR");
		p += n;
		if (*p == ',') {
			sp_str_puts(out, ", ");
			p += 1 + strspn(p + 1, " ");
		}
	}
	if (f->meta) {
		sp_str_puts(out, " \\fI");
		put_text(out, f->meta, strlen(f->meta));
		sp_str_puts(out, "\\fR");
	}
	sp_str_puts(out, "\n");
	put_line(out, f->help);
}

static void put_flags(struct sp_str *out, const struct sp_flag *f)
{
	const char *group = NULL;

	for (; f && f->spell; f++) {
		if (!group || strcmp(group, f->group) != 0) {
			sp_str_puts(out, ".SS ");
			put_line(out, f->group);
		}
		group = f->group;
		put_flag(out, f);
	}
}

/* The name of a page: "spate\-capture\-summary". */
static void put_page(struct sp_str *out, const char *name)
{
	sp_str_puts(out, "spate\\-");
	for (; *name; name++)
		sp_str_put(out, *name == ' ' ? "\\-" : name, *name == ' ' ? 2 : 1);
}

static void put_verbs(struct sp_str *out, const struct sp_cli_command *c)
{
	if (c->verbs)
		sp_str_puts(out, ".SH VERBS\n");
	for (size_t i = 0; c->verbs && c->verbs[i]; i++) {
		sp_str_puts(out, ".TP\n.BR ");
		put_page(out, c->verbs[i]->name);
		sp_str_puts(out, " (1)\n");
		put_line(out, c->verbs[i]->summary);
	}
}

void sp_man_command(struct sp_str *out, const struct sp_cli_command *c, const char *version)
{
	put_title(out, c->name, version);
	sp_str_puts(out, ".SH NAME\n");
	put_page(out, c->name);
	sp_str_puts(out, " \\- ");
	put_line(out, c->summary);
	put_usage(out, c);
	sp_str_puts(out, ".SH DESCRIPTION\n");
	put_paragraphs(out, c->text);
	if (c->flags && c->flags->spell)
		sp_str_puts(out, ".SH OPTIONS\n");
	put_flags(out, c->flags);
	for (const struct sp_flag *const *more = c->more; more && *more; more++)
		put_flags(out, *more);
	put_verbs(out, c);
	if (c->examples)
		sp_str_puts(out, ".SH EXAMPLES\n");
	for (const struct sp_cli_example *e = c->examples; e && e->words; e++) {
		sp_str_puts(out, ".TP\n\\fBspate ");
		put_text(out, e->words, strlen(e->words));
		sp_str_puts(out, "\\fR\n");
		put_line(out, e->what);
	}
	sp_str_puts(out, ".SH EXIT STATUS\nSee\n.BR spate (1).\n.SH SEE ALSO\n.BR spate (1)\n");
}

void sp_man_overview(struct sp_str *out, const struct sp_cli_command *table,
		     const char *version)
{
	const struct sp_cli_command *c;

	put_title(out, NULL, version);
	sp_str_puts(out,
		    ".SH NAME\nspate \\- generate, receive and measure network traffic\n"
		    ".SH SYNOPSIS\n\\fBspate\\fR \\fICOMMAND\\fR [OPTIONS] ...\n.br\n"
		    "\\fBspate \\-\\-version\\fR\n.SH DESCRIPTION\n"
		    "Sends traffic at a set rate, receives and verifies it, and reports what "
		    "was asked, sent, received and lost, with the place of each loss as far "
		    "as it is known.\n.SH COMMANDS\n");
	for (c = table; c->name; c++) {
		sp_str_printf(out, ".TP\n.BR spate\\-%s (1)\n", c->name);
		put_line(out, c->summary);
	}
	sp_str_puts(out, ".SH EXIT STATUS\n");
	for (const struct sp_exit_text *e = sp_exit_texts; e->text; e++) {
		sp_str_printf(out, ".TP\n%d\n", (int)e->code);
		put_line(out, e->text);
	}
	sp_str_puts(out,
		    ".SH ENVIRONMENT\n.TP\nSPATE_RUNS\nfolder for the folders of runs; else "
		    "$XDG_STATE_HOME/spate/runs or \\(ti/.local/state/spate/runs\n"
		    ".TP\nNO_COLOR\nwhen set, nothing is coloured\n.SH SEE ALSO\n");
	for (c = table; c->name; c++)
		sp_str_printf(out, ".BR spate\\-%s (1)%s\n", c->name, c[1].name ? "," : "");
}
