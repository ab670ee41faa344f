import test from 'ava';
import fc from 'fast-check';
import type { Sequence } from '../../engine/serving/sequence.ts';
import { Simulation, seen } from './serving-simulation.ts';

const SEED = 20261122;

/** The reference is in the simulation, beside the scheduler; the commands only drive it. */
type Command = fc.Command<object, Simulation>;

class Add implements Command {
  readonly promptIds: number[];
  readonly maxNewTokens: number;
  readonly promptLogprobs: 0 | undefined;
  constructor(promptIds: number[], maxNewTokens: number, promptLogprobs: 0 | undefined) {
    this.promptIds = promptIds;
    this.maxNewTokens = maxNewTokens;
    this.promptLogprobs = promptLogprobs;
  }
  check = () => true;
  run(_: object, simulation: Simulation): void {
    simulation.add(this.promptIds, this.maxNewTokens, this.promptLogprobs);
  }
  toString = () => `add([${this.promptIds}], ${this.maxNewTokens}, ${this.promptLogprobs})`;
}

class Step implements Command {
  readonly cancelled: number | undefined;
  constructor(cancelled: number | undefined) {
    this.cancelled = cancelled;
  }
  check = () => true;
  run(_: object, simulation: Simulation): void {
    const { sequences } = simulation;
    simulation.step(this.cancelled === undefined ? undefined : sequences[this.cancelled % sequences.length]);
  }
  toString = () => `step(${this.cancelled ?? ''})`;
}

/** A command on one sequence. */
class On implements Command {
  readonly name: string;
  readonly index: number;
  readonly act: (sequence: Sequence, simulation: Simulation) => void;
  constructor(name: string, index: number, act: On['act']) {
    this.name = name;
    this.index = index;
    this.act = act;
  }
  check = () => true;
  run(_: object, simulation: Simulation): void {
    const { sequences } = simulation;
    if (sequences.length > 0) this.act(sequences[this.index % sequences.length], simulation);
  }
  toString = () => `${this.name}(${this.index})`;
}

const index = fc.nat(7);
const add = fc
  .tuple(
    fc.array(fc.constantFrom(0, 0, 1), { minLength: 1, maxLength: 12 }),
    fc.integer({ min: 1, max: 6 }),
    fc.constantFrom(undefined, undefined, undefined, 0 as const),
  )
  .map(([promptIds, maxNewTokens, promptLogprobs]) => new Add(promptIds, maxNewTokens, promptLogprobs));
const step = fc.constant(new Step(undefined));
const commands = fc.commands(
  [
    add,
    add,
    step,
    step,
    step,
    step,
    step,
    index.map((i) => new Step(i)),
    index.map((i) => new On('cancel', i, (sequence, simulation) => simulation.cancel(sequence))),
    index.map((i) => new On('fork', i, (parent, simulation) => simulation.fork(parent, 1 + (i % 2), 3))),
    index.map(
      (i) =>
        new On('pause or resume', i, (sequence) => {
          sequence.paused = !sequence.paused;
        }),
    ),
  ],
  { maxCommands: 60, size: 'max' },
);
const options = fc.record({
  numBlocks: fc.integer({ min: 1, max: 10 }),
  blockSize: fc.integer({ min: 1, max: 4 }),
  prefixCaching: fc.constantFrom(true, true, false),
  maxBatch: fc.integer({ min: 1, max: 5 }),
  maxBatchTokens: fc.integer({ min: 1, max: 12 }),
  prefillChunk: fc.integer({ min: 1, max: 8 }),
  promptLookup: fc.nat(9),
});

test('steps of the scheduler keep the rules, and every sequence ends, with any sequences added, paused and removed', (t) => {
  fc.assert(
    fc.property(options, commands, (setup, run) => {
      const simulation = new Simulation(setup);
      fc.modelRun(() => ({ model: {}, real: simulation }), run);
      // Paused sequences must not stop the others.
      simulation.drain();
      for (const sequence of simulation.sequences) sequence.paused = false;
      simulation.drain();
      const { used, free } = simulation.blocks.stats();
      if (used !== 0 || free !== setup.numBlocks) throw new Error(`${used} blocks are lost`);
    }),
    { seed: SEED, numRuns: 500 },
  );
  for (const [what, times] of Object.entries(seen)) t.true(times > 50, `${what}: ${times}`);
});
