/* An engine that Plumbline can judge, in C without libraries.

     cc -O2 -o engine engine.c qwen3.c -lm
     npx plumbline-verify --model dense --command ./engine

   Copy this file and wire.h, and replace the calls of qwen3.h by your engine. docs/protocol.md explains the messages;
   each is one line of JSON. Log to stderr, never to stdout. */
#include "qwen3.h"
#include "wire.h"

/* `forward` and `generate`: a prompt, and then its scores or the likeliest tokens after it. */
static void answer_prompt(const Model *m, const char *request, const char *id, int is_forward) {
  int count, num_positions, steps = atoi(field(request, "maxNewTokens"));
  int *ids = list_field(request, "ids", &count), *positions = list_field(request, "positions", &num_positions);
  const char *wrong = !m->layer ? "no model is loaded" : count == 0 ? "the prompt is empty" : NULL;
  if (!wrong && count + steps > m->max_positions) wrong = "the prompt is too long";
  for (int i = 0; i < count && !wrong; i++)
    if (ids[i] < 0 || ids[i] >= m->vocab) wrong = "an id is outside the vocabulary";
  if (wrong) {
    printf("{\"type\":\"error\",\"id\":\"%s\",\"message\":\"%s\"}\n", id, wrong);
  } else {
    Cache cache;
    cache_init(m, &cache, count + steps);
    double *x = malloc(m->hidden * sizeof(double));
    float *rows = malloc((size_t)(num_positions + 1) * m->vocab * sizeof(float));
    for (int t = 0, row = 0; t < count; t++) {
      model_step(m, &cache, ids[t], x);
      /* The row of position t scores the token that follows ids[t]. */
      if (row < num_positions && positions[row] == t) model_logits(m, x, rows + (size_t)row++ * m->vocab);
    }
    if (is_forward) {
      printf("{\"type\":\"forwarded\",\"id\":\"%s\",\"scores\":{\"values\":{\"dtype\":\"f32\",\"shape\":[%d,%d],\"base64\":\"",
             id, num_positions, m->vocab);
      print_base64(rows, (size_t)num_positions * m->vocab * sizeof(float)); /* this machine is little-endian */
      printf("\"}}}\n");
    } else {
      printf("{\"type\":\"generated\",\"id\":\"%s\",\"tokens\":[", id);
      for (int step = 0; step < steps; step++) {
        int best = 0;
        model_logits(m, x, rows);
        for (int i = 1; i < m->vocab; i++) best = rows[i] > rows[best] ? i : best;
        printf(step ? ",%d" : "%d", best);
        if (step + 1 < steps) model_step(m, &cache, best, x);
      }
      printf("]}\n");
    }
    cache_free(&cache), free(x), free(rows);
  }
  free(ids), free(positions);
}

int main(void) {
  static Model model;
  char *request = NULL, type[32], id[256], directory[4096];
  size_t capacity = 0;
  while (getline(&request, &capacity, stdin) > 0) {
    string_field(request, "type", type, sizeof type);
    string_field(request, "id", id, sizeof id);
    if (!strcmp(type, "stop")) return 0;
    if (!strcmp(type, "start")) {
      /* `all`: logits of the whole vocabulary. Hidden states, tokenize and chat are not offered. */
      printf("{\"type\":\"started\",\"id\":\"%s\",\"protocol\":1,\"engine\":{\"name\":\"example in C\",\"language\":\"C\"},"
             "\"capabilities\":{\"scores\":\"all\",\"precision\":\"f32\"}}\n", id);
    } else if (!strcmp(type, "load")) {
      string_field(request, "model", directory, sizeof directory);
      const char *wrong = model_load(&model, directory);
      if (wrong) printf("{\"type\":\"error\",\"id\":\"%s\",\"message\":\"%s\"}\n", id, wrong);
      else printf("{\"type\":\"loaded\",\"id\":\"%s\"}\n", id);
    } else if (!strcmp(type, "forward") || !strcmp(type, "generate")) {
      answer_prompt(&model, request, id, type[0] == 'f');
    } else {
      printf("{\"type\":\"skipped\",\"id\":\"%s\",\"reason\":\"there is no %s here\"}\n", id, type);
    }
    fflush(stdout); /* without it the judge would wait until its time limit */
  }
}
