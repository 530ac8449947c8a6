/*
 * http_tls.c
 *		What libcurl's library for TLS knows, and is to keep to itself.
 */
#include "postgres.h"

#include <dlfcn.h>

#include "http/http_tls.h"

/* The environment asked for keys, perhaps of who used libcurl before us. */
static bool has_asked_for_keys = false;

/*
 * A function of the library for TLS, which libcurl links and we do not.  It is
 * looked for behind libcurl: the server may have another version of its own.
 */
static void *
find_tls_function(const char *name)
{
	Dl_info		libcurl;
	void	   *handle;
	void	   *function;

	if (dladdr((void *) curl_easy_init, &libcurl) == 0)
		return NULL;
	handle = dlopen(libcurl.dli_fname, RTLD_LAZY | RTLD_NOLOAD);
	if (handle == NULL)
		return NULL;
	function = dlsym(handle, name);
	(void) dlclose(handle);		/* libcurl itself stays */
	return function;
}

/* A record may hold the end of an answer and more; libcurl takes the answer. */
bool
inf_http_has_tls_input(CURL *easy)
{
	static int	(*openssl_pending) (const void *ssl) = NULL;
	static size_t (*gnutls_pending) (void *session) = NULL;
	struct curl_tlssessioninfo *tls = NULL;

	if (curl_easy_getinfo(easy, CURLINFO_TLS_SSL_PTR, &tls) != CURLE_OK ||
		tls == NULL || tls->internals == NULL)
		return true;
	if (tls->backend == CURLSSLBACKEND_OPENSSL)
	{
		if (openssl_pending == NULL)
			openssl_pending = (int (*) (const void *)) find_tls_function("SSL_has_pending");
		return openssl_pending == NULL || openssl_pending(tls->internals) != 0;
	}
	if (tls->backend == CURLSSLBACKEND_GNUTLS)
	{
		if (gnutls_pending == NULL)
			gnutls_pending = (size_t (*) (void *)) find_tls_function("gnutls_record_check_pending");
		return gnutls_pending == NULL || gnutls_pending(tls->internals) != 0;
	}
	return true;
}

/* The variable goes for this process alone. */
void
inf_http_refuse_keylog(void)
{
	if (getenv("SSLKEYLOGFILE") == NULL)
		return;
	has_asked_for_keys = true;
	(void) unsetenv("SSLKEYLOGFILE");
}

/* libcurl has set up its context; context is OpenSSL's SSL_CTX. */
static CURLcode
drop_keylog(CURL *easy, void *context, void *arg)
{
	void		(*set_keylog) (void *context, void *callback) =
		(void (*) (void *, void *)) find_tls_function("SSL_CTX_set_keylog_callback");

	if (set_keylog != NULL)
		set_keylog(context, NULL);
	return CURLE_OK;
}

CURLcode
inf_http_refuse_keylog_of(CURL *easy)
{
	CURLcode	code;

	if (!has_asked_for_keys)
		return CURLE_OK;
	code = curl_easy_setopt(easy, CURLOPT_SSL_CTX_FUNCTION, drop_keylog);

	/* libraries other than OpenSSL have no such thing */
	return code == CURLE_NOT_BUILT_IN || code == CURLE_UNKNOWN_OPTION ? CURLE_OK : code;
}
