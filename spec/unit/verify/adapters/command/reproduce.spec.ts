import { spawnSync } from 'node:child_process';
import test from 'ava';
import { reproduceCommand } from '../../../../../verify/adapters/command/reproduce.ts';
import { problemsOf } from '../../../../../verify/protocol/schemas.ts';
import { misbehaving } from '../../../../support/adapters/misbehaving-command.ts';

const requests = {
  modelDir: "/models/it's",
  generate: { ids: [1, 2], maxNewTokens: 3 },
  forward: { ids: [1, 2, 5, 6], positions: [1, 2, 3] },
};

test('a shell that runs the line gives the program requests as the schemas say', (t) => {
  const { stdout } = spawnSync('sh', ['-c', reproduceCommand('cat', requests)], { encoding: 'utf8' });
  const messages = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  t.deepEqual(
    messages.map(({ type }) => type),
    ['start', 'load', 'generate', 'forward', 'stop'],
  );
  for (const message of messages) t.deepEqual(problemsOf(message.type, message), []);
  t.is(messages[1].model, requests.modelDir);
});

test('a program answers the line as it answers the judge', (t) => {
  const line = reproduceCommand(misbehaving('honest'), requests);
  const { stdout, status } = spawnSync('sh', ['-c', line], { encoding: 'utf8' });
  const types = stdout
    .trim()
    .split('\n')
    .map((text) => JSON.parse(text).type);
  // Answers come in any order.
  t.deepEqual([status, ...types.sort()], [0, 'forwarded', 'generated', 'loaded', 'started']);
});
