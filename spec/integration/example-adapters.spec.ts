import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test, { type ExecutionContext } from 'ava';
import { readModelConfig } from '../../engine/checkpoint/read-config.ts';
import { ensureFixture } from '../../generator/fixtures/fixtures.ts';
import { readCase, readManifest, readTensors } from '../../golden/goldens.ts';
import { commandSubject } from '../../verify/adapters/command/command-subject.ts';
import { compareCase } from '../../verify/compare/case.ts';
import { NoAnswerError, SubjectError } from '../../verify/errors.ts';
import type { SubjectModel } from '../../verify/subject.ts';
import { hasProgram } from '../support/adapters/has-program.ts';
import { temporaryFolder, trackResources } from '../support/processes/cleanup.ts';

trackResources(test);

const EXAMPLES = fileURLToPath(new URL('../../examples/adapters/', import.meta.url));
const MODEL = 'dense';
/** Lines that a reader copies and understands at one sitting. */
const MAX_ADAPTER_LINES = 100;

/**
 * Holds an example to the goldens of `dense` by the rules of f32, and to what it says about itself.
 *
 * @returns the loaded model, which the end of the test closes.
 */
async function holdToGoldens(
  t: ExecutionContext,
  command: string[],
  { language, hidden, cases }: { language: string; hidden: boolean; cases: (id: string) => boolean },
): Promise<SubjectModel> {
  const modelDir = await ensureFixture(MODEL);
  const subject = await commandSubject(command);
  t.is(subject.info.language, language);
  const model = await subject.load(modelDir);
  t.teardown(() => model.close());
  t.like(model.capabilities, { scores: 'all', hidden, precision: 'f32' });
  const config = await readModelConfig(modelDir);
  const manifest = readManifest(MODEL);
  for (const id of manifest.cases.filter(cases)) {
    const recorded = readCase(MODEL, id);
    if ('refusal' in recorded) {
      const refused = { instanceOf: SubjectError, message: /the prompt is empty/ };
      await t.throwsAsync(model.forward({ ids: recorded.ids, positions: [] }), refused);
      await t.throwsAsync(model.generate({ ids: recorded.ids, maxNewTokens: 1 }), refused);
      continue;
    }
    const comparison = await compareCase(
      { recorded, tensors: readTensors(MODEL, id) },
      manifest,
      config,
      model,
    );
    t.deepEqual(comparison.differences, [], id);
    t.deepEqual(comparison.gave, { hidden, rows: true, steps: false }, id);
  }
  const outside = { ids: [config.vocabSize], positions: [0] };
  await t.throwsAsync(model.forward(outside), {
    instanceOf: SubjectError,
    message: /outside the vocabulary/,
  });
  return model;
}

test("the example in Python's standard library is right at f32, with its hidden states", async (t) => {
  if (!hasProgram(t, 'python3')) return;
  const command = ['python3', '-B', join(EXAMPLES, 'python/engine.py')];
  // A thousand tokens take half a minute of Python.
  await holdToGoldens(t, command, { language: 'Python', hidden: true, cases: (id) => id !== 'ids-thousand' });
});

test('the example in C is right at f32', async (t) => {
  if (!hasProgram(t, 'cc')) return;
  const program = join(temporaryFolder(t), 'engine');
  const sources = ['engine.c', 'qwen3.c'].map((name) => join(EXAMPLES, 'c', name));
  execFileSync('cc', ['-std=gnu11', '-Wall', '-Wextra', '-Werror', '-O2', '-o', program, ...sources, '-lm']);
  await holdToGoldens(t, [program], { language: 'C', hidden: false, cases: () => true });
});

const STAND_INS = fileURLToPath(new URL('../support/adapters/stand-ins/', import.meta.url));

/** An example that runs on stand-ins of its packages: its own part, the protocol, is what is tested. */
function onStandIns(folder: string, ...argv: string[]): string[] {
  const path = [STAND_INS, join(EXAMPLES, 'python')].join(delimiter);
  return ['env', `PYTHONPATH=${path}`, 'python3', '-B', join(EXAMPLES, folder, 'engine.py'), ...argv];
}

const FEW = new Set(['ids-empty', 'ids-one', 'ids-short']);

test('the example for transformers gives rows, hidden states, tokens and prompts as the protocol wants', async (t) => {
  if (!hasProgram(t, 'python3')) return;
  const command = onStandIns('transformers');
  const model = await holdToGoldens(t, command, {
    ...{ language: 'Python', hidden: true, cases: (id) => FEW.has(id) },
  });
  t.deepEqual(await model.tokenize!('hé'), [...Buffer.from('hé')]);
  const conversation = {
    messages: [{ role: 'user', content: 'hi' }],
    tools: [{ name: 'f' }],
    addGenerationPrompt: false,
  };
  const rendered = async (enableThinking?: boolean) =>
    JSON.parse(Buffer.from(await model.tokenizeChat!({ ...conversation, enableThinking })).toString());
  const given = {
    conversation: conversation.messages,
    tools: conversation.tools,
    add_generation_prompt: false,
  };
  t.deepEqual(await rendered(), given);
  t.deepEqual(await rendered(false), { ...given, enable_thinking: false });
});

test('the example for llama-cpp-python gives rows, tokens and ids of texts as the protocol wants', async (t) => {
  if (!hasProgram(t, 'python3')) return;
  const command = onStandIns('llama-cpp', await ensureFixture(MODEL), 'f32');
  const model = await holdToGoldens(t, command, {
    ...{ language: 'C++', hidden: false, cases: (id) => FEW.has(id) },
  });
  // No token at the beginning, and special tokens are recognised, which the stand-in shows by a 2.
  t.deepEqual(await model.tokenize!('hé'), [...Buffer.from('hé'), 2]);
  const tooLong = { ids: new Array(2049).fill(1), positions: [0] };
  await t.throwsAsync(model.forward(tooLong), { message: /2049 tokens are more than the context of 2048/ });
});

test('a model that an example cannot compute is refused in its own words', async (t) => {
  if (!hasProgram(t, 'python3')) return;
  const subject = await commandSubject(['python3', '-B', join(EXAMPLES, 'python/engine.py')]);
  await t.throwsAsync(subject.load(await ensureFixture('moe')), {
    instanceOf: SubjectError,
    message: /^load of .*: the engine answers: ValueError: a model of type qwen3_moe is not computed here$/,
  });
});

test('an example whose package is missing shows what Python says', async (t) => {
  if (!hasProgram(t, 'python3')) return;
  for (const [folder, missing] of [
    ['transformers', /torch/],
    ['llama-cpp', /llama_cpp/],
  ] as const) {
    // Isolated from what is installed here: -S leaves out site-packages.
    const command = ['python3', '-B', '-S', join(EXAMPLES, folder, 'engine.py')];
    const error = await t.throwsAsync(commandSubject(command), { instanceOf: NoAnswerError });
    t.regex(error.message, /the program ended with exit code 1; standard error ends:/);
    t.regex(error.message, new RegExp(`ModuleNotFoundError: No module named '${missing.source}'`));
  }
});

test('an adapter has few lines, and says how it is run', (t) => {
  const adapters = readdirSync(EXAMPLES, { recursive: true, encoding: 'utf8' }).filter((path) =>
    /engine\.(py|c)$/.test(path),
  );
  t.is(adapters.length, 4);
  for (const path of adapters) {
    const text = readFileSync(join(EXAMPLES, path), 'utf8');
    t.true(text.trimEnd().split('\n').length < MAX_ADAPTER_LINES, path);
    t.regex(text, /npx plumbline-verify --model \S+ --command /, path);
  }
});
