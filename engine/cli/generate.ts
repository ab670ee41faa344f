import { type Command, Option } from 'commander';
import { readModelConfig } from '../config.ts';
import { PromptError } from '../errors.ts';
import type { GenerateRequest } from '../serving/requests.ts';
import { interruptible } from '../terminal/interrupt.ts';
import { createProgress, type Progress, share } from '../terminal/progress.ts';
import { AnswerPrinter } from './answer-printer.ts';
import { positiveWholeNumber } from './arguments.ts';
import { addEngineFlags, type EngineFlags, engineOptions } from './engine-flags.ts';
import { GENERATE_HELP } from './generate-help.ts';
import type { Io, RunningEngine } from './io.ts';
import { addModelOption, findModel, type ModelOption } from './model-option.ts';
import { encodePrompts, filesNeeded, type PromptOptions, readPromptInputs } from './prompt-source.ts';
import { checkRequests, type NamedRequest } from './prompts.ts';
import { completeRequest, type RequestFlags } from './requests.ts';
import { addSamplingFlags } from './sampling-flags.ts';
import { addThreadFlags, type ThreadFlags, threadOptions } from './thread-flags.ts';

export interface GenerateOptions extends ModelOption, PromptOptions, EngineFlags, ThreadFlags, RequestFlags {}

export function addGenerate(program: Command, io: Io): void {
  const command = addModelOption(
    program.command('generate').description('Continue prompts, all of them together.'),
  )
    .addOption(new Option('--prompt <text>', 'a text to continue').conflicts(['chat', 'ids', 'requests']))
    .addOption(
      new Option(
        '--chat <file.json>',
        'a conversation to answer: an array of messages, or {messages, tools, enable_thinking}',
      ).conflicts(['ids', 'requests']),
    )
    .addOption(
      new Option('--ids <file.json>', 'prompts to continue: an array of arrays of token ids').conflicts(
        'requests',
      ),
    )
    .option('--requests <file.jsonl>', 'requests, a JSON object in each line, see below')
    .option(
      '--max-tokens <n>',
      'generate at most n tokens for each prompt; required unless every request has maxTokens',
      positiveWholeNumber,
    )
    .option('--ignore-eos', "go on after the model's end-of-sequence tokens")
    .addOption(
      new Option(
        '--thinking',
        'with --chat: let the model think (default: as the file or the template says)',
      ).conflicts(['prompt', 'ids', 'requests']),
    )
    .addOption(
      new Option('--no-thinking', 'with --chat: let it answer at once').conflicts([
        'prompt',
        'ids',
        'requests',
      ]),
    )
    .option('--json', 'print a line of JSON for each sample instead of text', false);
  addThreadFlags(addEngineFlags(addSamplingFlags(command)))
    .addHelpText('after', GENERATE_HELP)
    .action((options: GenerateOptions) => generate(options, io));
}

/**
 * Continues prompts, all together, and prints what comes in the order they were given in. All are checked before the
 * weights are read.
 *
 * @throws UsageError if there is no prompt, or flags make no sense.
 * @throws Interrupted if a signal ended it; what had been generated until then is printed.
 * @throws PromptError if a request cannot be served; one that fails only when others are on their way does not
 * disturb them.
 * @throws FileError, HubError, ConfigError, CheckpointError, TokenizerError, ChatTemplateError, KernelError as their
 * readers do.
 */
export async function generate(options: GenerateOptions, io: Io): Promise<void> {
  const inputs = await readPromptInputs(options);
  const unencoded = inputs.map((input) => completeRequest(input, options));
  const prompts = inputs.map(({ prompt }) => prompt);
  const progress = await createProgress(io.stderr);
  try {
    const modelDir = await findModel(options, filesNeeded(prompts), io, progress);
    const config = await readModelConfig(modelDir);
    const { ids, tokenizer } = await encodePrompts(prompts, modelDir, io);
    const requests = unencoded.map((request, i) => ({ ...request, ids: ids[i] }));
    const demands = requests.map(({ ids, maxNewTokens, n = 1 }) => ({
      numTokens: ids.length + maxNewTokens,
      numSamples: n,
    }));
    const complete = engineOptions(options, demands, config);
    checkRequests(requests, config, complete, tokenizer !== undefined);
    const engine = await io.loadEngine(modelDir, {
      ...complete,
      ...threadOptions(options),
      tokenizer,
      onProgress: (done, total) => progress.count(share('reading weights', done, total)),
    });
    try {
      const json = options.json ?? false;
      await interruptible(io.signals, (signal) =>
        answerAll(requests, { engine, io, progress, signal, json }),
      );
    } finally {
      await engine.close();
    }
  } finally {
    progress.hide();
  }
}

interface AnswerOptions {
  engine: RunningEngine;
  io: Io;
  progress: Progress;
  signal: AbortSignal;
  json: boolean;
}

async function answerAll(
  requests: readonly NamedRequest[],
  { engine, io, progress, signal, json }: AnswerOptions,
): Promise<void> {
  let isInLine = false;
  const printer = new AnswerPrinter({
    requests,
    json,
    print(text) {
      progress.hide();
      io.stdout.write(text);
      isInLine = !text.endsWith('\n');
    },
    printError(line) {
      progress.hide();
      io.stderr.write(`plumbline: ${line}\n`);
    },
  });
  const begun = performance.now();
  let numTokens = 0;
  const tell = () => {
    const rate = numTokens / ((performance.now() - begun) / 1000);
    return `${printer.numDone} of ${printer.numSamples} done, ${rate.toFixed(1)} tokens/s`;
  };
  progress.show(tell());
  for await (const event of engine.generate(untilAborted(requests, signal))) {
    printer.take(event);
    if (event.type === 'token') numTokens++;
    // On a terminal it would stand in the middle of the text, and take it away with itself.
    if (!isInLine || !io.stdout.isTTY) progress.count(tell());
  }
  printer.end();
  const { numFailed } = printer;
  if (numFailed > 0 && !signal.aborted) {
    throw new PromptError(`${numFailed} of ${requests.length} requests failed`);
  }
}

/** After an interrupt no further requests are begun, and those that were end. */
function* untilAborted(requests: readonly NamedRequest[], signal: AbortSignal): Generator<GenerateRequest> {
  for (const request of requests) {
    if (signal.aborted) return;
    yield { ...request, signal };
  }
}
