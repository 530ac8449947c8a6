/*
 * reply_error.c
 *		What a service says in an answer that is an error.
 *
 * No two services agree on where the text is, and gateways before them have
 * shapes of their own.  So there is one rule for all, not a path for each: the
 * first text that is found under the names that are in use.
 */
#include "postgres.h"

#include "json/json_read.h"
#include "json/json_tree.h"
#include "service/reply_error.h"

/* Errors have some hundred bytes; beyond this it is something else. */
#define MAX_ERROR_BYTES (256 * 1024)

/* Longest text that is quoted, and longest of an answer that is not JSON. */
#define MAX_WORDS_BYTES 2000
#define MAX_PLAIN_BYTES 200

/* How far the text is looked for; real errors have it within a handful of values. */
#define MAX_DEPTH 8
#define MAX_VALUES 200

/* A model that takes longer to load than this many seconds is not waited for. */
#define MAX_LOADING_S 86400.0

/*
 * Members that hold the text, or what holds it, the most telling ones first:
 * where there is a message, "error" or "title" is often just the status in words.
 */
static const char *const text_names[] = {
	"error_description", "message", "Message", "msg", "errorMessage",
	"error_message", "faultstring", "detail", "reason", "error", "Error",
	"errors", "fault", "details", "description", "title"
};

static const char *find_text(const JsonTree *value, bool in_error, int depth,
							 int *nvalues);

typedef struct TextSearch
{
	const char *text;
	int			depth;
	int		   *nvalues;
} TextSearch;

static bool
find_in_member(void *context, const char *name, const JsonTree *value)
{
	TextSearch *search = context;

	search->text = find_text(value, true, search->depth, search->nvalues);
	return search->text == NULL && *search->nvalues < MAX_VALUES;
}

/* Under the known names; within one of them, under any name. */
static const char *
find_in_object(const JsonTree *value, bool in_error, int depth, int *nvalues)
{
	TextSearch	search = {.depth = depth,.nvalues = nvalues};

	for (int i = 0; i < lengthof(text_names) && search.text == NULL; i++)
		search.text = find_text(inf_json_tree_member(value, text_names[i]), true,
								depth, nvalues);
	if (search.text == NULL && in_error)
		(void) inf_json_tree_each(value, find_in_member, &search);
	return search.text;
}

static const char *
find_text(const JsonTree *value, bool in_error, int depth, int *nvalues)
{
	const char *text = inf_json_tree_string(value);

	if (value == NULL || depth > MAX_DEPTH || ++*nvalues > MAX_VALUES)
		return NULL;
	if (text != NULL)
		return text[strspn(text, " \t\r\n")] != '\0' ? text : NULL;
	if (inf_json_tree_is_object(value))
		return find_in_object(value, in_error, depth + 1, nvalues);
	for (size_t i = 0; i < inf_json_tree_count(value) && *nvalues < MAX_VALUES; i++)
	{
		text = find_text(inf_json_tree_element(value, i), in_error, depth + 1, nvalues);
		if (text != NULL)
			return text;
	}
	return NULL;
}

/* NULL if the answer is not JSON. */
static const JsonTree *
parse(const HttpResponse *response)
{
	InfJson    *root;
	const char *reason;

	if (response->body_bytes == 0 || response->body_bytes > MAX_ERROR_BYTES ||
		!inf_json_parse(response->body, response->body_bytes,
						CurrentMemoryContext, &root, &reason))
		return NULL;
	return root;
}

/* The start of a plain text answer, which some proxies give; else NULL. */
static char *
quote_plain_text(const HttpResponse *response, const InferenceSecret *key)
{
	char	   *text;

	if (strncmp(response->content_type, "text/plain", 10) != 0 ||
		response->body_bytes == 0)
		return NULL;
	text = inf_secret_scrub(key, response->body, MAX_PLAIN_BYTES);
	for (char *c = text; *c; c++)
		if ((unsigned char) *c < 0x20 || (unsigned char) *c > 0x7e)
			*c = ' ';
	return text;
}

char *
inf_reply_error_words(const HttpResponse *response, const InferenceSecret *key)
{
	int			nvalues = 0;
	const char *text = find_text(parse(response), false, 0, &nvalues);

	if (text == NULL)
		return quote_plain_text(response, key);
	return inf_secret_scrub(key, text, MAX_WORDS_BYTES);
}

/* What programs are to tell an error by; "" if there is none. */
static const char *
code_of(const JsonTree *error, const char *name)
{
	const char *code = inf_json_tree_string(inf_json_tree_member(error, name));

	return code ? code : "";
}

bool
inf_reply_is_out_of_quota(const HttpResponse *response)
{
	/* of OpenAI, and of services that speak as it does */
	static const char *const codes[] = {
		"insufficient_quota", "billing_hard_limit_reached", "billing_not_active",
		"exceeded_current_quota_error"
	};
	const JsonTree *root = parse(response);
	const JsonTree *error = inf_json_tree_member(root, "error");

	/* a gateway may have a list of errors in its place */
	if (inf_json_tree_is_array(error))
		error = inf_json_tree_element(error, 0);
	for (int i = 0; i < lengthof(codes); i++)
		if (strcmp(code_of(error, "code"), codes[i]) == 0 ||
			strcmp(code_of(error, "type"), codes[i]) == 0 ||
			strcmp(code_of(root, "code"), codes[i]) == 0 ||
			strcmp(code_of(root, "type"), codes[i]) == 0)
			return true;
	return false;
}

int64
inf_reply_loading_ms(const HttpResponse *response)
{
	double		seconds;

	if (!inf_json_tree_number(inf_json_tree_member(parse(response), "estimated_time"),
							  &seconds) || !(seconds >= 0))
		return -1;
	return (int64) (Min(seconds, MAX_LOADING_S) * 1000);
}
