import test, { type ExecutionContext } from 'ava';
import { lineOf } from '../../../../support/mutants/random/edits.ts';
import { copyOf, projectOf } from './project.ts';

/** The edits of a source, as `kind: before → after`. */
function edits(t: ExecutionContext, source: string): string[] {
  const copy = copyOf(t, projectOf(t, { 'a.ts': source }));
  return copy.edits(['a.ts']).map(({ file, kind, begin, end, before, after }) => {
    t.is(file, 'a.ts');
    t.is(source.slice(begin, end), before, 'an edit replaces what it says');
    return `${kind}: ${before} → ${after}`;
  });
}

test('comparisons, operators, constants and functions have a neighbour', (t) => {
  t.deepEqual(edits(t, 'export const a = (x: number, y: number) => x < y && x % 2 === 1_000 - y;\n'), [
    'operator: && → ||',
    'comparison: < → <=',
    'comparison: === → !==',
    'operator: % → *',
    'constant: 2 → 3',
    'operator: - → +',
    'constant: 1_000 → 1001',
  ]);
  t.deepEqual(edits(t, 'export const a = (x: number) => !Math.min(x, 0.5) || true;\n'), [
    'operator: || → &&',
    'condition: !Math.min(x, 0.5) → Math.min(x, 0.5)',
    'operator: min → max',
    'order: x, 0.5 → 0.5, x',
    'constant: 0.5 → 1.5',
    'constant: true → false',
  ]);
});

test('a call is dropped, two neighbours change places, and a case is no longer treated apart', (t) => {
  const source = `
export async function a(f: (x: string) => void, g: () => Promise<void>) {
  if (f.length) return;
  f('a');
  await g();
  // Stays where it is.
  f('b');
}
`;
  t.deepEqual(edits(t, source), [
    "order: f('a');\n  await g(); → await g();\n  f('a');",
    'condition: f.length → false',
    "dropped call: f('a'); → ;",
    'dropped call: await g(); → ;',
    "dropped call: f('b'); → ;",
  ]);
});

test('types, imports, messages, and an if that has an else are left alone', (t) => {
  const source = `
import { b } from './b.ts';
export type A = 1 | 2;
export interface B {
  a: 1;
}
export function a(x: 3): 4 {
  if (x) return b;
  else throw new Error(\`\${1 + 1}\`);
}
`;
  t.deepEqual(edits(t, source), []);
});

test('what is killed, removed and renamed stays the same; the call itself may be dropped', (t) => {
  const source = 'process.kill(1 + 2, 0);\n';
  t.deepEqual(edits(t, source), ['dropped call: process.kill(1 + 2, 0); → ;']);
});

test('equal neighbours are not exchanged', (t) => {
  t.deepEqual(edits(t, 'export const a = (f: (x: number, y: number) => 0, x: number) => f(x, x);\n'), []);
});

test('a line is counted from 1', (t) => {
  const edit = { file: 'a.ts', kind: 'order', begin: 4, end: 5, before: 'd', after: 'e' } as const;
  t.is(lineOf('a\nb\nd\n', edit), 3);
  t.is(lineOf('abcd', { ...edit, begin: 0 }), 1);
});
