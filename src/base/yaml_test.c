#include "base/yaml.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"

static struct sp_yaml read_ok(const char *text)
{
	struct sp_err err = { 0 };
	struct sp_yaml doc;

	if (sp_yaml_parse(&doc, "t.yaml", text, strlen(text), sp_mem_system(), &err))
		fail_msg("%s", err.text);
	return doc;
}

static void refuse_bytes(const char *text, size_t len, const char *sentence)
{
	struct sp_err err = { 0 };
	struct sp_yaml doc;

	assert_int_equal(sp_yaml_parse(&doc, "t.yaml", text, len, sp_mem_system(), &err),
			 -EINVAL);
	assert_string_equal(err.text, sentence);
	assert_int_equal(err.exit, SP_EXIT_DATA);
	/* Nobody has to want the sentence. */
	assert_int_equal(sp_yaml_parse(&doc, "t.yaml", text, len, sp_mem_system(), NULL),
			 -EINVAL);
}

static void refuse(const char *text, const char *sentence)
{
	refuse_bytes(text, strlen(text), sentence);
}

static void test_tree(void **state)
{
	struct sp_yaml doc = read_ok("# comment\n"
				     "name: \"a\\tb\"\n"
				     "\xc3\xa9t\xc3\xa9: [x, 'y', {z: }]\n"
				     "text: |\n"
				     "  one\n"
				     "  two\n");
	const struct sp_yaml_node *root = doc.root, *list, *node;
	char place[256];

	(void)state;
	assert_int_equal(root->kind, SP_YAML_MAP);
	assert_int_equal(root->n, 3);
	assert_int_equal(root->height, 3);
	assert_int_equal(root->weight, 12);
	node = sp_yaml_get(root, "name");
	assert_string_equal(node->text, "a\tb");
	assert_false(node->plain);
	assert_string_equal(sp_yaml_place(&doc, node, place, sizeof place), "t.yaml:2:7");
	list = sp_yaml_get(root, "\xc3\xa9t\xc3\xa9");
	assert_int_equal(list->kind, SP_YAML_LIST);
	assert_int_equal(list->n, 3);
	/* Columns count characters. */
	assert_string_equal(sp_yaml_place(&doc, list, place, sizeof place), "t.yaml:3:6");
	assert_null(list->items->key);
	assert_true(list->items->value->plain);
	assert_string_equal(list->items->next->value->text, "y");
	node = list->items->next->next->value;
	assert_true(sp_yaml_is_null(sp_yaml_get(node, "z")));
	assert_null(list->items->next->next->next);
	assert_string_equal(sp_yaml_get(root, "text")->text, "one\ntwo\n");
	assert_null(sp_yaml_get(root, "none"));
	assert_null(sp_yaml_get(list, "none"));
	assert_true(sp_yaml_is_null(NULL));
	sp_yaml_free(&doc);
}

static void test_empty(void **state)
{
	(void)state;
	for (int i = 0; i < 3; i++) {
		static const char *const texts[] = { "", "# only this\n", "---\n...\n" };
		struct sp_yaml doc = read_ok(texts[i]);

		assert_true(sp_yaml_is_null(doc.root));
		assert_int_equal(doc.root->n, 0);
		sp_yaml_free(&doc);
	}
	struct sp_yaml doc = read_ok("\xef\xbb\xbf"
				     "a: \"\"");
	assert_false(sp_yaml_is_null(sp_yaml_get(doc.root, "a")));
	sp_yaml_free(&doc);
}

static void test_alias(void **state)
{
	struct sp_yaml doc = read_ok("a: &x [1, 2]\nb: *x\nc: &x 3\nd: *x\n");

	(void)state;
	assert_ptr_equal(sp_yaml_get(doc.root, "a"), sp_yaml_get(doc.root, "b"));
	assert_string_equal(sp_yaml_get(doc.root, "d")->text, "3");
	assert_int_equal(doc.root->weight, 1 + 4 + 3 + 3 + 1 + 1);
	sp_yaml_free(&doc);
	refuse("a: *x\n",
	       "t.yaml:1:4: there is no anchor 'x' before this alias; write &x where "
	       "the value stands first");
	refuse("a: &x [1, *x]\n",
	       "t.yaml:1:11: the alias 'x' stands inside its own anchor, which "
	       "never ends; write the value out");
}

static void test_bombs(void **state)
{
	char text[4096] = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n";
	struct sp_err err = { 0 };
	struct sp_yaml doc;

	(void)state;
	for (int i = 1; i < 10; i++) {
		size_t n = strlen(text);

		n += (size_t)snprintf(text + n, sizeof text - n, "a%d: &a%d [", i, i);
		for (int k = 0; k < 10; k++)
			n += (size_t)snprintf(text + n, sizeof text - n, "%s*a%d", k ? "," : "",
					      i - 1);
		snprintf(text + n, sizeof text - n, "]\n");
	}
	assert_int_equal(
		sp_yaml_parse(&doc, "t.yaml", text, strlen(text), sp_mem_system(), &err),
		-EINVAL);
	assert_non_null(strstr(err.text, "t.yaml:5:"));
	assert_non_null(strstr(err.text, "more than 100000 keys and values"));
	text[0] = 0;
	for (int i = 0; i < 65; i++) {
		size_t n = strlen(text);

		snprintf(text + n, sizeof text - n, "k%d: &a%d x\n", i, i);
	}
	refuse(text,
	       "t.yaml:65:6: the document has more than 64 anchors; write the values out");
}

static void test_depth(void **state)
{
	char text[200];

	(void)state;
	memset(text, '[', 32);
	memset(text + 32, ']', 32);
	text[64] = 0;
	struct sp_yaml doc = read_ok(text);
	assert_int_equal(doc.root->height, 32);
	sp_yaml_free(&doc);
	memset(text, '[', 33);
	refuse(text, "t.yaml:1:33: maps and lists are nested deeper than 32; make it flatter");
	/* Not by an alias either. */
	refuse("a: &a [[[[[[[[[[]]]]]]]]]]\nb: &b [[[[[[[[[[*a]]]]]]]]]]\nc: [[[[[[[[[[[[*b]]]]]]]]]]]]",
	       "t.yaml:3:16: maps and lists are nested deeper than 32; make it flatter");
}

static void test_duplicates(void **state)
{
	(void)state;
	refuse("a: 1\nb: 2\n'a': 3\nb: 4\n",
	       "t.yaml:3:1: the key 'a' is given twice, first in line 1; leave one of them");
	refuse("x: {a: 1, b: 2, a: 3}",
	       "t.yaml:1:17: the key 'a' is given twice, first in line 1; leave one of them");
	struct sp_yaml doc = read_ok("x: {a: 1}\ny: {a: 1}\na: 1\nA: 2\n");
	sp_yaml_free(&doc);
}

static void test_shape(void **state)
{
	(void)state;
	refuse("a: 1\n---\nb: 2\n",
	       "t.yaml:2:1: a second document begins; put each into a file of its own");
	refuse("a: !!str 1\n",
	       "t.yaml:1:4: a tag (such as !!str) has no meaning here; leave it "
	       "out, and put texts in quotes");
	refuse("a: !x [1]\n", "t.yaml:1:4: a tag (such as !!str) has no meaning here; leave it "
			      "out, and put texts in quotes");
	refuse("{a: 1}: 2\n", "t.yaml:1:1: a map or a list cannot be a key; write key: value, "
			      "and quote a key that holds brackets or braces");
	refuse("a: \"x\\0y\"\n", "t.yaml:1:4: a text holds the character \\0; leave it out");
}

static void test_syntax(void **state)
{
	(void)state;
	refuse("a: b: c\n",
	       "t.yaml:1:5: this is not YAML: mapping values are not allowed in this "
	       "context; put a value that holds ': ' in quotes, and check the "
	       "indentation");
	refuse("a:\n\tb: 1\n",
	       "t.yaml:2:1: this is not YAML: found character that cannot start any token while "
	       "scanning for the next token that begins in line 2; indent with spaces and not "
	       "with tabs, and put a value that begins with @, ` or % in quotes");
	refuse("a: [1, 2\nb: 3\n",
	       "t.yaml:2:2: this is not YAML: did not find expected ',' or ']' while parsing a "
	       "flow sequence that begins in line 1; close the list with ] and put commas "
	       "between its items");
	refuse("a: \"never\nclosed",
	       "t.yaml:2:7: this is not YAML: found unexpected end of stream "
	       "while scanning a quoted scalar that begins in line 1; close "
	       "the quotes");
	refuse("a: 1\n  b: 2\n c: 3\n",
	       "t.yaml:2:4: this is not YAML: mapping values are not allowed in this context; put "
	       "a value that holds ': ' in quotes, and check the indentation");
	refuse("- a\nb: 1\n",
	       "t.yaml:2:1: this is not YAML: did not find expected '-' indicator while parsing a "
	       "block collection that begins in line 1; check the indentation here and in the "
	       "lines before");
}

static void test_bytes(void **state)
{
	char *big = malloc(SP_YAML_BYTES + 1);

	(void)state;
	refuse("a: b\nc: \xe9\n", "t.yaml:2:4: byte 0xe9 is not UTF-8; save the file as UTF-8");
	refuse("\xff\xfe"
	       "a",
	       "t.yaml:1:1: byte 0xff is not UTF-8; save the file as UTF-8");
	refuse_bytes("a: \0", 4, "t.yaml:1:4: a byte is 0; save the file as UTF-8 text");
	refuse("\xc3\xa9: \x1b[0m",
	       "t.yaml:1:4: the character U+001B may not stand in YAML; in "
	       "double quotes write it as \"\\u001B\"");
	refuse("a: \xed\xa0\x80", "t.yaml:1:4: byte 0xed is not UTF-8; save the file as UTF-8");
	refuse("a\r\nb\rc \x7f", "t.yaml:3:3: the character U+007F may not stand in YAML; in "
				 "double quotes write it as \"\\u007F\"");
	assert_non_null(big);
	memset(big, '#', SP_YAML_BYTES + 1);
	refuse_bytes(
		big, SP_YAML_BYTES + 1,
		"t.yaml:1:1: the document is larger than 1048576 bytes; cut it into smaller "
		"ones");
	free(big);
}

/* Each is as much as the limits let in, and must neither take long nor much. */
static void test_large(void **state)
{
	static const struct {
		const char *text;
		bool fits;
	} unit[] = {
		{ "-", true },	   { "'", true },  { "[]\n- ", false }, { "- a\n", false },
		{ "? \n", false }, { "{", false }, { "&a ", false },	{ "x: y\n", false }
	};
	char *text = malloc(SP_YAML_BYTES);

	(void)state;
	assert_non_null(text);
	for (size_t i = 0; i < sizeof unit / sizeof *unit; i++) {
		struct sp_err err = { 0 };
		struct sp_yaml doc;
		size_t n = strlen(unit[i].text), len = SP_YAML_BYTES / n * n;

		for (size_t at = 0; at < len; at += n)
			memcpy(text + at, unit[i].text, n);
		int rc = sp_yaml_parse(&doc, "t.yaml", text, len, sp_mem_system(), &err);
		assert_int_equal(rc, unit[i].fits ? 0 : -EINVAL);
		if (rc)
			assert_int_equal(strncmp(err.text, "t.yaml:", 7), 0);
		else
			sp_yaml_free(&doc);
	}
	/* 49,999 different keys. */
	size_t n = 0;
	for (unsigned k = 0; k < 49999; k++)
		n += (size_t)sprintf(text + n, "k%u: %u\n", (k * 7919u) % 49999u, k);
	struct sp_err err = { 0 };
	struct sp_yaml doc;
	assert_int_equal(sp_yaml_parse(&doc, "t.yaml", text, n, sp_mem_system(), &err), 0);
	assert_int_equal(doc.root->n, 49999);
	sp_yaml_free(&doc);
	free(text);
}

/* ---- getters ---- */

struct link {
	uint64_t delay_ns, n;
	struct sp_rate rate;
	double loss;
	bool down;
	const char *text;
};

static const struct sp_opt link_rows[] = {
	{ "delay", SP_OPT_TIME, offsetof(struct link, delay_ns), NULL, NULL, 0, 1000000000,
	  "" },
	{ "n", SP_OPT_U64, offsetof(struct link, n), NULL, NULL, 2, 0, "" },
	{ "rate", SP_OPT_RATE, offsetof(struct link, rate), NULL, NULL, 0, 0, "" },
	{ "loss", SP_OPT_RATIO, offsetof(struct link, loss), NULL, NULL, 0, 0, "" },
	{ "down", SP_OPT_BOOL, offsetof(struct link, down), NULL, NULL, 0, 0, "" },
	{ "text", SP_OPT_TEXT, offsetof(struct link, text), NULL, NULL, 0, 0, "" },
	{ .name = NULL },
};
static const char *const link_words[] = { "name", "ends", NULL };

static void test_rows(void **state)
{
	struct sp_yaml doc = read_ok("name: l\ndelay: 20ms\nn: 3\nrate: 10Mbit/s\nloss: 1%\n"
				     "down: true\ntext: ''\n");
	struct link l = { 0 };
	struct sp_err err = { 0 };
	const char *name;

	(void)state;
	assert_int_equal(sp_yaml_known(&doc, doc.root, link_words, link_rows, &err), 0);
	assert_int_equal(sp_yaml_set_all(&doc, doc.root, link_rows, &l, &doc.arena, &err), 0);
	assert_int_equal(l.delay_ns, 20000000);
	assert_int_equal(l.n, 3);
	assert_int_equal(l.rate.micro, 10000000ull * 1000000);
	assert_true(l.loss > 0.0099 && l.loss < 0.0101);
	assert_true(l.down);
	assert_string_equal(l.text, "");
	assert_int_equal(sp_yaml_value(&doc, sp_yaml_get(doc.root, "name"), "name", SP_OPT_TEXT,
				       &name, &err),
			 0);
	assert_string_equal(name, "l");
	l.n = 0;
	assert_int_equal(
		sp_yaml_value(&doc, sp_yaml_get(doc.root, "n"), "n", SP_OPT_U64, &l.n, &err),
		0);
	assert_int_equal(l.n, 3);
	sp_yaml_free(&doc);
}

static void wrong_row(const char *text, const char *sentence)
{
	struct sp_yaml doc = read_ok(text);
	struct link l = { 0 };
	struct sp_err err = { 0 };
	int rc = sp_yaml_known(&doc, doc.root, link_words, link_rows, &err);

	if (!rc)
		rc = sp_yaml_set_all(&doc, doc.root, link_rows, &l, &doc.arena, &err);
	assert_true(rc < 0);
	assert_string_equal(err.text, sentence);
	assert_int_equal(err.exit, SP_EXIT_DATA);
	sp_yaml_free(&doc);
}

static void test_wrong_rows(void **state)
{
	(void)state;
	wrong_row("naem: l\n", "t.yaml:1:1: unknown key 'naem'; did you mean 'name'?");
	wrong_row("name: l\ndealy: 1\n",
		  "t.yaml:2:1: unknown key 'dealy'; did you mean 'delay'?");
	wrong_row("zzz: 1",
		  "t.yaml:1:1: unknown key 'zzz'; there are: name, ends, delay, n, rate, "
		  "loss, down, text");
	wrong_row("delay: NaN\n",
		  "t.yaml:1:8: delay: 'NaN' is not a time (such as 500ms, 10 or 2m)");
	wrong_row("delay: 2s\n", "t.yaml:1:8: delay: must be at most 1s");
	wrong_row("n: -1\n", "t.yaml:1:4: n: '-1' is not a count (such as 1000, 50k or 1.5M)");
	wrong_row("loss: 101%\n", "t.yaml:1:7: loss: '101%' is not between 0 and 1 (100%)");
	wrong_row("rate: [1]\n", "t.yaml:1:7: rate: a value is expected here, not a list");
	wrong_row("rate:\n", "t.yaml:1:6: rate: a value is expected here, not nothing");
	wrong_row("down: ~\n", "t.yaml:1:7: down: a value is expected here, not nothing");
}

static void test_want(void **state)
{
	struct sp_yaml doc = read_ok("m: {}\nl: []\ns: x\n");
	struct sp_err err = { 0 };

	(void)state;
	assert_int_equal(sp_yaml_want(&doc, sp_yaml_get(doc.root, "m"), SP_YAML_MAP, "m", &err),
			 0);
	assert_int_equal(
		sp_yaml_want(&doc, sp_yaml_get(doc.root, "l"), SP_YAML_LIST, "l", &err), 0);
	assert_int_equal(
		sp_yaml_want(&doc, sp_yaml_get(doc.root, "s"), SP_YAML_LIST, "s", &err),
		-EINVAL);
	assert_string_equal(err.text, "t.yaml:3:4: s: a list ([a, b], or lines with '- ') is "
				      "expected here, not a value");
	assert_int_equal(sp_yaml_want(&doc, sp_yaml_get(doc.root, "l"), SP_YAML_MAP, "l", &err),
			 -EINVAL);
	assert_string_equal(err.text,
			    "t.yaml:2:4: l: a map (lines with 'key: value') is expected "
			    "here, not a list");
	sp_yaml_free(&doc);
}

/* ---- files and memory ---- */

static void test_files(void **state)
{
	char dir[] = "/tmp/spate-yaml-XXXXXX", path[64];
	struct sp_err err = { 0 };
	struct sp_yaml doc;
	struct sp_str big;

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof path, "%s/a.yaml", dir);
	assert_int_equal(sp_yaml_read(&doc, path, sp_mem_system(), &err), -ENOENT);
	assert_int_equal(err.exit, SP_EXIT_NOINPUT);
	assert_non_null(strstr(err.text, "a.yaml: No such file or directory"));
	assert_int_equal(sp_yaml_read(&doc, dir, sp_mem_system(), &err), -EISDIR);
	assert_int_equal(err.exit, SP_EXIT_NOINPUT);
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	fputs("a: 1\n", f);
	fclose(f);
	assert_int_equal(sp_yaml_read(&doc, path, sp_mem_system(), &err), 0);
	assert_string_equal(doc.name, path);
	assert_string_equal(sp_yaml_get(doc.root, "a")->text, "1");
	sp_yaml_free(&doc);
	sp_str_init(&big, sp_mem_system());
	assert_int_equal(sp_file_read(&big, path, 4, &err), -EFBIG);
	assert_int_equal(err.exit, SP_EXIT_DATA);
	assert_int_equal(sp_file_read(&big, path, 5, &err), 0);
	assert_int_equal(sp_file_read(&big, path, 5, &err), 0);
	assert_string_equal(big.text, "a: 1\na: 1\n");
	sp_str_fini(&big);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(rmdir(dir), 0);
}

static void test_no_memory(void **state)
{
	static const char text[] = "a: &x [1, {b: 2, c: 3}]\nd: *x\n";

	(void)state;
	for (uint64_t n = 0;; n++) {
		struct sp_mem_test t;
		struct sp_yaml doc;
		struct sp_err err = { 0 };

		sp_mem_test_init(&t, n);
		int rc = sp_yaml_parse(&doc, "t.yaml", text, sizeof text - 1, &t.mem, &err);
		if (!rc)
			sp_yaml_free(&doc);
		else
			assert_int_equal(rc, -ENOMEM);
		assert_int_equal(t.live, 0);
		if (!rc)
			return;
		assert_int_equal(err.exit, SP_EXIT_FAILED);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tree),	  cmocka_unit_test(test_empty),
		cmocka_unit_test(test_alias),	  cmocka_unit_test(test_bombs),
		cmocka_unit_test(test_depth),	  cmocka_unit_test(test_duplicates),
		cmocka_unit_test(test_shape),	  cmocka_unit_test(test_syntax),
		cmocka_unit_test(test_bytes),	  cmocka_unit_test(test_large),
		cmocka_unit_test(test_rows),	  cmocka_unit_test(test_wrong_rows),
		cmocka_unit_test(test_want),	  cmocka_unit_test(test_files),
		cmocka_unit_test(test_no_memory),
	};

	return cmocka_run_group_tests_name("base/yaml", tests, NULL, NULL);
}
