/* The kinds of IANA's information elements (registry "IPFIX Information Elements", 2023). Ranges;
 * what is in none is OTHER: text, octets, structures, and what nobody has assigned. */
#include "proto/ipfix/message.h"

static const struct range {
	uint16_t from, to;
	uint8_t kind;
} ranges[] = {
	{ 1, 7, SP_IPFIX_NUMBER },	{ 8, 8, SP_IPFIX_IP4 },
	{ 9, 11, SP_IPFIX_NUMBER },	{ 12, 12, SP_IPFIX_IP4 },
	{ 13, 14, SP_IPFIX_NUMBER },	{ 15, 15, SP_IPFIX_IP4 },
	{ 16, 17, SP_IPFIX_NUMBER },	{ 18, 18, SP_IPFIX_IP4 },
	{ 19, 26, SP_IPFIX_NUMBER },	{ 27, 28, SP_IPFIX_IP6 },
	{ 29, 42, SP_IPFIX_NUMBER },	{ 43, 45, SP_IPFIX_IP4 },
	{ 46, 46, SP_IPFIX_NUMBER },	{ 47, 47, SP_IPFIX_IP4 },
	{ 48, 55, SP_IPFIX_NUMBER },	{ 56, 57, SP_IPFIX_MAC },
	{ 58, 61, SP_IPFIX_NUMBER },	{ 62, 63, SP_IPFIX_IP6 },
	{ 64, 64, SP_IPFIX_NUMBER },	{ 80, 81, SP_IPFIX_MAC },
	{ 85, 89, SP_IPFIX_NUMBER },	{ 91, 93, SP_IPFIX_NUMBER },
	{ 98, 99, SP_IPFIX_NUMBER },	{ 101, 103, SP_IPFIX_NUMBER },
	{ 128, 129, SP_IPFIX_NUMBER },	{ 130, 130, SP_IPFIX_IP4 },
	{ 131, 131, SP_IPFIX_IP6 },	{ 132, 139, SP_IPFIX_NUMBER },
	{ 140, 140, SP_IPFIX_IP6 },	{ 141, 146, SP_IPFIX_NUMBER },
	{ 148, 149, SP_IPFIX_NUMBER },	{ 150, 151, SP_IPFIX_SECONDS },
	{ 152, 153, SP_IPFIX_MILLIS },	{ 154, 157, SP_IPFIX_NTP },
	{ 158, 159, SP_IPFIX_NUMBER },	{ 160, 160, SP_IPFIX_MILLIS },
	{ 161, 168, SP_IPFIX_NUMBER },	{ 169, 170, SP_IPFIX_IP6 },
	{ 171, 209, SP_IPFIX_NUMBER },	{ 211, 211, SP_IPFIX_IP4 },
	{ 212, 212, SP_IPFIX_IP6 },	{ 213, 224, SP_IPFIX_NUMBER },
	{ 225, 226, SP_IPFIX_IP4 },	{ 227, 235, SP_IPFIX_NUMBER },
	{ 237, 246, SP_IPFIX_NUMBER },	{ 248, 257, SP_IPFIX_NUMBER },
	{ 258, 258, SP_IPFIX_MILLIS },	{ 259, 259, SP_IPFIX_NUMBER },
	{ 260, 261, SP_IPFIX_SECONDS }, { 263, 263, SP_IPFIX_NUMBER },
	{ 264, 265, SP_IPFIX_SECONDS }, { 267, 267, SP_IPFIX_NUMBER },
	{ 268, 268, SP_IPFIX_NTP },	{ 269, 269, SP_IPFIX_MILLIS },
	{ 270, 271, SP_IPFIX_NTP },	{ 272, 272, SP_IPFIX_MILLIS },
	{ 273, 273, SP_IPFIX_NTP },	{ 277, 280, SP_IPFIX_NUMBER },
	{ 281, 282, SP_IPFIX_IP6 },	{ 283, 283, SP_IPFIX_NUMBER },
	{ 285, 287, SP_IPFIX_NUMBER },	{ 291, 291, SP_IPFIX_LIST },
	{ 294, 299, SP_IPFIX_NUMBER },	{ 301, 310, SP_IPFIX_NUMBER },
	{ 311, 311, SP_IPFIX_FLOAT },	{ 312, 312, SP_IPFIX_NUMBER },
	{ 318, 319, SP_IPFIX_NUMBER },	{ 320, 321, SP_IPFIX_FLOAT },
	{ 322, 322, SP_IPFIX_SECONDS }, { 323, 323, SP_IPFIX_MILLIS },
	{ 324, 325, SP_IPFIX_NTP },	{ 326, 332, SP_IPFIX_NUMBER },
	{ 334, 334, SP_IPFIX_NUMBER },	{ 336, 338, SP_IPFIX_FLOAT },
	{ 339, 339, SP_IPFIX_NUMBER },	{ 342, 346, SP_IPFIX_NUMBER },
	{ 351, 358, SP_IPFIX_NUMBER },	{ 359, 360, SP_IPFIX_MILLIS },
	{ 361, 364, SP_IPFIX_NUMBER },	{ 365, 365, SP_IPFIX_MAC },
	{ 366, 366, SP_IPFIX_IP4 },	{ 367, 367, SP_IPFIX_MAC },
	{ 368, 370, SP_IPFIX_NUMBER },	{ 375, 387, SP_IPFIX_NUMBER },
	{ 390, 402, SP_IPFIX_NUMBER },	{ 403, 403, SP_IPFIX_IP4 },
	{ 404, 404, SP_IPFIX_IP6 },	{ 405, 410, SP_IPFIX_NUMBER },
	{ 412, 413, SP_IPFIX_NUMBER },	{ 414, 415, SP_IPFIX_MAC },
	{ 417, 418, SP_IPFIX_NUMBER },	{ 420, 431, SP_IPFIX_NUMBER },
	{ 432, 432, SP_IPFIX_IP4 },	{ 433, 433, SP_IPFIX_NUMBER },
	{ 438, 438, SP_IPFIX_IP4 },	{ 439, 442, SP_IPFIX_NUMBER },
	{ 484, 485, SP_IPFIX_LIST },	{ 487, 488, SP_IPFIX_LIST },
	{ 490, 491, SP_IPFIX_LIST },	{ 494, 495, SP_IPFIX_IP6 },
	{ 496, 496, SP_IPFIX_LIST },
};

enum sp_ipfix_kind sp_ipfix_kind(uint16_t element)
{
	size_t low = 0, high = sizeof ranges / sizeof *ranges;

	while (low < high) {
		size_t mid = (low + high) / 2;

		if (element > ranges[mid].to)
			low = mid + 1;
		else if (element < ranges[mid].from)
			high = mid;
		else
			return ranges[mid].kind;
	}
	return SP_IPFIX_OTHER;
}
