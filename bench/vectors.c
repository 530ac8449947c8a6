/*
 * vectors.c
 *		The vectors of the bench's provider.
 */
#include "vectors.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Slices begin here at most; a multiple of 3. */
#define RING_SIZE 49152
#define NVALUES (RING_SIZE + MAX_DIMENSIONS)

/* "-0.123456789," */
#define MAX_NUMBER_BYTES 13

static const char base64_digits[] =
"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static float values[NVALUES];
static char *numbers;			/* all of them, a comma after each */
static uint32_t number_start[NVALUES + 1];
static char *base64;			/* 16 digits for 3 values */

static void
encode_triple(const unsigned char *in, char *out)
{
	uint32_t	bits = in[0] << 16 | in[1] << 8 | in[2];

	for (int i = 0; i < 4; i++)
		out[i] = base64_digits[bits >> (18 - 6 * i) & 63];
}

void
make_ring(void)
{
	uint64_t	state = 88172645463325252;
	char	   *next;

	numbers = malloc((size_t) NVALUES * MAX_NUMBER_BYTES + 1);
	base64 = malloc((size_t) NVALUES * 16 / 3 + 16);
	if (numbers == NULL || base64 == NULL)
	{
		perror("provider");
		exit(1);
	}
	next = numbers;
	for (int i = 0; i < NVALUES; i++)
	{
		state ^= state << 13;
		state ^= state >> 7;
		state ^= state << 17;
		number_start[i] = next - numbers;
		next += sprintf(next, "%.9f,",
						((double) (state >> 11) / 9007199254740992.0 - 0.5) / 4);
		values[i] = strtof(numbers + number_start[i], NULL);
	}
	number_start[NVALUES] = next - numbers;
	for (int i = 0; i + 3 <= NVALUES; i += 3)
		for (int j = 0; j < 4; j++)
			encode_triple((unsigned char *) &values[i] + 3 * j,
						  base64 + i / 3 * 16 + 4 * j);
}

uint32_t
ring_offset(const char *text, size_t length)
{
	uint64_t	hash = 14695981039346656037u;

	for (; length >= 8; text += 8, length -= 8)
	{
		uint64_t	word;

		memcpy(&word, text, 8);
		hash = (hash ^ word) * 0x9e3779b97f4a7c15u;
		hash ^= hash >> 32;
	}
	for (; length > 0; text++, length--)
		hash = (hash ^ (unsigned char) *text) * 1099511628211u;
	hash ^= hash >> 32;
	return hash % (RING_SIZE / 3) * 3;
}

size_t
vector_bytes(int dimensions)
{
	return (size_t) dimensions * MAX_NUMBER_BYTES + 16;
}

char *
write_numbers(char *out, uint32_t offset, int dimensions)
{
	size_t		length = number_start[offset + dimensions] - number_start[offset];

	*out = '[';
	memcpy(out + 1, numbers + number_start[offset], length);
	out[length] = ']';			/* where the last comma was */
	return out + length + 1;
}

char *
write_base64(char *out, uint32_t offset, int dimensions)
{
	int			whole = dimensions / 3;
	int			rest = dimensions % 3 * 4;
	unsigned char tail[12] = {0};

	*out++ = '"';
	memcpy(out, base64 + offset / 3 * 16, (size_t) whole * 16);
	out += (size_t) whole * 16;
	memcpy(tail, &values[offset + whole * 3], rest);
	for (int i = 0; i < rest; i += 3, out += 4)
		encode_triple(tail + i, out);
	if (rest % 3 > 0)
		memset(out - (3 - rest % 3), '=', 3 - rest % 3);
	*out++ = '"';
	return out;
}

const float *
ring_values(uint32_t offset)
{
	return values + offset;
}
