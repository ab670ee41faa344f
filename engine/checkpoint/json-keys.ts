/**
 * The first key that a JSON object has twice at its top level. `JSON.parse` keeps the last of two silently, so two
 * readers could see different tensors in one file.
 *
 * @param text valid JSON.
 */
export function duplicateKey(text: string): string | undefined {
  const seen = new Set<string>();
  let depth = 0;
  // Strings (with what follows, to tell keys from values) and brackets are all that matters here.
  for (const [token, string, colon] of text.matchAll(/("(?:[^"\\]|\\.)*")(\s*:)?|[{}[\]]/g)) {
    if (string === undefined) depth += token === '{' || token === '[' ? 1 : -1;
    else if (depth === 1 && colon !== undefined) {
      const key: string = JSON.parse(string);
      if (seen.has(key)) return key;
      seen.add(key);
    }
  }
  return undefined;
}
