import test from 'ava';
import { compareStage, formatStages, type Stage } from '../../../verify/stages.ts';

const POSITIONS = [0, 5, 7];
const truth = [Float64Array.of(1, -2), Float64Array.of(3, 4), Float64Array.of(5, -6)];
const rowsOf = (change = (value: number, _row: number) => value) =>
  truth.map((row, i) => Float32Array.from(row, (value) => change(value, i)));
const stage = (rows: Stage['rows'], name = 'hidden_states.1'): Stage => ({
  name,
  positions: POSITIONS,
  rows: { oracle: truth, ...rows },
  bounds: [1e-3, 1e-3, 1e-3],
});

test('a stage in which the witnesses agree differs nowhere', (t) => {
  const line = compareStage(stage({ engine: rowsOf(), golden: rowsOf() }), 'engine');
  t.deepEqual(line, {
    name: 'hidden_states.1',
    distances: new Map([
      ['engine–golden', 0],
      ['engine–oracle', 0],
      ['golden–oracle', 0],
    ]),
    isCompared: true,
  });
  t.regex(formatStages([line], 'engine'), /The engine agrees with the golden at every stage\.\n$/);
});

test('the first position that differs is named, and the witness that is farther from the oracle', (t) => {
  const wrong = rowsOf((value, row) => (row > 0 ? value + 0.5 : value));
  const before = compareStage(stage({ engine: rowsOf(), golden: rowsOf() }, 'hidden_states.0'), 'engine');
  const mine = compareStage(stage({ engine: wrong, golden: rowsOf() }), 'engine');
  t.is(mine.differsAt, 5);
  t.is(mine.distances.get('engine–oracle'), 0.5 / 6);
  const text = formatStages([before, mine], 'engine');
  t.regex(text, /^hidden_states\.1 .* {2}5$/m);
  t.regex(text, /differs first at hidden_states\.1, position 5; up to hidden_states\.0 it agrees\./);
  t.regex(text, /There the engine is farther from the float64 oracle\.\n$/);
  const golden = compareStage(stage({ engine: rowsOf(), golden: wrong }), 'engine');
  t.regex(formatStages([golden], 'engine'), /There the golden is farther from the float64 oracle\.\n$/);
});

test('a subject is what is tested, our engine and the oracle stand beside it', (t) => {
  const subject = rowsOf((value) => value + 0.01);
  const line = compareStage(stage({ subject, engine: rowsOf(), golden: rowsOf() }), 'subject');
  t.is(line.differsAt, 0);
  t.deepEqual(
    [...line.distances.keys()],
    ['subject–golden', 'subject–oracle', 'golden–oracle', 'engine–oracle'],
  );
  t.regex(
    formatStages([line], 'subject'),
    /The subject differs first at hidden_states\.1, position 0\.\nThere the subject/,
  );
});

test('a stage that the golden lacks is compared with the oracle', (t) => {
  const line = compareStage(stage({ engine: rowsOf((value) => value + 0.01) }), 'engine');
  t.is(line.differsAt, 0);
  t.false(line.distances.has('engine–golden'));
});

test('a stage that the tested engine lacks is shown and not counted as compared', (t) => {
  const lines = [
    compareStage(stage({ engine: rowsOf(), golden: rowsOf() }), 'subject'),
    compareStage(stage({ subject: rowsOf(), golden: rowsOf() }, 'logits'), 'subject'),
  ];
  t.false(lines[0].isCompared);
  const text = formatStages(lines, 'subject');
  t.regex(text, /^hidden_states\.1 +– +– +0\.0e\+0 +0\.0e\+0$/m);
  t.regex(text, /The subject agrees with the golden at every stage that it has \(1 of 2\)\.\n$/);
  t.regex(formatStages(lines.slice(0, 1), 'subject'), /The subject has no stage that could be compared\.\n$/);
});

test('stages that the subject lacks are passed over where the first difference is looked for', (t) => {
  const off = rowsOf((value, row) => (row > 1 ? value + 0.5 : value));
  const known = { engine: rowsOf(), golden: rowsOf() };
  const lines = [
    compareStage(stage(known, 'layers.0.q'), 'subject'),
    compareStage(stage({ ...known, subject: rowsOf() }, 'hidden_states.1'), 'subject'),
    compareStage(stage(known, 'layers.1.q'), 'subject'),
    compareStage(stage({ ...known, subject: off }, 'hidden_states.2'), 'subject'),
    compareStage(stage({ ...known, subject: off }, 'logits'), 'subject'),
  ];
  const conclusionOf = (some: typeof lines) => formatStages(some, 'subject').split('\n').slice(-3);
  const farther = 'There the subject is farther from the float64 oracle.';
  t.deepEqual(conclusionOf(lines), [
    'The subject differs first at hidden_states.2, position 7; up to hidden_states.1 it agrees.',
    ...[farther, ''],
  ]);
  t.deepEqual(conclusionOf(lines.slice(2)), [
    'The subject differs first at hidden_states.2, position 7.',
    ...[farther, ''],
  ]);
});

test('who is farther from the oracle is not said without one, or of two that are as far', (t) => {
  const moved = (by: number) => rowsOf((value) => value + by);
  const text = (rows: Stage['rows']) => formatStages([compareStage(stage(rows), 'engine')], 'engine');
  const alone = { engine: moved(0.5), golden: rowsOf(), oracle: undefined };
  for (const rows of [alone, { engine: moved(0.5), golden: moved(-0.5) }])
    t.regex(text(rows), /differs first at hidden_states\.1, position 0\.\n$/);
});

test('a value within the bound of its position does not differ', (t) => {
  const golden = rowsOf((value) => value + 4e-4);
  const engine = rowsOf((value) => value - 4e-4);
  t.is(compareStage(stage({ engine, golden }), 'engine').differsAt, undefined);
  const strict = { ...stage({ engine, golden }), bounds: [1e-3, 1e-3, 1e-4] };
  t.is(compareStage(strict, 'engine').differsAt, 7);
});

test('NaN and missing values differ', (t) => {
  const engine = rowsOf((value, row) => (row === 2 ? Number.NaN : value));
  t.is(compareStage(stage({ engine, golden: rowsOf() }), 'engine').differsAt, 7);
  const short = rowsOf().map((row, i) => (i === 1 ? row.slice(1) : row));
  const line = compareStage(stage({ engine: short, golden: rowsOf() }), 'engine');
  t.is(line.differsAt, 5);
  t.true(Number.isNaN(line.distances.get('engine–golden')));
  t.regex(formatStages([line], 'engine'), /There the engine is farther from the float64 oracle\.\n$/);
});
