/*
 * test_feature_hash.c
 *		Known answers and properties of the hashed features.
 */
#include "service/feature_hash.h"

#include <math.h>
#include <stdlib.h>

#include "check.h"

#define DIMENSIONS 384

static float *
embed(const char *text, int ndimensions)
{
	float	   *vector = calloc(ndimensions, sizeof(float));
	size_t		position = 0;

	while (inf_feature_add_words(text, strlen(text), &position, 2, vector,
								 ndimensions))
		;
	inf_feature_finish(text, strlen(text), vector, ndimensions);
	return vector;
}

static double
dot(const char *a, const char *b)
{
	float	   *x = embed(a, DIMENSIONS);
	float	   *y = embed(b, DIMENSIONS);
	double		sum = 0;

	for (int i = 0; i < DIMENSIONS; i++)
		sum += (double) x[i] * y[i];
	free(x);
	free(y);
	return sum;
}

/* The words of a text, joined by bars. */
static const char *
words(const char *text)
{
	static char joined[2000];
	char		word[INF_FEATURE_MAX_WORD_BYTES + 1];
	size_t		position = 0;

	joined[0] = '\0';
	while (inf_feature_next_word(text, strlen(text), &position, word) > 0)
	{
		strcat(joined, word);
		strcat(joined, "|");
	}
	return joined;
}

static void
check_words(void)
{
	char		longest[1001];
	char		word[INF_FEATURE_MAX_WORD_BYTES + 1];
	size_t		position = 0;

	CHECK_STR(words("Hello, World! x2"), "hello|world|x2|");
	CHECK_STR(words("don't stop-me"), "don|t|stop|me|");
	CHECK_STR(words(" \t\n!?"), "");
	CHECK_STR(words(""), "");
	CHECK_STR(words("ÀÉÎ Straße ŁÓDŹ"), "àéî|straße|łódź|");
	CHECK_STR(words("ΑΒΓ ЖУК Ёлка"), "αβγ|жук|ёлка|");
	CHECK_STR(words("“quoted” — text…"), "quoted|text|");
	CHECK_STR(words("日本、東京"), "日本|東京|");
	CHECK_STR(words("a\u00a0b"), "a|b|");

	memset(longest, 'a', 1000);
	longest[1000] = '\0';
	CHECK(inf_feature_next_word(longest, 1000, &position, word) <= INF_FEATURE_MAX_WORD_BYTES);
	CHECK_INT(position, 1000);

	/* A character that the end cuts must not be read past. */
	position = 0;
	CHECK_INT(inf_feature_next_word("a\xf0", 2, &position, word) > 0, 1);
	CHECK_INT(position, 2);
}

static void
check_norm(const char *text, int ndimensions)
{
	float	   *vector = embed(text, ndimensions);
	double		sum = 0;

	for (int i = 0; i < ndimensions; i++)
		sum += (double) vector[i] * vector[i];
	CHECK(fabs(sum - 1) < 1e-5);
	free(vector);
}

/*
 * These must never change without INF_FEATURE_HASH_VERSION: vectors of this
 * version are in users' tables.
 */
static void
check_known_answer(void)
{
	float	   *vector = embed("The quick brown fox", 8);
	char		text[200] = "";

	for (int i = 0; i < 8; i++)
		sprintf(text + strlen(text), "%s%.4f", i ? " " : "", vector[i]);
	CHECK_STR(text, "0.4523 0.0000 0.4432 -0.4523 -0.5598 -0.1836 0.1836 -0.1167");
	CHECK_INT(INF_FEATURE_HASH_VERSION, 1);
	free(vector);
}

/* Neither sign may prevail, and no place attract more than its share. */
static void
check_spread(void)
{
	static int	places[DIMENSIONS];
	int			positive = 0;
	int			most = 0;

	/* The word itself outweighs each of its n-grams. */
	for (int i = 0; i < 20000; i++)
	{
		char		word[20];
		float	   *vector;
		int			heaviest = 0;

		sprintf(word, "w%dx", i);
		vector = embed(word, DIMENSIONS);
		for (int d = 1; d < DIMENSIONS; d++)
			if (fabsf(vector[d]) > fabsf(vector[heaviest]))
				heaviest = d;
		positive += vector[heaviest] > 0;
		places[heaviest]++;
		free(vector);
	}
	for (int d = 0; d < DIMENSIONS; d++)
		if (places[d] > most)
			most = places[d];

	/* 52 expected per place, 7.2 the standard deviation; signs 71. */
	CHECK(abs(positive - 10000) < 400);
	CHECK(most < 100);
}

/* Lengths without end: a text of a million words, a word of a megabyte. */
static void
check_giants(void)
{
	size_t		length = 4 * 1000 * 1000;
	char	   *text = malloc(length + 1);
	float	   *vector;
	double		sum = 0;

	for (size_t i = 0; i < length; i += 4)
		memcpy(text + i, "w\xc3\xa9 ", 4);
	text[length] = '\0';
	vector = embed(text, DIMENSIONS);
	for (int i = 0; i < DIMENSIONS; i++)
		sum += (double) vector[i] * vector[i];
	CHECK(fabs(sum - 1) < 1e-5);
	free(vector);

	/* Four bytes a character: the cut must not split one. */
	for (size_t i = 0; i < length; i += 4)
		memcpy(text + i, "\xf0\xa0\x80\x80", 4);
	vector = embed(text, DIMENSIONS);
	sum = 0;
	for (int i = 0; i < DIMENSIONS; i++)
		sum += (double) vector[i] * vector[i];
	CHECK(fabs(sum - 1) < 1e-5);
	free(vector);
	free(text);
}

int
main(void)
{
	check_words();
	check_known_answer();
	check_spread();
	check_giants();

	check_norm("one", 384);
	check_norm("one", 1);
	check_norm("the same the same the same", 7);
	check_norm("!!!", 384);
	check_norm("", 384);
	check_norm("ein sehr langer Satz mit vielen Wörtern und Zeichen", 3);

	CHECK(fabs(dot("alpha beta", "ALPHA, beta!") - 1) < 1e-6);
	CHECK(dot("postgres index", "postgres indexes") > 0.5);
	CHECK(dot("postgres index", "postgres indexes") > dot("postgres index", "a walk in the park") + 0.3);
	CHECK(fabs(dot("zebra quantum", "pillow magnet")) < 0.3);
	CHECK(dot("running", "runner") > 0.05);
	return check_done();
}
