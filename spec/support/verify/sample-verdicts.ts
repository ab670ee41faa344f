import { NOTHING_COMPARED } from '../../../verify/conclude.ts';
import type { Verdict } from '../../../verify/verdict.ts';

/** An engine that is right, with everything checked. */
export const RIGHT: Verdict = {
  format: 1,
  subject: { name: 'rusty-qwen', version: '1.2.0', language: 'Rust', adapter: '--command ./rusty-qwen' },
  model: { name: 'dense', source: 'fixture' },
  reference: { kind: 'goldens', description: 'goldens of transformers.js 4.3.1' },
  verdict: 'right',
  reasons: [],
  precision: {
    class: 'bf16',
    ratio: 1.04,
    classes: [
      { class: 'f32', ratio: 24000, noise: 2e-6, holds: false, judgeable: true },
      { class: 'f16', ratio: 7.8, noise: 0.006, holds: false, judgeable: true },
      { class: 'bf16', ratio: 1.04, noise: 0.045, holds: true, judgeable: true },
      { class: '8bit', ratio: 0.61, noise: 0.077, holds: true, judgeable: true },
      { class: '4bit', ratio: 0.03, noise: 1.56, holds: true, judgeable: false },
    ],
    exceptions: [],
  },
  prompt: { verdict: 'right', cases: [{ id: 'short-capital', verdict: 'right', by: 'tokenize' }] },
  bugs: [
    {
      name: 'theta times 10',
      title: 'RoPE theta is ten times too large',
      verdict: 'ruled out',
      coefficient: 0.001,
      standardError: 0.004,
    },
    {
      name: 'norms of q and k swapped',
      title: 'the norms of queries and keys are swapped',
      verdict: 'ruled out',
      coefficient: -0.002,
      standardError: 0.003,
    },
    {
      name: 'eps times 10',
      title: 'eps is ten times too large',
      verdict: 'cannot tell',
      coefficient: 0.2,
      standardError: 0.4,
    },
  ],
  greedy: { verdict: 'right', tokens: 34, ties: 1, rows: { compared: 34, ratio: 1.02 } },
  consistency: [
    { name: 'alone and among others', verdict: 'right', equalBits: true, largest: 0 },
    {
      name: 'cold and after a prefix hit',
      verdict: 'right',
      equalBits: false,
      largest: 2.1e-7,
      case: 'ids-one',
      position: 3,
    },
  ],
  power: { refused: 6, of: 6, missed: [] },
  compared: { rows: 41, values: 15744 },
  cases: [
    {
      id: 'ids-one',
      verdict: 'right',
      outcome: 'result',
      map: { stages: ['log-probabilities'], positions: [0, 1, 2, 3], ratios: [[0.9, 1.1, 0.7, 1]] },
    },
    { id: 'ids-short', verdict: 'right', outcome: 'result' },
  ],
  unchecked: [{ what: 'hidden states', why: 'the engine does not give them' }],
  versions: { plumbline: '0.2.0', node: 'v24.21.0' },
};

/** The same engine with a sliding window that it should not have; one case has crashed it. */
export const WRONG: Verdict = {
  ...RIGHT,
  subject: { ...RIGHT.subject, name: 'rusty <qwen> & "co"' },
  verdict: 'wrong',
  reasons: ['a sliding window of 64', 'ids-longer: 26 times the noise of bf16 from position 64 on'],
  precision: {
    ...RIGHT.precision,
    class: 'none',
    demanded: 'bf16',
    classes: RIGHT.precision.classes.map((each) => ({ ...each, holds: false })),
    exceptions: [{ case: 'ids-longer', firstPosition: 64, lastPosition: 90, ratio: 26.4 }],
  },
  bugs: [
    {
      name: 'sliding window of 64',
      title: 'attention sees the last 64 <positions> only',
      verdict: 'found',
      coefficient: 1.0,
      standardError: 0.01,
    },
    ...RIGHT.bugs,
  ],
  greedy: {
    verdict: 'wrong',
    tokens: 34,
    ties: 0,
    worst: { case: 'ids-longer', position: 80, regret: 1.7, allowed: 0.2 },
  },
  cases: [
    ...RIGHT.cases,
    {
      id: 'ids-longer',
      verdict: 'wrong',
      outcome: 'result',
      first: { what: 'hidden_states.2', position: 64, got: 0.53, expected: 0.52 },
      map: {
        stages: ['hidden_states.1', 'hidden_states.2', 'log-probabilities'],
        positions: [0, 63, 64, 65],
        ratios: [
          [0.5, 0.6, 0.7, 0.6],
          [0.5, 0.9, 40, 90],
          [1, 1, 12, null],
        ],
      },
    },
    {
      id: 'ids-thousand',
      verdict: 'unknown',
      outcome: 'no answer',
      message: 'the program ended with exit code 139',
    },
  ],
};

/** Nothing came back. */
export const UNKNOWN: Verdict = {
  ...RIGHT,
  verdict: 'unknown',
  reasons: ['http://127.0.0.1:8000 refuses connections'],
  ...NOTHING_COMPARED,
  consistency: [],
  power: { refused: 0, of: 0, missed: [] },
  compared: { rows: 0, values: 0 },
  cases: [{ id: 'ids-one', verdict: 'unknown', outcome: 'skipped', message: 'the server takes text alone' }],
};

/** A text that breaks every format which does not escape it. */
const hostile = (text: string) => `${text} <b> & "c" 'd' | *e* _f_ \`g\` #h [i] \\ \t j\nk \u0007`;
const place = (position: number) => ({
  what: hostile(`stage ${position}`),
  position,
  got: hostile('got'),
  expected: 1234.5678,
});
const ratios = [0, 0.5, 1, 1.5, 2, 3, 4, 10, 16, 40, 64, 65, null, 0.123456];

/** Every part in every state, with texts that are markup: whatever a report shows, it shows of this. */
export const EVERYTHING: Verdict = {
  format: 1,
  subject: {
    ...{ name: hostile('engine'), version: hostile('1.0'), language: hostile('C'), issues: hostile('url') },
    adapter: hostile('--command engine'),
  },
  model: { name: hostile('model'), source: 'directory' },
  reference: { kind: 'engine', description: hostile('our engine') },
  verdict: 'wrong',
  reasons: Array.from({ length: 6 }, (_, i) => hostile(`reason ${i}`)),
  precision: {
    class: 'none',
    ratio: 5.4321,
    demanded: 'bf16',
    classes: [
      { class: 'f32', ratio: null, noise: null, holds: false, judgeable: true },
      { class: 'f16', ratio: 0, noise: 1e-9, holds: false, judgeable: true },
      { class: 'bf16', ratio: 9.87, noise: 0.0123, holds: false, judgeable: true },
      { class: '8bit', ratio: 8.5, noise: 0.2, holds: true, judgeable: false },
      { class: '4bit', ratio: 1.1, noise: 2, holds: false, judgeable: false },
    ],
    exceptions: [{ case: 'a', firstPosition: 1, lastPosition: 2, ratio: null }],
  },
  prompt: {
    verdict: 'wrong',
    cases: [
      { id: 'p-right', verdict: 'right', by: 'tokenize' },
      { id: hostile('p-wrong'), verdict: 'wrong', by: 'tokenize', first: place(3), cause: hostile('cause') },
      { id: 'p-place', verdict: 'wrong', by: 'tokenize', first: place(4) },
      { id: 'p-unknown', verdict: 'unknown', by: 'number of tokens' },
    ],
  },
  bugs: (
    [
      ['found', 0.71, 0.02],
      ['found', -1.25, 0.1],
      ['found', 46, 0.5],
      ['ruled out', -0.4, 0.01],
      ['ruled out', -7, 0.00001],
      ['ruled out', 0, 0],
      ['cannot tell', 0.5, null],
      ['cannot tell', null, null],
    ] as const
  ).map(([verdict, coefficient, standardError], i) => ({
    ...{ name: hostile(`bug ${i}`), title: i === 1 ? hostile('bug 1') : hostile(`title ${i}`), verdict },
    ...{ coefficient, standardError },
  })),
  greedy: {
    ...{ verdict: 'wrong', tokens: 10, ties: 2, rows: { compared: 12, ratio: 3.3 } },
    worst: { case: hostile('g'), position: 7, regret: 1.5, allowed: null },
  },
  consistency: [
    { name: hostile('unanswered'), verdict: 'unknown', equalBits: false, largest: null },
    {
      name: 'other tokens',
      verdict: 'wrong',
      equalBits: false,
      largest: null,
      case: hostile('c'),
      position: 5,
    },
    { name: 'apart', verdict: 'wrong', equalBits: false, largest: 0.0123, case: 'c', position: 6 },
    {
      name: 'apart within the noise',
      verdict: 'right',
      equalBits: false,
      largest: 1e-6,
      case: 'c',
      position: 7,
    },
    { name: 'equal', verdict: 'right', equalBits: true, largest: 0 },
  ],
  power: { refused: 3, of: 5, missed: [hostile('fault 1'), 'fault 2'] },
  compared: { rows: 1234, values: 1234567 },
  cases: [
    { id: 'c-right', verdict: 'right', outcome: 'result', message: hostile('as it should') },
    { id: 'c-unknown', verdict: 'unknown', outcome: 'result' },
    { id: hostile('c-message'), verdict: 'wrong', outcome: 'result', message: hostile('message') },
    { id: 'c-none', verdict: 'wrong', outcome: 'result' },
    { id: 'c-skipped', verdict: 'unknown', outcome: 'skipped' },
    { id: 'c-error', verdict: 'wrong', outcome: 'error', message: hostile('error') },
    { id: 'c-silent', verdict: 'unknown', outcome: 'no answer' },
    ...Array.from({ length: 8 }, (_, i): Verdict['cases'][number] => ({
      id: i === 7 ? hostile('c-map') : `c-map-${i}`,
      verdict: i % 3 === 0 ? 'right' : 'wrong',
      outcome: 'result',
      ...(i % 2 === 0
        ? {}
        : { first: { ...place(i), what: i === 7 ? hostile('stage') : 'log-probabilities' } }),
      map: {
        stages: i === 7 ? [hostile('stage'), 'log-probabilities'] : ['log-probabilities'],
        positions: ratios.map((_, position) => 2 * position + 1),
        ratios: Array.from({ length: i === 7 ? 2 : 1 }, () => ratios.slice(i).concat(ratios.slice(0, i))),
      },
    })),
  ],
  unchecked: [
    { what: hostile('what'), why: hostile('why') },
    { what: 'another', why: 'reason' },
  ],
  versions: { plumbline: hostile('0.2.0'), node: hostile('v24') },
};
