import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { ensureFixture } from '../../generator/fixtures/fixtures.ts';
import { commandSubject } from '../../verify/adapters/command/command-subject.ts';
import { type MessageType, problemsOf, SCHEMAS } from '../../verify/protocol/schemas.ts';
import { smoke } from '../../verify/smoke.ts';
import { hasProgram } from '../support/adapters/has-program.ts';
import { codeBlocks } from '../support/adapters/markdown.ts';
import { temporaryFolder, trackResources } from '../support/processes/cleanup.ts';

trackResources(test);

const DOCUMENT = readFileSync(new URL('../../docs/protocol.md', import.meta.url), 'utf8');
const messages = codeBlocks(DOCUMENT, 'json').map((text) => JSON.parse(text));

test('every message of docs/protocol.md is as its schema says', (t) => {
  for (const message of messages) t.deepEqual(problemsOf(message.type, message), [], JSON.stringify(message));
});

test('docs/protocol.md has every example of the schemas, and no other', (t) => {
  const examples = (Object.keys(SCHEMAS) as MessageType[]).flatMap(
    (type) => SCHEMAS[type].examples as object[],
  );
  const textOf = (message: object) => JSON.stringify(message);
  t.deepEqual(messages.map(textOf).sort(), examples.map(textOf).sort());
});

test('docs/protocol.md links every schema', (t) => {
  for (const type of Object.keys(SCHEMAS)) {
    const name = type.replace('Chat', '-chat');
    t.true(DOCUMENT.includes(`[\`${type}\`](../verify/protocol/v1/${name}.schema.json)`), type);
  }
});

test('the engine that docs/protocol.md grows passes the smoke test', async (t) => {
  if (!hasProgram(t, 'python3')) return;
  const blocks = codeBlocks(DOCUMENT, 'python');
  const isLoop = (block: string) => block.startsWith('# The loop.');
  t.is(blocks.filter(isLoop).length, 1);
  const program = join(temporaryFolder(t), 'engine.py');
  writeFileSync(
    program,
    [...blocks.filter((block) => !isLoop(block)), ...blocks.filter(isLoop)].join('\n\n'),
  );
  const subject = await commandSubject(['python3', program]);
  t.like(subject.info, { name: 'my-engine', language: 'Python' });
  const model = await subject.load(await ensureFixture('dense'));
  t.teardown(() => model.close());
  const report = await smoke(model, { ids: [5, 6, 7], vocabSize: 384 });
  t.deepEqual(
    report.checks.map(({ verdict, message }) => message ?? verdict),
    ['right', 'right', 'right', 'right'],
  );
  await t.throwsAsync(model.generate({ ids: [], maxNewTokens: 1 }), { message: /the prompt is empty/ });
});
