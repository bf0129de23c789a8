/* Replays files through a fuzz target, for builds without a fuzzer: each argument is a file or
 * a folder of files. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static int replay(const char *path)
{
	struct stat st;
	FILE *f = fopen(path, "rb");

	if (!f || fstat(fileno(f), &st)) {
		perror(path);
		return 1;
	}
	/* Of the exact size, so that a read past the end is seen. */
	uint8_t *data = malloc(st.st_size ? (size_t)st.st_size : 1);
	size_t n = data ? fread(data, 1, (size_t)st.st_size, f) : 0;
	fclose(f);
	if (!data || n != (size_t)st.st_size) {
		perror(path);
		free(data);
		return 1;
	}
	fprintf(stderr, "%s\n", path);
	LLVMFuzzerTestOneInput(data, n);
	free(data);
	return 0;
}

int main(int argc, char **argv)
{
	int bad = 0;

	for (int i = 1; i < argc; i++) {
		struct dirent **entry;
		int n = scandir(argv[i], &entry, NULL, alphasort);

		if (n < 0) {
			bad += replay(argv[i]);
			continue;
		}
		for (int k = 0; k < n; k++) {
			char path[4096];

			snprintf(path, sizeof path, "%s/%s", argv[i], entry[k]->d_name);
			if (entry[k]->d_name[0] != '.')
				bad += replay(path);
			free(entry[k]);
		}
		free(entry);
	}
	return bad != 0;
}
