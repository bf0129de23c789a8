#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "cli/help.h"
#include "scenario/words.h"

static const struct sp_flag odd_flags[] = {
	{ "-x, --exact", SP_FLAG_NONE, NULL, "x", "yes", "First", ".starts like a macro" },
	{ "--path", SP_FLAG_VALUE, "FILE", "path", NULL, "Second",
	  "a back\\slash, 'quotes' and ~" },
	{ "--into", SP_FLAG_VALUE, "DIR", "into", NULL, "Second", "a folder" },
	{ 0 },
};

static const struct sp_cli_example examples[] = {
	{ "odd --exact", "an example" },
	{ 0 },
};

static const struct sp_cli_command odd_part = {
	.name = "odd part",
	.summary = "a part",
	.usage = "P",
	.text = "Part.",
	.flags = odd_flags,
};
static const struct sp_cli_command *const parts[] = { &odd_part, NULL };

static const struct sp_cli_command table[] = {
	{ .name = "send",
	  .summary = "send",
	  .usage = "A\nB",
	  .text = "One.\nTwo.",
	  .flags = sp_send_flags },
	{ .name = "recv",
	  .summary = "recv",
	  .usage = "C",
	  .text = "T",
	  .flags = sp_recv_flags },
	{ .name = "odd",
	  .summary = "odd",
	  .usage = "[X]",
	  .text = "'Quoted' at the start",
	  .flags = odd_flags,
	  .examples = examples },
	{ .name = "many", .summary = "many", .usage = "VERB", .text = "T", .verbs = parts },
	{ 0 },
};

static struct sp_str new_text(void)
{
	struct sp_str s;

	sp_str_init(&s, sp_mem_system());
	return s;
}

static void has(const struct sp_str *s, const char *part)
{
	if (!strstr(s->text, part))
		fail_msg("'%s' is not in:\n%s", part, s->text);
}

static void test_columns(void **state)
{
	struct sp_str s = new_text();

	(void)state;
	for (const struct sp_cli_command *c = table; c->name; c++)
		sp_help_command(&s, c);
	sp_help_overview(&s, table);
	for (const char *p = s.text; *p;) {
		size_t n = strcspn(p, "\n");

		if (n > 80)
			fail_msg("%zu columns: %.*s", n, (int)n, p);
		if (n && p[n - 1] == ' ')
			fail_msg("ends in a blank: %.*s", (int)n, p);
		p += n + (p[n] == '\n');
	}
	sp_str_fini(&s);
}

static void test_help(void **state)
{
	struct sp_str s = new_text();

	(void)state;
	sp_help_command(&s, &table[2]);
	assert_string_equal(s.text, "Usage: spate odd [X]\n\n"
				    "'Quoted' at the start\n\n"
				    "First:\n"
				    "  -x, --exact             .starts like a macro\n\n"
				    "Second:\n"
				    "  --path FILE             a back\\slash, 'quotes' and ~\n"
				    "  --into DIR              a folder\n\n"
				    "Examples:\n"
				    "  spate odd --exact\n"
				    "      an example\n");
	sp_str_clear(&s);
	sp_help_command(&s, &table[0]);
	has(&s, "Usage: spate send A\n       spate send B\n");
	has(&s, "\nOne.\n\nTwo.\n");
	for (const struct sp_flag *f = sp_send_flags; f->spell; f++)
		has(&s, f->spell);
	sp_str_clear(&s);
	sp_help_command(&s, &table[3]);
	has(&s, "\nVerbs:\n  part      a part\n");
	sp_str_clear(&s);
	sp_help_command(&s, &odd_part);
	has(&s, "Usage: spate odd part P\n");
	sp_str_clear(&s);
	sp_help_overview(&s, table);
	has(&s, "\n  odd       odd\n");
	sp_str_fini(&s);
}

static void test_man(void **state)
{
	struct sp_str s = new_text();

	(void)state;
	sp_man_command(&s, &table[2], "1.2");
	has(&s, ".TH SPATE\\-ODD 1 \"\" \"spate 1.2\" \"User Commands\"\n");
	has(&s, "\n\\&.starts like a macro\n");
	has(&s, "\n\\&\\(aqQuoted\\(aq at the start\n");
	has(&s, "a back\\eslash, \\(aqquotes\\(aq and \\(ti\n");
	has(&s, "\\fB\\-x\\fR, \\fB\\-\\-exact\\fR\n");
	has(&s, "\\fB\\-\\-path\\fR \\fIFILE\\fR\n");
	sp_str_clear(&s);
	sp_man_command(&s, &table[3], "1.2");
	has(&s, ".SH VERBS\n.TP\n.BR spate\\-odd\\-part (1)\na part\n");
	sp_str_clear(&s);
	sp_man_command(&s, &odd_part, "1.2");
	has(&s, ".TH SPATE\\-ODD\\-PART 1 ");
	has(&s, ".SH NAME\nspate\\-odd\\-part \\- a part\n");
	sp_str_clear(&s);
	sp_man_overview(&s, table, "1.2");
	has(&s, ".BR spate\\-recv (1)\n");
	for (const struct sp_exit_text *e = sp_exit_texts; e->text; e++) {
		char line[16];

		snprintf(line, sizeof line, "\n%d\n", (int)e->code);
		has(&s, line);
	}
	sp_str_fini(&s);
}

static void test_completion(void **state)
{
	struct sp_str s = new_text();

	(void)state;
	sp_completion_bash(&s, table, sp_words_values);
	has(&s, "all='send recv odd many'");
	has(&s, "\t\t--spin) words='auto never always' ;;\n");
	has(&s, "\t\t--stamp) words='auto native short off' ;;\n");
	has(&s, "\t\t-t|--target|--target-ip) return ;;\n");
	has(&s, "--path) mapfile -t COMPREPLY < <(compgen -f");
	has(&s, "--into) mapfile -t COMPREPLY < <(compgen -d");
	has(&s, "*) words='-x --exact --path --into' ;;");
	has(&s, "\tmany)\n\t\twords='part'\n");
	has(&s, "\tpart)\n\t\tcase");
	sp_str_fini(&s);
}

static void test_exit_codes_in_order(void **state)
{
	(void)state;
	for (const struct sp_exit_text *e = sp_exit_texts; e->text; e++)
		assert_true(e == sp_exit_texts || e[0].code > e[-1].code);
}

static void test_no_memory(void **state)
{
	(void)state;
	for (uint64_t i = 0;; i++) {
		struct sp_mem_test mem;
		struct sp_str s;
		bool failed;

		sp_mem_test_init(&mem, i);
		sp_str_init(&s, &mem.mem);
		sp_help_command(&s, &table[0]);
		sp_man_command(&s, &table[0], "1");
		sp_completion_bash(&s, table, sp_words_values);
		failed = s.failed;
		sp_str_fini(&s);
		assert_int_equal(mem.live, 0);
		if (!failed) {
			assert_true(i > 3);
			return;
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_columns),
		cmocka_unit_test(test_help),
		cmocka_unit_test(test_man),
		cmocka_unit_test(test_completion),
		cmocka_unit_test(test_exit_codes_in_order),
		cmocka_unit_test(test_no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
