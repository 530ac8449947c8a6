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
		return "a key has at most " CppAsString2(INF_MAX_KEY_BYTES) " bytes";
	return inf_setting_check_header(value);
}
