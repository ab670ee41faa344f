/**
 * The first key that an object in a JSON text has twice. `JSON.parse` silently keeps the last, so two
 * readers could see different tensors in one file.
 *
 * @param text valid JSON.
 */
export function duplicateKey(text: string): string | undefined {
  // The keys of each open object; arrays have an empty set.
  const open: Set<string>[] = [];
  for (let i = 0; i < text.length; i++) {
    const character = text[i];
    if (character === '{' || character === '[') open.push(new Set());
    else if (character === '}' || character === ']') open.pop();
    else if (character === '"') {
      const begin = i;
      i = endOfString(text, begin);
      if (!isFollowedByColon(text, i)) continue;
      const key: string = JSON.parse(text.slice(begin, i + 1));
      const keys = open[open.length - 1];
      if (keys.has(key)) return key;
      keys.add(key);
    }
  }
  return undefined;
}

/** The index of the closing quote of the string that begins at `begin`. */
function endOfString(text: string, begin: number): number {
  let i = begin + 1;
  while (text[i] !== '"') i += text[i] === '\\' ? 2 : 1;
  return i;
}

function isFollowedByColon(text: string, end: number): boolean {
  let i = end + 1;
  while (' \t\n\r'.includes(text[i])) i++;
  return text[i] === ':';
}
