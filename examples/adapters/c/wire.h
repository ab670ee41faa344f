/* Reading requests and writing arrays. Plumbline writes its requests without spaces, so that looking for "key": is enough
   here; an engine that has a JSON library should use it. */
#ifndef WIRE_H
#define WIRE_H
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What stands after "key": in a request. */
static const char *field(const char *request, const char *key) {
  char quoted[64];
  snprintf(quoted, sizeof quoted, "\"%s\":", key);
  const char *at = strstr(request, quoted);
  return at ? at + strlen(quoted) : "";
}

/* A string without escapes, which ids, types and usual paths are. */
static void string_field(const char *request, const char *key, char *to, size_t size) {
  const char *at = field(request, key);
  size_t length = *at == '"' ? strcspn(at + 1, "\"") : 0;
  snprintf(to, size, "%.*s", (int)length, length ? at + 1 : "");
}

/* A list of whole numbers; the caller frees it. */
static int *list_field(const char *request, const char *key, int *count) {
  const char *at = field(request, key);
  int *numbers = malloc((strlen(at) + 1) * sizeof(int));
  char *end = NULL;
  for (*count = 0, at += *at == '['; *at && *at != ']'; at = end + (*end == ',')) {
    numbers[(*count)++] = (int)strtol(at, &end, 10);
    if (end == at) break;
  }
  return numbers;
}

static void print_base64(const void *data, size_t bytes) {
  static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  const unsigned char *in = data;
  for (size_t i = 0; i < bytes; i += 3) {
    unsigned group = in[i] << 16 | (i + 1 < bytes ? in[i + 1] : 0) << 8 | (i + 2 < bytes ? in[i + 2] : 0);
    putchar(digits[group >> 18]);
    putchar(digits[group >> 12 & 63]);
    putchar(i + 1 < bytes ? digits[group >> 6 & 63] : '=');
    putchar(i + 2 < bytes ? digits[group & 63] : '=');
  }
}

#endif
