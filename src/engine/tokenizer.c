/*
 * tokenizer.c
 *		Text to the token ids of BERT: normalisation, words, WordPiece.
 *
 * A text passes once, character by character, through what Hugging Face does
 * in passes over the whole: clean, split ideographs, decompose (NFD) and strip
 * accents, lowercase, split at spaces and punctuation.  What is kept is the
 * word so far, which is bounded.  Models were trained on ids of Hugging
 * Face's Rust code, so we follow its rules where they look odd, too.  What a
 * character is, ICU says: Rust's tables of categories are of an older Unicode,
 * and know less of characters of the last ten years.
 */
#include "engine/tokenizer.h"

#include <stdlib.h>
#include <string.h>

#include <unicode/uchar.h>
#include <unicode/unorm2.h>
#include <unicode/utf16.h>
#include <unicode/utf8.h>

#include "engine/tokenizer_rules.h"

#define REPLACEMENT_CHARACTER 0xfffd
#define CAPITAL_I_WITH_DOT 0x130
#define COMBINING_DOT 0x307

/* UTF-16 units of a decomposed character; Unicode's longest has 4. */
#define MAX_DECOMPOSED 16

/* What the rules make of a character of ASCII. */
typedef enum AsciiKind
{
	ASCII_DROPPED,
	ASCII_SPACE,
	ASCII_PUNCTUATION,
	ASCII_LETTER				/* of a word; what is none of the others */
} AsciiKind;

struct Tokenizer
{
	TokenizerRules rules;
	const UNormalizer2 *nfd;
	unsigned char ascii_kind[128];
	char		ascii_lower[128];
};

/* A text on its way to ids. */
typedef struct Encoding
{
	const Tokenizer *tokenizer;
	const TokenizerRules *rules;

	int32_t    *ids;
	int			nids;
	int			max_ids;		/* [SEP] not counted */
	bool		is_full;		/* an id had no room: the rest is not needed */
	UErrorCode	status;			/* ICU's */

	/* The word so far, decomposed and lower case */
	int			nchars;			/* one over the maximum: a word too long */
	size_t		nbytes;
	size_t		run_start;		/* no mark moves before that byte */
	char		word[INF_VOCABULARY_MAX_WORD_BYTES];
} Encoding;

static inline bool
is_space(UChar32 c)
{
	return (c >= '\t' && c <= '\r') || c == ' ' || c == 0x85 ||
		(c > 0x85 && (U_GET_GC_MASK(c) & U_GC_Z_MASK) != 0);
}

/* All symbols of ASCII count. */
static inline bool
is_punctuation(UChar32 c)
{
	if (c < 0x80)
		return c > ' ' && c < 0x7f && !(c >= '0' && c <= '9') &&
			!((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
	return (U_GET_GC_MASK(c) & U_GC_P_MASK) != 0;
}

/* What cleaning drops.  Code points without a character stay. */
static inline bool
is_dropped(UChar32 c)
{
	if (c == '\t' || c == '\n' || c == '\r')
		return false;
	return c == REPLACEMENT_CHARACTER ||
		(U_GET_GC_MASK(c) & (U_GC_CC_MASK | U_GC_CF_MASK | U_GC_CO_MASK)) != 0;
}

/*
 * What counts as an ideograph.  The gap at 0x2b820 is a slip of Hugging
 * Face's, which models have learnt.
 */
static inline bool
is_ideograph(UChar32 c)
{
	return c >= 0x3400 &&
		((c >= 0x4e00 && c <= 0x9fff) || c <= 0x4dbf ||
		 (c >= 0xf900 && c <= 0xfaff) || (c >= 0x20000 && c <= 0x2a6df) ||
		 (c >= 0x2a700 && c <= 0x2b81f) || (c >= 0x2b920 && c <= 0x2ceaf) ||
		 (c >= 0x2f800 && c <= 0x2fa1f));
}

static void
emit(Encoding *encoding, int id)
{
	if (encoding->nids == encoding->max_ids)
		encoding->is_full = true;
	else
		encoding->ids[encoding->nids++] = id;
}

/* WordPiece: the longest token that the rest begins with, again and again. */
static void
emit_word(Encoding *encoding)
{
	const TokenizerRules *rules = encoding->rules;
	int32_t		pieces[TOKENIZER_MAX_WORD_CHARS];
	int			npieces = 0;
	size_t		matched;

	if (encoding->nchars > rules->max_word_chars)
	{
		emit(encoding, rules->unknown);
		return;
	}
	for (size_t at = 0; at < encoding->nbytes; at += matched)
	{
		const int	id = inf_vocabulary_match(rules->vocabulary, at > 0,
											  encoding->word + at,
											  encoding->nbytes - at, &matched);

		if (id < 0)
		{
			/* The whole word is unknown. */
			emit(encoding, rules->unknown);
			return;
		}
		pieces[npieces++] = id;
	}
	for (int i = 0; i < npieces; i++)
		emit(encoding, pieces[i]);
}

static void
end_word(Encoding *encoding)
{
	if (encoding->nchars > 0)
		emit_word(encoding);
	encoding->nchars = 0;
	encoding->nbytes = 0;
	encoding->run_start = 0;
}

static inline void
append_ascii(Encoding *encoding, char c)
{
	if (encoding->nchars < encoding->rules->max_word_chars)
		encoding->word[encoding->nbytes++] = c;
	else if (encoding->nchars > encoding->rules->max_word_chars)
		return;
	encoding->nchars++;
}

/* Adds a character to the word, at a byte where one begins. */
static void
insert(Encoding *encoding, UChar32 c, size_t at)
{
	char		bytes[U8_MAX_LENGTH];
	size_t		length = 0;

	if (encoding->nchars >= encoding->rules->max_word_chars)
	{
		encoding->nchars = encoding->rules->max_word_chars + 1;
		return;
	}
	U8_APPEND_UNSAFE(bytes, length, c);
	memmove(encoding->word + at + length, encoding->word + at, encoding->nbytes - at);
	memcpy(encoding->word + at, bytes, length);
	encoding->nbytes += length;
	encoding->nchars++;
}

/*
 * Adds a mark that NFD puts before marks of higher classes.  Only spacing
 * marks of a few scripts get here: others were stripped.
 */
static void
insert_mark(Encoding *encoding, UChar32 c, uint8_t class)
{
	const UNormalizer2 *nfd = encoding->tokenizer->nfd;
	const bool	is_too_long = encoding->nchars >= encoding->rules->max_word_chars;
	size_t		at = encoding->nbytes;

	/* What is not kept needs no place. */
	while (at > encoding->run_start && !is_too_long)
	{
		size_t		before = at;
		UChar32		previous;

		U8_PREV_UNSAFE(encoding->word, before, previous);
		if (unorm2_getCombiningClass(nfd, previous) <= class)
			break;
		at = before;
	}
	insert(encoding, c, at);
}

/* Takes a character as it is to be, and splits words there. */
static void
take_normal(Encoding *encoding, UChar32 c)
{
	if (is_space(c))
		end_word(encoding);
	else if (is_punctuation(c))
	{
		end_word(encoding);
		insert(encoding, c, 0);
		end_word(encoding);
	}
	else
		insert(encoding, c, encoding->nbytes);
}

/* Lowercases by character, whatever stands around it. */
static void
take_stripped(Encoding *encoding, UChar32 c)
{
	if (!encoding->rules->lowercases)
		take_normal(encoding, c);
	else if (c == CAPITAL_I_WITH_DOT)
	{
		/* The one character that becomes two. */
		take_normal(encoding, 'i');
		take_normal(encoding, COMBINING_DOT);
	}
	else
		take_normal(encoding, u_tolower(c));
}

/* Takes a character that has no decomposition. */
static void
take_decomposed(Encoding *encoding, UChar32 c)
{
	const uint32_t category = U_GET_GC_MASK(c);
	uint8_t		class;

	if ((category & (U_GC_MN_MASK | U_GC_MC_MASK)) == 0)
	{
		take_stripped(encoding, c);
		return;
	}
	class = unorm2_getCombiningClass(encoding->tokenizer->nfd, c);
	if (class == 0)
		encoding->run_start = encoding->nbytes;
	if ((category & U_GC_MN_MASK) != 0)
		return;
	if (class == 0)
		take_stripped(encoding, c);
	else
		insert_mark(encoding, c, class);
}

static void
take_split(Encoding *encoding, UChar32 c)
{
	UChar		units[MAX_DECOMPOSED];
	int32_t		nunits = -1;

	if (!encoding->rules->strips_accents)
	{
		take_stripped(encoding, c);
		return;
	}
	if (c >= 0x80)
		nunits = unorm2_getDecomposition(encoding->tokenizer->nfd, c, units,
										 MAX_DECOMPOSED, &encoding->status);
	if (nunits < 0 || U_FAILURE(encoding->status))
	{
		take_decomposed(encoding, c);
		return;
	}
	for (int32_t i = 0; i < nunits;)
	{
		U16_NEXT(units, i, nunits, c);
		take_decomposed(encoding, c);
	}
}

/* Takes a character of the text. */
static void
take(Encoding *encoding, UChar32 c)
{
	const TokenizerRules *rules = encoding->rules;

	if (rules->cleans_text && is_dropped(c))
		return;
	if (rules->splits_ideographs && is_ideograph(c))
	{
		end_word(encoding);
		take_split(encoding, c);
		end_word(encoding);
	}
	else
		take_split(encoding, c);
}

/* Takes a run of ASCII: the same, by table.  Returns where it ends. */
static size_t
take_ascii(Encoding *encoding, const char *text, size_t at, size_t length)
{
	const Tokenizer *tokenizer = encoding->tokenizer;

	for (; at < length && U8_IS_SINGLE(text[at]) && !encoding->is_full; at++)
	{
		const int	c = text[at];

		switch (tokenizer->ascii_kind[c])
		{
			case ASCII_DROPPED:
				break;
			case ASCII_SPACE:
				end_word(encoding);
				break;
			case ASCII_PUNCTUATION:
				end_word(encoding);
				append_ascii(encoding, (char) c);
				end_word(encoding);
				break;
			case ASCII_LETTER:
				append_ascii(encoding, tokenizer->ascii_lower[c]);
				break;
		}
	}
	return at;
}

/* Where the first ill-formed sequence begins; length if there is none. */
static size_t
find_bad_utf8(const char *text, size_t length)
{
	size_t		at = 0;

	while (at < length)
	{
		const size_t start = at;
		uint64_t	eight;
		UChar32		c;

		if (length - at >= sizeof(eight))
		{
			memcpy(&eight, text + at, sizeof(eight));
			if ((eight & UINT64_C(0x8080808080808080)) == 0)
			{
				at += sizeof(eight);
				continue;
			}
		}
		U8_NEXT(text, at, length, c);
		if (c < 0)
			return start;
	}
	return length;
}

bool
inf_tokenizer_encode(const Tokenizer *tokenizer, const char *text, size_t length,
					 int max_tokens, int32_t *ids, int *nids, bool *truncated,
					 EngineError *error)
{
	Encoding	encoding;
	const size_t bad = find_bad_utf8(text, length);

	/* Looked for first, so that it does not hinge on how much is needed. */
	if (bad < length)
		return inf_engine_fail(error, ENGINE_BAD_INPUT,
							   "the text is not valid UTF-8 at byte offset %zu", bad);

	encoding.tokenizer = tokenizer;
	encoding.rules = &tokenizer->rules;
	encoding.ids = ids;
	encoding.nids = 0;
	encoding.max_ids = max_tokens - 1;
	encoding.is_full = false;
	encoding.status = U_ZERO_ERROR;
	encoding.nchars = 0;
	encoding.nbytes = 0;
	encoding.run_start = 0;

	ids[encoding.nids++] = tokenizer->rules.start;
	for (size_t at = 0; at < length && !encoding.is_full;)
	{
		UChar32		c;

		at = take_ascii(&encoding, text, at, length);
		if (at == length || encoding.is_full)
			break;
		U8_NEXT(text, at, length, c);
		take(&encoding, c);
	}
	if (!encoding.is_full)
		end_word(&encoding);
	if (U_FAILURE(encoding.status))
		return inf_engine_fail(error, ENGINE_NO_MEMORY,
							   "could not normalize the text: %s",
							   u_errorName(encoding.status));
	ids[encoding.nids++] = tokenizer->rules.end;
	*nids = encoding.nids;
	*truncated = encoding.is_full;
	return true;
}

/* Puts into tables what the rules make of ASCII. */
static void
fill_tables(Tokenizer *tokenizer)
{
	const TokenizerRules *rules = &tokenizer->rules;

	for (int c = 0; c < 128; c++)
	{
		tokenizer->ascii_kind[c] =
			rules->cleans_text && is_dropped(c) ? ASCII_DROPPED :
			is_space(c) ? ASCII_SPACE :
			is_punctuation(c) ? ASCII_PUNCTUATION : ASCII_LETTER;
		tokenizer->ascii_lower[c] =
			(char) (rules->lowercases ? u_tolower(c) : c);
	}
}

Tokenizer *
inf_tokenizer_open(const char *folder, int nvocabulary, EngineError *error)
{
	Tokenizer  *tokenizer = calloc(1, sizeof(*tokenizer));
	UErrorCode	status = U_ZERO_ERROR;

	if (tokenizer == NULL)
	{
		(void) inf_engine_fail(error, ENGINE_NO_MEMORY,
							   "out of memory for the tokenizer");
		return NULL;
	}
	tokenizer->nfd = unorm2_getNFDInstance(&status);
	if (U_FAILURE(status))
	{
		free(tokenizer);
		(void) inf_engine_fail(error, ENGINE_NO_MEMORY,
							   "could not load ICU's tables of Unicode: %s",
							   u_errorName(status));
		return NULL;
	}
	if (!inf_tokenizer_rules_read(&tokenizer->rules, folder, nvocabulary, error))
	{
		free(tokenizer);
		return NULL;
	}
	fill_tables(tokenizer);
	return tokenizer;
}

void
inf_tokenizer_close(Tokenizer *tokenizer)
{
	if (tokenizer == NULL)
		return;
	inf_vocabulary_free(tokenizer->rules.vocabulary);
	free(tokenizer);
}

int
inf_tokenizer_size(const Tokenizer *tokenizer)
{
	return inf_vocabulary_size(tokenizer->rules.vocabulary);
}

const char *
inf_tokenizer_token(const Tokenizer *tokenizer, int id)
{
	return inf_vocabulary_token(tokenizer->rules.vocabulary, id);
}

bool
inf_tokenizer_is_special(const Tokenizer *tokenizer, int id)
{
	const TokenizerRules *rules = &tokenizer->rules;

	/* mask may be -1, which no id is. */
	return id >= 0 && (id == rules->start || id == rules->end ||
					   id == rules->padding || id == rules->unknown ||
					   id == rules->mask);
}
