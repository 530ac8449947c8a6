/*
 * test_http_url.c
 *		Which URLs are taken, and where they lead.
 */
#include "postgres.h"

#include "http/http_url.h"

#include "check.h"

#define HAS_PASSED(url) (inf_http_check_url(url) == NULL)

static void
test_good_urls(void)
{
	CHECK(HAS_PASSED("https://api.openai.com/v1/embeddings"));
	CHECK(HAS_PASSED("http://localhost:8080"));
	CHECK(HAS_PASSED("HTTPS://API.example.org/"));
	CHECK(HAS_PASSED("http://10.0.0.5/x?api-version=2024-02-01&q=a@b"));
	CHECK(HAS_PASSED("http://[::1]:8080/x"));
	CHECK(HAS_PASSED("https://example.org/path@with/at"));
	CHECK(HAS_PASSED("https://example.org:65535/"));
	CHECK(HAS_PASSED("https://my-resource.openai.azure.com/openai/deployments/x"));
}

static void
test_bad_urls(void)
{
	static const char scheme[] = "a URL must begin with http:// or https://";
	static const char user[] = "a URL must not contain a user name or password";
	static const char blank[] = "a URL must not contain blanks or control characters";
	static const char host[] = "the URL has no host";
	static const char port[] = "the port is not a number between 1 and 65535";

	CHECK_STR(inf_http_check_url(""), "the URL is empty");
	CHECK_STR(inf_http_check_url("example.org"), scheme);
	CHECK_STR(inf_http_check_url("//example.org"), scheme);
	CHECK_STR(inf_http_check_url("/v1/embeddings"), scheme);
	CHECK_STR(inf_http_check_url("ftp://example.org"), scheme);
	CHECK_STR(inf_http_check_url("file:///etc/passwd"), scheme);
	CHECK_STR(inf_http_check_url("gopher://example.org"), scheme);
	CHECK_STR(inf_http_check_url("http:/example.org"), scheme);
	CHECK_STR(inf_http_check_url("http:example.org"), scheme);
	CHECK_STR(inf_http_check_url("example.org/?u=http://x"), scheme);
	CHECK_STR(inf_http_check_url("httpx://example.org"), scheme);

	CHECK_STR(inf_http_check_url("http://u@example.org"), user);
	CHECK_STR(inf_http_check_url("http://u:p@example.org/"), user);
	CHECK_STR(inf_http_check_url("http://:p@example.org/"), user);
	CHECK_STR(inf_http_check_url("http://@example.org/"), user);
	CHECK_STR(inf_http_check_url("http://a.com@b.com"), user);

	CHECK_STR(inf_http_check_url("http://"), host);
	CHECK_STR(inf_http_check_url("http:///"), host);
	CHECK_STR(inf_http_check_url("http:///example.org"), host);
	CHECK_STR(inf_http_check_url("http://?x"), host);
	CHECK_STR(inf_http_check_url("http://:80/"), host);

	CHECK_STR(inf_http_check_url("http://example.org:0/"), port);
	CHECK_STR(inf_http_check_url("http://example.org:65536/"), port);
	CHECK_STR(inf_http_check_url("http://example.org:-1/"), port);
	CHECK_STR(inf_http_check_url("http://example.org:http/"), port);

	CHECK_STR(inf_http_check_url("http://example.org/a b"), blank);
	CHECK_STR(inf_http_check_url(" http://example.org/"), blank);
	CHECK_STR(inf_http_check_url("http://example.org/\r\nX: y"), blank);
	CHECK_STR(inf_http_check_url("http://example.org/\t"), blank);
	CHECK_STR(inf_http_check_url("http://example.org/\x7f"), blank);

	CHECK_STR(inf_http_check_url("http://example.org/#top"),
			  "a URL must not contain a fragment (\"#\")");
	CHECK_STR(inf_http_check_url("http://example.org/#"),
			  "a URL must not contain a fragment (\"#\")");
	CHECK(!HAS_PASSED("http://exa mple.org/"));
	CHECK(!HAS_PASSED("http://[::1/"));
	CHECK(!HAS_PASSED("http://[fe80::zz]/"));
	CHECK(!HAS_PASSED("http://example.org\\@evil.com/"));
}

static void
test_lengths(void)
{
	char		url[INF_HTTP_MAX_URL_BYTES + 2];
	int			i;

	memset(url, 'a', sizeof(url));
	memcpy(url, "http://h/", 9);
	url[INF_HTTP_MAX_URL_BYTES] = '\0';
	CHECK(HAS_PASSED(url));
	url[INF_HTTP_MAX_URL_BYTES] = 'a';
	url[INF_HTTP_MAX_URL_BYTES + 1] = '\0';
	CHECK_STR(inf_http_check_url(url), "the URL is longer than 2048 bytes");

	memcpy(url, "http://aaaaaaaaaaa", 18);
	for (i = 7 + 63; i < 7 + 253; i += 64)
		url[i] = '.';
	url[7 + 253] = '\0';
	CHECK(HAS_PASSED(url));
	url[7 + 253] = 'a';
	url[7 + 254] = '\0';
	CHECK_STR(inf_http_check_url(url), "the host is longer than 253 bytes");
}

static const char *
origin_of(const char *url)
{
	static char origin[INF_HTTP_ORIGIN_BYTES];

	return inf_http_url_origin(url, origin) ? origin : NULL;
}

static const char *
host_of(const char *url)
{
	static char host[INF_HTTP_ORIGIN_BYTES];

	return inf_http_url_host(url, host) ? host : NULL;
}

static void
test_parts(void)
{
	CHECK_STR(origin_of("https://API.OpenAI.com/v1/x?y"),
			  "https://api.openai.com:443");
	CHECK_STR(origin_of("HTTP://h"), "http://h:80");
	CHECK_STR(origin_of("http://h:8080/x"), "http://h:8080");
	CHECK_STR(origin_of("https://h:443/"), "https://h:443");
	CHECK_STR(origin_of("http://h:00080/"), "http://h:80");
	CHECK_STR(origin_of("http://[::1]/"), "http://[::1]:80");
	CHECK_STR(origin_of("http://[0:0::1]:81/"), "http://[::1]:81");
	CHECK_STR(origin_of("https://K\xc3\xb6ln.example/\xc3\xb6"), "https://k%C3%B6ln.example:443");
	CHECK_STR(origin_of("https://k%c3%b6ln.example/"), "https://k%C3%B6ln.example:443");
	CHECK_STR(origin_of("http://k%f6ln.example/"), NULL);
	CHECK_STR(origin_of("http://u@h/"), NULL);
	CHECK_STR(origin_of("ftp://h/"), NULL);

	CHECK_STR(host_of("https://api.openai.com/v1"), "api.openai.com");
	CHECK_STR(host_of("https://H:1/"), "h");
	CHECK_STR(host_of("http://[::1]:8080/"), "[::1]");
	CHECK_STR(host_of("http://0x7f.1/"), "127.0.0.1");
	CHECK_STR(host_of("http://%6c%6fcalhost/"), "localhost");
	CHECK_STR(host_of("http://k\xc3\xb6ln.example/"), "k\xc3\xb6ln.example");
	CHECK_STR(host_of("http://k\xf6ln.example/"), NULL);
	CHECK_STR(host_of("http://h/k\xf6ln"), NULL);
	CHECK_STR(host_of("nonsense"), NULL);

	CHECK(inf_http_url_path_contains("https://h/openai/deployments/x", "/deployments/"));
	CHECK(!inf_http_url_path_contains("https://h/x?y=/deployments/", "/deployments/"));
	CHECK(!inf_http_url_path_contains("https://deployments/x", "deployments"));
	CHECK(!inf_http_url_path_contains("nonsense/deployments", "deployments"));
}

int
main(void)
{
	test_good_urls();
	test_bad_urls();
	test_lengths();
	test_parts();
	return check_done();
}
