/*
 * peer_onednn_folder.c
 *		Reads a folder of make_models.py: not more than those files need.
 */
#include "peer_onednn.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void *
allocate(size_t size)
{
	size_t		padded = (size + 127) / 64 * 64;
	void	   *memory = aligned_alloc(64, padded);

	if (memory == NULL)
	{
		fprintf(stderr, "out of memory\n");
		exit(1);
	}
	return memset(memory, 0, padded);
}

typedef struct Folder
{
	char	   *config;
	char	   *header;
	FILE	   *weights;
	long		data;			/* where it begins */
	const char *prefix;
} Folder;

static char *
read_some(FILE *file, size_t size)
{
	char	   *text = allocate(size + 1);

	text[fread(text, 1, size, file)] = '\0';
	return text;
}

static void
folder_open(Folder *folder, const char *path)
{
	char		name[4096];
	FILE	   *config;
	uint64_t	length = 0;

	snprintf(name, sizeof(name), "%s/config.json", path);
	config = fopen(name, "rb");
	snprintf(name, sizeof(name), "%s/model.safetensors", path);
	folder->weights = fopen(name, "rb");
	if (config == NULL || folder->weights == NULL ||
		fread(&length, 8, 1, folder->weights) != 1 || length > 100000000)
	{
		fprintf(stderr, "could not read %s\n", path);
		exit(1);
	}
	folder->config = read_some(config, 65536);
	folder->header = read_some(folder->weights, length);
	folder->data = 8 + length;
	folder->prefix = strstr(folder->header, "\"bert.") != NULL ? "bert." : "";
	fclose(config);
}

static int
folder_number(const Folder *folder, const char *name)
{
	const char *place = strstr(folder->config, name);

	return place == NULL ? 0 : atoi(place + strlen(name) + 2);
}

/* NULL if there is no such tensor. */
static float *
folder_read(const Folder *folder, const char *prefix, const char *name)
{
	char		quoted[256];
	const char *place;
	long		first;
	long		last;
	float	   *values;

	snprintf(quoted, sizeof(quoted), "\"%s%s\":", prefix, name);
	place = strstr(folder->header, quoted);
	if (place == NULL)
		return NULL;
	place = strstr(place, "\"data_offsets\": [");
	if (place == NULL || sscanf(place, "\"data_offsets\": [%ld, %ld", &first, &last) != 2)
		return NULL;
	values = allocate(last - first);
	fseek(folder->weights, folder->data + first, SEEK_SET);
	if (fread(values, 1, last - first, folder->weights) != last - first)
		return NULL;
	return values;
}

static float *
folder_tensor(const Folder *folder, const char *name, const char *what)
{
	char		whole[256];
	float	   *values;

	snprintf(whole, sizeof(whole), "%s.%s", name, what);
	values = folder_read(folder, strncmp(name, "cls.", 4) == 0 ? "" : folder->prefix, whole);
	if (values == NULL)
	{
		fprintf(stderr, "no tensor %s\n", whole);
		exit(1);
	}
	return values;
}

static void
folder_norm(const Folder *folder, const char *name, Norm *norm)
{
	norm->scale = folder_tensor(folder, name, "weight");
	norm->shift = folder_tensor(folder, name, "bias");
}

static void
folder_linear(const Folder *folder, const char *name, Linear *linear)
{
	linear->weight = folder_tensor(folder, name, "weight");
	linear->bias = folder_tensor(folder, name, "bias");
}

static void
read_layer(Network *net, const Folder *folder, int i)
{
	static const char *const names[] = {"query", "key", "value"};
	char		layer[64];
	char		name[128];

	snprintf(layer, sizeof(layer), "encoder.layer.%d", i);
	for (int k = 0; k < 3; k++)
	{
		snprintf(name, sizeof(name), "%s.attention.self.%s", layer, names[k]);
		folder_linear(folder, name, &net->projections[3 * i + k]);
	}
	snprintf(name, sizeof(name), "%s.attention.output.dense", layer);
	folder_linear(folder, name, &net->output[i]);
	snprintf(name, sizeof(name), "%s.attention.output.LayerNorm", layer);
	folder_norm(folder, name, &net->output_norm[i]);
	snprintf(name, sizeof(name), "%s.intermediate.dense", layer);
	folder_linear(folder, name, &net->inner_linear[i]);
	snprintf(name, sizeof(name), "%s.output.dense", layer);
	folder_linear(folder, name, &net->outer[i]);
	snprintf(name, sizeof(name), "%s.output.LayerNorm", layer);
	folder_norm(folder, name, &net->outer_norm[i]);
}

void
read_network(Network *net, const char *path)
{
	Folder		folder;

	folder_open(&folder, path);
	net->layers = folder_number(&folder, "\"num_hidden_layers\"");
	net->width = folder_number(&folder, "\"hidden_size\"");
	net->heads = folder_number(&folder, "\"num_attention_heads\"");
	net->inner = folder_number(&folder, "\"intermediate_size\"");
	net->nvocabulary = folder_number(&folder, "\"vocab_size\"");
	if (net->layers < 1 || net->layers > MAX_LAYERS || net->heads < 1)
	{
		fprintf(stderr, "not a model of make_models.py\n");
		exit(1);
	}
	net->words = folder_tensor(&folder, "embeddings.word_embeddings", "weight");
	net->positions = folder_tensor(&folder, "embeddings.position_embeddings", "weight");
	net->types = folder_tensor(&folder, "embeddings.token_type_embeddings", "weight");
	folder_norm(&folder, "embeddings.LayerNorm", &net->first_norm);
	for (int i = 0; i < net->layers; i++)
		read_layer(net, &folder, i);
	net->decoder_bias = folder_read(&folder, "", "cls.predictions.bias");
	net->is_sparse = net->decoder_bias != NULL;
	if (net->is_sparse)
	{
		folder_linear(&folder, "cls.predictions.transform.dense", &net->transform);
		folder_norm(&folder, "cls.predictions.transform.LayerNorm", &net->transform_norm);
		net->ndecoders = (net->nvocabulary + CHUNK - 1) / CHUNK;
		net->decoders = allocate(sizeof(Linear) * net->ndecoders);
		for (int i = 0; i < net->ndecoders; i++)
			net->decoders[i].weight = net->words + (size_t) i * CHUNK * net->width;
	}
	free(folder.config);
	free(folder.header);
	fclose(folder.weights);
}
