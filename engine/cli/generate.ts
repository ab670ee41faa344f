import { type Command, Option } from 'commander';
import { readModelConfig } from '../checkpoint/read-config.ts';
import { PromptError } from '../errors.ts';
import type { GenerateRequest } from '../serving/requests.ts';
import { interruptible } from '../terminal/interrupt.ts';
import { createProgress, type Progress, share } from '../terminal/progress.ts';
import { AnswerPrinter } from './answer-printer.ts';
import { positiveWholeNumber } from './arguments.ts';
import {
  addParallelFlags,
  addScheduleFlags,
  type ParallelFlags,
  parallelOptions,
  type ScheduleFlags,
  scheduleOptions,
} from './engine-flags.ts';
import type { Io, RunningEngine } from './io.ts';
import { addModelOption, findModel, type ModelOption } from './model-option.ts';
import { encodePrompts, filesNeeded } from './prompts.ts';
import {
  checkRequests,
  completeRequest,
  type NamedRequest,
  type RequestOptions,
  readRequests,
} from './requests.ts';
import { addSamplingFlags } from './sampling-flags.ts';

export interface GenerateOptions extends ModelOption, RequestOptions, ScheduleFlags, ParallelFlags {}

/** What `--help` says beside the list of options. */
const HELP = `
One of --prompt, --chat, --ids and --requests is required. Prompts are computed
together, and each gets the tokens that it would get alone, whatever the options
of batch and cache. Text is printed as it is generated, in the order of the
prompts, without the token or text that ends it. A model without tokenizer files
can continue ids; its tokens are printed as numbers. Ctrl-C ends after the next
token.

A line of --requests has one of
  "prompt"     a text
  "messages"   a conversation, with "tools" and "enable_thinking" if need be
  "ids"        token ids
and may have "maxTokens" (0 for the prompt's log-probabilities alone) and
  temperature, topK, topP, minP, repetitionPenalty, presencePenalty,
  frequencyPenalty, logitBias ({"id": bias}), seed, minNewTokens, stop (texts),
  stopTokenIds, ignoreEos, n (samples), logprobs, promptLogprobs
which take precedence over the flags. Unknown keys are refused, blank lines are
skipped.

With --json, a line has: index, sample, promptTokens, cachedTokens (found in the
cache), tokens (ids), text (null without tokenizer files), finishReason ("stop",
"length" or "abort"), stopReason (the stop text or token id, if one was met),
fingerprint (SHA-256 of the logits that each token was chosen from), logprobs
and promptLogprobs (if asked for: token, logprob and top of each token but the
first of the prompt), promptLookup (drafted and accepted tokens, with
--prompt-lookup), and timing (prefillMs and decodeMs, in milliseconds). A
request that fails has index and error instead; the others continue, and the
exit code is 1.

Examples:
  plumbline generate --model ./Qwen3-0.6B --prompt "Two and two" --max-tokens 16
  plumbline generate --model Qwen/Qwen3-0.6B --chat chat.json --max-tokens 256 \\
    --temperature 0.6 --top-k 20 --top-p 0.95 --seed 1
  plumbline generate --model ./Qwen3-0.6B --chat edit.json --max-tokens 512 \\
    --prompt-lookup 7
  plumbline generate --model ./Qwen3-0.6B --ids ids.json --max-tokens 32 --json
  plumbline generate --model ./Qwen3-0.6B --requests requests.jsonl --json \\
    --max-tokens 64 --max-batch 8 --logprobs 5`;

export function addGenerate(program: Command, io: Io): void {
  const command = addModelOption(
    program.command('generate').description('Continue prompts, computed together in batches.'),
  )
    .addOption(
      new Option('--prompt <text>', 'continue a text; - reads standard input').conflicts([
        'chat',
        'ids',
        'requests',
      ]),
    )
    .addOption(
      new Option(
        '--chat <file.json>',
        'answer a conversation: an array of messages, or {messages, tools, enable_thinking}',
      ).conflicts(['ids', 'requests']),
    )
    .addOption(
      new Option('--ids <file.json>', 'continue prompts given as an array of arrays of token ids').conflicts(
        'requests',
      ),
    )
    .option(
      '--requests <file.jsonl>',
      'continue the requests of a file, a JSON object in each line, see below',
    )
    .option(
      '--max-tokens <n>',
      'generate at most n tokens for each prompt; required unless every request has maxTokens',
      positiveWholeNumber,
    )
    .option('--ignore-eos', "continue after the model's end-of-sequence tokens")
    .addOption(
      new Option(
        '--thinking',
        'enable thinking in --chat (default: as in the file, or else the template)',
      ).conflicts(['prompt', 'ids', 'requests']),
    )
    .addOption(
      new Option('--no-thinking', 'disable thinking in --chat').conflicts(['prompt', 'ids', 'requests']),
    )
    .option('--json', 'print a line of JSON for each sample instead of text', false);
  addParallelFlags(addScheduleFlags(addSamplingFlags(command)))
    .addHelpText('after', HELP)
    .action((options: GenerateOptions) => generate(options, io));
}

/**
 * Continues all prompts, computed together in batches, and prints the results in the order of the prompts.
 * All are checked before the weights are read.
 *
 * @throws UsageError if there is no prompt, or a flag is missing or out of its range.
 * @throws Interrupted if a signal ended it; the tokens generated until then are printed.
 * @throws PromptError if a request cannot be served. If it fails only after the start, the others continue.
 * @throws FileError, HubError, ConfigError, CheckpointError, TokenizerError, ChatTemplateError, KernelError
 * as their readers do.
 */
export async function generate(options: GenerateOptions, io: Io): Promise<void> {
  const given = await readRequests(options);
  const unencoded = given.map((request) => completeRequest(request, options));
  const prompts = given.map(({ prompt }) => prompt);
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
    const complete = scheduleOptions(options, demands, config);
    checkRequests(requests, config, complete, tokenizer !== undefined);
    const engine = await io.loadEngine(modelDir, {
      ...complete,
      ...parallelOptions(options),
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
  const progressLine = () => {
    const rate = numTokens / ((performance.now() - begun) / 1000);
    return `${printer.numDone} of ${printer.numSamples} done, ${rate.toFixed(1)} tokens/s`;
  };
  progress.show(progressLine());
  for await (const event of engine.generate(untilAborted(requests, signal))) {
    printer.take(event);
    if (event.type === 'token') numTokens++;
    // On a terminal, the progress line would overwrite the unfinished line of text.
    if (!isInLine || !io.stdout.isTTY) progress.count(progressLine());
  }
  printer.end();
  const { numFailed } = printer;
  if (numFailed > 0 && !signal.aborted) {
    throw new PromptError(`${numFailed} of ${requests.length} requests failed`);
  }
}

/** Passes requests on until an interrupt, which also cancels the ones passed before. */
function* untilAborted(requests: readonly NamedRequest[], signal: AbortSignal): Generator<GenerateRequest> {
  for (const { name: _, ...request } of requests) {
    if (signal.aborted) return;
    yield { ...request, signal };
  }
}
