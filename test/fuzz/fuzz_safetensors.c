/*
 * fuzz_safetensors.c
 *		Any bytes as weights: what opens can be read to its last byte.
 *
 * The first byte says what the others are: 'R', a file; 'S', a header, a NUL
 * and data, of which a file with the right length in front is made; 'I', an
 * index, and so two files "a" and "b".
 */
#include "engine/safetensors.h"

#include "fuzz.h"

/* Behind the data, so that offsets of real models have somewhere to be. */
#define PADDING 36000

static void
write_weights(const char *name, FuzzPart header, FuzzInput data)
{
	const size_t size = 8 + header.size + data.left;
	char	   *file = calloc(1, size + PADDING);

	MUST(file);
	for (int i = 0; i < 8; i++)
		file[i] = (char) ((uint64_t) header.size >> 8 * i);
	memcpy(file + 8, header.bytes, header.size);
	memcpy(file + 8 + header.size, data.next, data.left);
	temp_folder_write(name, file, size + PADDING);
	free(file);
}

static void
write_files(FuzzInput input, char kind)
{
	static const char *const single = "model.safetensors";

	if (kind == 'R')
		temp_folder_write(single, input.next, input.left);
	else if (kind == 'I')
	{
		FuzzPart	first;
		FuzzPart	second;

		(void) unlink(temp_folder_path(single));
		fuzz_next_file(&input, "model.safetensors.index.json");
		first = fuzz_next_part(&input);
		second = fuzz_next_part(&input);
		write_weights("a", first, input);
		write_weights("b", second, input);
	}
	else
	{
		const FuzzPart header = fuzz_next_part(&input);

		write_weights(single, header, input);
	}
}

/* Whether its bytes are those of one of the files. */
static bool
is_in_files(const Safetensors *weights, const Tensor *tensor)
{
	const char *data = tensor->data;

	for (int i = 0; i < weights->nfiles; i++)
	{
		const MappedFile *file = &weights->files[i];

		if (data >= file->bytes && data <= file->bytes + file->size &&
			tensor->nbytes <= file->bytes + file->size - data)
			return true;
	}
	return false;
}

static void
read_tensor(const Safetensors *weights, const Tensor *tensor)
{
	const unsigned char *bytes = tensor->data;
	int64_t		sum = 0;
	float		values[7];

	MUST(inf_safetensors_find(weights, tensor->name) == tensor);
	MUST(tensor->ndims >= 0 && tensor->ndims <= TENSOR_MAX_DIMS);
	MUST(tensor->nvalues >= 0 && tensor->nbytes >= tensor->nvalues);
	MUST(is_in_files(weights, tensor));
	for (int64_t i = 0; i < tensor->nbytes; i++)
		sum += bytes[i];
	MUST(sum <= 255 * tensor->nbytes);
	for (int64_t i = 0; tensor->type != TENSOR_OTHER && i < tensor->nvalues; i += 7)
		inf_tensor_read(tensor, i, tensor->nvalues - i < 7 ? tensor->nvalues - i : 7, values);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	Safetensors weights;
	EngineError error = {0};

	if (size == 0)
		return 0;
	fuzz_need_folder();
	write_files((FuzzInput) {(const char *) data + 1, size - 1}, (char) data[0]);
	if (inf_safetensors_open(&weights, temp_folder, &error))
	{
		MUST(weights.ntensors > 0 && weights.nfiles > 0);
		for (int i = 0; i < weights.ntensors; i++)
			read_tensor(&weights, &weights.tensors[i]);
	}
	else
		fuzz_check_error(&error);
	inf_safetensors_close(&weights);
	return 0;
}
