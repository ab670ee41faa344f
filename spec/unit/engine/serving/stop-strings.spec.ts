import test from 'ava';
import fc from 'fast-check';
import { StopStrings } from '../../../../engine/serving/stop-strings.ts';

/** The pieces that come out, the last being what `end` gives. */
function run(stop: readonly string[], pieces: readonly string[]) {
  const strings = new StopStrings(stop);
  const out = pieces.map((piece) => strings.push(piece));
  return { out: [...out, strings.end()], found: strings.found };
}

const CASES: [title: string, stop: string[], pieces: string[], out: string[], found: string | undefined][] = [
  ['without stop strings all text passes at once', [], ['ab', 'c'], ['ab', 'c', ''], undefined],
  ['text without a stop string passes', ['END'], ['abc', 'def'], ['abc', 'def', ''], undefined],
  ['a stop string ends the text before it', ['END'], ['abENDcd', 'ef'], ['ab', '', ''], 'END'],
  ['across pieces too', ['END'], ['abE', 'N', 'Dcd'], ['ab', '', '', ''], 'END'],
  [
    'a beginning is held back and given when it leads nowhere',
    ['END'],
    ['aEN', 'Ex'],
    ['a', 'ENEx', ''],
    undefined,
  ],
  ['the end gives what was held back', ['END'], ['aEN'], ['a', 'EN'], undefined],
  ['a beginning inside a beginning is not lost', ['aab'], ['aa', 'a', 'b'], ['', 'a', '', ''], 'aab'],
  ['the first of two to appear counts', ['cd', 'ab'], ['xabcd'], ['x', ''], 'ab'],
  ['one that ends earlier counts, though it begins later', ['abcd', 'bc'], ['xabcd'], ['xa', ''], 'bc'],
  ['of two that end together the longer counts', ['b', 'ab'], ['xab'], ['x', ''], 'ab'],
  ['whatever their order', ['ab', 'b'], ['xab'], ['x', ''], 'ab'],
  ['of one twice the first counts', ['ab'], ['xabyab'], ['x', ''], 'ab'],
  ['a text may begin with it', ['\n'], ['\nabc'], ['', ''], '\n'],
  ['characters beyond the BMP are held back whole', ['😀!'], ['a😀', '?'], ['a', '😀?', ''], undefined],
  ['an empty piece changes nothing', ['ab'], ['', 'a', '', 'b'], ['', '', '', '', ''], 'ab'],
];
for (const [title, stop, pieces, out, found] of CASES) {
  test(`${title}: ${JSON.stringify(stop)} in ${JSON.stringify(pieces)}`, (t) => {
    t.deepEqual(run(stop, pieces), { out, found });
  });
}

test('no text follows a stop string', (t) => {
  const strings = new StopStrings(['.']);
  t.is(strings.push('a.b'), 'a');
  t.is(strings.push('c.'), '');
  t.is(strings.end(), '');
  t.is(strings.found, '.');
});

/** Character by character, over the whole text: the definition. */
function expected(stop: readonly string[], text: string) {
  for (let end = 1; end <= text.length; end++) {
    const here = stop.filter((string) => text.slice(0, end).endsWith(string));
    if (here.length === 0) continue;
    const found = here.reduce((a, b) => (b.length > a.length ? b : a));
    return { text: text.slice(0, end - found.length), found };
  }
  return { text, found: undefined };
}

test('however a text is cut, the same text and stop string come out, and no more is held back than needed', (t) => {
  const word = (minLength: number, maxLength: number) =>
    fc.string({ unit: fc.constantFrom('a', 'b', 'c'), minLength, maxLength });
  let stopped = 0;
  fc.assert(
    fc.property(
      fc.array(word(1, 5), { maxLength: 3 }),
      fc.array(word(0, 4), { maxLength: 8 }),
      (stop, pieces) => {
        const strings = new StopStrings(stop);
        const all = expected(stop, pieces.join(''));
        let [given, out] = ['', ''];
        for (const piece of pieces) {
          given += piece;
          out += strings.push(piece);
          if (strings.found !== undefined) break;
          const held = given.slice(out.length);
          const mayBegin = stop.some((string) => string.startsWith(held));
          if (held !== '' && !mayBegin) throw new Error(`held back for nothing: ${held}`);
        }
        out += strings.end();
        stopped += Number(strings.found !== undefined);
        if (out !== all.text || strings.found !== all.found) {
          throw new Error(`got ${out} and ${strings.found}, expected ${all.text} and ${all.found}`);
        }
      },
    ),
    { seed: 20261122, numRuns: 2000 },
  );
  t.true(stopped > 500 && stopped < 1900, `${stopped} texts were ended`);
});
