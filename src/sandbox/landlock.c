#include "sandbox/part.h"

#include <errno.h>
#include <linux/landlock.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Rights by the ABI that brought them; what a kernel does not know must not be asked of it. Debian
 * 12's headers end at ABI 2. */
#define RIGHTS_1   ((UINT64_C(1) << 13) - 1)
#define REFER_2	   (UINT64_C(1) << 13)
#define TRUNCATE_3 (UINT64_C(1) << 14)

int sp_sandbox_has_landlock(void)
{
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0,
			   LANDLOCK_CREATE_RULESET_VERSION);

	return abi < 0 ? -errno : (int)abi;
}

/* All file rights are taken away; devices' ioctl stays, which terminals need. */
static uint64_t known_rights(int abi)
{
	uint64_t r = RIGHTS_1;

	r |= abi >= 2 ? REFER_2 : 0;
	return r | (abi >= 3 ? TRUNCATE_3 : 0);
}

#define IN_FOLDER                                                                              \
	(LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_READ_FILE |                        \
	 LANDLOCK_ACCESS_FS_READ_DIR | LANDLOCK_ACCESS_FS_REMOVE_FILE |                        \
	 LANDLOCK_ACCESS_FS_MAKE_REG | TRUNCATE_3)

static int allow(int rules, int dir, uint64_t rights)
{
	struct landlock_path_beneath_attr a = { .allowed_access = rights, .parent_fd = dir };

	return syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &a, 0) ? -errno
											: 0;
}

int sp_sandbox_landlock(const struct sp_sandbox_conf *conf)
{
	int abi = sp_sandbox_has_landlock(), rules, rc = 0;
	struct landlock_ruleset_attr attr;

	if (abi < 1)
		return abi;
	attr = (struct landlock_ruleset_attr){ .handled_access_fs = known_rights(abi) };
	rules = (int)syscall(SYS_landlock_create_ruleset, &attr, sizeof attr, 0);
	if (rules < 0)
		return -errno;
	for (unsigned i = 0; i < conf->n_dirs && !rc; i++)
		rc = allow(rules, conf->dirs[i], IN_FOLDER & attr.handled_access_fs);
	for (unsigned i = 0; i < conf->n_emptied && !rc; i++)
		rc = allow(rules, conf->emptied[i], LANDLOCK_ACCESS_FS_REMOVE_DIR);
	if (!rc && syscall(SYS_landlock_restrict_self, rules, 0))
		rc = -errno;
	close(rules);
	return rc ? rc : abi;
}
