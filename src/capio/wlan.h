/* Radiotap headers and the data frames of 802.11 behind them. Pure. */
#ifndef SP_CAPIO_WLAN_H
#define SP_CAPIO_WLAN_H

#include <stdbool.h>
#include <stdint.h>

struct sp_wlan {
	uint32_t skip; /* octets in front of LLC, or of what is not looked into */
	uint32_t fcs;  /* octets of check sequence at the end */
	bool data;     /* a whole data frame in the clear: LLC follows */
	const char *odd;
};

/* cut: octets at the end were not captured. */
void sp_wlan_read(const uint8_t *, uint32_t len, bool cut, struct sp_wlan *);

#endif
