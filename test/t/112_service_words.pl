# What this proves, against a provider that says what real servers say:
#
#  1. Each way in which a server says that a text is too long is understood: the
#     text is cut, its neighbours are not, and the user is told.
#  2. Such words with another status, and other words, are no such thing.
#  3. A url that leads elsewhere is an error whose hint says what a url is.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use InferenceCluster;
use InferenceProvider;

my $node = InferenceCluster::start('words',
	conf => "inference.allow_private_addresses = on\ninference.max_retries = 0\n");
my $provider = InferenceProvider->start;
my %paths = (
	openai => '/v1/embeddings',
	hugging_face => '/hf/embeddings',
	elser => '/_inference/sparse_embedding/elser');
my ($long, $cut) = ('x' x 400, 'x' x 100);
my $nmodels = 0;

sub put
{
	my ($service, $url) = @_;
	my $id = 'm' . ++$nmodels;
	my $task = $service eq 'elser' ? 'sparse_embedding' : 'text_embedding';

	$node->safe_psql('postgres', qq{SELECT inference_put('$task', '$id', jsonb_build_object('service', '$service',
		'service_settings', jsonb_build_object('api_key', 'k', 'url', '$url')
			|| CASE '$service' WHEN 'elser' THEN '{"num_allocations": 1, "num_threads": 1}'::jsonb ELSE '{}' END))});
	return $id;
}

# A model whose server refuses texts of more than 150 characters, in these words.
sub model_that_says
{
	my ($service, $status, $words) = @_;
	my $says = "$status $words" =~ s/([^A-Za-z0-9])/sprintf('%%%02X', ord($1))/ger;

	return put($service, $provider->url($paths{$service}, "fault=too_long:150&says=$says"));
}

#
# Too long
#

my @too_long = (
	[ openai => 400, q{Invalid 'input[0]': maximum input length is 8192 tokens.} ],
	[ openai => 400, q{This model's maximum context length is 8192 tokens, however you requested 51435 tokens (51435 in your prompt; 0 for the completion). Please reduce your prompt; or completion length.} ],
	[ openai => 400, q{Please reduce your prompt.} ],
	[ openai => 400, q{litellm.ContextWindowExceededError: This model's maximum context length is 512 tokens. Input contains at least 513 tokens.} ],
	[ openai => 400, q{Requested 319487 tokens, max 300000 tokens per request} ],
	[ openai => 400, q{the input length exceeds the context length} ],
	[ openai => 500, q{the input length exceeds the context length} ],
	[ openai => 400, q{input length exceeds context length} ],
	[ openai => 400, q{The decoder prompt (length 600) is longer than the maximum model length of 512. Make sure that `max_model_len` is no smaller than the number of text tokens.} ],
	[ openai => 500, q{[address=0.0.0.0:43769, pid=1065] The decoder prompt (length 66501) is longer than the maximum model length of 65536.} ],
	[ openai => 500, q{input (992 tokens) is too large to process. increase the physical batch size (current batch size: 512)} ],
	[ openai => 400, q{the request exceeds the available context size, try increasing it} ],
	[ openai => 400, q{Illegal param: prefill 744 tokens exceed n_ctx_per_seq, try increasing total context size} ],
	[ openai => 500, q{input prompt is too big compared to KV size, please increase KV size} ],
	[ openai => 413, q{`inputs` must have less than 512 tokens. Given: 600} ],
	[ openai => 422, q{Input validation error: `inputs` must have less than 513 tokens. Given: 600} ],
	[ openai => 400, q{Input length 851 exceeds maximum allowed token size 512} ],
	[ openai => 400, q{The input token count (2100) exceeds the maximum number of tokens allowed (2048).} ],
	[ openai => 400, q{Input length of input_ids is `4498` and exceed max_sequence_length: `4096`!} ],
	[ openai => 400, q{InternalError.Algo.InvalidParameter: Range of input length should be [1, 2048]} ],
	[ openai => 400, q{Request to model 'voyage-3' failed. The example at index 0 in your batch has too many tokens and does not fit into the model's context window of 32000 tokens.} ],
	[ openai => 400, q{Too many tokens in batch. Max is 16384 got 17555} ],
	[ openai => 400, q{THE INPUT LENGTH EXCEEDS THE CONTEXT LENGTH} ],
	[ hugging_face => 413, q{Input validation error: `inputs` must have less than 512 tokens. Given: 534} ],
	[ hugging_face => 422, q{Input validation error: `inputs` must have less than 512 tokens. Given: 534} ],
	[ hugging_face => 413, q{Payload Too Large} ],
	[ hugging_face => 400, q{The size of tensor a (678) must match the size of tensor b (512) at non-singleton dimension 1} ],
	[ hugging_face => 500, q{The expanded size of the tensor (1750) must match the existing size (512) at non-singleton dimension 1.} ],
	[ hugging_face => 400, q{Token indices sequence length is longer than the specified maximum sequence length for this model (1024 > 512)} ],
	[ elser => 400, q{Input too large. The tokenized input length [600] exceeds the maximum sequence length [512]} ],
	[ elser => 413, q{Input validation error: `inputs` must have less than 512 tokens. Given: 534} ]);

for my $case (@too_long)
{
	my ($service, $status, $words) = @$case;
	my $id = model_that_says($service, $status, $words);
	my $batch = $service eq 'elser' ? 'inference_sparse_batch' : 'inference_embed_batch';
	my ($rc, $stdout, $stderr) = $node->psql('postgres',
		"SELECT * FROM $batch('$id', ARRAY['short', '$long', 'also short'])");
	my ($rc2, $expected) = $node->psql('postgres',
		'SELECT * FROM ' . $batch . "('" . put($service, $provider->url($paths{$service})) . "', ARRAY['short', '$cut', 'also short'])");

	is($stdout, $expected, "$service, $status: $words");
	like($stderr, qr/^psql:<stdin>:1: WARNING:  1 text was too long for inference model "$id" and was cut\n/, 'with a warning');
}

# What only looks like it: the text is not cut.
for my $case (
	[ openai => 400, 'the input is not acceptable' ],
	[ openai => 422, 'maximum context length' ],
	[ openai => 401, 'maximum context length' ],
	[ openai => 503, 'input is too large to process' ],
	[ hugging_face => 400, 'maximum context length' ],
	[ elser => 400, 'must match the size of tensor b' ])
{
	my ($service, $status, $words) = @$case;
	my $id = model_that_says($service, $status, $words);
	my $call = $service eq 'elser' ? 'inference_sparse' : 'inference_embed';

	like(InferenceCluster::error_of($node, 'postgres', "SELECT $call('$id', '$long')"),
		qr/could not get embeddings from inference model "$id"\nDETAIL:  .*HTTP status $status: \Q$words\E/,
		"not too long: $service, $status: $words");
}

#
# Urls
#

my $whole = qr/HINT:  The url of the model must name the endpoint itself/;
for my $case (
	[ openai => '/v1', $whole ],
	[ openai => '/v1/', $whole ],
	[ openai => '/', $whole ],
	[ openai => '', $whole ],
	[ openai => '/openai/deployments/small', $whole ],
	[ openai => '/nowhere/embeddings', qr/HTTP status 404: no such path\.\n(?!HINT)/ ],
	[ openai => '/api/embeddings', qr/HINT:  This looks like Ollama's older interface/ ],
	[ openai => '/hf/embeddings', qr/HTTP status 422: .*\.\n(?!HINT)/ ],
	[ hugging_face => '/', $whole ],
	[ hugging_face => '/v1', $whole ],
	[ hugging_face => '/nowhere/v1/embeddings', qr/HINT:  .* use service openai/ ],
	[ elser => '/', $whole ],
	[ elser => '/nowhere/_inference/sparse_embedding', qr/HINT:  The url of the model must end in the id/ ])
{
	my ($service, $path, $hint) = @$case;
	my $id = put($service, 'http://127.0.0.1:' . $provider->port . $path);
	my $call = $service eq 'elser' ? 'inference_sparse' : 'inference_embed';

	like(InferenceCluster::error_of($node, 'postgres', "SELECT $call('$id', 'a text', '{" . ($service eq 'openai' ? '"model": "m"' : '') . "}')"),
		$hint, "$service: hint for path \"$path\"");
}

done_testing();
