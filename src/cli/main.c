#include "cli/cmd_doctor.h"
#include "cli/cmd_lab.h"

#include <stdio.h>
#include <string.h>

int main(int argc, char **argv)
{
	if (argc > 1 && !strcmp(argv[1], "lab"))
		return sp_cmd_lab(argc - 2, argv + 2);
	if (argc > 1 && !strcmp(argv[1], "doctor"))
		return sp_cmd_doctor(argc - 2, argv + 2);
	fputs("spate: which command? lab, doctor\n", stderr);
	return SP_EXIT_USAGE;
}
