import test from 'ava';
import { trackResources } from '../support/processes/cleanup.ts';
import { ended, startNode } from '../support/processes/processes.ts';

trackResources(test);

const inspect = (args: readonly string[]) =>
  ended(startNode('verify/cli.ts', ['inspect', ...args], { env: { SUBJECT: '' } }));

test('a prompt that the engine computes in several chunks is compared as a whole', async (t) => {
  const { exitCode, out, err } = await inspect(['--model', 'dense', '--case', 'ids-thousand']);
  t.is(exitCode, 0, err);
  t.regex(out, /^layers\.2\.k_rope /m);
  t.regex(out, /The engine agrees with the golden at every stage\.\n$/);
});

test('a case without a golden is an error in one line', async (t) => {
  const { exitCode, out, err } = await inspect(['--model', 'dense', '--case', 'no-such-case']);
  t.deepEqual([exitCode, out], [3, '']);
  t.regex(err, /^plumbline-verify: .* have no case "no-such-case"; they have .*\n$/);
});
