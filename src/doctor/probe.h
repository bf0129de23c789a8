/* The probes, one function a row. Each sets state, detail and fix of a row that says ok. */
#ifndef SP_DOCTOR_PROBE_H
#define SP_DOCTOR_PROBE_H

#include "doctor/doctor.h"

/* probe_host.c: machine, limits, privileges */
void sp_probe_kernel(struct sp_doctor_row *);
void sp_probe_cpus(struct sp_doctor_row *);
void sp_probe_clock(struct sp_doctor_row *);
void sp_probe_descriptors(struct sp_doctor_row *);
void sp_probe_user_namespaces(struct sp_doctor_row *);
void sp_probe_network_namespaces(struct sp_doctor_row *);
void sp_probe_subuid(struct sp_doctor_row *);
void sp_probe_seccomp(struct sp_doctor_row *);
void sp_probe_landlock(struct sp_doctor_row *);

/* probe_net.c: sockets and the network in the kernel */
void sp_probe_udp_gso(struct sp_doctor_row *);
void sp_probe_udp_gro(struct sp_doctor_row *);
void sp_probe_timestamps(struct sp_doctor_row *);
void sp_probe_meminfo(struct sp_doctor_row *);
void sp_probe_steering(struct sp_doctor_row *);
void sp_probe_receive_buffer(struct sp_doctor_row *);
void sp_probe_send_buffer(struct sp_doctor_row *);
void sp_probe_af_packet(struct sp_doctor_row *);
void sp_probe_xdp(struct sp_doctor_row *);
void sp_probe_forwarder(struct sp_doctor_row *);
void sp_probe_netem(struct sp_doctor_row *);
void sp_probe_nftables(struct sp_doctor_row *);

/* Fills a row. */
void sp_probe_say(struct sp_doctor_row *, enum sp_doctor_state, const char *detail, ...)
	__attribute__((format(printf, 3, 4)));
void sp_probe_fix(struct sp_doctor_row *, const char *fix, ...)
	__attribute__((format(printf, 2, 3)));

#endif
