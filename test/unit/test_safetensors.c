/*
 * test_safetensors.c
 *		Weights of good files, the words for bad ones, and some thousand files
 *		that are changed at random.
 */
#include "engine/safetensors.h"

#include <fcntl.h>
#include <math.h>

#include "check.h"
#include "temp_folder.h"

#define SINGLE "model.safetensors"
#define INDEX "model.safetensors.index.json"
#define MAX_FILE 4096

static EngineError error;

/* --- Writing ------------------------------------------------------------- */

/* Length, header, and ndata bytes 0, 1, 2, ... of data; how many in all. */
static size_t
make_file(char file[MAX_FILE], const char *header, size_t ndata)
{
	const uint64_t length = strlen(header);

	for (int i = 0; i < 8; i++)
		file[i] = (char) (length >> 8 * i);
	memcpy(file + 8, header, length);
	for (size_t i = 0; i < ndata; i++)
		file[8 + length + i] = (char) i;
	return 8 + length + ndata;
}

static void
write_file(const char *name, const char *header, size_t ndata)
{
	char		file[MAX_FILE];

	temp_folder_write(name, file, make_file(file, header, ndata));
}

/* Opens and closes what lies in the folder: NULL if it is good. */
static const char *
fault(void)
{
	Safetensors weights;

	if (inf_safetensors_open(&weights, temp_folder, &error))
	{
		inf_safetensors_close(&weights);
		return NULL;
	}
	return weights.tensors || weights.files ? "not closed" : error.message;
}

/* A message from the name of a file on, its folder left out. */
static const char *
after_folder(const char *message, const char *file)
{
	const char *found = message ? strstr(message, file) : NULL;

	return found ? found : message;
}

static const char *
fault_of(const char *header, size_t ndata)
{
	write_file(SINGLE, header, ndata);
	return after_folder(fault(), SINGLE);
}

/* One tensor of that type, shape and place. */
static const char *
fault_of_tensor(const char *type, const char *shape, const char *offsets, size_t ndata)
{
	char		header[512];

	snprintf(header, sizeof(header),
			 "{\"t\": {\"dtype\": %s, \"shape\": %s, \"data_offsets\": %s}}",
			 type, shape, offsets);
	return fault_of(header, ndata);
}

/* --- Good files ---------------------------------------------------------- */

static void
test_good(void)
{
	Safetensors weights;
	const Tensor *tensor;
	float		values[3] = {0};

	write_file(SINGLE, "{\"__metadata__\": {\"format\": \"pt\"},"
			   "\"b\": {\"dtype\": \"F32\", \"shape\": [1, 3], \"data_offsets\": [1, 13]},"
			   "\"a\": {\"dtype\": \"I64\", \"shape\": [2], \"data_offsets\": [13, 29]},"
			   "\"scalar\": {\"dtype\": \"F16\", \"shape\": [], \"data_offsets\": [29, 31]},"
			   "\"empty\": {\"dtype\": \"BF16\", \"shape\": [7, 0], \"data_offsets\": [31, 31]}}  ", 31);
	CHECK(inf_safetensors_open(&weights, temp_folder, &error));
	CHECK_INT(weights.ntensors, 4);
	CHECK_INT(weights.nfiles, 1);
	CHECK_STR(weights.tensors[0].name, "a");
	CHECK_INT(weights.tensors[0].type, TENSOR_OTHER);
	CHECK_INT(weights.tensors[0].nbytes, 16);

	tensor = inf_safetensors_find(&weights, "b");
	CHECK(tensor && tensor->type == TENSOR_F32);
	CHECK_INT(tensor->ndims, 2);
	CHECK_INT(tensor->shape[0], 1);
	CHECK_INT(tensor->shape[1], 3);
	CHECK_INT(tensor->nvalues, 3);
	CHECK_INT(tensor->nbytes, 12);
	CHECK_INT(*(const char *) tensor->data, 1);

	/* Values at an odd address, from the second on. */
	inf_tensor_read(tensor, 1, 2, values);
	CHECK(memcmp(values, "\5\6\7\10\11\12\13\14\0\0\0", 12) == 0);

	tensor = inf_safetensors_find(&weights, "scalar");
	CHECK(tensor && tensor->ndims == 0 && tensor->nvalues == 1);
	tensor = inf_safetensors_find(&weights, "empty");
	CHECK(tensor && tensor->nvalues == 0 && tensor->shape[0] == 7);
	inf_tensor_read(tensor, 0, 0, values);
	CHECK(inf_safetensors_find(&weights, "__metadata__") == NULL);
	CHECK(inf_safetensors_find(&weights, "") == NULL);
	inf_safetensors_close(&weights);
	CHECK(inf_safetensors_find(&weights, "b") == NULL);
	inf_safetensors_close(&weights);

	CHECK_STR(fault_of_tensor("\"F32\"", "[1, 1, 1, 1]", "[0, 4]", 4), NULL);
	CHECK_STR(fault_of_tensor("\"F8_E4M3\"", "[3]", "[0, 3]", 3), NULL);

	/* Bytes that belong to nothing are nobody's business. */
	CHECK_STR(fault_of_tensor("\"F32\"", "[1]", "[2, 6]", 9), NULL);
}

static uint64_t
fingerprint(void)
{
	Safetensors weights;
	uint64_t	value = 0;

	if (inf_safetensors_open(&weights, temp_folder, &error))
		value = weights.fingerprint;
	inf_safetensors_close(&weights);
	return value;
}

static void
test_fingerprint(void)
{
	static const char *const header = "{\"t\": {\"dtype\": \"F32\", \"shape\": [1], \"data_offsets\": [0, 4]}}";
	const struct timespec early[2] = {{.tv_sec = 1}, {.tv_sec = 1}};
	const struct timespec later[2] = {{.tv_sec = 1}, {.tv_sec = 1, .tv_nsec = 1}};
	uint64_t	first;

	write_file(SINGLE, header, 4);
	(void) utimensat(AT_FDCWD, temp_folder_path(SINGLE), early, 0);
	first = fingerprint();
	CHECK(first != 0 && fingerprint() == first);
	(void) utimensat(AT_FDCWD, temp_folder_path(SINGLE), later, 0);
	CHECK(fingerprint() != first);
	write_file(SINGLE, header, 5);
	(void) utimensat(AT_FDCWD, temp_folder_path(SINGLE), early, 0);
	CHECK(fingerprint() != first);
	write_file(SINGLE, "{\"u\": {\"dtype\": \"F32\", \"shape\": [1], \"data_offsets\": [0, 4]}}", 4);
	(void) utimensat(AT_FDCWD, temp_folder_path(SINGLE), early, 0);
	CHECK(fingerprint() != first);
}

/* --- Bad files ----------------------------------------------------------- */

/* A file with that length in front, and nothing but two bytes. */
static const char *
fault_of_length(uint64_t length)
{
	char		bytes[] = "........{}";

	for (int i = 0; i < 8; i++)
		bytes[i] = (char) (length >> 8 * i);
	temp_folder_write(SINGLE, bytes, sizeof(bytes) - 1);
	return after_folder(fault(), SINGLE);
}

static void
test_headers(void)
{
	static const char *const no_header = SINGLE "\" is not in safetensors format, or was cut short: it does not begin with a header";
	static const uint64_t lengths[] = {
		3, 16777217, UINT32_MAX, INT64_MAX, UINT64_MAX - 8, UINT64_MAX - 7, UINT64_MAX
	};

	for (size_t i = 0; i < sizeof(lengths) / sizeof(*lengths); i++)
		CHECK_STR(fault_of_length(lengths[i]), no_header);
	CHECK_INT(error.code, ENGINE_BAD_FILE);

	/* As long as it says, but with nothing in it: no time is spent on that. */
	(void) fault_of_length(16777217);
	CHECK_INT(truncate(temp_folder_path(SINGLE), 16777217 + 8), 0);
	CHECK_STR(after_folder(fault(), SINGLE), SINGLE "\" is larger than 16777216 bytes");
	temp_folder_write_text(SINGLE, "version https://git-lfs/spec/v1\noid sha256:0\nsize 9\n");
	CHECK_STR(after_folder(fault(), SINGLE),
			  SINGLE "\" is only Git LFS's pointer to the weights: fetch them with \"git lfs pull\"");
	CHECK_STR(fault_of_length(0), SINGLE "\" is not valid JSON: it ends too early");
	CHECK_STR(fault_of_length(1), SINGLE "\" is not valid JSON: it ends too early");
	CHECK_STR(fault_of_length(2), "the model's files hold no tensor");
	for (size_t length = 0; length < 8; length++)
	{
		temp_folder_write(SINGLE, "\0\0\0\0\0\0\0", length);
		CHECK_STR(after_folder(fault(), SINGLE), no_header);
	}

	CHECK_STR(fault_of("[]", 0), SINGLE "\" is not a JSON object");
	CHECK_STR(fault_of("null", 0), SINGLE "\" is not a JSON object");
	CHECK_STR(fault_of("{\"__metadata__\": {}}", 0), "the model's files hold no tensor");
	CHECK_STR(fault_of("{\"t\": [[[[[]]]]]}", 0), SINGLE "\" is not valid JSON: it is nested too deeply");
	CHECK_STR(fault_of("{\"\xff\": {}}", 0), SINGLE "\" is not valid JSON: a string is not valid UTF-8");
	CHECK_STR(fault_of("{\"t\": {}, \"t\": {}}", 0), SINGLE "\" is not valid JSON: an object contains a key twice");

	/* A name as long as it likes, and with controls, is shown in part. */
	CHECK_STR(fault_of("{\"\\u001b[2J\": {}}", 0), SINGLE "\": tensor \"?[2J\" has an unknown type: \"\"");
}

static void
test_tensors(void)
{
	static const char *const no_type = SINGLE "\": tensor \"t\" has an unknown type: \"\"";
	static const char *const no_array = SINGLE "\": the shape of tensor \"t\" is not an array of up to 4 numbers";
	static const char *const no_sizes = SINGLE "\": the shape of tensor \"t\" contains something other than sizes";
	static const char *const no_pair = SINGLE "\": the place of tensor \"t\" is not a pair of offsets";
	static const char *const too_short = SINGLE "\" ends before tensor \"t\" does: it may have been cut short";
	static const char *const no_match = SINGLE "\": tensor \"t\" does not have the size that its shape says";

	CHECK_STR(fault_of("{\"t\": {}}", 0), no_type);
	CHECK_STR(fault_of("{\"t\": []}", 0), no_type);
	CHECK_STR(fault_of("{\"t\": null}", 0), no_type);
	CHECK_STR(fault_of("{\"t\": \"F32\"}", 0), no_type);
	CHECK_STR(fault_of_tensor("32", "[]", "[0, 4]", 4), no_type);
	CHECK_STR(fault_of_tensor("\"f32\"", "[]", "[0, 4]", 4),
			  SINGLE "\": tensor \"t\" has an unknown type: \"f32\"");

	CHECK_STR(fault_of_tensor("\"F32\"", "4", "[0, 16]", 16), no_array);
	CHECK_STR(fault_of_tensor("\"F32\"", "null", "[0, 4]", 4), no_array);
	CHECK_STR(fault_of_tensor("\"F32\"", "{\"0\": 1}", "[0, 4]", 4), no_array);
	CHECK_STR(fault_of_tensor("\"F32\"", "[1, 1, 1, 1, 1]", "[0, 4]", 4), no_array);

	CHECK_STR(fault_of_tensor("\"F32\"", "[-1]", "[0, 4]", 4), no_sizes);
	CHECK_STR(fault_of_tensor("\"F32\"", "[1.0]", "[0, 4]", 4), no_sizes);
	CHECK_STR(fault_of_tensor("\"F32\"", "[\"1\"]", "[0, 4]", 4), no_sizes);
	CHECK_STR(fault_of_tensor("\"F32\"", "[null]", "[0, 4]", 4), no_sizes);
	CHECK_STR(fault_of_tensor("\"F32\"", "[1e2]", "[0, 400]", 400), no_sizes);
	CHECK_STR(fault_of_tensor("\"F32\"", "[9223372036854775808]", "[0, 0]", 0), no_sizes);
	CHECK_STR(fault_of_tensor("\"F32\"", "[18446744073709551617]", "[0, 4]", 4), no_sizes);

	/* Products over 2^63, and over 2^64 back to 0. */
	CHECK_STR(fault_of_tensor("\"F32\"", "[4294967296, 2147483648]", "[0, 0]", 0), no_sizes);
	CHECK_STR(fault_of_tensor("\"F32\"", "[4294967296, 4294967296]", "[0, 0]", 0), no_sizes);
	CHECK_STR(fault_of_tensor("\"F32\"", "[65536, 65536, 65536, 65536]", "[0, 0]", 0), no_sizes);
	CHECK_STR(fault_of_tensor("\"F32\"", "[4611686018427387904]", "[0, 0]", 0), no_match);
	CHECK_STR(fault_of_tensor("\"F16\"", "[2147483648, 2147483648]", "[0, 0]", 0), no_match);
	CHECK_STR(fault_of_tensor("\"F32\"", "[0, 4611686018427387904]", "[0, 0]", 0), NULL);

	CHECK_STR(fault_of_tensor("\"F32\"", "[1]", "null", 4), no_pair);
	CHECK_STR(fault_of_tensor("\"F32\"", "[1]", "[0]", 4), no_pair);
	CHECK_STR(fault_of_tensor("\"F32\"", "[1]", "[0, 4, 8]", 8), no_pair);
	CHECK_STR(fault_of_tensor("\"F32\"", "[1]", "{\"0\": 0, \"1\": 4}", 4), no_pair);
	CHECK_STR(fault_of_tensor("\"F32\"", "[1]", "[-4, 0]", 4), no_pair);
	CHECK_STR(fault_of_tensor("\"F32\"", "[1]", "[0, 4.0]", 4), no_pair);
	CHECK_STR(fault_of_tensor("\"F32\"", "[1]", "[0, 18446744073709551612]", 4), no_pair);
	CHECK_STR(fault_of_tensor("\"F32\"", "[1]", "[4, 0]", 4), too_short);
	CHECK_STR(fault_of_tensor("\"F32\"", "[1]", "[0, 4]", 3), too_short);
	CHECK_STR(fault_of_tensor("\"F32\"", "[1]", "[4, 8]", 4), too_short);
	CHECK_STR(fault_of_tensor("\"F32\"", "[1]", "[4611686018427387900, 4611686018427387904]", 4), too_short);
	CHECK_STR(fault_of_tensor("\"F32\"", "[0]", "[5, 5]", 4), too_short);
	CHECK_STR(fault_of_tensor("\"F32\"", "[2]", "[0, 4]", 4), no_match);
	CHECK_STR(fault_of_tensor("\"F16\"", "[1]", "[0, 4]", 4), no_match);
	CHECK_STR(fault_of_tensor("\"F64\"", "[]", "[0, 4]", 4), no_match);
}

/* Two tensors of a byte each value, with these places. */
static const char *
fault_of_two(int first_begin, int first_end, int second_begin, int second_end)
{
	char		header[512];

	snprintf(header, sizeof(header),
			 "{\"a\": {\"dtype\": \"U8\", \"shape\": [%d], \"data_offsets\": [%d, %d]},"
			 "\"b\": {\"dtype\": \"I8\", \"shape\": [%d], \"data_offsets\": [%d, %d]}}",
			 first_end - first_begin, first_begin, first_end,
			 second_end - second_begin, second_begin, second_end);
	return fault_of(header, 16);
}

static void
test_overlap(void)
{
	CHECK_STR(fault_of_two(0, 8, 8, 16), NULL);
	CHECK_STR(fault_of_two(8, 16, 0, 8), NULL);
	CHECK_STR(fault_of_two(0, 8, 0, 0), NULL);
	CHECK_STR(fault_of_two(0, 8, 8, 8), NULL);
	CHECK_STR(fault_of_two(0, 8, 7, 16), "tensors \"a\" and \"b\" overlap");
	CHECK_STR(fault_of_two(7, 16, 0, 8), "tensors \"b\" and \"a\" overlap");
	CHECK_STR(fault_of_two(0, 16, 4, 8), "tensors \"a\" and \"b\" overlap");
	CHECK_STR(fault_of_two(0, 16, 0, 8), "tensors \"b\" and \"a\" overlap");
	CHECK(strstr(fault_of_two(3, 9, 3, 9), "overlap") != NULL);
	CHECK_INT(error.code, ENGINE_BAD_FILE);
}

/* --- What is not a file -------------------------------------------------- */

static void
test_missing(void)
{
	char		expected[256];

	temp_folder_clear();
	snprintf(expected, sizeof(expected), "folder \"%s\" has no \"" SINGLE "\"", temp_folder);
	CHECK_STR(fault(), expected);
	CHECK_INT(error.code, ENGINE_NO_FILE);

	temp_folder_write("pytorch_model.bin", "", 0);
	CHECK(strstr(fault(), "save the model in safetensors format") != NULL);
	CHECK_INT(error.code, ENGINE_UNSUPPORTED);

	/* Nobody writes to a FIFO: reading it must not wait for that. */
	CHECK_INT(mkfifo(temp_folder_path(SINGLE), 0600), 0);
	snprintf(expected, sizeof(expected), "\"%s/" SINGLE "\" is not a regular file", temp_folder);
	CHECK_STR(fault(), expected);
	CHECK_INT(error.code, ENGINE_NO_FILE);
	temp_folder_clear();
	temp_folder_make_folder(SINGLE);
	CHECK_STR(fault(), expected);
	temp_folder_clear();
	CHECK_INT(symlink("nowhere", temp_folder_path(SINGLE)), 0);
	CHECK_INT(error.code, ENGINE_NO_FILE);
	CHECK(fault() != NULL);
	temp_folder_clear();
}

/* --- Shards -------------------------------------------------------------- */

#define TENSOR(name) "{\"" name "\": {\"dtype\": \"U8\", \"shape\": [2], \"data_offsets\": [0, 2]}}"

static const char *
fault_of_index(const char *index)
{
	temp_folder_write_text(INDEX, index);
	return after_folder(fault(), INDEX);
}

static void
test_shards(void)
{
	Safetensors weights;
	char		expected[256];

	temp_folder_clear();
	write_file("2.safetensors", TENSOR("x"), 2);
	write_file("1.safetensors", TENSOR("y"), 3);
	write_file("twice.safetensors", TENSOR("y"), 4);
	temp_folder_write_text(INDEX,
						   "{\"metadata\": {\"total_size\": 4}, \"weight_map\":"
						   "{\"x\": \"2.safetensors\", \"y\": \"1.safetensors\", \"z\": \"2.safetensors\"}}");
	CHECK(inf_safetensors_open(&weights, temp_folder, &error));
	CHECK_INT(weights.nfiles, 2);
	CHECK_INT(weights.ntensors, 2);
	CHECK(weights.files[0].size + 1 == weights.files[1].size + 2);
	CHECK(inf_safetensors_find(&weights, "x") && inf_safetensors_find(&weights, "y"));
	inf_safetensors_close(&weights);

	CHECK_STR(fault_of_index("{\"weight_map\": {\"x\": \"2.safetensors\", \"y\": \"1.safetensors\", \"z\": \"twice.safetensors\"}}"),
			  "tensor \"y\" is in two files");
	snprintf(expected, sizeof(expected), "could not open file \"%s/0\": No such file or directory", temp_folder);
	CHECK_STR(fault_of_index("{\"weight_map\": {\"x\": \"2.safetensors\", \"y\": \"0\"}}"), expected);
	CHECK_INT(error.code, ENGINE_NO_FILE);
	CHECK(strstr(fault_of_index("{\"weight_map\": {\"x\": \"" INDEX "\"}}"), "not in safetensors format") != NULL);
}

static void
test_bad_index(void)
{
	static const char *const no_map = INDEX "\" has no \"weight_map\"";
	static const char *const no_name = INDEX "\" does not name a file of its folder for tensor \"x\"";
	char		index[1024] = "{\"weight_map\": {\"x\": \"";

	CHECK_STR(fault_of_index("{}"), no_map);
	CHECK_STR(fault_of_index("[]"), no_map);
	CHECK_STR(fault_of_index("null"), no_map);
	CHECK_STR(fault_of_index("{\"weight_map\": {}}"), no_map);
	CHECK_STR(fault_of_index("{\"weight_map\": [\"2.safetensors\"]}"), no_map);
	CHECK_STR(fault_of_index("{\"weight_map\": \"2.safetensors\"}"), no_map);
	CHECK_STR(fault_of_index(""), INDEX "\" is not valid JSON: it ends too early");
	CHECK_STR(fault_of_index("{\"weight_map\": {\"x\": {\"x\": {}}}}"), no_name);
	CHECK_STR(fault_of_index("{\"weight_map\": {\"x\": [[[[]]]]}}"),
			  INDEX "\" is not valid JSON: it is nested too deeply");

	CHECK_STR(fault_of_index("{\"weight_map\": {\"x\": null}}"), no_name);
	CHECK_STR(fault_of_index("{\"weight_map\": {\"x\": 2}}"), no_name);
	CHECK_STR(fault_of_index("{\"weight_map\": {\"x\": \"\"}}"), no_name);
	CHECK_STR(fault_of_index("{\"weight_map\": {\"x\": \".\"}}"), no_name);
	CHECK_STR(fault_of_index("{\"weight_map\": {\"x\": \"..\"}}"), no_name);
	CHECK_STR(fault_of_index("{\"weight_map\": {\"x\": \"../2.safetensors\"}}"), no_name);
	CHECK_STR(fault_of_index("{\"weight_map\": {\"x\": \"/etc/passwd\"}}"), no_name);
	CHECK_STR(fault_of_index("{\"weight_map\": {\"x\": \"./2.safetensors\"}}"), no_name);
	CHECK_STR(fault_of_index("{\"weight_map\": {\"x\": \"a\\/b\"}}"), no_name);
	memset(index + strlen(index), 'a', 256);
	strcat(index, "\"}}");
	CHECK_STR(fault_of_index(index), no_name);

	/* No index of an honest model is so large. */
	CHECK_INT(truncate(temp_folder_path(INDEX), 16777217), 0);
	CHECK_STR(after_folder(fault(), INDEX), INDEX "\" is larger than 16777216 bytes");
}

/* More files than any model has: one name over the limit, in odd order. */
static void
test_many_shards(void)
{
	static char index[64 * 1024] = "{\"weight_map\": {";
	size_t		length = strlen(index);

	for (int i = 0; i <= 1000; i++)
		length += snprintf(index + length, sizeof(index) - length,
						   "%s\"%d\": \"f%d\"", i > 0 ? "," : "", i, i * 8 % 1001);
	strcat(index, "}}");
	CHECK_STR(fault_of_index(index), INDEX "\" names more than 1000 files");
	temp_folder_clear();
}

/* --- Values -------------------------------------------------------------- */

/* What a half says, by its definition. */
static double
reference_fp16(int half)
{
	const int	exponent = half >> 10 & 31;
	const double fraction = (half & 1023) / 1024.0;
	double		value;

	if (exponent == 31)
		value = fraction > 0 ? NAN : INFINITY;
	else if (exponent == 0)
		value = ldexp(fraction, -14);
	else
		value = ldexp(1 + fraction, exponent - 15);
	return half & 0x8000 ? -value : value;
}

/* As a float of which the lower half is left out. */
static double
reference_bf16(int half)
{
	const int	exponent = half >> 7 & 255;
	const double fraction = (half & 127) / 128.0;
	double		value;

	if (exponent == 255)
		value = fraction > 0 ? NAN : INFINITY;
	else if (exponent == 0)
		value = ldexp(fraction, -126);
	else
		value = ldexp(1 + fraction, exponent - 127);
	return half & 0x8000 ? -value : value;
}

/* How many of all halves read as they should: bits, not only values. */
static int
count_right(TensorType type, double (*reference) (int half))
{
	static unsigned char bytes[1 + 2 * 65536];
	static float values[65536];
	const Tensor tensor = {.type = type, .nvalues = 65536, .data = bytes + 1};
	int			nright = 0;

	for (int half = 0; half < 65536; half++)
	{
		bytes[1 + 2 * half] = (unsigned char) half;
		bytes[2 + 2 * half] = (unsigned char) (half >> 8);
	}

	/* In two parts, from an odd address. */
	inf_tensor_read(&tensor, 0, 3, values);
	inf_tensor_read(&tensor, 3, 65533, values + 3);
	for (int half = 0; half < 65536; half++)
	{
		const double expected = reference(half);

		nright += isnan(expected) ? isnan(values[half]) :
			values[half] == expected && !signbit(values[half]) == !signbit(expected);
	}
	return nright;
}

/* --- Files changed at random --------------------------------------------- */

static uint32_t random_state = 20240607;

static uint32_t
random_below(uint32_t limit)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 17;
	random_state ^= random_state << 5;
	return random_state % limit;
}

/* Changes a few bytes, or cuts, or puts a hostile number over a digit. */
static size_t
mutate(char *file, size_t size)
{
	static const char *const pieces[] = {
		"4611686018427387904", "18446744073709551615", "9223372036854775807", "-1", "1e9",
		"[", "]", "{", "}", "\"", ":", ",", "null", "\\u0000", "\xff", "0", "F16", "BF16"
	};

	for (uint32_t n = 1 + random_below(3); n > 0; n--)
	{
		const size_t at = random_below(size);
		const char *piece = pieces[random_below(sizeof(pieces) / sizeof(*pieces))];
		const size_t length = strlen(piece);

		switch (random_below(4))
		{
			case 0:
				file[at] = (char) random_below(256);
				break;
			case 1:
				file[at] ^= 1 << random_below(8);
				break;
			case 2:
				/* Put in between, and the length made to fit, as far as one byte can. */
				if (size + length >= MAX_FILE)
					break;
				memmove(file + at + length, file + at, size - at);
				memcpy(file + at, piece, length);
				size += length;
				if (at >= 8)
					file[0] += length;
				break;
			case 3:
				if (random_below(8) == 0)
					size = at + 1;
				break;
		}
	}
	return size;
}

/* Reads all that it says it has; the sum of its bytes. */
static int64_t
read_all(const Safetensors *weights)
{
	int64_t		sum = 0;

	for (int i = 0; i < weights->ntensors; i++)
	{
		const Tensor *tensor = &weights->tensors[i];
		const unsigned char *bytes = tensor->data;
		float		value;

		for (int64_t k = 0; k < tensor->nbytes; k++)
			sum += bytes[k];
		for (int64_t k = 0; k < tensor->nvalues && tensor->type != TENSOR_OTHER; k++)
			inf_tensor_read(tensor, k, 1, &value);
	}
	return sum;
}

static void
test_mutations(int nruns)
{
	static const char *const header =
		"{\"__metadata__\":{\"format\":\"pt\"},"
		"\"embeddings.weight\":{\"dtype\":\"F32\",\"shape\":[2,2],\"data_offsets\":[0,16]},"
		"\"bias\":{\"dtype\":\"F16\",\"shape\":[3],\"data_offsets\":[16,22]}}";
	char		original[MAX_FILE];
	const size_t size = make_file(original, header, 22);
	int			nopened = 0;
	int			nwithout_reason = 0;

	for (int run = 0; run < nruns; run++)
	{
		char		file[MAX_FILE];
		Safetensors weights;

		memcpy(file, original, size);
		temp_folder_write(SINGLE, file, mutate(file, size));
		error.code = ENGINE_OK;
		error.message[0] = '\0';
		if (inf_safetensors_open(&weights, temp_folder, &error))
		{
			nopened += read_all(&weights) <= 255 * (int64_t) weights.files[0].size;
			inf_safetensors_close(&weights);
		}
		else
			nwithout_reason += error.code != ENGINE_BAD_FILE || error.message[0] == '\0';
	}
	CHECK_INT(nwithout_reason, 0);

	/* Some changes hurt nobody, most do. */
	CHECK(nopened > nruns / 100 && nopened < nruns / 2);
	printf("# %d of %d changed files opened\n", nopened, nruns);
}

int
main(void)
{
	temp_folder_make();
	test_good();
	test_fingerprint();
	test_headers();
	test_tensors();
	test_overlap();
	test_missing();
	test_shards();
	test_bad_index();
	test_many_shards();
	CHECK_INT(count_right(TENSOR_F16, reference_fp16), 65536);
	CHECK_INT(count_right(TENSOR_BF16, reference_bf16), 65536);
	test_mutations(20000);
	temp_folder_remove();
	return check_done();
}
