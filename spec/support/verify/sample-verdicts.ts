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
