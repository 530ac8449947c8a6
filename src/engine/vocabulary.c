/*
 * vocabulary.c
 *		Tokens and their ids, and the longest token that a text begins with.
 *
 * A hash table with open addressing.  The hash of a text is that of the text
 * without its last byte, and that byte, so one pass over a word has the hashes
 * of all its beginnings.
 */
#include "engine/vocabulary.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include <unicode/utf8.h>

/*
 * Longest walk from where a token should be.  The table is at most half full,
 * and honest vocabularies of millions stay under 100; this keeps one that was
 * made to collide from costing time in the square of its size.
 */
#define MAX_PROBES 1000

/* Hash of an empty text: FNV-1a's. */
#define HASH_START UINT64_C(0xcbf29ce484222325)

#define SLOT_FREE (-1)

typedef struct Text
{
	uint32_t	offset;			/* in bytes */
	uint32_t	length;			/* 0: a hole */
} Text;

typedef struct Slot
{
	uint32_t	tag;			/* the hash's upper half */
	int32_t		id;
} Slot;

struct Vocabulary
{
	const char *path;			/* for messages, while it is being read */
	int			max_tokens;
	int			size;			/* highest id and one */
	Text	   *texts;			/* (max_tokens) */

	/* Texts of all tokens, each with a NUL behind it */
	char	   *bytes;
	size_t		nbytes;
	size_t		capacity;

	/* By hash; a power of two, at least twice as many as there are tokens */
	Slot	   *slots;
	uint32_t	slot_mask;

	/* What tokens within a word begin with */
	char	   *prefix;
	size_t		prefix_length;
	uint64_t	prefix_hash;

	size_t		longest;		/* bytes of the longest token */
};

/* What one callback of JSON's needs. */
typedef struct JsonReader
{
	Vocabulary *vocabulary;
	EngineError *error;
} JsonReader;

static inline uint64_t
hash_byte(uint64_t hash, char byte)
{
	return (hash ^ (unsigned char) byte) * UINT64_C(0x100000001b3);
}

static uint64_t
hash_text(const char *text, size_t length)
{
	uint64_t	hash = HASH_START;

	for (size_t i = 0; i < length; i++)
		hash = hash_byte(hash, text[i]);
	return hash;
}

/* FNV's upper bits know of all bytes, its lower ones less. */
static inline uint32_t
hash_slot(const Vocabulary *vocabulary, uint64_t hash)
{
	return (uint32_t) (hash ^ hash >> 29 ^ hash >> 47) & vocabulary->slot_mask;
}

static Vocabulary *
create(const char *prefix, const char *path, int max_tokens, EngineError *error)
{
	Vocabulary *vocabulary = calloc(1, sizeof(*vocabulary));

	if (vocabulary != NULL)
	{
		vocabulary->path = path;
		vocabulary->max_tokens = max_tokens;
		vocabulary->texts = calloc(max_tokens, sizeof(Text));
		vocabulary->prefix = strdup(prefix);
	}
	if (vocabulary == NULL || vocabulary->texts == NULL || vocabulary->prefix == NULL)
	{
		inf_vocabulary_free(vocabulary);
		(void) inf_engine_fail(error, ENGINE_NO_MEMORY,
							   "out of memory for the vocabulary \"%s\"", path);
		return NULL;
	}
	vocabulary->prefix_length = strlen(prefix);
	vocabulary->prefix_hash = hash_text(prefix, vocabulary->prefix_length);
	return vocabulary;
}

/* Room for length bytes more, and a NUL. */
static bool
reserve_bytes(Vocabulary *vocabulary, size_t length, EngineError *error)
{
	size_t		needed;
	size_t		capacity;
	char	   *bytes;

	if (length >= UINT32_MAX - vocabulary->nbytes)
		return inf_engine_fail(error, ENGINE_BAD_FILE,
							   "the tokens of \"%s\" take more than 4 GB",
							   vocabulary->path);
	needed = vocabulary->nbytes + length + 1;
	if (needed <= vocabulary->capacity)
		return true;
	capacity = needed + needed / 2 + 4096;
	bytes = realloc(vocabulary->bytes, capacity);
	if (bytes == NULL)
		return inf_engine_fail(error, ENGINE_NO_MEMORY,
							   "out of memory for the vocabulary \"%s\"",
							   vocabulary->path);
	vocabulary->bytes = bytes;
	vocabulary->capacity = capacity;
	return true;
}

/* Gives a text, which is not empty, to an id that is in range and free. */
static bool
put_text(Vocabulary *vocabulary, int id, const char *token, size_t length,
		 EngineError *error)
{
	if (!reserve_bytes(vocabulary, length, error))
		return false;
	memcpy(vocabulary->bytes + vocabulary->nbytes, token, length);
	vocabulary->bytes[vocabulary->nbytes + length] = '\0';
	vocabulary->texts[id].offset = (uint32_t) vocabulary->nbytes;
	vocabulary->texts[id].length = (uint32_t) length;
	vocabulary->nbytes += length + 1;
	if (id >= vocabulary->size)
		vocabulary->size = id + 1;
	return true;
}

/* As put_text(), of an id that a file says. */
static bool
put_checked(Vocabulary *vocabulary, int64_t id, const char *token,
			EngineError *error)
{
	if (id < 0 || id >= vocabulary->max_tokens)
		return inf_engine_fail(error, ENGINE_BAD_FILE,
							   "token \"%.100s\" of \"%s\" has id %lld, "
							   "but the model has rows for ids 0 to %d",
							   token, vocabulary->path, (long long) id,
							   vocabulary->max_tokens - 1);
	if (token[0] == '\0')
		return true;
	if (vocabulary->texts[id].length > 0)
		return inf_engine_fail(error, ENGINE_BAD_FILE,
							   "\"%s\" gives id %lld to two tokens, \"%.100s\" and \"%.100s\"",
							   vocabulary->path, (long long) id,
							   inf_vocabulary_token(vocabulary, (int) id), token);
	return put_text(vocabulary, (int) id, token, strlen(token), error);
}

/*
 * The slot of the text that is prefix and text together, or a free one.  NULL:
 * neither is near.
 */
static Slot *
find_slot(const Vocabulary *vocabulary, uint64_t hash, const char *prefix,
		  size_t prefix_length, const char *text, size_t length)
{
	const uint32_t tag = (uint32_t) (hash >> 32);
	uint32_t	at = hash_slot(vocabulary, hash);

	for (int probe = 0; probe < MAX_PROBES; probe++)
	{
		Slot	   *slot = &vocabulary->slots[at];

		if (slot->id == SLOT_FREE)
			return slot;
		if (slot->tag == tag)
		{
			const Text *found = &vocabulary->texts[slot->id];
			const char *bytes = vocabulary->bytes + found->offset;

			if (found->length == prefix_length + length &&
				memcmp(bytes, prefix, prefix_length) == 0 &&
				memcmp(bytes + prefix_length, text, length) == 0)
				return slot;
		}
		at = (at + 1) & vocabulary->slot_mask;
	}
	return NULL;
}

/* Enters all tokens into the table; of equal ones the last. */
static bool
build_table(Vocabulary *vocabulary, EngineError *error)
{
	size_t		nslots = 64;

	while (nslots < 2 * (size_t) vocabulary->size)
		nslots *= 2;
	vocabulary->slots = malloc(nslots * sizeof(Slot));
	if (vocabulary->slots == NULL)
		return inf_engine_fail(error, ENGINE_NO_MEMORY,
							   "out of memory for the vocabulary \"%s\"",
							   vocabulary->path);
	for (size_t i = 0; i < nslots; i++)
		vocabulary->slots[i].id = SLOT_FREE;
	vocabulary->slot_mask = (uint32_t) (nslots - 1);

	for (int id = 0; id < vocabulary->size; id++)
	{
		const Text *text = &vocabulary->texts[id];
		const char *bytes = vocabulary->bytes + text->offset;
		const uint64_t hash = hash_text(bytes, text->length);
		Slot	   *slot;

		if (text->length == 0)
			continue;
		slot = find_slot(vocabulary, hash, "", 0, bytes, text->length);
		if (slot == NULL)
			return inf_engine_fail(error, ENGINE_BAD_FILE,
								   "the tokens of \"%s\" were chosen to collide in hash tables",
								   vocabulary->path);
		slot->tag = (uint32_t) (hash >> 32);
		slot->id = id;
		if (text->length > vocabulary->longest)
			vocabulary->longest = text->length;
	}
	return true;
}

/* Whether a line of vocab.txt is text. */
static bool
check_line(const char *line, size_t length, int number, const char *path,
		   EngineError *error)
{
	size_t		i = 0;

	while (i < length)
	{
		UChar32		c;

		U8_NEXT(line, i, length, c);
		if (c < 0)
			return inf_engine_fail(error, ENGINE_BAD_FILE,
								   "line %d of \"%s\" is not valid UTF-8", number, path);
		if (c == 0)
			return inf_engine_fail(error, ENGINE_BAD_FILE,
								   "line %d of \"%s\" contains a NUL character", number, path);
	}
	return true;
}

static bool
read_lines(Vocabulary *vocabulary, const char *bytes, size_t size,
		   EngineError *error)
{
	const char *end = bytes + size;
	int			id = 0;

	for (const char *line = bytes; line < end; id++)
	{
		const char *newline = memchr(line, '\n', end - line);
		const char *line_end = newline ? newline : end;
		size_t		length = line_end - line;

		if (length > 0 && line_end[-1] == '\r')
			length--;
		if (id >= vocabulary->max_tokens)
			return inf_engine_fail(error, ENGINE_BAD_FILE,
								   "\"%s\" has more than %d tokens, "
								   "which is all that the model has rows for",
								   vocabulary->path, vocabulary->max_tokens);
		if (!check_line(line, length, id + 1, vocabulary->path, error))
			return false;
		if (length > 0 && !put_text(vocabulary, id, line, length, error))
			return false;
		line = newline ? newline + 1 : end;
	}
	return true;
}

Vocabulary *
inf_vocabulary_read_lines(const char *bytes, size_t size, const char *path,
						  int max_tokens, EngineError *error)
{
	Vocabulary *vocabulary = create("##", path, max_tokens, error);

	if (vocabulary == NULL)
		return NULL;
	if (!read_lines(vocabulary, bytes, size, error) ||
		!build_table(vocabulary, error))
	{
		inf_vocabulary_free(vocabulary);
		return NULL;
	}
	return vocabulary;
}

static bool
take_member(void *context, const char *name, const JsonTree *value)
{
	JsonReader *reader = context;
	int64_t		id;

	if (!inf_json_tree_integer(value, &id))
		return inf_engine_fail(reader->error, ENGINE_BAD_FILE,
							   "the id of token \"%.100s\" of \"%s\" is not an integer",
							   name, reader->vocabulary->path);
	return put_checked(reader->vocabulary, id, name, reader->error);
}

Vocabulary *
inf_vocabulary_read_json(const JsonTree *tokens, const char *prefix,
						 const char *path, int max_tokens, EngineError *error)
{
	JsonReader	reader = {.error = error};

	if (!inf_json_tree_is_object(tokens))
	{
		(void) inf_engine_fail(error, ENGINE_BAD_FILE,
							   "the vocabulary of \"%s\" is not an object of tokens and ids",
							   path);
		return NULL;
	}
	reader.vocabulary = create(prefix, path, max_tokens, error);
	if (reader.vocabulary == NULL)
		return NULL;
	if (!inf_json_tree_each(tokens, take_member, &reader) ||
		!build_table(reader.vocabulary, error))
	{
		inf_vocabulary_free(reader.vocabulary);
		return NULL;
	}
	return reader.vocabulary;
}

bool
inf_vocabulary_add(Vocabulary *vocabulary, const char *token, int64_t id,
				   EngineError *error)
{
	return inf_vocabulary_id(vocabulary, token) >= 0 ||
		put_checked(vocabulary, id, token, error);
}

void
inf_vocabulary_free(Vocabulary *vocabulary)
{
	if (vocabulary == NULL)
		return;
	free(vocabulary->texts);
	free(vocabulary->bytes);
	free(vocabulary->slots);
	free(vocabulary->prefix);
	free(vocabulary);
}

int
inf_vocabulary_size(const Vocabulary *vocabulary)
{
	return vocabulary->size;
}

const char *
inf_vocabulary_token(const Vocabulary *vocabulary, int id)
{
	if (id < 0 || id >= vocabulary->size || vocabulary->texts[id].length == 0)
		return NULL;
	return vocabulary->bytes + vocabulary->texts[id].offset;
}

int
inf_vocabulary_id(const Vocabulary *vocabulary, const char *token)
{
	const size_t length = strlen(token);
	const Slot *slot = find_slot(vocabulary, hash_text(token, length), "", 0,
								 token, length);

	if (slot != NULL && slot->id != SLOT_FREE)
		return slot->id;

	/* Added ones are few, and looked for when a model is opened only. */
	for (int id = 0; id < vocabulary->size; id++)
	{
		const char *found = inf_vocabulary_token(vocabulary, id);

		if (found != NULL && strcmp(found, token) == 0)
			return id;
	}
	return -1;
}

int
inf_vocabulary_match(const Vocabulary *vocabulary, bool is_inside,
					 const char *text, size_t length, size_t *matched)
{
	const char *prefix = is_inside ? vocabulary->prefix : "";
	const size_t prefix_length = is_inside ? vocabulary->prefix_length : 0;
	uint64_t	hash = is_inside ? vocabulary->prefix_hash : HASH_START;
	uint64_t	hashes[INF_VOCABULARY_MAX_WORD_BYTES];	/* of the first i + 1
														 * bytes */

	if (length + prefix_length > vocabulary->longest)
		length = vocabulary->longest > prefix_length ? vocabulary->longest - prefix_length : 0;
	for (size_t i = 0; i < length; i++)
		hashes[i] = hash = hash_byte(hash, text[i]);

	/*
	 * Tokens are whole characters, so no token ends within one.  This may read
	 * no byte behind the text: the first length bytes may be all there are.
	 */
	for (size_t n = length; n > 0; n--)
	{
		const Slot *slot = find_slot(vocabulary, hashes[n - 1], prefix,
									 prefix_length, text, n);

		if (slot != NULL && slot->id != SLOT_FREE)
		{
			*matched = n;
			return slot->id;
		}
	}
	return -1;
}
