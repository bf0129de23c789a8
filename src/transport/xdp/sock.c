#include "transport/xdp/sock.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "transport/sock.h"

#ifndef XDP_MAX_TX_SKB_BUDGET
#define XDP_MAX_TX_SKB_BUDGET 9
#endif

#define BIND_TRIES 25u

static bool set(const struct xdp_sock *s, int name, uint32_t value)
{
	return !setsockopt(s->fd, SOL_XDP, name, &value, sizeof value);
}

static bool map_ring(const struct xdp_sock *s, struct xdp_ring *r, uint32_t entries,
		     size_t desc_bytes, const struct xdp_ring_offset *o, uint64_t page)
{
	uint8_t *at;

	if (!entries)
		return true;
	r->map_bytes = o->desc + entries * desc_bytes;
	r->map = mmap(NULL, r->map_bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE,
		      s->fd, (off_t)page);
	if (r->map == MAP_FAILED) {
		r->map = NULL;
		return false;
	}
	at = r->map;
	r->producer = (uint32_t *)(void *)(at + o->producer);
	r->consumer = (uint32_t *)(void *)(at + o->consumer);
	r->flags = (uint32_t *)(void *)(at + o->flags);
	r->desc = at + o->desc;
	r->mask = entries - 1;
	return true;
}

static bool map_rings(struct xdp_sock *s, uint32_t fill, uint32_t done)
{
	struct xdp_mmap_offsets o;
	socklen_t len = sizeof o;

	return !getsockopt(s->fd, SOL_XDP, XDP_MMAP_OFFSETS, &o, &len) && len == sizeof o &&
	       map_ring(s, &s->tx, s->n_tx, sizeof(struct xdp_desc), &o.tx,
			XDP_PGOFF_TX_RING) &&
	       map_ring(s, &s->rx, s->n_rx, sizeof(struct xdp_desc), &o.rx,
			XDP_PGOFF_RX_RING) &&
	       map_ring(s, &s->fill, fill, 8, &o.fr, XDP_UMEM_PGOFF_FILL_RING) &&
	       map_ring(s, &s->done, done, 8, &o.cr, XDP_UMEM_PGOFF_COMPLETION_RING);
}

static int no_memory(const struct xdp_sock *s, int error, struct sp_err *err)
{
	return sp_fail(err, -error, SP_EXIT_PERM,
		       "AF_XDP: %zu KiB of memory cannot be locked for its frames (%s); raise "
		       "the limit by `ulimit -l unlimited`",
		       s->bytes >> 10, strerror(error));
}

static int make_memory(struct xdp_sock *s, struct sp_err *err)
{
	struct xdp_umem_reg reg = { 0 };

	s->memory = mmap(NULL, s->bytes, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	if (s->memory == MAP_FAILED) {
		s->memory = NULL;
		return no_memory(s, ENOMEM, err);
	}
	reg.addr = (uint64_t)(uintptr_t)s->memory;
	reg.len = s->bytes;
	reg.chunk_size = s->chunk;
	if (setsockopt(s->fd, SOL_XDP, XDP_UMEM_REG, &reg, sizeof reg))
		return no_memory(s, errno, err);
	return 0;
}

static int bind_fail(const struct xdp_sock_conf *c, int error, struct sp_err *err)
{
	const char *name = c->iface->name;

	if (error == EBUSY)
		return sp_fail(err, -error, SP_EXIT_PERM,
			       "interface %s: queue %u is taken by another AF_XDP socket; end "
			       "the program that has it, or use --transport packet",
			       name, c->queue);
	if (error == EINVAL && c->queue)
		return sp_fail(err, -error, SP_EXIT_PERM,
			       "interface %s has no queue %u for another worker; `sudo ethtool "
			       "-L %s combined %u`, or fewer --cores",
			       name, c->queue, name, c->queue + 1);
	if (error == EOPNOTSUPP && c->bind_flags & XDP_ZEROCOPY)
		return sp_fail(err, -error, SP_EXIT_PERM,
			       "interface %s: its driver has no zero-copy AF_XDP; leave out "
			       "zerocopy=yes",
			       name);
	return sp_fail(err, -error, SP_EXIT_PERM, "cannot bind AF_XDP to queue %u of %s: %s",
		       c->queue, name, strerror(error));
}

static int bind_sock(struct xdp_sock *s, const struct xdp_sock_conf *c, struct sp_err *err)
{
	struct sockaddr_xdp to = { .sxdp_family = AF_XDP,
				   .sxdp_flags = (uint16_t)(c->bind_flags |
							    XDP_USE_NEED_WAKEUP),
				   .sxdp_ifindex = c->iface->index,
				   .sxdp_queue_id = c->queue };
	const struct timespec pause = { .tv_nsec = 20000000 };
	struct xdp_options options = { 0 };
	socklen_t len = sizeof options;

	/* The kernel frees a queue a moment after the socket that had it was closed. */
	for (unsigned i = 0; bind(s->fd, (struct sockaddr *)(void *)&to, sizeof to); i++) {
		if (errno != EBUSY || i == BIND_TRIES)
			return bind_fail(c, errno, err);
		nanosleep(&pause, NULL);
	}
	if (!getsockopt(s->fd, SOL_XDP, XDP_OPTIONS, &options, &len))
		s->zerocopy = options.flags & XDP_OPTIONS_ZEROCOPY;
	return 0;
}

static int make(struct xdp_sock *s, const struct xdp_sock_conf *c, struct sp_err *err)
{
	/* Both rings of the memory must be there, even if nothing passes through them. */
	uint32_t fill = c->n_rx ? c->n_rx : 64, done = c->n_tx ? c->n_tx : 64;
	int rc = make_memory(s, err);

	if (rc)
		return rc;
	if (!set(s, XDP_UMEM_FILL_RING, fill) || !set(s, XDP_UMEM_COMPLETION_RING, done) ||
	    (c->n_tx && !set(s, XDP_TX_RING, c->n_tx)) ||
	    (c->n_rx && !set(s, XDP_RX_RING, c->n_rx)) || !map_rings(s, fill, done))
		return sp_fail(err, -errno, SP_EXIT_PERM,
			       "this kernel's AF_XDP gives no rings: %s", strerror(errno));
	/* Where the kernel has no such option its own budget is right for it. */
	(void)set(s, XDP_MAX_TX_SKB_BUDGET, c->budget);
	if (c->n_tx)
		sp_sock_sndbuf(s->fd, 4u << 20);
	for (uint32_t i = 0; i < c->n_rx; i++)
		xdp_sock_refill(s, (uint64_t)(c->n_tx + i) * c->chunk);
	xdp_store_release(s->fill.producer, s->fill.at);
	return bind_sock(s, c, err);
}

static int open_fd(const struct sp_iface *iface, struct sp_err *err)
{
	int fd = sp_sock_open(AF_XDP, SOCK_RAW, 0);

	if (fd == -EPERM || fd == -EACCES)
		return sp_fail(
			err, fd, SP_EXIT_PERM,
			"interface %s: AF_XDP needs the capability CAP_NET_RAW; run it with "
			"`sudo`, or give it once by `sudo setcap "
			"cap_bpf,cap_net_admin,cap_net_raw+ep $(command -v spate)`",
			iface->name);
	if (fd == -EAFNOSUPPORT)
		return sp_fail(
			err, fd, SP_EXIT_PERM,
			"this kernel has no AF_XDP (CONFIG_XDP_SOCKETS); use --transport "
			"packet");
	return fd < 0 ? sp_sock_fail(err, fd, "an AF_XDP socket") : fd;
}

int xdp_sock_allowed(const struct sp_iface *iface, struct sp_err *err)
{
	int fd = open_fd(iface, err);

	if (fd < 0)
		return fd;
	close(fd);
	return 0;
}

int xdp_sock_open(struct xdp_sock *s, const struct xdp_sock_conf *c, struct sp_err *err)
{
	int rc;

	*s = (struct xdp_sock){ .fd = open_fd(c->iface, err),
				.chunk = c->chunk,
				.n_tx = c->n_tx,
				.n_rx = c->n_rx,
				.bytes = (size_t)(c->n_tx + c->n_rx) * c->chunk };
	if (s->fd < 0)
		return s->fd;
	rc = make(s, c, err);
	if (rc)
		xdp_sock_close(s);
	return rc;
}

static void unmap_ring(struct xdp_ring *r)
{
	if (r->map)
		munmap(r->map, r->map_bytes);
}

void xdp_sock_close(struct xdp_sock *s)
{
	if (s->fd < 0)
		return;
	unmap_ring(&s->tx);
	unmap_ring(&s->rx);
	unmap_ring(&s->fill);
	unmap_ring(&s->done);
	close(s->fd);
	if (s->memory)
		munmap(s->memory, s->bytes);
	*s = (struct xdp_sock){ .fd = -1 };
}
