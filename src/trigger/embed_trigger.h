/*
 * embed_trigger.h
 *		The arguments of inference_embed_trigger().
 */
#ifndef INFERENCE_TRIGGER_EMBED_TRIGGER_H
#define INFERENCE_TRIGGER_EMBED_TRIGGER_H

#define INF_TRIGGER_MODEL 0
#define INF_TRIGGER_TARGET 1
#define INF_TRIGGER_FIRST_SOURCE 2

#define INF_TRIGGER_EXAMPLE \
	"For example CREATE TRIGGER docs_embed BEFORE INSERT OR UPDATE OF body ON docs FOR EACH ROW EXECUTE FUNCTION inference_embed_trigger('my-model', 'embedding', 'body')."

#endif							/* INFERENCE_TRIGGER_EMBED_TRIGGER_H */
