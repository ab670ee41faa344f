import test from 'ava';
import { renderErrorMap, renderLegend } from '../../../../../verify/report/html/error-map.ts';
import { WRONG } from '../../../../support/verify/sample-verdicts.ts';

const [, , longer] = WRONG.cases;
const withMap = { ...longer, map: longer.map! };

test('a map has a cell for each stage and position, with the error in words', (t) => {
  const svg = renderErrorMap(withMap);
  t.is(svg.match(/<title>/g)?.length, 12);
  t.true(svg.includes('<title>hidden_states.2, position 64: 40 × the noise</title>'));
  t.true(svg.includes('<title>log-probabilities, position 65: not finite</title>'));
  const classes = [...svg.matchAll(/<rect class="(e[^"]*)"/g)].map(([, name]) => name);
  t.deepEqual(classes, ['e0', 'e0', 'e0', 'e0', 'e0', 'e0', 'e4', 'e5', 'e0', 'e0', 'e3', 'e-none']);
});

test('the first divergence is marked at its stage and position', (t) => {
  t.regex(
    renderErrorMap(withMap),
    /<rect class="first" data-stage="hidden_states\.2" data-position="64" x="2"/,
  );
  const { first: _, ...right } = withMap;
  t.false(renderErrorMap(right).includes('class="first"'));
  const outside = { ...withMap, first: { ...withMap.first!, position: 1000 } };
  t.false(renderErrorMap(outside).includes('class="first"'));
});

test('a divergence that is of no stage of the map is marked at the last', (t) => {
  const greedy = { ...withMap, first: { ...withMap.first!, what: 'greedy token' } };
  t.true(renderErrorMap(greedy).includes('data-stage="log-probabilities"'));
});

test('long prompts join positions, and the largest error of a column counts', (t) => {
  const positions = Array.from({ length: 1000 }, (_, i) => i);
  const ratios = [positions.map((i) => (i === 500 ? 70 : 1))];
  const svg = renderErrorMap({
    id: 'x',
    verdict: 'right',
    outcome: 'result',
    map: { stages: ['s'], positions, ratios },
  });
  t.is(svg.match(/<title>/g)?.length, 63);
  t.true(svg.includes('<title>s, positions 496 to 511: 70 × the noise</title>'));
});

test('the legend says in words what the colours mean', (t) => {
  for (const words of ['at most the noise', 'more than 64 ×', 'parts here first'])
    t.true(renderLegend().includes(words));
});

test('each step of the scale ends at its bound, and what is not finite counts most in a column', (t) => {
  const stepsOf = (...ratios: (number | null)[]) => {
    const positions = ratios.map((_, i) => i);
    const map = { stages: ['s'], positions, ratios: [ratios] };
    const svg = renderErrorMap({ id: 'x', verdict: 'right', outcome: 'result', map });
    return [...svg.matchAll(/<rect class="(e[^"]*)"/g)].map(([, name]) => name);
  };
  t.deepEqual(stepsOf(1, 1.1, 2, 2.1, 4, 4.1, 16, 16.1, 64, 64.1), [
    'e0',
    'e1',
    'e1',
    'e2',
    'e2',
    'e3',
    'e3',
    'e4',
    'e4',
    'e5',
  ]);
  const two = (pair: (number | null)[]) => stepsOf(...Array(65).fill(pair).flat())[0];
  t.deepEqual([two([null, 1]), two([1, null]), two([3, 1]), two([1, 3])], ['e-none', 'e-none', 'e2', 'e2']);
});
