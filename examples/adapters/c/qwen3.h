/* Qwen3 in C, one token at a time, in float64. Made to be read, not to be fast. */
#ifndef QWEN3_H
#define QWEN3_H

typedef struct {
  float *input_norm, *q, *k, *v, *o, *q_norm, *k_norm, *post_norm, *gate, *up, *down;
} Layer;

typedef struct {
  int vocab, hidden, layers, heads, kv_heads, head_dim, intermediate, max_positions;
  double eps, theta;
  float *embedding, *final_norm, *head;
  Layer *layer;
} Model;

/* Keys and values of all tokens so far: [layers][length][kv_heads * head_dim]. */
typedef struct {
  double *keys, *values;
  int length, capacity;
} Cache;

/* Returns NULL, or what is wrong. */
const char *model_load(Model *model, const char *directory);
void cache_init(const Model *model, Cache *cache, int capacity);
void cache_free(Cache *cache);
/* Adds a token; x[hidden] is the output of the final norm. */
void model_step(const Model *model, Cache *cache, int token, double *x);
/* row[vocab]: the scores of the token that follows. */
void model_logits(const Model *model, const double *x, float *row);

#endif
