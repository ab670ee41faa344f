import { type Command, InvalidArgumentError, Option } from 'commander';
import { readModelConfig } from '../config.ts';
import { type Answer, answer } from './answer.ts';
import { interruptible } from './interrupt.ts';
import type { Io, RunningEngine } from './io.ts';
import { addModelOption, findModel, type ModelOption } from './model-option.ts';
import { createProgress, type Progress, share } from './progress.ts';
import { type PromptOptions, type Prompts, readPromptSource } from './prompt-source.ts';
import { cacheTokensFor, checkPrompts } from './prompts.ts';

export interface GenerateOptions extends ModelOption, PromptOptions {
  maxTokens: number;
  ignoreEos?: boolean;
  json?: boolean;
}

export function addGenerate(program: Command, io: Io): void {
  addModelOption(
    program.command('generate').description('Continue prompts, each time with the most likely token.'),
  )
    .addOption(new Option('--prompt <text>', 'a text to continue').conflicts(['chat', 'ids']))
    .addOption(
      new Option(
        '--chat <file.json>',
        'a conversation to answer: an array of messages, or {messages, tools, enable_thinking}',
      ).conflicts('ids'),
    )
    .option('--ids <file.json>', 'prompts to continue in turn: an array of arrays of token ids')
    .requiredOption(
      '--max-tokens <n>',
      'required: generate at most this many tokens for each prompt',
      positiveWholeNumber,
    )
    .option('--ignore-eos', "go on after the model's end-of-sequence tokens", false)
    .addOption(
      new Option(
        '--thinking',
        'with --chat: let the model think (default: as the file or the template says)',
      ).conflicts(['prompt', 'ids']),
    )
    .addOption(new Option('--no-thinking', 'with --chat: let it answer at once').conflicts(['prompt', 'ids']))
    .option('--json', 'print a line of JSON for each prompt instead of text', false)
    .addHelpText(
      'after',
      `
One of --prompt, --chat and --ids is required. Text is printed as it comes,
without the token that ends it. A model without tokenizer files can continue
--ids; its tokens are then printed as numbers. Ctrl-C ends after the next token.

With --json, a line has: index, promptTokens, tokens (ids), text (null without
tokenizer files), finishReason ("stop", "length" or "abort"), fingerprint
(SHA-256 of the logits that each token was chosen from), and timing (prefillMs
and decodeMs, in milliseconds).

Examples:
  plumbline generate --model ./Qwen3-0.6B --prompt "Two and two" --max-tokens 16
  plumbline generate --model Qwen/Qwen3-0.6B --chat chat.json --max-tokens 256
  plumbline generate --model ./Qwen3-0.6B --ids ids.json --max-tokens 32 --json`,
    )
    .action((options: GenerateOptions) => generate(options, io));
}

/**
 * Continues prompts greedily, one after the other, and prints what comes. All are checked before the first is begun.
 *
 * @throws UsageError if there is no prompt.
 * @throws Interrupted if a signal ended it; what had been generated until then is printed.
 * @throws FileError, HubError, ConfigError, CheckpointError, TokenizerError, ChatTemplateError, PromptError,
 * KernelError as their readers do.
 */
export async function generate(options: GenerateOptions, io: Io): Promise<void> {
  const source = await readPromptSource(options, io);
  const progress = await createProgress(io.stderr);
  try {
    const modelDir = await findModel(options, source.needed, io, progress);
    const config = await readModelConfig(modelDir);
    const prompts = await source.load(modelDir);
    checkPrompts(prompts.ids, config, options.maxTokens);
    const engine = await io.loadEngine(modelDir, {
      cacheTokens: cacheTokensFor(prompts.ids, options.maxTokens),
      onProgress: (done, total) => progress.count(share('reading weights', done, total)),
    });
    try {
      await interruptible(io.signals, (signal) =>
        answerAll({ ...prompts, eosTokenIds: config.eosTokenIds }, options, { engine, io, progress, signal }),
      );
    } finally {
      engine.close();
    }
  } finally {
    progress.hide();
  }
}

async function answerAll(
  { ids: prompts, tokenizer, eosTokenIds }: Prompts & { eosTokenIds: readonly number[] },
  { maxTokens: maxNewTokens, ignoreEos = false, json = false }: GenerateOptions,
  {
    engine,
    io,
    progress,
    signal,
  }: { engine: RunningEngine; io: Io; progress: Progress; signal: AbortSignal },
): Promise<void> {
  const print = (text: string) => {
    progress.hide();
    io.stdout.write(text);
  };
  for (const [index, ids] of prompts.entries()) {
    if (signal.aborted) break;
    const what = `prompt ${index + 1} of ${prompts.length}, ${ids.length} tokens`;
    progress.show(what);
    const result = await answer(
      engine,
      { ids, maxNewTokens, ignoreEos, signal },
      {
        tokenizer,
        eosTokenIds,
        onPiece(piece, count) {
          if (json) progress.count(`${what}: ${count} of ${maxNewTokens} generated`);
          else if (piece !== '') print(piece);
        },
      },
    );
    print(json ? toLine(index, result) : '\n');
  }
}

/** The keys in the order that the documentation gives. */
function toLine(index: number, answer: Answer): string {
  const { promptTokens, tokens, text, finishReason, fingerprint, timing } = answer;
  return `${JSON.stringify({ index, promptTokens, tokens, text, finishReason, fingerprint, timing })}\n`;
}

function positiveWholeNumber(text: string): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value > 0 && Number.isSafeInteger(value)) return value;
  throw new InvalidArgumentError('It must be a positive whole number.');
}
