import test from 'ava';
import { trackResources } from '../support/processes/cleanup.ts';
import { ended, startNode } from '../support/processes/processes.ts';

trackResources(test);

const inspect = (model: string, id: string) =>
  ended(startNode('verify/inspect.ts', ['--model', model, '--case', id]));

test('a prompt that the engine computes in several chunks is compared as a whole', async (t) => {
  const { exitCode, out, err } = await inspect('dense', 'ids-thousand');
  t.is(exitCode, 0, err);
  t.regex(out, /^layers\.2\.k_rope /m);
  t.regex(out, /Engine and reference agree at every stage\.\n$/);
});

test('a case that there is no golden of is told in a line', async (t) => {
  const { exitCode, out, err } = await inspect('dense', 'no-such-case');
  t.deepEqual([exitCode, out], [1, '']);
  t.regex(err, /^inspect: .*no-such-case\.json.*\n$/);
});
