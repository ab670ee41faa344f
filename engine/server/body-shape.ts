import { ApiError } from './api-error.ts';

/** Arrays and objects within one another: more than any schema of a tool. */
const MAX_DEPTH = 128;
/** Arrays, objects and members of objects: those of 5,000 messages. */
const MAX_PARTS = 2 ** 14;
/** Commas: more than the ids of the longest prompt have. */
const MAX_COMMAS = 2 ** 17;

/** No spelling of the key `tools` is longer: each letter as an escape, and two quotes. */
const MAX_KEY_LENGTH = 32;

const [QUOTE, COMMA, COLON, BACKSLASH] = [0x22, 0x2c, 0x3a, 0x5c];
const [OPEN_ARRAY, CLOSE_ARRAY, OPEN_OBJECT, CLOSE_OBJECT] = [0x5b, 0x5d, 0x7b, 0x7d];

/** What was found in a body on the way. */
export interface BodyShape {
  /** Where the JSON of its member `tools` stands, of the last one if there are several, as in JSON.parse. */
  readonly tools?: readonly [begin: number, end: number];
}

/**
 * Refuses a body that would take long to parse and to check, for while the server's thread does that, all
 * other requests wait: JSON.parse takes 100 ms for a mebibyte of `[`. This takes less than 5 ms.
 *
 * @param json of any content; what is no JSON passes unless it is too large in the same sense.
 * @throws ApiError 400
 */
export function checkBodyShape(json: Uint8Array): BodyShape {
  let [depth, numParts, numCommas] = [0, 0, 0];
  let [stringBegin, stringEnd] = [0, 0];
  let toolsBegin: number | undefined;
  let tools: BodyShape['tools'];
  for (let i = 0; i < json.length; i++) {
    const byte = json[i];
    if (byte === QUOTE) {
      stringBegin = i;
      i = endOfString(json, i);
      stringEnd = i + 1;
    } else if (byte === COMMA) numCommas++;
    else if (byte === COLON) {
      numParts++;
      if (depth === 1 && isTools(json, stringBegin, stringEnd)) toolsBegin = i + 1;
    } else if (byte === OPEN_ARRAY || byte === OPEN_OBJECT) {
      numParts++;
      depth++;
      if (depth > MAX_DEPTH) throw tooLarge(`more than ${MAX_DEPTH} arrays and objects within one another`);
    } else if (byte === CLOSE_ARRAY || byte === CLOSE_OBJECT) depth--;
    if (toolsBegin !== undefined && ((byte === COMMA && depth === 1) || depth === 0)) {
      tools = [toolsBegin, i];
      toolsBegin = undefined;
    }
    if (numParts > MAX_PARTS) throw tooLarge(`more than ${MAX_PARTS} arrays, objects and members`);
    if (numCommas > MAX_COMMAS) throw tooLarge(`more than ${MAX_COMMAS} values`);
  }
  return tools ? { tools } : {};
}

/** Whether a key is `tools`, which may be spelt with escapes. */
function isTools(json: Uint8Array, begin: number, end: number): boolean {
  if (end - begin > MAX_KEY_LENGTH) return false;
  const key = Buffer.from(json.subarray(begin, end)).toString();
  if (!key.includes('\\')) return key === '"tools"';
  try {
    return JSON.parse(key) === 'tools';
  } catch {
    return false;
  }
}

/** @returns where a string ends that begins at a quote; the length of the bytes if it does not. */
function endOfString(json: Uint8Array, begin: number): number {
  let i = begin + 1;
  for (; i < json.length && json[i] !== QUOTE; i++) if (json[i] === BACKSLASH) i++;
  return i;
}

function tooLarge(found: string): ApiError {
  return new ApiError(400, `cannot read the body: it has ${found}; send fewer or shorter prompts`);
}
