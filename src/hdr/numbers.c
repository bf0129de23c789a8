#include "hdr/numbers.h"

const struct sp_word sp_ether_words[] = {
	{ "IPv4", 0x0800 },   { "ARP", 0x0806 },   { "TEB", 0x6558 },  { "RARP", 0x8035 },
	{ "VLAN", 0x8100 },   { "IPv6", 0x86dd },  { "MPLS", 0x8847 }, { "PPPoED", 0x8863 },
	{ "PPPoES", 0x8864 }, { "EAPOL", 0x888e }, { "QinQ", 0x88a8 }, { "LLDP", 0x88cc },
	{ "MACsec", 0x88e5 }, { "PTP", 0x88f7 },   { "Loop", 0x9000 }, { NULL, 0 },
};

const struct sp_next sp_ether_next[] = {
	{ 0x0800, "ip" },   { 0x0806, "arp" },	{ 0x86dd, "ipv6" },
	{ 0x8100, "vlan" }, { 0x88a8, "qinq" }, { 0x8847, "mpls" },
	{ 0x8848, "mpls" }, { 0x6558, "eth" },	{ 0, NULL },
};

const struct sp_word sp_ip_words[] = {
	{ "hopopts", 0 },  { "icmp", 1 },      { "igmp", 2 },	 { "ipip", 4 },
	{ "tcp", 6 },	   { "udp", 17 },      { "dccp", 33 },	 { "ipv6", 41 },
	{ "routing", 43 }, { "fragment", 44 }, { "gre", 47 },	 { "esp", 50 },
	{ "ah", 51 },	   { "icmp6", 58 },    { "nonext", 59 }, { "dstopts", 60 },
	{ "ospf", 89 },	   { "pim", 103 },     { "vrrp", 112 },	 { "l2tp", 115 },
	{ "sctp", 132 },   { NULL, 0 },
};

const struct sp_next sp_ip_next[] = {
	{ 0, "hopopts" },  { 1, "icmp" },      { 2, "igmp" },  { 4, "ip" },
	{ 6, "tcp" },	   { 17, "udp" },      { 33, "dccp" }, { 41, "ipv6" },
	{ 43, "routing" }, { 44, "fragment" }, { 47, "gre" },  { 58, "icmp6" },
	{ 60, "dstopts" }, { 132, "sctp" },    { 0, NULL },
};
