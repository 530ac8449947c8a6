/*
 * service_list.h
 *		Every service, one line each, alphabetical.  No include guard: whoever
 *		includes this defines INFERENCE_SERVICE(symbol) as needed.
 */
INFERENCE_SERVICE(elser)
INFERENCE_SERVICE(hashing)
INFERENCE_SERVICE(hugging_face)
INFERENCE_SERVICE(openai)
