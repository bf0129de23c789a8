/* Completion for bash: one function, whose cases come from the tables. */
#include <string.h>

#include "cli/help.h"

static void put_spellings(struct sp_str *out, const struct sp_flag *f)
{
	for (; f && f->spell; f++) {
		for (const char *p = f->spell; *p; p++)
			if (*p != ',')
				sp_str_put(out, p, 1);
		if (f[1].spell)
			sp_str_puts(out, " ");
	}
}

/* "-t, --target" -> "-t|--target" */
static void put_pattern(struct sp_str *out, const char *spell)
{
	for (; *spell; spell++) {
		if (*spell == ',')
			sp_str_puts(out, "|");
		else if (*spell != ' ')
			sp_str_put(out, spell, 1);
	}
}

/* What stands after a flag; false: nothing that the shell could know. */
static bool put_values(struct sp_str *out, const struct sp_flag *f,
		       const char *(*values)(const struct sp_flag *))
{
	const char *words = values(f);

	if (words) {
		sp_str_puts(out, "words='");
		for (; *words; words++)
			sp_str_put(out, *words == '|' ? " " : words, 1);
		sp_str_puts(out, "'");
	} else if (strstr(f->meta, "FILE")) {
		sp_str_puts(out, "mapfile -t COMPREPLY < <(compgen -f -- \"$cur\"); return");
	} else if (strcmp(f->meta, "DIR") == 0) {
		sp_str_puts(out, "mapfile -t COMPREPLY < <(compgen -d -- \"$cur\"); return");
	} else if (strcmp(f->meta, "DEV") == 0) {
		sp_str_puts(out, "words=$(ls /sys/class/net 2>/dev/null)");
	} else {
		return false;
	}
	return true;
}

static void put_values_of(struct sp_str *out, const struct sp_flag *f,
			  const char *(*values)(const struct sp_flag *))
{
	for (; f && f->spell; f++) {
		if (f->arg != SP_FLAG_VALUE)
			continue;
		sp_str_puts(out, "\t\t");
		put_pattern(out, f->spell);
		sp_str_puts(out, ") ");
		if (!put_values(out, f, values))
			sp_str_puts(out, "return");
		sp_str_puts(out, " ;;\n");
	}
}

static void put_command(struct sp_str *out, const struct sp_cli_command *c,
			const char *(*values)(const struct sp_flag *))
{
	sp_str_printf(out, "\t%s)\n\t\tcase \"$prev\" in\n", sp_cli_verb_name(c));
	put_values_of(out, c->flags, values);
	for (const struct sp_flag *const *more = c->more; more && *more; more++)
		put_values_of(out, *more, values);
	sp_str_puts(out, "\t\t*) words='");
	put_spellings(out, c->flags);
	for (const struct sp_flag *const *more = c->more; more && *more; more++) {
		sp_str_puts(out, " ");
		put_spellings(out, *more);
	}
	sp_str_puts(out, "' ;;\n\t\tesac\n\t\t;;\n");
}

/* Its verbs, then what belongs to the one that is there. */
static void put_verbs(struct sp_str *out, const struct sp_cli_command *c,
		      const char *(*values)(const struct sp_flag *))
{
	sp_str_printf(out, "\t%s)\n\t\twords='", c->name);
	for (size_t i = 0; c->verbs[i]; i++)
		sp_str_printf(out, "%s%s", i ? " " : "", sp_cli_verb_name(c->verbs[i]));
	sp_str_puts(out, "'\n\t\tif [[ $COMP_CWORD -gt 2 ]]; then\n"
			 "\t\tcase \"${COMP_WORDS[2]}\" in\n");
	for (size_t i = 0; c->verbs[i]; i++)
		put_command(out, c->verbs[i], values);
	sp_str_puts(out, "\t\tesac\n\t\tfi\n\t\t;;\n");
}

void sp_completion_bash(struct sp_str *out, const struct sp_cli_command *table,
			const char *(*values)(const struct sp_flag *))
{
	const struct sp_cli_command *c;

	sp_str_puts(out, "# bash completion for spate\n"
			 "_spate()\n{\n\tlocal cur=${COMP_WORDS[COMP_CWORD]}\n"
			 "\tlocal prev=${COMP_WORDS[COMP_CWORD-1]} words='' all='");
	for (c = table; c->name; c++)
		sp_str_printf(out, "%s%s", c == table ? "" : " ", c->name);
	sp_str_puts(out, "'\n\tif [[ $COMP_CWORD -eq 1 ]]; then\n"
			 "\t\tmapfile -t COMPREPLY < <(compgen -W \"$all --help --version\" -- "
			 "\"$cur\")\n\t\treturn\n\tfi\n"
			 "\tif [[ ${COMP_WORDS[1]} == help && $cur != -* ]]; then\n"
			 "\t\tmapfile -t COMPREPLY < <(compgen -W \"$all\" -- \"$cur\")\n"
			 "\t\treturn\n\tfi\n\tcase \"${COMP_WORDS[1]}\" in\n");
	for (c = table; c->name; c++)
		(c->verbs ? put_verbs : put_command)(out, c, values);
	sp_str_puts(out, "\tesac\n"
			 "\tmapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$cur\")\n}\n"
			 "complete -F _spate spate\n");
}
