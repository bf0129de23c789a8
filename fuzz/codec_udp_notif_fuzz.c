#include "codec_fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	return codec_fuzz("udp-notif", data, size);
}
