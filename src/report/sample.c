#include "report/sample.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/clock.h"

#define PPS   1000u
#define SIZE  1024u
#define RUN_S 10u

const struct sp_report_env sp_sample_env = { .version = "0.1.0", .folder = "/runs/sample" };

static struct sp_summary times(double scale, int64_t clock_error)
{
	return (struct sp_summary){
		.known = true,
		.n = 10000,
		.min = (int64_t)(100 * scale),
		.mean = 130.4 * scale,
		.p50 = (int64_t)(128 * scale),
		.p90 = (int64_t)(151 * scale),
		.p99 = (int64_t)(210 * scale),
		.p999 = (int64_t)(1352 * scale),
		.max = (int64_t)(41120 * scale),
		.clock_error = clock_error,
	};
}

/* n units of one stream went out, the last lost of them did not arrive. */
static void fill(struct sp_measure *m, uint64_t n, uint64_t lost, unsigned streams)
{
	double pps = (double)PPS * streams;

	sp_counts_zero(&m->c);
	m->c.v[SP_C_asked_packets] = n;
	m->c.v[SP_C_tx_packets] = n;
	m->c.v[SP_C_tx_bytes] = n * SIZE;
	m->c.v[SP_C_rx_packets] = n - lost;
	m->c.v[SP_C_rx_unique] = n - lost;
	m->c.v[SP_C_rx_bytes] = (n - lost) * SIZE;
	m->c.v[SP_C_lost] = lost;
	m->c.v[SP_C_lost_network] = lost;
	m->c.v[SP_C_loss_bursts] = lost != 0;
	m->first_tx_ns = 5000000000;
	m->last_tx_ns = 5000000000 + (RUN_S * PPS - 1) * SP_NS_PER_MS;
	m->first_rx_ns = m->first_tx_ns + 12000;
	m->last_rx_ns = m->last_tx_ns + 12000;
	m->asked_pps = pps;
	m->tx_pps = pps;
	m->rx_pps = pps - 0.4 * (double)lost;
	m->tx_bps = pps * SIZE * 8;
	m->rx_bps = m->rx_pps * SIZE * 8;
	m->delay = times(100, 1200);
	m->delay_actual = times(95, 1200);
	m->rtt = (struct sp_summary){ .clock_error = -1 };
	m->late = times(1, -1);
	m->gap_error = times(0.8, -1);
	m->rx_gap_error = times(9, -1);
	m->jitter_ns = 1234.4;
	m->outage_ns = 1.0004e6;
	m->ks_departure = NAN;
	m->ks_size = NAN;
}

static void fill_flow(struct sp_sample *s, unsigned i, uint64_t n, uint64_t lost)
{
	struct sp_flow_result *f = &s->flows[i];

	f->id = 0x1000 + i;
	f->stream = s->names[i];
	snprintf(f->src, sizeof f->src, "10.99.0.1:%u", 40000 + i % 20000);
	snprintf(f->dst, sizeof f->dst, "10.99.0.2:5001");
	f->proto = "udp";
	f->unit = "datagram";
	f->ended = true;
	fill(&f->m, n, lost, 1);
	f->m.delay.coarse = true;
}

static void fill_surroundings(struct sp_sample *s)
{
	struct sp_result *r = &s->result;

	s->transports[0] = (struct sp_transport_result){
		.name = "tx0",
		.transport = "udp",
		.where = "10.99.0.1",
		.road = "sendmmsg + UDP_SEGMENT",
		.rx_clock = NULL,
		.offloaded = true,
		.s = { .tx_calls = 1250,
		       .tx_units = 2500,
		       .tx_msgs = 10000,
		       .tx_bytes = 10240000,
		       .tx_blocked = 3,
		       .max_seg = 64 },
	};
	s->transports[1] = (struct sp_transport_result){
		.name = "rx0",
		.transport = "udp",
		.where = "10.99.0.2:5001",
		.road = "recvmmsg + UDP_GRO",
		.rx_clock = "kernel",
		.s = { .rx_calls = 5000,
		       .rx_units = 9998,
		       .rx_msgs = 9998,
		       .rx_bytes = 10237952,
		       .rx_dropped_known = true,
		       .max_seg = 1 },
	};
	r->transports = s->transports;
	r->n_transports = 2;
	s->remarks[0] = (struct sp_remark){ "fell-behind", 3200000000, false,
					    "The sender fell behind: its thread was not "
					    "scheduled for 48 ms, 48 packets left "
					    "late, none were given up." };
	s->remarks[1] = (struct sp_remark){ "gso-off", 0, true,
					    "UDP_SEGMENT was not used because of --no-gso." };
	r->remarks = s->remarks;
	r->n_remarks = 2;
	snprintf(r->host.hostname, sizeof r->host.hostname, "h1");
	snprintf(r->host.kernel, sizeof r->host.kernel, "Linux 6.1.0-18-amd64");
	snprintf(r->host.cpu, sizeof r->host.cpu, "Example CPU 2.00GHz");
	r->host.cpus = 2;
	r->host.steal = 0.003;
	r->host.cpu_self = 1.234;
	r->host.rss_peak_bytes = 12345678;
}

static void give_stream(const void *arg, size_t i, struct sp_stream_result *out)
{
	*out = ((const struct sp_sample *)arg)->streams[i];
}

static void give_flow(const void *arg, size_t i, struct sp_flow_result *out)
{
	*out = ((const struct sp_sample *)arg)->flows[i];
}

static void give_stream_counts(const void *arg, size_t i, struct sp_counts *out)
{
	*out = ((const struct sp_sample *)arg)->streams[i].m.c;
}

static void give_flow_counts(const void *arg, size_t i, struct sp_counts *out)
{
	*out = ((const struct sp_sample *)arg)->flows[i].m.c;
}

static const struct sp_result_parts parts = {
	.stream = give_stream,
	.flow = give_flow,
	.stream_counts = give_stream_counts,
	.flow_counts = give_flow_counts,
};

void sp_sample_at(struct sp_sample *s, double sec)
{
	bool end = sec >= RUN_S;
	uint64_t n = (uint64_t)(sec * PPS), all_lost = 0;
	struct sp_result *r = &s->result;

	for (unsigned i = 0; i < r->n_streams; i++) {
		uint64_t lost = end ? i % 4 : 0;

		fill(&s->streams[i].m, n, lost, 1);
		fill_flow(s, i, n, lost);
		all_lost += lost;
	}
	fill(&r->total, n * r->n_streams, all_lost, (unsigned)r->n_streams);
	r->duration_ns = (uint64_t)(sec * 1e9);
	r->finished = end;
	s->event = (struct sp_event){
		.kind = end ? SP_EVENT_END : SP_EVENT_INTERVAL,
		.t_ns = r->duration_ns,
		.real_ns = SP_SAMPLE_START_NS + (int64_t)r->duration_ns,
		.result = r,
	};
}

void sp_sample_init(struct sp_sample *s, unsigned n)
{
	struct sp_result *r = &s->result;

	memset(s, 0, sizeof *s);
	s->streams = calloc(n + 1, sizeof *s->streams);
	s->flows = calloc(n + 1, sizeof *s->flows);
	s->names = calloc(n + 1, sizeof *s->names);
	assert_true(s->streams && s->flows && s->names);
	for (unsigned i = 0; i < n; i++) {
		snprintf(s->names[i], sizeof *s->names, "udp-%u", i + 1);
		s->streams[i].name = s->names[i];
		strcpy(s->streams[i].target, "udp://10.99.0.2:5001");
		strcpy(s->streams[i].asked, "1kpps, 1024 B, constant, 10s");
		s->streams[i].flows = 1;
	}
	*r = (struct sp_result){
		.name = "sample",
		.command = "spate send udp://10.99.0.2:5001 --rate 1kpps -D 10",
		.plan_sha256 =
			"3f9a1c2b77d0e5f60123456789abcdef0123456789abcdef0123456789abcdef",
		.seed = 42,
		.role = SP_ROLE_SEND,
		.started_real_ns = SP_SAMPLE_START_NS,
		.planned_ns = RUN_S * SP_NS_PER_S,
		.result = SP_VALID_REMARKS,
		.bound = SP_BOUND_SENDER_CPU,
		.evidence =
			"the sending thread used 99.2 % of its core and departures were late",
		.parts = &parts,
		.parts_arg = s,
		.n_streams = n,
		.n_flows = n,
		.unit = "datagram",
		.clock = "same host, one clock",
	};
	fill_surroundings(s);
	sp_sample_at(s, RUN_S);
}

void sp_sample_fini(struct sp_sample *s)
{
	free(s->streams);
	free(s->flows);
	free(s->names);
}

static void forget(struct sp_measure *m)
{
	*m = (struct sp_measure){
		.asked_pps = NAN,
		.tx_pps = NAN,
		.rx_pps = NAN,
		.tx_bps = NAN,
		.rx_bps = NAN,
		.jitter_ns = NAN,
		.outage_ns = NAN,
		.ks_departure = NAN,
		.ks_size = NAN,
	};
}

void sp_sample_forget(struct sp_sample *s)
{
	struct sp_result *r = &s->result;

	for (size_t i = 0; i < r->n_streams; i++) {
		s->streams[i].name = NULL;
		*s->streams[i].target = '\0';
		*s->streams[i].asked = '\0';
		forget(&s->streams[i].m);
	}
	for (size_t i = 0; i < r->n_flows; i++) {
		struct sp_flow_result *f = &s->flows[i];

		*f = (struct sp_flow_result){ .id = f->id };
		forget(&f->m);
	}
	forget(&r->total);
	for (size_t i = 0; i < 2; i++)
		s->transports[i] = (struct sp_transport_result){ .name = NULL };
	r->unit = NULL;
	r->name = NULL;
	r->command = NULL;
	r->plan_sha256 = NULL;
	r->evidence = NULL;
	r->clock = NULL;
	r->planned_ns = SP_NEVER;
	r->bound = SP_BOUND_UNKNOWN;
	r->unknown_identities = (1u << SP_IDENTITIES) - 1;
	r->host = (struct sp_host_info){ .steal = NAN, .cpu_self = NAN };
}

static void forget_sender(struct sp_measure *m)
{
	static const enum sp_counter senders[] = {
		SP_C_asked_packets, SP_C_tx_packets,	SP_C_tx_bytes,	 SP_C_lost,
		SP_C_pending,	    SP_C_not_sent_late, SP_C_tx_refused, SP_C_in_flight,
		SP_C_lost_network,  SP_C_lost_unknown,	SP_C_catch_up,	 SP_C_not_sent_unfit,
	};

	for (size_t i = 0; i < sizeof senders / sizeof *senders; i++)
		sp_counts_forget(&m->c, senders[i]);
	m->asked_pps = NAN;
	m->tx_pps = NAN;
	m->tx_bps = NAN;
	m->late.known = false;
	m->gap_error.known = false;
}

void sp_sample_recv(struct sp_sample *s)
{
	struct sp_result *r = &s->result;

	r->role = SP_ROLE_RECV;
	r->command = "spate recv udp://:5001";
	r->transports = &s->transports[1];
	r->n_transports = 1;
	r->clock = NULL;
	r->bound = SP_BOUND_NONE;
	r->evidence = NULL;
	r->unknown_identities = 7;
	forget_sender(&r->total);
	for (size_t i = 0; i < r->n_streams; i++) {
		*s->streams[i].asked = '\0';
		forget_sender(&s->streams[i].m);
	}
}

void sp_sample_assert_harmless(const char *text, bool esc)
{
	for (const unsigned char *p = (const unsigned char *)text; *p; p++) {
		bool bidi = p[0] == 0xe2 && p[1] == 0x80 && p[2] >= 0xa8 && p[2] <= 0xae;
		bool c1 = p[0] == 0xc2 && p[1] >= 0x80 && p[1] < 0xa0;

		if (*p == '\n' || (esc && *p == '\033'))
			continue;
		if (*p < 0x20 || *p == 0x7f || bidi || c1 || *p == 0xff)
			fail_msg("byte %02x acts on a terminal: ...%.20s", *p, (const char *)p);
	}
	for (const char *p = text; *p; p += sp_utf8_len(p))
		if (!sp_utf8_len(p))
			fail_msg("not UTF-8: ...%.20s", p);
}
