/*
 * settings_common.c
 *		Rows that the tables of several services share.
 */
#include "postgres.h"

#include "settings/settings_common.h"

const char *const inf_similarity_choices[] = {
	"cosine", "dot_product", "l2_norm", NULL
};

const SettingField inf_rate_limit_fields[] = {
	{.name = "requests_per_minute", .type = SETTING_INTEGER, .min = 1,
	.description = "most requests that a session starts in a minute"},
	{.name = NULL}
};

/* Longest name of a header; the longest that is registered has 40. */
#define MAX_HEADER_NAME_BYTES 64

/*
 * Anything but printable ASCII could end the header and begin another, or
 * arrive as other bytes than it left.
 */
const char *
inf_setting_check_header(const char *value)
{
	for (const unsigned char *c = (const unsigned char *) value; *c; c++)
		if (*c < 0x21 || *c > 0x7e)
			return "only printable ASCII characters without blanks can be sent in a header";
	return NULL;
}

const char *
inf_setting_check_key(const char *value)
{
	if (strlen(value) > INF_MAX_KEY_BYTES)
		return "a key can have at most " CppAsString2(INF_MAX_KEY_BYTES) " bytes";
	return inf_setting_check_header(value);
}

/*
 * What we, libcurl or the protocol say about a request, and what intermediaries
 * act upon: a key there would make another request of it.
 */
static const char *const reserved_headers[] = {
	"Accept", "Accept-Encoding", "Connection", "Content-Encoding",
	"Content-Length", "Content-Type", "Cookie", "Date", "Expect",
	"Forwarded", "Host", "HTTP2-Settings", "Keep-Alive",
	"OpenAI-Organization", "Proxy-Authorization", "Proxy-Connection", "Range",
	"TE", "Trailer", "Transfer-Encoding", "Upgrade", "User-Agent", "Via"
};

const char *
inf_setting_check_header_name(const char *name)
{
	static const char token[] =
		"!#$%&'*+-.^_`|~0123456789"
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

	if (strspn(name, token) != strlen(name))
		return "a header name can contain only letters, digits, and signs such as - and _";
	if (strlen(name) > MAX_HEADER_NAME_BYTES)
		return "a header name can have at most 64 characters";
	for (int i = 0; i < lengthof(reserved_headers); i++)
		if (pg_strcasecmp(name, reserved_headers[i]) == 0)
			return "this header is already used for something else in the request";
	return NULL;
}
