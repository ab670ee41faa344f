#include "qwen3.h"
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *read_file(const char *directory, const char *name, size_t *bytes) {
  char path[4096];
  snprintf(path, sizeof path, "%s/%s", directory, name);
  FILE *file = fopen(path, "rb");
  if (!file) return NULL;
  fseek(file, 0, SEEK_END);
  *bytes = (size_t)ftell(file);
  rewind(file);
  char *data = calloc(*bytes + 1, 1);
  if (fread(data, 1, *bytes, file) != *bytes) *bytes = 0;
  fclose(file);
  return data;
}

/* The number after "key": in a JSON text, or a default. */
static double number(const char *json, const char *key, double otherwise) {
  char quoted[128];
  snprintf(quoted, sizeof quoted, "\"%s\"", key);
  const char *at = strstr(json, quoted);
  if (!at) return otherwise;
  at = strchr(at + strlen(quoted), ':') + 1;
  char *end;
  double value = strtod(at, &end);
  return end == at ? otherwise : value;
}

/* An f32 tensor of a .safetensors file (8 bytes of header length, a JSON header, data), or NULL. */
static float *tensor(const char *data, size_t bytes, const char *name, size_t count) {
  uint64_t header_bytes;
  memcpy(&header_bytes, data, 8);
  const char *header = data + 8;
  char quoted[256];
  snprintf(quoted, sizeof quoted, "\"%s\":", name);
  const char *entry = strstr(header, quoted);
  if (!entry || entry > header + header_bytes) return NULL;
  const char *end = strchr(entry, '}');
  const char *dtype = strstr(entry, "\"F32\""), *offsets = strstr(entry, "\"data_offsets\"");
  if (!dtype || dtype > end || !offsets || offsets > end) return NULL;
  uint64_t begin = strtoull(strchr(offsets, '[') + 1, NULL, 10);
  if (8 + header_bytes + begin + count * 4 > bytes) return NULL;
  float *values = malloc(count * 4);
  memcpy(values, header + header_bytes + begin, count * 4);
  return values;
}

const char *model_load(Model *m, const char *directory) {
  size_t config_bytes, bytes;
  char *config = read_file(directory, "config.json", &config_bytes);
  char *data = read_file(directory, "model.safetensors", &bytes);
  if (!config || !data || bytes < 8) return "config.json or model.safetensors cannot be read";
  if (!strstr(config, "Qwen3ForCausalLM")) return "only dense Qwen3 models are computed here";
  m->vocab = number(config, "vocab_size", 0);
  m->hidden = number(config, "hidden_size", 0);
  m->layers = number(config, "num_hidden_layers", 0);
  m->heads = number(config, "num_attention_heads", 0);
  m->kv_heads = number(config, "num_key_value_heads", m->heads);
  m->head_dim = number(config, "head_dim", 0);
  m->intermediate = number(config, "intermediate_size", 0);
  m->max_positions = number(config, "max_position_embeddings", 0);
  m->eps = number(config, "rms_norm_eps", 0);
  m->theta = number(config, "rope_theta", 0);
  size_t hidden = m->hidden, q = m->heads * m->head_dim, kv = m->kv_heads * m->head_dim, inner = m->intermediate;
  m->embedding = tensor(data, bytes, "model.embed_tokens.weight", m->vocab * hidden);
  m->final_norm = tensor(data, bytes, "model.norm.weight", hidden);
  m->head = tensor(data, bytes, "lm_head.weight", m->vocab * hidden);
  if (!m->head) m->head = m->embedding; /* tied */
  int missing = !m->embedding || !m->final_norm;
  m->layer = calloc(m->layers, sizeof(Layer));
  for (int i = 0; i < m->layers; i++) {
    Layer *l = &m->layer[i];
    struct { float **to; const char *name; size_t count; } parts[] = {
        {&l->input_norm, "input_layernorm", hidden},          {&l->q, "self_attn.q_proj", q * hidden},
        {&l->k, "self_attn.k_proj", kv * hidden},             {&l->v, "self_attn.v_proj", kv * hidden},
        {&l->o, "self_attn.o_proj", hidden * q},              {&l->q_norm, "self_attn.q_norm", m->head_dim},
        {&l->k_norm, "self_attn.k_norm", m->head_dim},        {&l->post_norm, "post_attention_layernorm", hidden},
        {&l->gate, "mlp.gate_proj", inner * hidden},          {&l->up, "mlp.up_proj", inner * hidden},
        {&l->down, "mlp.down_proj", hidden * inner},
    };
    for (size_t p = 0; p < sizeof parts / sizeof *parts; p++) {
      char name[256];
      snprintf(name, sizeof name, "model.layers.%d.%s.weight", i, parts[p].name);
      *parts[p].to = tensor(data, bytes, name, parts[p].count);
      missing |= !*parts[p].to;
    }
  }
  free(config);
  free(data);
  return missing ? "a weight is missing, or is not f32 in one file, which is all that is read here" : NULL;
}

void cache_init(const Model *m, Cache *cache, int capacity) {
  size_t count = (size_t)m->layers * capacity * m->kv_heads * m->head_dim;
  *cache = (Cache){malloc(count * sizeof(double)), malloc(count * sizeof(double)), 0, capacity};
}

void cache_free(Cache *cache) {
  free(cache->keys);
  free(cache->values);
}

/* y[n] = sum over k of x[k] * w[n][k] */
static void linear(double *y, const float *w, const double *x, int n, int k) {
  for (int i = 0; i < n; i++) {
    y[i] = 0;
    for (int j = 0; j < k; j++) y[i] += x[j] * w[(size_t)i * k + j];
  }
}

/* y = gain * x / sqrt(mean(x^2) + eps) */
static void rms_norm(double *y, const float *gain, const double *x, int n, double eps) {
  double squares = 0;
  for (int i = 0; i < n; i++) squares += x[i] * x[i];
  double scale = 1 / sqrt(squares / n + eps);
  for (int i = 0; i < n; i++) y[i] = gain[i] * x[i] * scale;
}

/* Each head: norm, then the pair (d, d + head_dim / 2) turned by position * theta^(-2 d / head_dim). */
static void norm_and_rope(const Model *m, double *x, int heads, const float *gain, int position) {
  int half = m->head_dim / 2;
  for (int h = 0; h < heads; h++, x += m->head_dim) {
    rms_norm(x, gain, x, m->head_dim, m->eps);
    for (int d = 0; d < half; d++) {
      double angle = position * pow(m->theta, -2.0 * d / m->head_dim), a = x[d], b = x[d + half];
      x[d] = a * cos(angle) - b * sin(angle);
      x[d + half] = b * cos(angle) + a * sin(angle);
    }
  }
}

/* out = sum over s of softmax_s(q . k_s / sqrt(head_dim)) * v_s; query heads share key-value heads. */
static void attention(const Model *m, double *out, const double *q, const double *keys, const double *values, int n) {
  int width = m->kv_heads * m->head_dim, dim = m->head_dim;
  double *power = malloc(n * sizeof(double));
  for (int h = 0; h < m->heads; h++, q += dim, out += dim) {
    int shared = h / (m->heads / m->kv_heads) * dim;
    double largest = -INFINITY, total = 0;
    for (int s = 0; s < n; s++) {
      power[s] = 0;
      for (int d = 0; d < dim; d++) power[s] += q[d] * keys[(size_t)s * width + shared + d];
      power[s] /= sqrt(dim);
      largest = fmax(largest, power[s]);
    }
    memset(out, 0, dim * sizeof(double));
    for (int s = 0; s < n; s++) {
      total += power[s] = exp(power[s] - largest);
      for (int d = 0; d < dim; d++) out[d] += power[s] * values[(size_t)s * width + shared + d];
    }
    for (int d = 0; d < dim; d++) out[d] /= total;
  }
  free(power);
}

void model_step(const Model *m, Cache *cache, int token, double *x) {
  int hidden = m->hidden, inner = m->intermediate, q_width = m->heads * m->head_dim, kv = m->kv_heads * m->head_dim;
  int position = cache->length++;
  double *n = malloc((2 * hidden + 2 * q_width + 2 * inner) * sizeof(double));
  double *y = n + hidden, *q = y + hidden, *attended = q + q_width, *gate = attended + q_width, *up = gate + inner;
  for (int i = 0; i < hidden; i++) x[i] = m->embedding[(size_t)token * hidden + i];
  for (int i = 0; i < m->layers; i++) {
    const Layer *l = &m->layer[i];
    double *keys = cache->keys + (size_t)i * cache->capacity * kv, *k = keys + (size_t)position * kv;
    double *values = cache->values + (size_t)i * cache->capacity * kv;
    rms_norm(n, l->input_norm, x, hidden, m->eps);
    linear(q, l->q, n, q_width, hidden);
    linear(k, l->k, n, kv, hidden);
    linear(values + (size_t)position * kv, l->v, n, kv, hidden);
    norm_and_rope(m, q, m->heads, l->q_norm, position);
    norm_and_rope(m, k, m->kv_heads, l->k_norm, position);
    attention(m, attended, q, keys, values, position + 1);
    linear(y, l->o, attended, hidden, q_width);
    for (int j = 0; j < hidden; j++) x[j] += y[j];
    rms_norm(n, l->post_norm, x, hidden, m->eps);
    linear(gate, l->gate, n, inner, hidden);
    linear(up, l->up, n, inner, hidden);
    for (int j = 0; j < inner; j++) gate[j] = gate[j] / (1 + exp(-gate[j])) * up[j];
    linear(y, l->down, gate, hidden, inner);
    for (int j = 0; j < hidden; j++) x[j] += y[j];
  }
  rms_norm(x, m->final_norm, x, hidden, m->eps);
  free(n);
}

void model_logits(const Model *m, const double *x, float *row) {
  for (int i = 0; i < m->vocab; i++) {
    double sum = 0;
    for (int j = 0; j < m->hidden; j++) sum += x[j] * m->head[(size_t)i * m->hidden + j];
    row[i] = (float)sum;
  }
}
