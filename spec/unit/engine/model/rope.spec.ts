import test from 'ava';
import { RopeTable } from '../../../../engine/model/rope.ts';

const QWEN3 = { headDim: 128, ropeTheta: 1_000_000 };

/** Half the distance of two f32 numbers near 1: what one rounding may change, relative to the result. */
const HALF_ULP = 2 ** -24;

/** cos and sin of `count` positions from `start` on. */
function rows(table: RopeTable, start: number, count: number, half: number) {
  const cos = new Float32Array(count * half);
  const sin = new Float32Array(count * half);
  table.write({ startPosition: start, count, row: 0, cos, sin });
  return { cos, sin };
}

test('position 0 is not turned at all', (t) => {
  const { cos, sin } = rows(new RopeTable(QWEN3), 0, 1, 64);
  t.true(cos.every((value) => value === 1));
  t.true(sin.every((value) => Object.is(value, 0)));
});

test('the first pair of position p is turned by p radians, exactly rounded', (t) => {
  const { cos, sin } = rows(new RopeTable({ headDim: 2, ropeTheta: 1e6 }), 0, 1000, 1);
  const positions = Float32Array.from({ length: 1000 }, (_, p) => p);
  t.deepEqual(cos, positions.map(Math.cos));
  t.deepEqual(sin, positions.map(Math.sin));
});

for (const { headDim, ropeTheta } of [QWEN3, { headDim: 6, ropeTheta: 40 }, { headDim: 2, ropeTheta: 1e4 }]) {
  test(`pair i of ${headDim / 2} is turned by p · ${ropeTheta}^(−2i/${headDim}), as near as f32 gets`, (t) => {
    const table = new RopeTable({ headDim, ropeTheta });
    const tooFar: string[] = [];
    for (const p of [1, 2, 17, 511, 4095]) {
      const { cos, sin } = rows(table, p, 1, headDim / 2);
      for (const i of cos.keys()) {
        const exponent = (2 * i) / headDim;
        const angle = p * ropeTheta ** -exponent;
        // Rounded are the exponent, the power, the inverse and the angle, then the result itself.
        const bound = HALF_ULP * (angle * (exponent * Math.log(ropeTheta) + 3.01) + 1);
        const off = Math.max(Math.abs(cos[i] - Math.cos(angle)), Math.abs(sin[i] - Math.sin(angle)));
        if (!(off <= bound)) tooFar.push(`position ${p}, pair ${i}: ${off}, expected at most ${bound}`);
      }
    }
    t.deepEqual(tooFar, []);
  });
}

test('exponent, power, inverse frequency and angle are rounded to f32 one by one, as HuggingFace does', (t) => {
  const f = Math.fround;
  const [position, pair] = [4095, 3];
  const angle = f(position * f(1 / f(1e6 ** f((2 * pair) / 128))));
  const { cos, sin } = rows(new RopeTable(QWEN3), position, 1, 64);
  t.is(cos[pair], f(Math.cos(angle)));
  t.is(sin[pair], f(Math.sin(angle)));
  t.not(cos[pair], f(Math.cos(position * 1e6 ** ((-2 * pair) / 128))));
});

test('a table that grows does not change the rows it had', (t) => {
  const config = { headDim: 8, ropeTheta: 1000 };
  const grown = new RopeTable(config);
  const before = rows(grown, 0, 5, 4);
  for (const positions of [6, 7, 11, 300]) rows(grown, positions - 1, 1, 4);
  t.deepEqual(rows(grown, 0, 5, 4), before);
  t.deepEqual(rows(grown, 0, 300, 4), rows(new RopeTable(config), 0, 300, 4));
});

test('rows are written at the given place, and nowhere else', (t) => {
  const table = new RopeTable({ headDim: 4, ropeTheta: 100 });
  const cos = new Float32Array(10).fill(9);
  const sin = new Float32Array(10).fill(9);
  table.write({ startPosition: 7, count: 2, row: 1, cos, sin });
  const expected = rows(table, 7, 2, 2);
  t.deepEqual(Array.from(cos), [9, 9, ...expected.cos, 9, 9, 9, 9]);
  t.deepEqual(Array.from(sin), [9, 9, ...expected.sin, 9, 9, 9, 9]);
});
