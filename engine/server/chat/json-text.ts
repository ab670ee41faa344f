/** A string, a bracket, a colon, a comma; or a number, true, false or null. */
const JSON_TOKEN = /"[^"\\]*(?:\\.[^"\\]*)*"|[{}[\]:,]|[^\s"{}[\]:,]+/g;

/**
 * The members of a JSON object with their values as they are spelt, so that numbers keep all their digits:
 * `JSON.parse` would round those above 2^53.
 *
 * @param json a valid JSON object.
 * @returns keys and values in order; a key that stands twice is there twice.
 */
export function membersOf(json: string): [key: string, valueJson: string][] {
  const members: [string, string][] = [];
  let depth = 0;
  let previous = '';
  let key: string | undefined;
  let begin = 0;
  for (const { 0: token, index } of json.matchAll(JSON_TOKEN)) {
    if (token === '{' || token === '[') depth++;
    else if (token === '}' || token === ']') depth--;
    if (depth === 1 && token === ':') {
      key = JSON.parse(previous) as string;
      begin = index + 1;
    } else if (key !== undefined && ((depth === 1 && token === ',') || depth === 0)) {
      members.push([key, json.slice(begin, index).trim()]);
      key = undefined;
    }
    previous = token;
  }
  return members;
}

/**
 * Writes JSON as Python's `json.dumps(…, ensure_ascii=False)` does, in which chat templates write the
 * arguments of calls and models have learnt them: one space after `,` and `:`, none elsewhere, no needless
 * escapes. Numbers keep their spelling.
 *
 * @param json valid JSON.
 */
export function pythonJson(json: string): string {
  return Array.from(json.matchAll(JSON_TOKEN), ([token]) => {
    if (token === ',' || token === ':') return `${token} `;
    return token.startsWith('"') ? JSON.stringify(JSON.parse(token)) : token;
  }).join('');
}

/** @returns undefined if the text is no JSON, or its value is no object. */
export function parseJsonObject(json: string): Record<string, unknown> | undefined {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    return undefined;
  }
  return isJsonObject(value) ? value : undefined;
}

/** Whether a value that was read from JSON is an object; one of `parseJson` may be a Map. */
export function isJsonObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Number);
}
