/* Gives each file of a folder to a fuzz target: what once was found stays mended. Output: TAP.
 * A target that fails aborts, which the test harness reports. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define FILE_MAX (1u << 20)

static int replay_file(const char *folder, const char *name)
{
	uint8_t *whole = malloc(FILE_MAX), *exact = NULL;
	char path[1024];
	FILE *f = NULL;
	size_t n;
	int r = -1;

	snprintf(path, sizeof path, "%s/%s", folder, name);
	f = fopen(path, "rb");
	if (!whole || !f)
		goto out;
	n = fread(whole, 1, FILE_MAX, f);
	/* A block of its exact size, so that a sanitizer sees each byte too far. */
	exact = malloc(n ? n : 1);
	if (!exact || ferror(f))
		goto out;
	memcpy(exact, whole, n);
	LLVMFuzzerTestOneInput(exact, n);
	r = 0;
out:
	if (f)
		fclose(f);
	free(exact);
	free(whole);
	return r;
}

int main(int argc, char **argv)
{
	DIR *dir = argc == 2 ? opendir(argv[1]) : NULL;
	const struct dirent *e;
	unsigned n = 0, failed = 0;

	if (!dir) {
		printf("Bail out! usage: replay FOLDER\n");
		return 2;
	}
	while ((e = readdir(dir))) {
		if (e->d_name[0] == '.')
			continue;
		if (replay_file(argv[1], e->d_name)) {
			printf("not ");
			failed++;
		}
		printf("ok %u - %s\n", ++n, e->d_name);
		fflush(stdout);
	}
	closedir(dir);
	printf("1..%u\n", n);
	return failed || !n;
}
