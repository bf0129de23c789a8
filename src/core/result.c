#include "core/result.h"

const char *const sp_result_class_name[] = {
	[SP_VALID] = "valid",
	[SP_VALID_REMARKS] = "valid with remarks",
	[SP_NOT_TRUSTED] = "not trusted",
};

const char *const sp_bound_name[] = {
	[SP_BOUND_NONE] = "none",
	[SP_BOUND_SENDER_CPU] = "sender_cpu",
	[SP_BOUND_TRANSPORT] = "transport",
	[SP_BOUND_PATH] = "path",
	[SP_BOUND_RECEIVER_CPU] = "receiver_cpu",
	[SP_BOUND_RECEIVER_BUFFER] = "receiver_buffer",
	[SP_BOUND_UNKNOWN] = "unknown",
};
