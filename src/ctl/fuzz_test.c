/* Replays the corpus of fuzz/ctl_fuzz.c, and cuts and bends of it. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define FILE_MAX ((size_t)65536)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The corpus stands beside the sources, wherever the test is run from. */
static const char *corpus(void)
{
	static char path[4096];
	const char *end = strstr(__FILE__, "src/ctl/");

	assert_non_null(end);
	snprintf(path, sizeof path, "%.*sfuzz/corpus/ctl", (int)(end - __FILE__), __FILE__);
	return path;
}

static void test_corpus(void **state)
{
	static uint8_t data[FILE_MAX];
	struct dirent *e;
	DIR *dir = opendir(corpus());
	unsigned files = 0;

	(void)state;
	assert_non_null(dir);
	while ((e = readdir(dir))) {
		char path[5000];
		size_t n;
		FILE *f;

		if (e->d_name[0] == '.')
			continue;
		snprintf(path, sizeof path, "%s/%s", corpus(), e->d_name);
		f = fopen(path, "rb");
		assert_non_null(f);
		n = fread(data, 1, sizeof data, f);
		fclose(f);
		files++;
		for (unsigned who = 0; who < 3 && n; who++) {
			data[0] = (uint8_t)who;
			LLVMFuzzerTestOneInput(data, n);
			LLVMFuzzerTestOneInput(data, n / 2);
			data[n / 3] ^= 0x55;
			LLVMFuzzerTestOneInput(data, n);
			data[n / 3] ^= 0x55;
		}
	}
	closedir(dir);
	assert_true(files >= 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_corpus),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
