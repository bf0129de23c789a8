/* bench-arrivals INTERFACE PORT RATE SECONDS [sink]: the far end's own clock.
 *
 * Takes the kernel's time stamp of every UDP datagram to PORT that comes in on INTERFACE, from a
 * packet ring, and prints how far the gaps are from 1/RATE, and from those of a Poisson process of
 * that rate, as JSON. Prints "ready" on stderr
 * when it listens; ends after half a second of silence or after SECONDS. With "sink", a socket
 * takes the datagrams and drops them in the kernel, so that nobody answers with ICMP errors. */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <math.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { BLOCK_BYTES = 1 << 20, BLOCKS = 16, SILENCE_MS = 500 };

/* Where a packet's link-layer address begins behind its header. */
#define ADDRESS_AT                                                                             \
	((sizeof(struct tpacket3_hdr) + TPACKET_ALIGNMENT - 1) / TPACKET_ALIGNMENT *           \
	 TPACKET_ALIGNMENT)

struct arrivals {
	int fd;
	uint8_t *ring;
	unsigned block;
	uint64_t *ns;
	size_t n, cap;
};

static int fail(const char *what)
{
	fprintf(stderr, "bench-arrivals: %s: %s\n", what, strerror(errno));
	return -1;
}

static uint64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* IPv4 without options and UDP to the port; 64 bytes of it. */
static int filter_port(int fd, unsigned port)
{
	struct sock_filter code[] = {
		{ BPF_LD | BPF_H | BPF_ABS, 0, 0, 12 },
		{ BPF_JMP | BPF_JEQ | BPF_K, 0, 5, ETH_P_IP },
		{ BPF_LD | BPF_B | BPF_ABS, 0, 0, 23 },
		{ BPF_JMP | BPF_JEQ | BPF_K, 0, 3, IPPROTO_UDP },
		{ BPF_LD | BPF_H | BPF_ABS, 0, 0, 36 },
		{ BPF_JMP | BPF_JEQ | BPF_K, 0, 1, port },
		{ BPF_RET | BPF_K, 0, 0, 64 },
		{ BPF_RET | BPF_K, 0, 0, 0 },
	};
	struct sock_fprog program = { sizeof code / sizeof code[0], code };

	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program);
}

static int open_ring(struct arrivals *a, const char *interface, unsigned port)
{
	struct tpacket_req3 req = { .tp_block_size = BLOCK_BYTES,
				    .tp_block_nr = BLOCKS,
				    .tp_frame_size = 256,
				    .tp_frame_nr = BLOCKS * (BLOCK_BYTES / 256),
				    .tp_retire_blk_tov = 50 };
	struct sockaddr_ll where = { .sll_family = AF_PACKET,
				     .sll_protocol = htons(ETH_P_IP),
				     .sll_ifindex = (int)if_nametoindex(interface) };
	int version = TPACKET_V3, on = 1;

	if (!where.sll_ifindex)
		return fail(interface);
	/* Protocol 0: nothing comes in before the filter and the ring are there. */
	a->fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	if (a->fd < 0)
		return fail("packet socket");
	/* The stamp is then taken when the packet enters the host, not when the ring sees it. */
	if (setsockopt(a->fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on) ||
	    setsockopt(a->fd, SOL_PACKET, PACKET_VERSION, &version, sizeof version) ||
	    filter_port(a->fd, port) ||
	    setsockopt(a->fd, SOL_PACKET, PACKET_RX_RING, &req, sizeof req))
		return fail("packet ring");
	a->ring = mmap(NULL, (size_t)BLOCK_BYTES * BLOCKS, PROT_READ | PROT_WRITE, MAP_SHARED,
		       a->fd, 0);
	if (a->ring == MAP_FAILED)
		return fail("mmap");
	if (bind(a->fd, (struct sockaddr *)&where, sizeof where))
		return fail("bind");
	return 0;
}

/* A socket that drops all it gets, by a filter. The descriptor lives as long as the process. */
static int open_sink(unsigned port)
{
	struct sock_filter none = { BPF_RET | BPF_K, 0, 0, 0 };
	struct sock_fprog program = { 1, &none };
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program) ||
	    bind(fd, (struct sockaddr *)&at, sizeof at))
		return fail("sink");
	return 0;
}

static void take_block(struct arrivals *a, struct tpacket_block_desc *b)
{
	uint8_t *at = (uint8_t *)b + b->hdr.bh1.offset_to_first_pkt;

	for (uint32_t i = 0; i < b->hdr.bh1.num_pkts; i++) {
		struct tpacket3_hdr *h = (struct tpacket3_hdr *)(void *)at;
		struct sockaddr_ll *from = (struct sockaddr_ll *)(void *)(at + ADDRESS_AT);

		if (from->sll_pkttype != PACKET_OUTGOING && a->n < a->cap)
			a->ns[a->n++] = h->tp_sec * 1000000000ull + h->tp_nsec;
		at += h->tp_next_offset;
	}
	__atomic_store_n(&b->hdr.bh1.block_status, TP_STATUS_KERNEL, __ATOMIC_RELEASE);
	a->block = (a->block + 1) % BLOCKS;
}

static void listen_until(struct arrivals *a, uint64_t end_ms)
{
	uint64_t last_ms = now_ms();
	size_t seen = 0;

	for (uint64_t now = last_ms; now < end_ms; now = now_ms()) {
		struct tpacket_block_desc *b =
			(struct tpacket_block_desc *)(void *)(a->ring +
							      (size_t)a->block * BLOCK_BYTES);
		if (__atomic_load_n(&b->hdr.bh1.block_status, __ATOMIC_ACQUIRE) &
		    TP_STATUS_USER) {
			take_block(a, b);
			continue;
		}
		if (a->n != seen) {
			seen = a->n;
			last_ms = now;
		} else if (seen && now - last_ms > SILENCE_MS) {
			return;
		}
		poll(&(struct pollfd){ .fd = a->fd, .events = POLLIN }, 1, 50);
	}
}

static int by_value(const void *x, const void *y)
{
	double a = *(const double *)x, b = *(const double *)y;

	return (a > b) - (a < b);
}

/* The Kolmogorov-Smirnov distance of the gaps, sorted, from an exponential law. */
static double ks_exponential(const double *gap, size_t n, double mean)
{
	double worst = 0;

	for (size_t i = 0; i < n; i++) {
		double f = -expm1(-gap[i] / mean);

		worst = fmax(worst, fmax(f - (double)i / (double)n, (double)(i + 1) / (double)n - f));
	}
	return worst;
}

static int print_stats(const struct arrivals *a, double rate)
{
	struct tpacket_stats_v3 st = { 0 };
	socklen_t len = sizeof st;
	const double want = 1e9 / rate;

	getsockopt(a->fd, SOL_PACKET, PACKET_STATISTICS, &st, &len);
	printf("{\"packets\": %zu, \"drops\": %u", a->n, st.tp_drops);
	if (a->n < 2) {
		printf("}\n");
		return 0;
	}
	size_t gaps = a->n - 1;
	double *off = malloc(gaps * sizeof *off);
	if (!off)
		return fail("memory");
	for (size_t i = 0; i < gaps; i++)
		off[i] = (double)(int64_t)(a->ns[i + 1] - a->ns[i]);
	qsort(off, gaps, sizeof *off, by_value);
	double ks = ks_exponential(off, gaps, want);
	for (size_t i = 0; i < gaps; i++)
		off[i] = fabs(off[i] - want);
	qsort(off, gaps, sizeof *off, by_value);
	double pps = (double)gaps * 1e9 / (double)(a->ns[a->n - 1] - a->ns[0]);
	printf(", \"pps\": %.4f, \"rate_error\": %.8f, \"ks_exponential\": %.6f, "
	       "\"gap_error_ns\": {\"p50\": %.1f, "
	       "\"p90\": %.1f, \"p99\": %.1f, \"p999\": %.1f, \"max\": %.1f}}\n",
	       pps, pps / rate - 1, ks, off[gaps / 2], off[gaps * 9 / 10], off[gaps * 99 / 100],
	       off[gaps * 999 / 1000], off[gaps - 1]);
	free(off);
	return 0;
}

int main(int argc, char **argv)
{
	struct arrivals a = { .fd = -1 };

	if (argc < 5 || argc > 6) {
		fprintf(stderr, "usage: bench-arrivals INTERFACE PORT RATE SECONDS [sink]\n");
		return 2;
	}
	unsigned port = (unsigned)strtoul(argv[2], NULL, 10);
	double rate = strtod(argv[3], NULL), seconds = strtod(argv[4], NULL);
	if (!port || port > 65535 || rate <= 0 || seconds <= 0) {
		fprintf(stderr, "bench-arrivals: bad number\n");
		return 2;
	}
	a.cap = (size_t)(rate * seconds * 1.2) + 1000;
	a.ns = malloc(a.cap * sizeof *a.ns);
	if (!a.ns || open_ring(&a, argv[1], port) || (argc == 6 && open_sink(port)))
		return 1;
	memset(a.ns, 0, a.cap * sizeof *a.ns);
	fprintf(stderr, "ready\n");
	listen_until(&a, now_ms() + (uint64_t)(seconds * 1000));
	return print_stats(&a, rate) ? 1 : 0;
}
