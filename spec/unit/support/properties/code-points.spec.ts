import test from 'ava';
import fc from 'fast-check';
import { codePoint } from '../../../support/properties/code-points.ts';

const SEED = 20261129;

test('each character is one code point and no surrogate, from all planes', (t) => {
  const characters = fc.sample(codePoint, { seed: SEED, numRuns: 2000 });
  for (const character of characters) {
    t.is([...character].length, 1, JSON.stringify(character));
    t.true(character.isWellFormed(), JSON.stringify(character));
  }
  const planes = new Set(characters.map((character) => character.codePointAt(0)! >> 16));
  t.is(planes.size, 17);
});

test('the characters beside the surrogates and the last one can be drawn; surrogates and longer texts cannot', (t) => {
  const canBeDrawn = (value: unknown) => codePoint.canShrinkWithoutContext(value as string);
  for (const character of ['\0', 'a', '\ud7ff', '\ue000', '\uffff', '\u{10000}', '\u{10ffff}']) {
    t.true(canBeDrawn(character), JSON.stringify(character));
  }
  for (const other of ['', 'ab', 'é'.normalize('NFD'), '\u{1f600}a', 97, undefined]) {
    t.false(canBeDrawn(other), JSON.stringify(other));
  }
  t.false(canBeDrawn('\ud800'), 'the first surrogate');
  t.false(canBeDrawn('\udfff'), 'the last surrogate');
});

test('a counterexample shrinks to the smallest character that fails, on either side of the surrogates', (t) => {
  for (const smallest of ['b', '\ud7ff', '\ue000', '\u{1f600}']) {
    const limit = smallest.codePointAt(0)!;
    const isSmaller = (character: string) => character.codePointAt(0)! < limit;
    const { counterexample } = fc.check(fc.property(codePoint, isSmaller), { seed: SEED });
    t.deepEqual(counterexample, [smallest]);
  }
});

test('a text that fast-check mixes in shrinks like one that was drawn', (t) => {
  const texts = fc.string({ unit: codePoint });
  t.true(texts.canShrinkWithoutContext('__proto__'));
  t.true([...texts.shrink('__proto__', undefined)].length > 0);
});
