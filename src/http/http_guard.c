/*
 * http_guard.c
 *		Decides which hosts and addresses the server may talk to.
 *
 * Names are held against the list before anything is sent; addresses are
 * judged when a socket is about to be opened, after resolution, so that a name
 * cannot change its mind in between.  The ranges follow the IANA registries of
 * special-purpose addresses.
 */
#include "http/http_guard.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

/* Longest address as text, "ffff:...:255.255.255.255", and its terminator. */
#define ADDRESS_TEXT_BYTES 48

typedef struct Ipv4Range
{
	uint32_t	address;
	int			bits;
	HttpGuardVerdict verdict;
} Ipv4Range;

typedef struct Ipv6Range
{
	unsigned char address[16];
	int			bits;
	HttpGuardVerdict verdict;
} Ipv6Range;

#define IPV4(a, b, c, d) \
	((uint32_t) (a) << 24 | (uint32_t) (b) << 16 | (uint32_t) (c) << 8 | (uint32_t) (d))

/* First match decides: exceptions stand before what they are exceptions of. */
static const Ipv4Range ipv4_ranges[] = {
	{IPV4(0, 0, 0, 0), 32, HTTP_GUARD_FORBIDDEN_ADDRESS},
	{IPV4(0, 0, 0, 0), 8, HTTP_GUARD_PRIVATE_ADDRESS},
	{IPV4(10, 0, 0, 0), 8, HTTP_GUARD_PRIVATE_ADDRESS},
	/* Alibaba Cloud's metadata, inside the shared address space */
	{IPV4(100, 100, 100, 200), 32, HTTP_GUARD_FORBIDDEN_ADDRESS},
	{IPV4(100, 64, 0, 0), 10, HTTP_GUARD_PRIVATE_ADDRESS},
	{IPV4(127, 0, 0, 0), 8, HTTP_GUARD_PRIVATE_ADDRESS},
	/* Azure's platform channel, a public address that only its VMs reach */
	{IPV4(168, 63, 129, 16), 32, HTTP_GUARD_FORBIDDEN_ADDRESS},
	/* link-local; the metadata of most clouds */
	{IPV4(169, 254, 0, 0), 16, HTTP_GUARD_FORBIDDEN_ADDRESS},
	{IPV4(172, 16, 0, 0), 12, HTTP_GUARD_PRIVATE_ADDRESS},
	/* Oracle Cloud's older metadata address */
	{IPV4(192, 0, 0, 192), 32, HTTP_GUARD_FORBIDDEN_ADDRESS},
	{IPV4(192, 0, 0, 0), 24, HTTP_GUARD_PRIVATE_ADDRESS},
	/* documentation, thrice; 6to4 relays */
	{IPV4(192, 0, 2, 0), 24, HTTP_GUARD_PRIVATE_ADDRESS},
	{IPV4(198, 51, 100, 0), 24, HTTP_GUARD_PRIVATE_ADDRESS},
	{IPV4(203, 0, 113, 0), 24, HTTP_GUARD_PRIVATE_ADDRESS},
	{IPV4(192, 88, 99, 0), 24, HTTP_GUARD_PRIVATE_ADDRESS},
	{IPV4(192, 168, 0, 0), 16, HTTP_GUARD_PRIVATE_ADDRESS},
	/* benchmarks */
	{IPV4(198, 18, 0, 0), 15, HTTP_GUARD_PRIVATE_ADDRESS},
	/* multicast, broadcast, reserved */
	{IPV4(224, 0, 0, 0), 4, HTTP_GUARD_FORBIDDEN_ADDRESS},
	{IPV4(255, 255, 255, 255), 32, HTTP_GUARD_FORBIDDEN_ADDRESS},
	{IPV4(240, 0, 0, 0), 4, HTTP_GUARD_PRIVATE_ADDRESS}
};

/* IPv4 inside IPv6 is judged besides. */
static const Ipv6Range ipv6_ranges[] = {
	/* unspecified, loopback */
	{{0}, 128, HTTP_GUARD_FORBIDDEN_ADDRESS},
	{{[15] = 1}, 128, HTTP_GUARD_PRIVATE_ADDRESS},
	/* NAT64 with a prefix of the network's own */
	{{0x00, 0x64, 0xff, 0x9b, 0x00, 0x01}, 48, HTTP_GUARD_PRIVATE_ADDRESS},
	/* discard */
	{{0x01, 0x00}, 64, HTTP_GUARD_PRIVATE_ADDRESS},
	/* protocol assignments, documentation twice, segment routing */
	{{0x20, 0x01, 0x00}, 23, HTTP_GUARD_PRIVATE_ADDRESS},
	{{0x20, 0x01, 0x0d, 0xb8}, 32, HTTP_GUARD_PRIVATE_ADDRESS},
	{{0x3f, 0xff, 0x00}, 20, HTTP_GUARD_PRIVATE_ADDRESS},
	{{0x5f, 0x00}, 16, HTTP_GUARD_PRIVATE_ADDRESS},
	/* metadata and credentials of AWS (the whole prefix), Google, Oracle, Scaleway */
	{{0xfd, 0x00, 0x0e, 0xc2}, 32, HTTP_GUARD_FORBIDDEN_ADDRESS},
	{{0xfd, 0x20, 0x00, 0xce}, 32, HTTP_GUARD_FORBIDDEN_ADDRESS},
	{{0xfd, 0x00, 0x00, 0xc1}, 32, HTTP_GUARD_FORBIDDEN_ADDRESS},
	{{0xfd, 0x00, 0x00, 0x42, [15] = 0x42}, 128, HTTP_GUARD_FORBIDDEN_ADDRESS},
	/* unique local */
	{{0xfc}, 7, HTTP_GUARD_PRIVATE_ADDRESS},
	/* link-local, site-local, multicast */
	{{0xfe, 0x80}, 10, HTTP_GUARD_FORBIDDEN_ADDRESS},
	{{0xfe, 0xc0}, 10, HTTP_GUARD_PRIVATE_ADDRESS},
	{{0xff}, 8, HTTP_GUARD_FORBIDDEN_ADDRESS}
};

/* Where an IPv4 address may hide: behind a prefix, at an offset. */
typedef struct Ipv4Hiding
{
	unsigned char prefix[12];
	int			prefix_bytes;
	int			offset;
	unsigned char mask;			/* to be XORed into each byte */
} Ipv4Hiding;

static const Ipv4Hiding ipv4_hidings[] = {
	/* mapped (::ffff:0:0/96), translated (::ffff:0:0:0/96) */
	{{[10] = 0xff, [11] = 0xff}, 12, 12, 0},
	{{[8] = 0xff, [9] = 0xff}, 12, 12, 0},
	/* NAT64 (64:ff9b::/96), 6to4 (2002::/16) */
	{{0x00, 0x64, 0xff, 0x9b}, 12, 12, 0},
	{{0x20, 0x02}, 2, 2, 0},
	/* Teredo (2001::/32): the server, then the client, bits turned over */
	{{0x20, 0x01, 0x00, 0x00}, 4, 4, 0},
	{{0x20, 0x01, 0x00, 0x00}, 4, 12, 0xff},
	/* compatible (::/96) */
	{{0}, 12, 12, 0}
};

#define LENGTH_OF(array) (sizeof(array) / sizeof((array)[0]))

static bool host_is_listed(const char *patterns, const char *host);
static bool host_matches(const char *pattern, size_t pattern_length,
						 const char *host, size_t host_length);
static bool parse_address(const char *text, size_t length,
						  struct sockaddr_storage *address);
static bool same_address(const char *a, size_t a_length,
						 const char *b, size_t b_length);
static HttpGuardVerdict judge_ipv4(uint32_t address);
static HttpGuardVerdict judge_ipv6(const unsigned char *address);

/*
 * The host must be listed; if it is an address and not a name, it is judged as
 * that address as well, which covers what a proxy would connect to for us.
 */
HttpGuardVerdict
inf_http_guard_host(const HttpGuard *guard, const char *host)
{
	struct sockaddr_storage address;

	if (!host_is_listed(guard->allowed_hosts, host))
		return HTTP_GUARD_HOST_NOT_LISTED;
	if (parse_address(host, strlen(host), &address))
		return inf_http_guard_address(guard, (struct sockaddr *) &address);
	return HTTP_GUARD_ALLOWED;
}

HttpGuardVerdict
inf_http_guard_address(const HttpGuard *guard, const struct sockaddr *address)
{
	HttpGuardVerdict verdict = HTTP_GUARD_FORBIDDEN_ADDRESS;

	if (address->sa_family == AF_INET)
	{
		struct sockaddr_in ipv4;

		memcpy(&ipv4, address, sizeof(ipv4));
		verdict = judge_ipv4(ntohl(ipv4.sin_addr.s_addr));
	}
	else if (address->sa_family == AF_INET6)
	{
		struct sockaddr_in6 ipv6;

		memcpy(&ipv6, address, sizeof(ipv6));
		verdict = judge_ipv6(ipv6.sin6_addr.s6_addr);
	}

	if (verdict == HTTP_GUARD_PRIVATE_ADDRESS && guard->allow_private_addresses)
		return HTTP_GUARD_ALLOWED;
	return verdict;
}

/* A list that is empty or blank lists everything. */
static bool
host_is_listed(const char *patterns, const char *host)
{
	static const char blanks[] = " \t\r\n";
	const char *rest = patterns;
	size_t		host_length = strlen(host);

	if (patterns == NULL || patterns[strspn(patterns, blanks)] == '\0')
		return true;

	while (*rest != '\0')
	{
		size_t		length;
		const char *end;

		rest += strspn(rest, blanks);
		length = strcspn(rest, ",");
		end = rest + length;
		while (length > 0 && strchr(blanks, rest[length - 1]) != NULL)
			length--;
		if (host_matches(rest, length, host, host_length))
			return true;
		rest = *end == ',' ? end + 1 : end;
	}
	return false;
}

static bool
host_matches(const char *pattern, size_t pattern_length,
			 const char *host, size_t host_length)
{
	/* "example.org." is "example.org" said with emphasis */
	if (pattern_length > 1 && pattern[pattern_length - 1] == '.')
		pattern_length--;
	if (host_length > 1 && host[host_length - 1] == '.')
		host_length--;
	if (pattern_length == 0)
		return false;

	if (pattern_length > 2 && pattern[0] == '*' && pattern[1] == '.')
	{
		const char *suffix = pattern + 1;
		size_t		suffix_length = pattern_length - 1;

		return host_length > suffix_length &&
			strncasecmp(host + host_length - suffix_length, suffix,
						suffix_length) == 0;
	}
	if (host_length == pattern_length &&
		strncasecmp(host, pattern, host_length) == 0)
		return true;
	return same_address(pattern, pattern_length, host, host_length);
}

/*
 * Reads an address as libcurl would read a host: IPv6 with or without
 * brackets, IPv4 in any of its old spellings ("127.1", "0x7f000001").
 */
static bool
parse_address(const char *text, size_t length, struct sockaddr_storage *address)
{
	struct sockaddr_in *ipv4 = (struct sockaddr_in *) address;
	struct sockaddr_in6 *ipv6 = (struct sockaddr_in6 *) address;
	char		copy[ADDRESS_TEXT_BYTES];

	if (length >= 2 && text[0] == '[' && text[length - 1] == ']')
	{
		text++;
		length -= 2;
	}
	if (length == 0 || length >= sizeof(copy))
		return false;
	memcpy(copy, text, length);
	copy[length] = '\0';

	memset(address, 0, sizeof(*address));
	if (inet_pton(AF_INET6, copy, &ipv6->sin6_addr) == 1)
	{
		ipv6->sin6_family = AF_INET6;
		return true;
	}
	if (inet_aton(copy, &ipv4->sin_addr) != 0)
	{
		ipv4->sin_family = AF_INET;
		return true;
	}
	return false;
}

/* Whether both are addresses, and the same one however they are spelt. */
static bool
same_address(const char *a, size_t a_length, const char *b, size_t b_length)
{
	struct sockaddr_storage a_address;
	struct sockaddr_storage b_address;

	return parse_address(a, a_length, &a_address) &&
		parse_address(b, b_length, &b_address) &&
		memcmp(&a_address, &b_address, sizeof(a_address)) == 0;
}

static HttpGuardVerdict
judge_ipv4(uint32_t address)
{
	size_t		i;

	for (i = 0; i < LENGTH_OF(ipv4_ranges); i++)
	{
		const Ipv4Range *range = &ipv4_ranges[i];

		/* no range has 0 bits, so that the shift is below 32 */
		if ((address ^ range->address) >> (32 - range->bits) == 0)
			return range->verdict;
	}
	return HTTP_GUARD_ALLOWED;
}

static bool
ipv6_is_in(const unsigned char *address, const Ipv6Range *range)
{
	int			whole = range->bits / 8;
	int			rest = range->bits % 8;

	if (memcmp(address, range->address, whole) != 0)
		return false;
	return rest == 0 ||
		(address[whole] ^ range->address[whole]) >> (8 - rest) == 0;
}

/* The verdicts stand in order of strictness. */
static HttpGuardVerdict
stricter(HttpGuardVerdict a, HttpGuardVerdict b)
{
	return a > b ? a : b;
}

/* The stricter of what the ranges and any IPv4 address inside say. */
static HttpGuardVerdict
judge_ipv6(const unsigned char *address)
{
	HttpGuardVerdict verdict = HTTP_GUARD_ALLOWED;
	size_t		i;

	for (i = 0; i < LENGTH_OF(ipv4_hidings); i++)
	{
		const Ipv4Hiding *hiding = &ipv4_hidings[i];
		const unsigned char *at = address + hiding->offset;
		unsigned char mask = hiding->mask;

		if (memcmp(address, hiding->prefix, hiding->prefix_bytes) == 0)
			verdict = stricter(verdict,
							   judge_ipv4(IPV4(at[0] ^ mask, at[1] ^ mask,
											   at[2] ^ mask, at[3] ^ mask)));
	}
	for (i = 0; i < LENGTH_OF(ipv6_ranges); i++)
	{
		if (ipv6_is_in(address, &ipv6_ranges[i]))
			return stricter(verdict, ipv6_ranges[i].verdict);
	}
	return verdict;
}
