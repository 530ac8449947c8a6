/*
 * safetensors.c
 *		Weights as Hugging Face stores them.
 */
#include "engine/safetensors.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "json/json_tree.h"

#define SINGLE_FILE "model.safetensors"
#define INDEX_FILE "model.safetensors.index.json"

/*
 * Of a header or an index, both read into a tree that takes thirty times as
 * much memory.  Networks that we run have some 50 kB; the format's own limit
 * is 100 MB.
 */
#define MAX_HEADER_BYTES (16 * 1024 * 1024)

/* {"name": {"shape": [..]}}, and the index's {"weight_map": {..}} */
#define MAX_HEADER_DEPTH 4

/* Models of a terabyte have fewer of both. */
#define MAX_SHARDS 1000
#define MAX_TENSORS 1000000

#define FINGERPRINT_SEED UINT64_C(0xcbf29ce484222325)

/* Types of the format; of most, only their size is of interest. */
static const struct
{
	const char *name;
	TensorType	type;
	int			nbytes;
}			types[] = {
	{"F32", TENSOR_F32, 4}, {"F16", TENSOR_F16, 2}, {"BF16", TENSOR_BF16, 2},
	{"F64", TENSOR_OTHER, 8}, {"F8_E4M3", TENSOR_OTHER, 1},
	{"F8_E5M2", TENSOR_OTHER, 1}, {"BOOL", TENSOR_OTHER, 1},
	{"I8", TENSOR_OTHER, 1}, {"I16", TENSOR_OTHER, 2}, {"I32", TENSOR_OTHER, 4},
	{"I64", TENSOR_OTHER, 8}, {"U8", TENSOR_OTHER, 1}, {"U16", TENSOR_OTHER, 2},
	{"U32", TENSOR_OTHER, 4}, {"U64", TENSOR_OTHER, 8},
};

/* What is being read. */
typedef struct Reader
{
	Safetensors *weights;
	EngineError *error;
	int			capacity;		/* of tensors */

	/* The file */
	const char *path;
	const char *data;			/* behind the header */
	uint64_t	data_bytes;
} Reader;

/* FNV-1a, which tells files apart; it guards against nobody. */
static uint64_t
add_to_fingerprint(uint64_t fingerprint, const void *bytes, size_t size)
{
	for (size_t i = 0; i < size; i++)
		fingerprint = (fingerprint ^ ((const unsigned char *) bytes)[i]) *
			UINT64_C(0x100000001b3);
	return fingerprint;
}

/* --- The header of a file ------------------------------------------------ */

/* A count that JSON holds: 0 to 2^62, so that sums of two do not overflow. */
static bool
read_count(const JsonTree *value, int64_t *count)
{
	return inf_json_tree_integer(value, count) && *count >= 0 &&
		*count <= INT64_C(1) << 62;
}

/* Sets type, and *value_bytes to the size of a value. */
static bool
read_type(Reader *reader, Tensor *tensor, const JsonTree *description, int *value_bytes)
{
	const char *name = inf_json_tree_string(inf_json_tree_member(description, "dtype"));

	for (size_t i = 0; name && i < sizeof(types) / sizeof(*types); i++)
		if (strcmp(name, types[i].name) == 0)
		{
			tensor->type = types[i].type;
			*value_bytes = types[i].nbytes;
			return true;
		}
	return inf_engine_fail(reader->error, ENGINE_BAD_FILE,
						   "file \"%s\": tensor \"%.100s\" has an unknown type: \"%.20s\"",
						   reader->path, tensor->name, name ? name : "");
}

static bool
read_shape(Reader *reader, Tensor *tensor, const JsonTree *description)
{
	const JsonTree *shape = inf_json_tree_member(description, "shape");
	const size_t ndims = inf_json_tree_count(shape);

	if (!inf_json_tree_is_array(shape) || ndims > TENSOR_MAX_DIMS)
		return inf_engine_fail(reader->error, ENGINE_BAD_FILE,
							   "file \"%s\": the shape of tensor \"%.100s\" is not an array of up to %d numbers",
							   reader->path, tensor->name, TENSOR_MAX_DIMS);
	tensor->ndims = ndims;
	tensor->nvalues = 1;
	for (size_t i = 0; i < ndims; i++)
		if (!read_count(inf_json_tree_element(shape, i), &tensor->shape[i]) ||
			__builtin_mul_overflow(tensor->nvalues, tensor->shape[i], &tensor->nvalues))
			return inf_engine_fail(reader->error, ENGINE_BAD_FILE,
								   "file \"%s\": the shape of tensor \"%.100s\" contains something other than sizes",
								   reader->path, tensor->name);
	return true;
}

static bool
read_place(Reader *reader, Tensor *tensor, const JsonTree *description, int value_bytes)
{
	const JsonTree *offsets = inf_json_tree_member(description, "data_offsets");
	int64_t		begin;
	int64_t		end;

	if (inf_json_tree_count(offsets) != 2 ||
		!read_count(inf_json_tree_element(offsets, 0), &begin) ||
		!read_count(inf_json_tree_element(offsets, 1), &end))
		return inf_engine_fail(reader->error, ENGINE_BAD_FILE,
							   "file \"%s\": the place of tensor \"%.100s\" is not a pair of offsets",
							   reader->path, tensor->name);
	if (begin > end || end > reader->data_bytes)
		return inf_engine_fail(reader->error, ENGINE_BAD_FILE,
							   "file \"%s\" ends before tensor \"%.100s\" does: it may have been cut short",
							   reader->path, tensor->name);
	if (__builtin_mul_overflow(tensor->nvalues, (int64_t) value_bytes, &tensor->nbytes) ||
		tensor->nbytes != end - begin)
		return inf_engine_fail(reader->error, ENGINE_BAD_FILE,
							   "file \"%s\": tensor \"%.100s\" does not have the size that its shape says",
							   reader->path, tensor->name);
	tensor->data = reader->data + begin;
	return true;
}

static bool
read_tensor(void *context, const char *name, const JsonTree *description)
{
	Reader	   *reader = context;
	Safetensors *weights = reader->weights;
	Tensor	   *tensor;
	int			value_bytes = 0;

	if (strcmp(name, "__metadata__") == 0)
		return true;
	if (weights->ntensors == MAX_TENSORS)
		return inf_engine_fail(reader->error, ENGINE_BAD_FILE,
							   "the model's files hold more than %d tensors",
							   MAX_TENSORS);
	if (weights->ntensors == reader->capacity)
	{
		const int	capacity = reader->capacity ? 2 * reader->capacity : 256;
		Tensor	   *tensors = realloc(weights->tensors, capacity * sizeof(*tensors));

		if (tensors == NULL)
			return inf_engine_fail(reader->error, ENGINE_NO_MEMORY, "out of memory");
		weights->tensors = tensors;
		reader->capacity = capacity;
	}
	tensor = &weights->tensors[weights->ntensors];
	memset(tensor, 0, sizeof(*tensor));
	tensor->name = strdup(name);
	if (tensor->name == NULL)
		return inf_engine_fail(reader->error, ENGINE_NO_MEMORY, "out of memory");
	weights->ntensors++;
	return read_type(reader, tensor, description, &value_bytes) &&
		read_shape(reader, tensor, description) &&
		read_place(reader, tensor, description, value_bytes);
}

/* What "git clone" leaves in place of large files where LFS is not set up. */
static bool
is_lfs_pointer(const MappedFile *file)
{
	static const char first[] = "version https://git-lfs";

	return file->size >= sizeof(first) - 1 &&
		memcmp(file->bytes, first, sizeof(first) - 1) == 0;
}

static bool
read_header(Reader *reader, const MappedFile *file)
{
	const unsigned char *bytes = (const unsigned char *) file->bytes;
	uint64_t	length = 0;
	JsonTree   *header;
	const char *reason;
	bool		good;

	if (file->size >= 8)
		for (int i = 7; i >= 0; i--)
			length = length << 8 | bytes[i];
	if (is_lfs_pointer(file))
		return inf_engine_fail(reader->error, ENGINE_BAD_FILE,
							   "file \"%s\" is only Git LFS's pointer to the weights: fetch them with \"git lfs pull\"",
							   reader->path);
	if (file->size < 8 || length > file->size - 8)
		return inf_engine_fail(reader->error, ENGINE_BAD_FILE,
							   "file \"%s\" is not in safetensors format, or was cut short: it does not begin with a header",
							   reader->path);
	if (length > MAX_HEADER_BYTES)
		return inf_engine_fail(reader->error, ENGINE_BAD_FILE,
							   "the header of file \"%s\" is larger than %d bytes",
							   reader->path, MAX_HEADER_BYTES);
	if (!inf_json_tree_parse(file->bytes + 8, length, MAX_HEADER_DEPTH, &header, &reason))
		return inf_engine_fail(reader->error, ENGINE_BAD_FILE,
							   "the header of file \"%s\" is not valid JSON: %s",
							   reader->path, reason);
	reader->data = file->bytes + 8 + length;
	reader->data_bytes = file->size - 8 - length;
	if (!inf_json_tree_is_object(header))
		good = inf_engine_fail(reader->error, ENGINE_BAD_FILE,
							   "the header of file \"%s\" is not a JSON object", reader->path);
	else
		good = inf_json_tree_each(header, read_tensor, reader);
	inf_json_tree_free(header);
	reader->weights->fingerprint =
		add_to_fingerprint(reader->weights->fingerprint, file->bytes, 8 + length);
	return good;
}

/* --- Files --------------------------------------------------------------- */

/* Room for folder, '/', and name; the caller frees it. */
static char *
join_path(const char *folder, const char *name, EngineError *error)
{
	char	   *path = NULL;

	if (asprintf(&path, "%s/%s", folder, name) < 0)
	{
		(void) inf_engine_fail(error, ENGINE_NO_MEMORY, "out of memory");
		return NULL;
	}
	return path;
}

/* Maps one more file, and takes its tensors. */
static bool
read_file(Reader *reader, const char *folder, const char *name)
{
	Safetensors *weights = reader->weights;
	MappedFile *files = realloc(weights->files, (weights->nfiles + 1) * sizeof(*files));
	MappedFile *file;
	char	   *path;
	bool		good;

	if (files == NULL)
		return inf_engine_fail(reader->error, ENGINE_NO_MEMORY, "out of memory");
	weights->files = files;
	path = join_path(folder, name, reader->error);
	if (path == NULL)
		return false;
	file = &weights->files[weights->nfiles];
	good = inf_mapped_file_open(file, path, reader->error);
	if (good)
	{
		const uint64_t facts[] = {file->size, file->modified_ns};

		weights->nfiles++;
		weights->fingerprint = add_to_fingerprint(weights->fingerprint, name, strlen(name));
		weights->fingerprint = add_to_fingerprint(weights->fingerprint, facts, sizeof(facts));
		reader->path = path;
		good = read_header(reader, file);
	}
	free(path);
	return good;
}

/* --- Shards -------------------------------------------------------------- */

/* Names of files, each once, in order. */
typedef struct FileList
{
	Reader	   *reader;
	const char **names;			/* (nnames), of the tree that they are from */
	int			nnames;
} FileList;

/* A file beside the index, whatever else the index may want. */
static bool
is_plain_name(const char *name)
{
	return name[0] != '\0' && name[0] != '.' && strchr(name, '/') == NULL &&
		strlen(name) <= NAME_MAX;
}

/* Adds the file of a tensor, unless it is there. */
static bool
add_file(void *context, const char *tensor, const JsonTree *value)
{
	FileList   *list = context;
	const char *name = inf_json_tree_string(value);
	const char **names;
	int			low = 0;

	if (name == NULL || !is_plain_name(name))
		return inf_engine_fail(list->reader->error, ENGINE_BAD_FILE,
							   "file \"%s\" does not name a file of its folder for tensor \"%.100s\"",
							   INDEX_FILE, tensor);

	/* By halves: tensors may be many times as many as files. */
	for (int high = list->nnames; low < high;)
	{
		const int	middle = (low + high) / 2;
		const int	order = strcmp(name, list->names[middle]);

		if (order == 0)
			return true;
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	if (list->nnames == MAX_SHARDS)
		return inf_engine_fail(list->reader->error, ENGINE_BAD_FILE,
							   "file \"%s\" names more than %d files",
							   INDEX_FILE, MAX_SHARDS);
	names = realloc(list->names, (list->nnames + 1) * sizeof(*names));
	if (names == NULL)
		return inf_engine_fail(list->reader->error, ENGINE_NO_MEMORY, "out of memory");
	list->names = names;
	memmove(names + low + 1, names + low, (list->nnames - low) * sizeof(*names));
	names[low] = name;
	list->nnames++;
	return true;
}

static bool
read_shards(Reader *reader, const char *folder, const char *index_path)
{
	FileList	list = {.reader = reader};
	MappedFile	index;
	JsonTree   *tree = NULL;
	const char *reason;
	const JsonTree *map;
	bool		good;

	if (!inf_mapped_file_open(&index, index_path, reader->error))
		return false;
	if (index.size > MAX_HEADER_BYTES)
		good = inf_engine_fail(reader->error, ENGINE_BAD_FILE,
							   "file \"%s\" is larger than %d bytes",
							   index_path, MAX_HEADER_BYTES);
	else if (!inf_json_tree_parse(index.bytes, index.size, MAX_HEADER_DEPTH, &tree, &reason))
		good = inf_engine_fail(reader->error, ENGINE_BAD_FILE,
							   "file \"%s\" is not valid JSON: %s", index_path, reason);
	else
	{
		map = inf_json_tree_member(tree, "weight_map");
		good = inf_json_tree_is_object(map) && inf_json_tree_count(map) > 0 ?
			inf_json_tree_each(map, add_file, &list) :
			inf_engine_fail(reader->error, ENGINE_BAD_FILE,
							"file \"%s\" has no \"weight_map\"", index_path);
	}
	for (int i = 0; i < list.nnames && good; i++)
		good = read_file(reader, folder, list.names[i]);
	free(list.names);
	inf_json_tree_free(tree);
	inf_mapped_file_close(&index);
	return good;
}

/* --- All of them --------------------------------------------------------- */

static int
compare_tensors(const void *a, const void *b)
{
	return strcmp(((const Tensor *) a)->name, ((const Tensor *) b)->name);
}

static int
compare_places(const void *a, const void *b)
{
	const Tensor *x = a;
	const Tensor *y = b;

	if (x->data != y->data)
		return x->data < y->data ? -1 : 1;
	/* One without values goes before the one that begins there. */
	return (x->nbytes > y->nbytes) - (x->nbytes < y->nbytes);
}

/* No two tensors share bytes or a name; leaves them sorted by name. */
static bool
check_tensors(Reader *reader)
{
	Safetensors *weights = reader->weights;

	if (weights->ntensors == 0)
		return inf_engine_fail(reader->error, ENGINE_BAD_FILE,
							   "the model's files hold no tensor");
	qsort(weights->tensors, weights->ntensors, sizeof(Tensor), compare_places);
	for (int i = 1; i < weights->ntensors; i++)
	{
		const Tensor *one = &weights->tensors[i - 1];

		if ((const char *) one->data + one->nbytes >
			(const char *) weights->tensors[i].data)
			return inf_engine_fail(reader->error, ENGINE_BAD_FILE,
								   "tensors \"%.100s\" and \"%.100s\" overlap",
								   one->name, weights->tensors[i].name);
	}
	qsort(weights->tensors, weights->ntensors, sizeof(Tensor), compare_tensors);
	for (int i = 1; i < weights->ntensors; i++)
		if (compare_tensors(&weights->tensors[i - 1], &weights->tensors[i]) == 0)
			return inf_engine_fail(reader->error, ENGINE_BAD_FILE,
								   "tensor \"%.100s\" is in two files",
								   weights->tensors[i].name);
	return true;
}

/* Says what is in the folder in place of what we read. */
static bool
report_no_weights(const char *folder, EngineError *error)
{
	char	   *path = join_path(folder, "pytorch_model.bin", error);
	bool		has_other;

	if (path == NULL)
		return false;
	has_other = access(path, F_OK) == 0;
	free(path);
	if (has_other)
		return inf_engine_fail(error, ENGINE_UNSUPPORTED,
							   "folder \"%s\" has its weights in \"pytorch_model.bin\", which can run code when read: save the model in safetensors format, or fetch a revision that has it",
							   folder);
	return inf_engine_fail(error, ENGINE_NO_FILE,
						   "folder \"%s\" has no \"" SINGLE_FILE "\"", folder);
}

bool
inf_safetensors_open(Safetensors *weights, const char *folder, EngineError *error)
{
	Reader		reader = {.weights = weights, .error = error};
	char	   *single;
	char	   *index = NULL;
	bool		good = false;

	memset(weights, 0, sizeof(*weights));
	weights->fingerprint = FINGERPRINT_SEED;
	single = join_path(folder, SINGLE_FILE, error);
	if (single)
		index = join_path(folder, INDEX_FILE, error);
	if (index == NULL)
		good = false;
	else if (access(single, F_OK) == 0)
		good = read_file(&reader, folder, SINGLE_FILE);
	else if (access(index, F_OK) == 0)
		good = read_shards(&reader, folder, index);
	else
		good = report_no_weights(folder, error);
	free(single);
	free(index);
	if (good)
		good = check_tensors(&reader);
	if (!good)
		inf_safetensors_close(weights);
	return good;
}

void
inf_safetensors_close(Safetensors *weights)
{
	for (int i = 0; i < weights->ntensors; i++)
		free((char *) weights->tensors[i].name);
	for (int i = 0; i < weights->nfiles; i++)
		inf_mapped_file_close(&weights->files[i]);
	free(weights->tensors);
	free(weights->files);
	memset(weights, 0, sizeof(*weights));
}

const Tensor *
inf_safetensors_find(const Safetensors *weights, const char *name)
{
	const Tensor key = {.name = name};

	if (weights->ntensors == 0)
		return NULL;
	return bsearch(&key, weights->tensors, weights->ntensors, sizeof(Tensor),
				   compare_tensors);
}

/* --- Values -------------------------------------------------------------- */

static float
float_of_bits(uint32_t bits)
{
	float		value;

	memcpy(&value, &bits, sizeof(value));
	return value;
}

/*
 * The exponent has 5 bits with a bias of 15, a float's 8 with 127: moved there
 * as it is, it says a number 2^112 times too small, be it subnormal or not.
 */
static float
float_of_fp16(uint16_t half)
{
	const uint32_t sign = (uint32_t) (half & 0x8000) << 16;
	const uint32_t rest = (uint32_t) (half & 0x7fff) << 13;
	uint32_t	bits;
	float		value = float_of_bits(rest) * 0x1p112f;

	memcpy(&bits, &value, sizeof(bits));
	if ((half & 0x7c00) == 0x7c00)	/* infinity, or not a number */
		bits = rest | 0x7f800000;
	return float_of_bits(bits | sign);
}

void
inf_tensor_read(const Tensor *tensor, int64_t first, int64_t n, float *values)
{
	const char *from = tensor->data;

	if (tensor->type == TENSOR_F32)
	{
		memcpy(values, from + 4 * first, 4 * n);
		return;
	}
	from += 2 * first;
	for (int64_t i = 0; i < n; i++)
	{
		uint16_t	half;

		memcpy(&half, from + 2 * i, sizeof(half));
		values[i] = tensor->type == TENSOR_BF16 ?
			float_of_bits((uint32_t) half << 16) : float_of_fp16(half);
	}
}
