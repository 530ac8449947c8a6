/*
 * early_curl.c
 *		A library to preload that starts libcurl, as other extensions may do
 *		before this one is loaded.
 */
#include <curl/curl.h>

__attribute__((constructor))
static void
start_libcurl(void)
{
	(void) curl_global_init(CURL_GLOBAL_DEFAULT);
}
