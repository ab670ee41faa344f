import test from 'ava';
import { ensureFixture } from '../../../generator/fixtures/fixtures.ts';
import { readCase, readFingerprints, readManifest, readPrompts } from '../../../golden/goldens.ts';
import type { Prompt } from '../../../golden/schema.ts';
import { degeneracies } from '../../support/golden/fixture-degeneracy.ts';
import { evidenceOf } from '../../support/golden/fixture-evidence.ts';
import { goldenTests } from '../../support/golden/golden-tests.ts';
import { sharedModel, sharedModelIn } from '../../support/models/shared-model.ts';
import { standardModel } from '../../support/models/standard-model.ts';
import { trackResources } from '../../support/processes/cleanup.ts';
import { runCli } from '../../support/processes/processes.ts';
import { linesFile } from '../../unit/engine/cli/support.ts';

trackResources(test);

/**
 * A forward pass of 512 tokens takes half a minute on one slow core; AVA gives up on a silent run in five.
 */
const PATIENCE_MS = 20 * 60_000;

const { golden: model, modelDir, description } = await standardModel();
const { cases, maxNewTokens } = readManifest(model);
const prompts = readPrompts(undefined, model).prompts.filter(({ id }) => cases.includes(id));

test.before('it is said which model is tested', (t) => {
  t.timeout(PATIENCE_MS);
  t.log(description);
});

/**
 * A prompt as a line of the file of requests has it: the text, the conversation or the ids, as a user gives
 * them.
 */
function requestOf(prompt: Prompt): object {
  if ('text' in prompt) return { prompt: prompt.text };
  if (!('messages' in prompt)) return { ids: readCase(model, prompt.id).ids };
  const { tools, enableThinking } = prompt.template ?? {};
  return { messages: prompt.messages, tools, enable_thinking: enableThinking };
}

// What follows asks our own command and the fixture; another subject has no part in it.
if (!process.env.SUBJECT) {
  // First, alone and in a process of its own: two engines of this size at once are more than small machines
  // have.
  test.serial('text in, text out: the command answers all prompts at once as the goldens say', async (t) => {
    t.timeout(PATIENCE_MS);
    const asked = prompts.filter(({ id }) => 'greedy' in readCase(model, id));
    t.true(asked.some((prompt) => 'text' in prompt) && asked.some((prompt) => 'messages' in prompt));
    const file = linesFile(t, ...asked.map(requestOf));
    const directory = modelDir ?? (await ensureFixture(model));
    const limit = ['--max-tokens', String(maxNewTokens), '--ignore-eos'];
    const { exitCode, out, err } = await runCli(
      'generate',
      ...['--model', directory, '--requests', file, '--json', ...limit],
    );
    t.deepEqual({ exitCode, err }, { exitCode: 0, err: '' });
    const lines = out
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    const fingerprints = readFingerprints(model);
    t.is(lines.length, asked.length);
    for (const [i, { id }] of asked.entries()) {
      const recorded = readCase(model, id);
      if (!('greedy' in recorded)) continue;
      const { promptTokens, tokens, text, fingerprint } = lines[i];
      t.deepEqual(
        { promptTokens, tokens, text, fingerprint },
        {
          promptTokens: recorded.ids.length,
          tokens: recorded.greedy.tokens,
          text: recorded.greedy.text,
          fingerprint: fingerprints[id],
        },
        id,
      );
    }
  });
}

if (modelDir === undefined && !process.env.SUBJECT) {
  test.serial('the stand-in can fail: a broken engine would not compute the same', async (t) => {
    const evidence = await evidenceOf(model);
    t.deepEqual(degeneracies(evidence), []);
    t.is(evidence.gains.size, 1 + 4 * 28);
  });

  test.serial('the stand-in was recorded of a short prompt, one of 512 tokens, and a conversation', (t) => {
    const lengths = cases.map((id) => readCase(model, id).ids.length);
    t.true(lengths.includes(512) && lengths.some((length) => length < 16));
    t.true(prompts.some((prompt) => 'messages' in prompt && prompt.messages.length > 2));
  });
}

goldenTests(model, () => (modelDir === undefined ? sharedModel(model) : sharedModelIn(modelDir)));
