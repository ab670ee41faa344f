/** The width at which Biome formats code; it leaves comments as they are. */
const MAX_COLUMNS = 110;

/** Words for which a comment has a plainer one, and names that have been replaced. */
const WORDS =
  /\b(?:whoever|whom|nobody|somebody|what of|is none|so many|shall|vacuity|told|hears?|heard|gone|npm run look)\b/i;

/** A line of a source's text, and its number from 1. */
interface Line {
  readonly text: string;
  readonly number: number;
}

/** The lines of TypeScript, JavaScript or C that are comments or end in one. */
function commentLines(source: string): Line[] {
  let inside = false;
  return source.split('\n').flatMap((text, i) => {
    const begins = /^\s*\/\*/.test(text);
    const isComment = inside || begins || /^\s*\/\//.test(text);
    if (begins || inside) inside = !text.includes('*/');
    // After code; "//" in a string has a letter or a quote before it, as in "https://".
    const [trailing] = /(?<=[;,{([\w)\]])\s+(?:\/\/|\/\*)\s.*$/.exec(text) ?? [];
    if (isComment) return [{ text, number: i + 1 }];
    return trailing === undefined ? [] : [{ text: trailing.padStart(text.length), number: i + 1 }];
  });
}

/** The titles of tests that are written as text: a template with its placeholders. */
function titleLines(source: string): Line[] {
  return [...source.matchAll(/\btest(?:\.\w+)*\(\s*(['"`])(.*?)\1, /g)].map((match) => ({
    text: match[2],
    number: source.slice(0, match.index).split('\n').length,
  }));
}

/** One line for each comment that is too wide, and each comment or title with a word to avoid. */
export function languageProblems(path: string, source: string): string[] {
  const comments = commentLines(source);
  const wide = comments
    .filter(({ text }) => [...text].length > MAX_COLUMNS)
    .map(
      ({ text, number }) =>
        `${path}:${number}: a comment of ${[...text].length} columns; expected at most ${MAX_COLUMNS}`,
    );
  const words = [...comments, ...titleLines(source)].flatMap(({ text, number }) => {
    const [word] = WORDS.exec(text) ?? [];
    return word === undefined ? [] : [`${path}:${number}: "${word}"; name the thing in the code`];
  });
  return [...wide, ...words];
}
