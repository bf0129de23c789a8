/* traffic-reproducer's configuration file, as it is. Every key has a default; keys that nobody knows
 * are told, with the nearest known one, and have no effect; what is of the wrong type, given twice or
 * no such value is an error (exit 65) with its place. */
#ifndef SP_COMPAT_REPRODUCER_CONFIG_H
#define SP_COMPAT_REPRODUCER_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"
#include "base/yaml.h"
#include "capio/select.h"
#include "plugin/catalog.h"

#define SP_REPRO_SECTIONS 16u
#define SP_REPRO_PLAYS	  100000u    /* captures, repetitions counted */
#define SP_REPRO_BUFFER	  (1u << 30) /* octets of a socket's buffer */
#define SP_REPRO_MISSING  "<MISSING_PARAM>"

struct sp_repro_pcap {
	const char *path; /* as written; sp_repro_find makes it one that is there */
	const struct sp_yaml_node *at;
	uint64_t count; /* how often it is played */
};

struct sp_repro_map {
	struct sp_addr from, to; /* to: family 0: the system's choice */
};

/* A condition on the protocol's own header: one of these numbers. */
struct sp_repro_field {
	struct sp_repro_field *next;
	const char *name;
	uint64_t *values;
	unsigned n;
};

struct sp_repro_section {
	const char *name; /* "ipfix", "bmp", "udp_generic" */
	const struct sp_yaml_node *at;
	const struct sp_codec_ops *codec; /* NULL: generic */
	bool tcp;
	unsigned place;	  /* in the file, from 0 */
	const char *host; /* the collector's; NULL: not given */
	uint16_t port;	  /* 0: not given */
	struct sp_select select;
	struct sp_repro_field *fields;
	struct sp_str words; /* the conditions, as the source's setting sections has them */
};

struct sp_repro_processing {
	bool given;
	uint64_t initial_ns, inter_packet_ns, inter_protocol_ns;
	bool initial_given, inter_packet_given, inter_protocol_given;
	const char *folder;    /* NULL: the capture's path without its extension */
	uint64_t payload_size; /* 0: not given */
	bool go_on;	       /* exit: false */
};

struct sp_repro {
	struct sp_yaml doc;
	const struct sp_catalog *catalog;
	const struct sp_mem *mem;
	struct sp_repro_pcap *pcaps;
	unsigned n_pcaps;
	bool bulk; /* repeat.pattern; else round-robin */
	bool repeated;
	const char *time_factor;
	bool keep_open, no_sync, threading, preload;
	uint64_t sndbuf, rcvbuf; /* 0: the system's */
	const char *interface;	 /* NULL */
	struct sp_repro_map *map;
	unsigned n_map;
	bool mapped; /* there is a map */
	/* In the order in which packets are offered to them. */
	struct sp_repro_section sections[SP_REPRO_SECTIONS];
	unsigned n_sections;
	struct sp_repro_processing processing;
	/* What was odd and has no effect, or was understood all the same: a sentence each, with its
	 * place. */
	struct sp_str remarks; /* lines */
};

/* Exit 66: the file is not there; 65: see above, and values that are still missing, each named. On
 * failure there is nothing to free. for_replay: what only a replay needs must be there. */
int sp_repro_read(struct sp_repro *, const char *path, bool for_replay,
		  const struct sp_catalog *, const struct sp_mem *, struct sp_err *);
/* The same of a text; name is what places are said in. */
int sp_repro_parse(struct sp_repro *, const char *name, const char *text, size_t len,
		   bool for_replay, const struct sp_catalog *, const struct sp_mem *,
		   struct sp_err *);
void sp_repro_free(struct sp_repro *);
/* Makes relative paths of captures ones that are there: as seen from the working directory, else from
 * the file's own folder. Exit 66: one is in neither. */
int sp_repro_find(struct sp_repro *, struct sp_err *);

#endif
