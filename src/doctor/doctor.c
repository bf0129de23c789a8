#include "doctor/doctor.h"

#include "base/json.h"
#include "doctor/probe.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const struct {
	const char *name, *use;
	void (*probe)(struct sp_doctor_row *);
} probes[] = {
	{ "kernel", "everything", sp_probe_kernel },
	{ "cpus", "a worker a core", sp_probe_cpus },
	{ "clock", "pacing and time stamps", sp_probe_clock },
	{ "descriptors", "many sockets at once", sp_probe_descriptors },
	{ "udp-gso", "fast UDP sending (UDP_SEGMENT)", sp_probe_udp_gso },
	{ "udp-gro", "fast UDP receiving (UDP_GRO)", sp_probe_udp_gro },
	{ "timestamps", "arrival times of the kernel (SO_TIMESTAMPNS)", sp_probe_timestamps },
	{ "meminfo", "telling receiver drops from network loss (SO_MEMINFO)",
	  sp_probe_meminfo },
	{ "steering", "several receiving workers (SO_ATTACH_REUSEPORT_CBPF)",
	  sp_probe_steering },
	{ "receive-buffer", "receiving without drops at high rates", sp_probe_receive_buffer },
	{ "send-buffer", "sending at high rates", sp_probe_send_buffer },
	{ "af-packet", "raw frames and captures (AF_PACKET)", sp_probe_af_packet },
	{ "xdp", "raw frames at the highest rates", sp_probe_xdp },
	{ "user-namespaces", "labs as an ordinary user", sp_probe_user_namespaces },
	{ "network-namespaces", "labs", sp_probe_network_namespaces },
	{ "subuid", "more than one user in labs of ordinary users", sp_probe_subuid },
	{ "forwarder", "links of a lab that misbehave, exactly", sp_probe_forwarder },
	{ "netem", "the same in the kernel; without it the forwarder does it", sp_probe_netem },
	{ "nftables", "keeping the kernel from answering raw TCP", sp_probe_nftables },
	{ "seccomp", "giving up system calls", sp_probe_seccomp },
	{ "landlock", "giving up files", sp_probe_landlock },
};

#define N_PROBES (sizeof probes / sizeof probes[0])

unsigned sp_doctor_count(void)
{
	return N_PROBES;
}

const char *sp_doctor_state_name(enum sp_doctor_state s)
{
	static const char *const names[] = { "ok", "limited", "missing" };

	return names[s];
}

void sp_doctor_probe(unsigned i, struct sp_doctor_row *r)
{
	*r = (struct sp_doctor_row){ .name = probes[i].name, .use = probes[i].use };
	probes[i].probe(r);
}

void sp_probe_say(struct sp_doctor_row *r, enum sp_doctor_state s, const char *detail, ...)
{
	va_list ap;

	r->state = s;
	va_start(ap, detail);
	vsnprintf(r->detail, sizeof r->detail, detail, ap);
	va_end(ap);
}

void sp_probe_fix(struct sp_doctor_row *r, const char *fix, ...)
{
	va_list ap;

	va_start(ap, fix);
	vsnprintf(r->fix, sizeof r->fix, fix, ap);
	va_end(ap);
}

void sp_doctor_text(struct sp_str *out, const struct sp_doctor_row *r, unsigned n)
{
	int name = 0, state = 0;

	for (unsigned i = 0; i < n; i++) {
		int a = (int)strlen(r[i].name),
		    b = (int)strlen(sp_doctor_state_name(r[i].state));

		name = a > name ? a : name;
		state = b > state ? b : state;
	}
	for (unsigned i = 0; i < n; i++) {
		sp_str_printf(out, "%-*s  %-*s  %s\n", name, r[i].name, state,
			      sp_doctor_state_name(r[i].state), r[i].detail);
		if (r[i].state != SP_DOCTOR_OK)
			sp_str_printf(out, "%*s  for: %s\n", name + 2 + state, "", r[i].use);
		if (r[i].fix[0])
			sp_str_printf(out, "%*s  fix: %s\n", name + 2 + state, "", r[i].fix);
	}
}

void sp_doctor_json(struct sp_str *out, const struct sp_doctor_row *r, unsigned n)
{
	struct sp_json j;

	sp_json_init(&j, out, 2);
	sp_json_open(&j, NULL, '{');
	sp_json_u64(&j, "schema", 1);
	sp_json_open(&j, "checks", '[');
	for (unsigned i = 0; i < n; i++) {
		sp_json_open(&j, NULL, '{');
		sp_json_str(&j, "name", r[i].name);
		sp_json_str(&j, "state", sp_doctor_state_name(r[i].state));
		sp_json_str(&j, "detail", r[i].detail);
		sp_json_str(&j, "use", r[i].use);
		sp_json_str(&j, "fix", r[i].fix[0] ? r[i].fix : NULL);
		sp_json_close(&j, '}');
	}
	sp_json_close(&j, ']');
	sp_json_close(&j, '}');
	sp_str_puts(out, "\n");
}
