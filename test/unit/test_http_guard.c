/*
 * test_http_guard.c
 *		Which hosts are listed and which addresses are private or forbidden.
 */
#include "http/http_guard.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/un.h>

#include "check.h"

#define ALLOWED HTTP_GUARD_ALLOWED
#define PRIVATE HTTP_GUARD_PRIVATE_ADDRESS
#define FORBIDDEN HTTP_GUARD_FORBIDDEN_ADDRESS

/* Checks an address under both settings. */
static void
check_address(const char *text, HttpGuardVerdict expected)
{
	HttpGuard	strict = {NULL, false};
	HttpGuard	lax = {NULL, true};
	struct sockaddr_storage address;
	struct sockaddr_in *ipv4 = (struct sockaddr_in *) &address;
	struct sockaddr_in6 *ipv6 = (struct sockaddr_in6 *) &address;
	const struct sockaddr *any = (const struct sockaddr *) &address;

	memset(&address, 0, sizeof(address));
	if (inet_pton(AF_INET, text, &ipv4->sin_addr) == 1)
		ipv4->sin_family = AF_INET;
	else if (inet_pton(AF_INET6, text, &ipv6->sin6_addr) == 1)
		ipv6->sin6_family = AF_INET6;
	check_that(address.ss_family != 0 &&
			   inf_http_guard_address(&strict, any) == expected,
			   text, __FILE__, __LINE__);
	check_that(inf_http_guard_address(&lax, any) ==
			   (expected == PRIVATE ? ALLOWED : expected),
			   text, __FILE__, __LINE__);
}

static void
check_addresses(const char *const *addresses, HttpGuardVerdict expected)
{
	for (; *addresses != NULL; addresses++)
		check_address(*addresses, expected);
}

static void
test_addresses(void)
{
	static const char *const allowed[] = {
		"8.8.8.8", "1.1.1.1", "9.255.255.255", "11.0.0.0", "100.63.255.255",
		"100.128.0.0", "126.255.255.255", "128.0.0.0", "169.253.255.255",
		"169.255.0.0", "172.15.255.255", "172.32.0.0", "192.0.1.0",
		"192.0.3.0", "192.167.255.255", "192.169.0.0", "198.17.255.255",
		"198.20.0.0", "223.255.255.255", "168.63.129.15",
		"2606:4700:4700::1111", "2a00:1450:4001:80e::200e", "2001:200::1",
		"2001:4860:4860::8888", "::ffff:8.8.8.8", "64:ff9b::8.8.8.8",
		"2002:808:808::1", "::8.8.8.8", "::ffff:0:8.8.8.8", NULL
	};
	static const char *const private[] = {
		"0.0.0.1", "0.255.255.255", "10.0.0.0", "10.255.255.255",
		"100.64.0.0", "100.127.255.255", "100.100.100.201", "127.0.0.1",
		"127.255.255.255", "172.16.0.0", "172.31.255.255", "192.0.0.0",
		"192.0.0.255", "192.0.2.1", "192.88.99.1", "192.168.0.0",
		"192.168.255.255", "198.18.0.0", "198.19.255.255", "198.51.100.7",
		"203.0.113.9", "240.0.0.1", "255.255.255.254",
		"::1", "fc00::1", "fd12:3456::1", "fdff:ffff::", "fec0::1",
		"100::1", "2001:db8::1", "2001:10::1", "3fff:fff::1", "5f00::1",
		"64:ff9b:1::1",
		"::ffff:127.0.0.1", "::ffff:10.1.2.3", "::127.0.0.1",
		"::ffff:0:127.0.0.1", "64:ff9b::10.0.0.1", "2002:7f00:1::",
		"2002:c0a8:101::1",
		/* Teredo: 8.8.8.8 twice; server 8.8.8.8, client 127.0.0.1 */
		"2001:0:808:808::f7f7:f7f7", "2001:0:808:808::80ff:fffe", NULL
	};
	static const char *const forbidden[] = {
		"0.0.0.0", "169.254.0.0", "169.254.169.254", "169.254.255.255",
		"100.100.100.200", "168.63.129.16", "192.0.0.192", "224.0.0.1",
		"239.255.255.255", "255.255.255.255",
		"::", "fe80::1", "febf:ffff::1", "ff02::1", "fd00:ec2::254",
		"fd00:ec2::23", "fd20:ce::254", "fd00:c1::a9fe:a9fe", "fd00:42::42",
		"::ffff:169.254.169.254", "::169.254.169.254",
		"::ffff:0:169.254.169.254", "::ffff:0.0.0.0",
		"64:ff9b::169.254.169.254", "2002:a9fe:a9fe::1",
		"::ffff:100.100.100.200",
		/* Teredo: client 169.254.169.254, then server */
		"2001:0:808:808::5601:5601", "2001:0:a9fe:a9fe::f7f7:f7f7", NULL
	};

	check_addresses(allowed, ALLOWED);
	check_addresses(private, PRIVATE);
	check_addresses(forbidden, FORBIDDEN);
}

static void
test_other_families(void)
{
	HttpGuard	lax = {NULL, true};
	struct sockaddr_un local = {.sun_family = AF_UNIX, .sun_path = "/tmp/x"};
	struct sockaddr none = {.sa_family = AF_UNSPEC};

	CHECK_INT(inf_http_guard_address(&lax, (struct sockaddr *) &local), FORBIDDEN);
	CHECK_INT(inf_http_guard_address(&lax, &none), FORBIDDEN);
}

static HttpGuardVerdict
judge_host(const char *patterns, const char *host)
{
	HttpGuard	guard = {patterns, false};

	return inf_http_guard_host(&guard, host);
}

#define IS_LISTED(patterns, host) \
	(judge_host((patterns), (host)) == HTTP_GUARD_ALLOWED)

static void
test_lists(void)
{
	CHECK(IS_LISTED(NULL, "example.org"));
	CHECK(IS_LISTED("", "example.org"));
	CHECK(IS_LISTED("  ", "example.org"));
	CHECK(!IS_LISTED(",", "example.org"));
	CHECK(IS_LISTED("example.org", "example.org"));
	CHECK(IS_LISTED("Example.ORG", "eXample.org"));
	CHECK(IS_LISTED("a.com, example.org ,b.com", "example.org"));
	CHECK(IS_LISTED("a.com,b.com", "b.com"));
	CHECK(IS_LISTED(",,a.com,", "a.com"));
	CHECK(IS_LISTED("example.org.", "example.org"));
	CHECK(IS_LISTED("example.org", "example.org."));
	CHECK(!IS_LISTED("example.org", "example.or"));
	CHECK(!IS_LISTED("example.org", "example.org.evil.com"));
	CHECK(!IS_LISTED("example.org", "api.example.org"));
	CHECK(!IS_LISTED("example.org", "evilexample.org"));
	CHECK(!IS_LISTED("example.org", ""));
	CHECK_INT(judge_host("a.com", "b.com"), HTTP_GUARD_HOST_NOT_LISTED);

	CHECK(IS_LISTED("*.example.org", "api.example.org"));
	CHECK(IS_LISTED("*.example.org", "a.b.EXAMPLE.org"));
	CHECK(!IS_LISTED("*.example.org", "example.org"));
	CHECK(!IS_LISTED("*.example.org", ".example.org"));
	CHECK(!IS_LISTED("*.example.org", "evilexample.org"));
	CHECK(!IS_LISTED("*", "example.org"));
	CHECK(!IS_LISTED("*.", "example.org"));
	CHECK(!IS_LISTED("api.*.org", "api.example.org"));
}

static void
test_literals(void)
{
	CHECK(IS_LISTED("8.8.8.8", "8.8.8.8"));
	CHECK(!IS_LISTED("8.8.8.8", "8.8.4.4"));
	CHECK(IS_LISTED("[2606:4700::1]", "[2606:4700::1]"));
	CHECK(IS_LISTED("2606:4700::1", "[2606:4700:0:0::1]"));
	CHECK(!IS_LISTED("[2606:4700::1]", "[2606:4700::2]"));

	/* listed or not, an address is judged as one, in all its spellings */
	CHECK_INT(judge_host(NULL, "127.0.0.1"), PRIVATE);
	CHECK_INT(judge_host("127.0.0.1", "127.0.0.1"), PRIVATE);
	CHECK_INT(judge_host(NULL, "127.1"), PRIVATE);
	CHECK_INT(judge_host(NULL, "2130706433"), PRIVATE);
	CHECK_INT(judge_host(NULL, "0x7f000001"), PRIVATE);
	CHECK_INT(judge_host(NULL, "017700000001"), PRIVATE);
	CHECK_INT(judge_host(NULL, "[::1]"), PRIVATE);
	CHECK_INT(judge_host(NULL, "[::ffff:169.254.169.254]"), FORBIDDEN);
	CHECK_INT(judge_host(NULL, "169.254.169.254"), FORBIDDEN);
	CHECK_INT(judge_host(NULL, "0"), FORBIDDEN);
	CHECK_INT(judge_host(NULL, "[]"), ALLOWED);
	CHECK_INT(judge_host(NULL, "localhost"), ALLOWED);
}

int
main(void)
{
	test_addresses();
	test_other_families();
	test_lists();
	test_literals();
	return check_done();
}
