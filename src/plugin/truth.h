/* Ground truth: what a collector must have stored once it got what was sent. Written by generators,
 * read by `spate capture score`. JSON, a line each:
 *
 *   {"kind":"flow","exporter":1,"src":"10.0.0.7","dst":"192.0.2.9","src_port":40000,"dst_port":443,
 *    "proto":6,"tos":0,"flags":24,"in":1,"out":2,"src_as":64496,"dst_as":64500,
 *    "next_hop":"192.0.2.1","packets":12,"bytes":9000,"sampling":1}
 *   {"kind":"route","peer":"10.0.0.1","family":4,"prefix":"10.0.0.0/24","next_hop":"192.0.2.1",
 *    "as_path":"64500 64501","communities":"64500:7","state":"announced"}
 *
 * A flow is a record as it was exported, unmultiplied where it was sampled; a route is its prefix's
 * final state. peer: null where only the collector knows the address.
 *
 * Only what was handed over is true: a datagram that the kernel took; of a session (BGP, BMP) the
 * messages that the kernel took whole for a connection that stood until we closed it in order. What a
 * peer keeps of a session that it refused, closed or reset, or that broke, nobody knows, so nothing
 * of it is here; a session that was begun again has told everything again, and that counts. What
 * cannot be known from here: whether the peer's program has read what the two kernels delivered. */
#ifndef SP_PLUGIN_TRUTH_H
#define SP_PLUGIN_TRUTH_H

#include <stddef.h>

struct sp_truth {
	/* Takes whole lines; 0 or -errno, which ends the writing. */
	int (*take)(void *arg, const char *text, size_t len);
	void *arg;
};

#endif
