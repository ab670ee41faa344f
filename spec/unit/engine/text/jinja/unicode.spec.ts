import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import test from 'ava';
import { CLASSES, capitalize, caseFold, swapCase, title } from '../../../../../engine/text/jinja/unicode.ts';

/** What characters.py wrote. */
interface Recorded {
  readonly provenance: { readonly python: string; readonly unicode: string };
  /** Both ends of the ranges of characters that are in no row, each as its distance from the end before. */
  readonly skipped: string;
  /** The first character of each row of 4,096, in hexadecimal. */
  readonly rows: string;
  /** By method and text, in which {} is the character: a digest for each row. */
  readonly digests: Readonly<Record<string, string>>;
}

const ROW = 0x1000;
const recorded: Recorded = JSON.parse(readFileSync(new URL('characters.json', import.meta.url), 'utf8'));
const { python, unicode } = recorded.provenance;

const METHODS: Readonly<Record<string, (text: string) => string | boolean>> = {
  ...CLASSES,
  lower: (text) => text.toLowerCase(),
  upper: (text) => text.toUpperCase(),
  casefold: caseFold,
  swapcase: swapCase,
  capitalize,
  title,
};

/** The characters of each row that Python's version of Unicode has, and that no later one has changed. */
const rows = charactersOf(recorded);

function charactersOf({ skipped, rows }: Recorded): string[][] {
  const isSkipped = new Uint8Array(0x110000);
  let end = 0;
  const ends = skipped.split(' ').map((distance) => (end += Number(distance)));
  for (let i = 0; i < ends.length; i += 2) isSkipped.fill(1, ends[i], ends[i + 1] + 1);
  return rows.split(' ').map((row) => {
    const codes = Array.from({ length: ROW }, (_, i) => Number.parseInt(row, 16) + i);
    return codes.filter((code) => isSkipped[code] === 0).map((code) => String.fromCodePoint(code));
  });
}

for (const [probe, digests] of Object.entries(recorded.digests)) {
  const [, name, before, after] = /^(\w+) (.*)\{\}(.*)$/.exec(probe)!;
  test(`${probe} is what Python ${python} gives for every character of Unicode ${unicode}`, (t) => {
    const wrong = digests.split(' ').filter((digest, i) => {
      const results = rows[i].map((character) => METHODS[name](before + character + after));
      const text = results.map((result) => (typeof result === 'string' ? result : Number(result))).join('\n');
      // As UTF-16, in which half of a surrogate pair can be written.
      return createHash('sha256').update(text, 'utf16le').digest('hex').slice(0, 8) !== digest;
    });
    t.deepEqual(wrong, [], `of ${digests.split(' ').length} rows; characters.py tells what Python gives`);
  });
}

test('every method that looks at characters is compared', (t) => {
  const compared = new Set(Object.keys(recorded.digests).map((probe) => probe.split(' ')[0]));
  t.deepEqual(
    Object.keys(METHODS).filter((name) => !compared.has(name)),
    ['isnumeric'],
  );
  t.is(rows.flat().length, 284_263);
});
