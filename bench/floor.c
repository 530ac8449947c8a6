/*
 * floor.c
 *		What libcurl alone can do: the floor that the extension is held against.
 *
 *	floor URL TEXTS BATCH IN-FLIGHT DECODER
 *
 * Sends TEXTS texts to URL, BATCH in a request, IN-FLIGHT requests at a time,
 * over one multi handle, and decodes the vectors as DECODER says: strtof, own
 * (the extension's parser of numbers), base64 (its decoder too).  Vectors are
 * kept until the end, as a statement would keep them.  Prints one line of JSON.
 *
 * It knows the answers of provider.c byte by byte, so it looks for nothing but
 * brackets and quotes: a client that reads any JSON has more to do.
 */
#define _GNU_SOURCE
#include <curl/curl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "json/json_base64.h"
#include "json/json_number.h"

typedef enum Decoder
{
	DECODER_STRTOF, DECODER_OWN, DECODER_BASE64
} Decoder;

typedef struct Buffer
{
	char	   *bytes;
	size_t		used;
	size_t		size;
} Buffer;

typedef struct Slot
{
	CURL	   *easy;
	Buffer		request;
	Buffer		answer;
	int			first;			/* text of the batch */
	int			ntexts;
} Slot;

static Decoder decoder;
static float **vectors;			/* (texts) */
static int	dims;
static long nrequests;
static long nconnections;

static void
die(const char *what)
{
	fprintf(stderr, "floor: %s\n", what);
	exit(1);
}

static void
make_room(Buffer *buffer, size_t wanted)
{
	if (buffer->used + wanted <= buffer->size)
		return;
	buffer->size = (buffer->used + wanted) * 2;
	buffer->bytes = realloc(buffer->bytes, buffer->size);
	if (buffer->bytes == NULL)
		die("out of memory");
}

static size_t
take_body(char *bytes, size_t size, size_t n, void *arg)
{
	Buffer	   *buffer = arg;

	make_room(buffer, size * n + 64);
	memcpy(buffer->bytes + buffer->used, bytes, size * n);
	buffer->used += size * n;
	return size * n;
}

static float *
new_vector(void)
{
	float	   *vector = malloc(dims * sizeof(float) + 4);

	if (vector == NULL)
		die("out of memory");
	return vector;
}

static const char *
decode_numbers(const char *next, float *vector)
{
	for (int i = 0; i < dims; i++)
	{
		if (decoder == DECODER_STRTOF)
			vector[i] = strtof(next, (char **) &next);
		else
			next = inf_json_scan_float(next, &vector[i]);
		if (next == NULL)
			die("no number");
		next++;
	}
	return next;
}

static void
decode(Slot *slot, bool is_openai)
{
	const char *mark = is_openai ? "\"embedding\":" : "[";
	const char *next;
	const char *end = slot->answer.bytes + slot->answer.used;

	memset(slot->answer.bytes + slot->answer.used, 0, 64);
	next = slot->answer.bytes + (is_openai ? 0 : 1);
	for (int i = 0; i < slot->ntexts; i++)
	{
		float	   *vector;
		const char *comma;

		next = memmem(next, end - next, mark, strlen(mark));
		if (next == NULL)
			die("too few vectors");
		next += strlen(mark);
		if (dims == 0)
		{
			/* the width of the first */
			const char *close = strpbrk(next + 1, "]\"");

			if (decoder == DECODER_BASE64)
				dims = (close - next - 1) / 4 * 3 / sizeof(float);
			else
				for (dims = 1, comma = next; (comma = memchr(comma + 1, ',', close - comma - 1)); dims++)
					;
		}
		vector = vectors[slot->first + i] = new_vector();
		if (decoder == DECODER_BASE64)
		{
			Base64		state = {0};
			unsigned char *out = (unsigned char *) vector;

			next += 1 + inf_base64_decode(&state, next + 1, end - next - 1, &out);
			(void) inf_base64_end(&state, &out);
		}
		else
			next = decode_numbers(next + (is_openai ? 1 : 0), vector);
	}
}

/* {"input":["text 0 ..."]}: 60 bytes each, each another. */
static void
build_request(Slot *slot, bool is_openai)
{
	Buffer	   *b = &slot->request;

	b->used = 0;
	make_room(b, slot->ntexts * 64 + 100);
	b->used += sprintf(b->bytes, is_openai ? "{\"input\":[" : "{\"inputs\":[");
	for (int i = 0; i < slot->ntexts; i++)
		b->used += sprintf(b->bytes + b->used,
						   "%s\"text %-8d of those that the bench has embedded, again and again\"",
						   i ? "," : "", slot->first + i);
	b->used += sprintf(b->bytes + b->used, "]%s}", decoder == DECODER_BASE64 ?
					   ",\"encoding_format\":\"base64\"" : "");
}

static void
start(CURLM *multi, Slot *slot, bool is_openai)
{
	build_request(slot, is_openai);
	slot->answer.used = 0;
	curl_easy_setopt(slot->easy, CURLOPT_POSTFIELDSIZE, (long) slot->request.used);
	curl_easy_setopt(slot->easy, CURLOPT_POSTFIELDS, slot->request.bytes);
	if (multi)
		curl_multi_add_handle(multi, slot->easy);
}

static void
finish(Slot *slot, CURLcode code, bool is_openai)
{
	long		status = 0;
	long		connections = 0;

	curl_easy_getinfo(slot->easy, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_getinfo(slot->easy, CURLINFO_NUM_CONNECTS, &connections);
	if (code != CURLE_OK || status != 200)
		die(code != CURLE_OK ? curl_easy_strerror(code) : "status is not 200");
	nrequests++;
	nconnections += connections;
	decode(slot, is_openai);
}

static void
run_many(Slot *slots, int nslots, int ntexts, int batch, bool is_openai)
{
	CURLM	   *multi = curl_multi_init();
	int			next = 0;
	int			nmoving = 0;

	for (int i = 0; i < nslots && next < ntexts; i++, nmoving++)
	{
		slots[i].first = next;
		slots[i].ntexts = next + batch > ntexts ? ntexts - next : batch;
		next += slots[i].ntexts;
		start(multi, &slots[i], is_openai);
	}
	while (nmoving > 0)
	{
		CURLMsg    *message;
		int			nleft;

		curl_multi_perform(multi, &nleft);
		while ((message = curl_multi_info_read(multi, &nleft)) != NULL)
		{
			CURLcode	code = message->data.result;
			Slot	   *slot;

			curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **) &slot);
			curl_multi_remove_handle(multi, slot->easy);

			/* the next goes out before this one is decoded */
			if (next < ntexts)
			{
				Buffer		answer = slot->answer;
				Slot		done = *slot;

				slot->answer = (Buffer) {0};
				slot->first = next;
				slot->ntexts = next + batch > ntexts ? ntexts - next : batch;
				next += slot->ntexts;
				done.answer = answer;
				finish(&done, code, is_openai);
				start(multi, slot, is_openai);
				free(done.answer.bytes);
			}
			else
			{
				finish(slot, code, is_openai);
				nmoving--;
			}
		}
		if (nmoving > 0)
			curl_multi_poll(multi, NULL, 0, 1000, NULL);
	}
	curl_multi_cleanup(multi);
}

/* One at a time, which libcurl has a shorter way for. */
static void
run_one_by_one(Slot *slot, int ntexts, int batch, bool is_openai)
{
	for (int next = 0; next < ntexts; next += batch)
	{
		slot->first = next;
		slot->ntexts = next + batch > ntexts ? ntexts - next : batch;
		start(NULL, slot, is_openai);
		finish(slot, curl_easy_perform(slot->easy), is_openai);
	}
}

static double
seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

int
main(int argc, char **argv)
{
	struct curl_slist *headers = NULL;
	struct rusage before;
	struct rusage after;
	double		began;
	double		took;
	double		cpu;
	int			ntexts;
	int			batch;
	int			nslots;
	bool		is_openai;
	Slot	   *slots;

	if (argc != 6)
		die("usage: floor URL TEXTS BATCH IN-FLIGHT strtof|own|base64");
	is_openai = strstr(argv[1], "/v1/embeddings") != NULL;
	ntexts = atoi(argv[2]);
	batch = atoi(argv[3]);
	nslots = atoi(argv[4]);
	decoder = strcmp(argv[5], "base64") == 0 ? DECODER_BASE64 :
		strcmp(argv[5], "own") == 0 ? DECODER_OWN : DECODER_STRTOF;

	curl_global_init(CURL_GLOBAL_DEFAULT);
	headers = curl_slist_append(headers, "Content-Type: application/json");
	headers = curl_slist_append(headers, "Authorization: Bearer bench");
	headers = curl_slist_append(headers, "Expect:");
	vectors = calloc(ntexts, sizeof(float *));
	slots = calloc(nslots, sizeof(Slot));
	for (int i = 0; i < nslots; i++)
	{
		CURL	   *easy = slots[i].easy = curl_easy_init();

		curl_easy_setopt(easy, CURLOPT_URL, argv[1]);
		curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
		curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_body);
		curl_easy_setopt(easy, CURLOPT_WRITEDATA, &slots[i].answer);
		curl_easy_setopt(easy, CURLOPT_PRIVATE, &slots[i]);
		curl_easy_setopt(easy, CURLOPT_PROXY, "");
	}

	getrusage(RUSAGE_SELF, &before);
	began = seconds();
	if (nslots == 1)
		run_one_by_one(&slots[0], ntexts, batch, is_openai);
	else
		run_many(slots, nslots, ntexts, batch, is_openai);
	took = seconds() - began;
	getrusage(RUSAGE_SELF, &after);
	cpu = (after.ru_utime.tv_sec - before.ru_utime.tv_sec) * 1e6 +
		(after.ru_utime.tv_usec - before.ru_utime.tv_usec) +
		(after.ru_stime.tv_sec - before.ru_stime.tv_sec) * 1e6 +
		(after.ru_stime.tv_usec - before.ru_stime.tv_usec);

	printf("{\"texts_per_s\": %.1f, \"requests\": %ld, \"connections\": %ld, "
		   "\"cpu_us_per_text\": %.2f, \"peak_rss_mib\": %.1f, \"first\": [%.9g, %.9g]}\n",
		   ntexts / took, nrequests, nconnections, cpu / ntexts,
		   after.ru_maxrss / 1024.0, vectors[0][0], vectors[ntexts - 1][dims - 1]);
	return 0;
}
