/* More than one user in an ordinary user's namespace: the ranges of /etc/subuid and /etc/subgid,
 * which the setuid programs newuidmap and newgidmap (package uidmap) put in place. */
#ifndef SP_LAB_SUBID_H
#define SP_LAB_SUBID_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct sp_subid {
	uint32_t first, count;
};

/* The longest range of an owner in a text like /etc/subuid ("name:100000:65536" or with the number
 * instead of the name). False: there is none. */
bool sp_subid_find(const char *text, const char *name, uint32_t id, struct sp_subid *);

/* Whether this user has ranges and the two programs are there; why says what is missing ("" when
 * nothing is). */
bool sp_subid_can(char *why, size_t cap);

/* Maps, in the user namespace of child pid: 0 to the caller and 1 to count to its ranges. False:
 * nothing was written, and one user will have to do. */
bool sp_subid_map(pid_t pid);

#endif
