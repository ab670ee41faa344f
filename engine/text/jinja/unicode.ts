import { unsupported } from './failure.ts';

/** White space of `str.isspace`, for a character class. JavaScript's `\s` has other members. */
export const SPACE = '\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000';
/** Where `str.splitlines` splits. */
export const LINE_END = /\r\n|[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]/;

const LEADING = new RegExp(`^[${SPACE}]+`);
const ONLY_SPACE = new RegExp(`^[${SPACE}]+$`);
const IS_SPACE = new RegExp(`[${SPACE}]`);
const CASED = /[\p{Lowercase}\p{Uppercase}\p{Lt}]/u;
const UPPER = /\p{Uppercase}/u;
const LOWER = /\p{Lowercase}/u;

/**
 * `str.strip`, `lstrip` and `rstrip`.
 *
 * @param characters a set of characters; `null` strips white space.
 */
export function strip(
  text: string,
  characters: string | null,
  ends: { start: boolean; end: boolean },
): string {
  if (characters === null) {
    const from = ends.start ? (LEADING.exec(text)?.[0].length ?? 0) : 0;
    let to = text.length;
    // A pattern that ends in $ would take quadratic time on long runs of spaces.
    while (ends.end && to > from && IS_SPACE.test(text[to - 1])) to--;
    return text.slice(from, to);
  }
  const points = [...text];
  const stripped = new Set(characters);
  let from = 0;
  let to = points.length;
  if (ends.start) while (from < to && stripped.has(points[from])) from++;
  if (ends.end) while (to > from && stripped.has(points[to - 1])) to--;
  return points.slice(from, to).join('');
}

/** `str.splitlines`. */
export function splitLines(text: string, keepEnds: boolean): string[] {
  const lines = text.split(new RegExp(keepEnds ? `(?<=${LINE_END.source})(?<!\\r(?=\\n))` : LINE_END));
  if (lines.at(-1) === '') lines.pop();
  return lines;
}

/** The first character in upper case, where Unicode has none of its own for the beginning of a word. */
export function titleCharacter(character: string): string {
  const code = character.codePointAt(0)!;
  // Ǆ ǅ ǆ Ǉ … ǌ and Ǳ ǲ ǳ: letters of two letters, whose title case is the middle of three.
  if ((code >= 0x1c4 && code <= 0x1cc) || (code >= 0x1f1 && code <= 0x1f3)) {
    const first = code >= 0x1f1 ? 0x1f1 : code - ((code - 0x1c4) % 3);
    return String.fromCodePoint(first + 1);
  }
  // Georgian has capitals only for whole words.
  if ((code >= 0x10d0 && code <= 0x10fa) || (code >= 0x10fd && code <= 0x10ff)) return character;
  // ŉ is n after an apostrophe; Greek letters with iota subscript keep it below the capital.
  if (code === 0x149) return 'ʼN';
  const greek = GREEK_TITLES.get(code);
  if (greek !== undefined) return greek;
  const [first, ...rest] = character.toUpperCase();
  return first + rest.join('').toLowerCase();
}

const GREEK_TITLES: ReadonlyMap<number, string> = new Map([
  ...[0x1f80, 0x1f90, 0x1fa0].flatMap((row) =>
    Array.from({ length: 16 }, (_, i) => [row + i, String.fromCodePoint(row + 8 + (i % 8))] as const),
  ),
  ...[0x1fb3, 0x1fc3, 0x1ff3].flatMap((code) =>
    [code, code + 9].map((either) => [either, String.fromCodePoint(code + 9)] as const),
  ),
  ...[0x1fb2, 0x1fb4, 0x1fc2, 0x1fc4, 0x1ff2, 0x1ff4, 0x1fb7, 0x1fc7, 0x1ff7].map((code) => {
    const plain = String.fromCodePoint(code).normalize('NFD').replace('\u0345', '').normalize('NFC');
    return [code, `${plain.toUpperCase()}\u0345`] as const;
  }),
]);

/** A sigma that ends a word, which has a small letter of its own, as in Unicode's rule Final_Sigma. */
const FINAL_SIGMA =
  /(?<=[\p{Cased}--\p{Case_Ignorable}]\p{Case_Ignorable}*)Σ(?!\p{Case_Ignorable}*[\p{Cased}--\p{Case_Ignorable}])/gv;

/** The same text with small final sigmas: characters that are made small one by one do not see their word. */
function withFinalSigmas(text: string): string {
  return text.replace(FINAL_SIGMA, 'ς');
}

/** `str.capitalize`. */
export function capitalize(text: string): string {
  const first = String.fromCodePoint(text.codePointAt(0) ?? 0);
  const rest = withFinalSigmas(text).slice(first.length);
  return text === '' ? '' : titleCharacter(first) + rest.toLowerCase();
}

/** `str.title`: every run of cased letters begins with a capital. */
export function title(text: string): string {
  let inWord = false;
  let out = '';
  for (const character of withFinalSigmas(text)) {
    out += inWord ? character.toLowerCase() : titleCharacter(character);
    inWord = CASED.test(character);
  }
  return out;
}

/** `str.swapcase`. Title case (`ǅ`) is neither capital nor small, and stays. */
export function swapCase(text: string): string {
  const small = [...withFinalSigmas(text)];
  const swap = (c: string, i: number) => {
    if (UPPER.test(c)) return small[i].toLowerCase();
    return LOWER.test(c) ? c.toUpperCase() : c;
  };
  return Array.from(text, swap).join('');
}

/** Not folded to the small letter of their capital: Cherokee is folded to capitals, and ı stays. */
const FOLDS_OTHERWISE = /(\p{Script=Cherokee}+)|[^ı\p{Script=Cherokee}]+/gu;

/**
 * `str.casefold`: Unicode's full case folding, which JavaScript does not have. It is derived from the case
 * mappings; the spec compares every character.
 */
export function caseFold(text: string): string {
  return text.replace(FOLDS_OTHERWISE, (run: string, cherokee?: string) => {
    if (cherokee !== undefined) return cherokee.toUpperCase();
    // First small, since ẞ has itself as its capital; a word's last sigma has no folding of its own.
    return run.toLowerCase().toUpperCase().toLowerCase().replaceAll('ς', 'σ');
  });
}

/** `str.istitle`. */
export function isTitle(text: string): boolean {
  let inWord = false;
  let found = false;
  for (const c of text) {
    const isCapital = UPPER.test(c) || /\p{Lt}/u.test(c);
    if (isCapital ? inWord : LOWER.test(c) && !inWord) return false;
    inWord = isCapital || LOWER.test(c);
    found ||= inWord;
  }
  return found;
}

const every = (pattern: RegExp) => (text: string) => text !== '' && [...text].every((c) => pattern.test(c));

/** Decimal digits of any script in ASCII, as `int()` and `float()` read them. */
export function asciiDigits(text: string): string {
  return text.replace(/(?![0-9])\p{Nd}/gu, (digit) => {
    // Every script has its ten digits in a row, and rows stand apart or follow each other.
    let before = digit.codePointAt(0)!;
    while (/\p{Nd}/u.test(String.fromCodePoint(before - 1))) before--;
    return String((digit.codePointAt(0)! - before) % 10);
  });
}

/**
 * Digits: Numeric_Type=Decimal, which is Nd, and Numeric_Type=Digit, which JavaScript does not know. Unicode
 * gives no further characters the latter (UAX 44, Numeric_Type).
 */
const DIGIT =
  /[\p{Nd}²³¹\u1369-\u1371\u19da⁰⁴-⁹₀-₉①-⑨⑴-⑼⒈-⒐⓪⓵-⓽⓿❶-❾➀-➈➊-➒\u{10a40}-\u{10a43}\u{10e60}-\u{10e68}\u{11052}-\u{1105a}\u{1f100}-\u{1f10a}]/u;

/**
 * The methods `str.is…` that look at every character. Characters have the properties of JavaScript's version
 * of Unicode, as in the Python that has the same version.
 */
export const CLASSES: Readonly<Record<string, (text: string) => boolean>> = {
  isalnum: every(/[\p{L}\p{N}]/u),
  isalpha: every(/\p{L}/u),
  isascii: (text) => /^[\x00-\x7f]*$/.test(text),
  isdecimal: every(/\p{Nd}/u),
  isdigit: every(DIGIT),
  isidentifier: (text) => /^[\p{XID_Start}_]\p{XID_Continue}*$/u.test(text),
  islower: (text) => LOWER.test(text) && !UPPER.test(text) && !/\p{Lt}/u.test(text),
  isnumeric: (text) => {
    // Python knows which of them are numbers; JavaScript does not.
    if (/\p{Script=Han}/u.test(text)) unsupported('isnumeric() of Chinese characters');
    return every(/\p{N}/u)(text);
  },
  isprintable: (text) => !/[\p{C}\p{Zl}\p{Zp}]|(?! )\p{Zs}/u.test(text),
  isspace: (text) => ONLY_SPACE.test(text),
  istitle: isTitle,
  isupper: (text) => UPPER.test(text) && !LOWER.test(text) && !/\p{Lt}/u.test(text),
};
