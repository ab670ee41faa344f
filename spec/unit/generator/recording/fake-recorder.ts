import type { Recorder } from '../../../../generator/recording/record.ts';
import { CONFIG, WHOLE } from './recordings.ts';

const { vocabSize, hiddenSize, numHiddenLayers } = CONFIG;
export const STAGES = [...Array(numHiddenLayers + 1).keys(), 'final'].map(
  (stage) => `hidden_states.${stage}`,
);

/** A call of a fake model. */
export interface Call {
  call: string;
  ids: number[];
  rows?: number;
}

/**
 * The logits of a fake model after a prompt. They depend on its length and its last id, so a row of another
 * position is different.
 */
export function logitsAfter(ids: readonly number[]): Float64Array {
  const seed = ids.length * 7.3 + ids[ids.length - 1] * 1.1;
  return Float64Array.from({ length: vocabSize }, (_, id) => 5 * Math.sin(seed + id * 1.7));
}

/** The hidden states of a fake model at a position, in one of its stages. */
export function stateAt(stage: number, position: number): Float64Array {
  return Float64Array.from({ length: hiddenSize }, (_, d) => Math.cos(stage * 5.1 + position * 3.3 + d));
}

/** Changes of a fake's numbers. */
export interface Faults {
  /** Added to the logits of the tapped graph, which must not be recorded. */
  tapped?: number;
  /** Changes logits of both graphs in float32. */
  logits?: (row: Float32Array) => void;
  float64?: (row: Float64Array) => void;
  hidden?: (row: Float32Array) => void;
  acceptsEmpty?: boolean;
}

/**
 * A recorder of invented numbers: the twin's are exact, the others are rounded to f32.
 */
export function fakeRecorder(faults: Faults = {}): { recorder: Recorder; calls: Call[] } {
  const calls: Call[] = [];
  const lastRows = (ids: readonly number[], rows: number) =>
    Array.from({ length: rows }, (_, i) => logitsAfter(ids.slice(0, ids.length - rows + i + 1)));
  const states = (ids: readonly number[], stage: number) =>
    ids.flatMap((_, position) => Array.from(stateAt(stage, position)));
  const float32 = (row: Float64Array) => {
    const rounded = Float32Array.from(row);
    faults.logits?.(rounded);
    return rounded;
  };
  const recorder: Recorder = {
    config: CONFIG,
    selection: WHOLE,
    maxNewTokens: 3,
    reference: {
      async forward(ids, rows = ids.length) {
        calls.push({ call: 'reference.forward', ids: [...ids], rows });
        const logits = lastRows(ids, rows).flatMap((row) => Array.from(float32(row)));
        return { logits: Float32Array.from(logits), stages: new Map() };
      },
      async generate(ids, maxNewTokens, onToken) {
        calls.push({ call: 'generate', ids: [...ids], rows: maxNewTokens });
        if (ids.length === 0 && !faults.acceptsEmpty) throw new Error('nothing to go on\nand more about it');
        const tokens: number[] = [];
        const logits: Float32Array[] = [];
        for (let step = 0; step < maxNewTokens; step++) {
          const row = float32(logitsAfter([...ids, ...tokens]));
          logits.push(row);
          tokens.push(row.indexOf(Math.max(...row)));
          onToken?.();
        }
        return { tokens, logits };
      },
    },
    tapped: {
      async forward(ids, rows = ids.length) {
        calls.push({ call: 'tapped.forward', ids: [...ids], rows });
        const logits = lastRows(ids, rows).flatMap((row) =>
          Array.from(float32(row), (x) => x + (faults.tapped ?? 0)),
        );
        const stages = STAGES.map((name, stage) => {
          const values = Float32Array.from(states(ids, stage));
          faults.hidden?.(values);
          return [name, values] as const;
        });
        return { logits: Float32Array.from(logits), stages: new Map(stages) };
      },
    },
    twin: {
      async forward(ids, rows = ids.length, isWanted = () => true) {
        calls.push({ call: 'twin.forward', ids: [...ids], rows });
        const logits = Float64Array.from(lastRows(ids, rows).flatMap((row) => Array.from(row)));
        faults.float64?.(logits);
        const stages = STAGES.map((name, stage) => [name, Float64Array.from(states(ids, stage))] as const);
        return { logits, stages: new Map(stages.filter(([name]) => isWanted(name))) };
      },
    },
  };
  return { recorder, calls };
}
