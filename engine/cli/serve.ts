import { existsSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { readModelConfig } from '../checkpoint/read-config.ts';
import { UsageError } from '../errors.ts';
import { completeParallelOptions } from '../options.ts';
import { hasMpiRanks, mpirunEnvironment } from '../parallel/mpi/mpirun.ts';
import { LOG_FORMATS, type LogFormat } from '../server/request-log.ts';
import { setDiagnosticFormat } from '../terminal/diagnostic.ts';
import { onInterrupt } from '../terminal/interrupt.ts';
import { createProgress, share } from '../terminal/progress.ts';
import { TEMPLATE_FILES } from '../text/tokenizer-files.ts';
import { portNumber, seconds, wholeNumber } from './arguments.ts';
import {
  addParallelFlags,
  addScheduleFlags,
  type ParallelFlags,
  parallelOptions,
  type ScheduleFlags,
  scheduleOptions,
} from './engine-flags.ts';
import type { Io } from './io.ts';
import { addModelOption, COMPUTED_FILES, findModel, type ModelOption, TEXT_FILES } from './model-option.ts';

export interface ServeOptions extends ModelOption, ScheduleFlags, ParallelFlags {
  host: string;
  port: number;
  insecure?: boolean;
  /** The environment variable that holds the key. */
  apiKeyEnv?: string;
  allowOrigin?: string;
  servedModelName?: string;
  maxQueue: number;
  /** -1 for the whole vocabulary. */
  maxLogprobs: number;
  /** In ms, as the next. */
  requestTimeout?: number;
  grace: number;
  log: LogFormat;
}

/** A model may be asked by token ids when it has no tokenizer files. */
const FILES = {
  ...COMPUTED_FILES,
  optional: [...COMPUTED_FILES.optional, ...TEXT_FILES.files, ...TEMPLATE_FILES],
};

const HELP = `
The routes are OpenAI's, with vLLM's additions: /v1/completions,
/v1/chat/completions, /v1/models; /tokenize, /detokenize, /health, /metrics
(Prometheus) and /version. Log-probabilities are natural logarithms, before
temperature and penalties. A request has the bits of plumbline generate, whatever
is served beside it.

A line on standard output has the URL when requests are served. SIGTERM and
Ctrl-C end in order: no new requests, those on their way finish within --grace,
exit code 0. If the engine fails, every request gets an error, and the exit code
is 1. Under mpirun, rank 0 serves: send it the signal.

Examples:
  plumbline serve --model Qwen/Qwen3-0.6B
  plumbline serve --model ./Qwen3-0.6B --port 0 --log json --tp 2
  KEY=secret plumbline serve --model dense --host 0.0.0.0 --api-key-env KEY`;

export function addServe(program: Command, io: Io): void {
  const command = addModelOption(
    program.command('serve').description("Serve a model over HTTP, by OpenAI's interface."),
  )
    .option('--host <address>', 'listen on this address', '127.0.0.1')
    .option('--port <n>', 'listen on this port; 0 takes a free one', portNumber, 8000)
    .option('--insecure', 'allow a --host that others reach without an API key')
    .option('--api-key-env <name>', 'want the key that this environment variable holds of every request')
    .option(
      '--allow-origin <origin>',
      'let the pages of an origin, or of all (*), ask in a browser (default: none)',
    )
    .option(
      '--served-model-name <name>',
      'call the model by this name (default: the hub id, or the directory)',
    )
    .option('--max-queue <n>', 'let n sequences wait; answer 429 to further requests', wholeNumber, 1000)
    .option(
      '--max-logprobs <n>',
      'give log-probabilities of at most n tokens in each place; -1 for all',
      tokenCount,
      20,
    )
    .option(
      '--request-timeout <s>',
      'end requests that take longer than s seconds (default: no limit)',
      seconds,
    )
    .addOption(
      new Option('--grace <s>', 'give requests s seconds to finish when the server ends')
        .argParser(seconds)
        .default(30_000, '30'),
    )
    .addOption(
      new Option(
        '--log <format>',
        'write a line for each request to standard error; json: all lines are JSON',
      )
        .choices(LOG_FORMATS)
        .default('text'),
    );
  addParallelFlags(addScheduleFlags(command))
    .addHelpText('after', HELP)
    .action((options: ServeOptions) => serve(options, io));
}

/**
 * Serves a model until a signal ends the server. A process that mpirun has started as another rank than 0
 * computes for rank 0 and ends with it.
 *
 * @throws UsageError if a flag is missing or its value makes no sense.
 * @throws ServerError if the server cannot listen; what ends the engine.
 * @throws HubError, ConfigError, CheckpointError, TokenizerError, KernelError as their readers do.
 */
export async function serve(options: ServeOptions, io: Io): Promise<void> {
  const { host, port, maxQueue, maxLogprobs, allowOrigin, grace, log } = options;
  setDiagnosticFormat(log, io.env);
  // A line that is drawn again and again has no place in a log.
  const progress = await createProgress(log === 'text' ? io.stderr : { write() {} });
  const apiKey = readApiKey(options, io);
  try {
    const modelDir = await findModel(options, FILES, io, progress);
    const schedule = scheduleOptions(options, [], await readModelConfig(modelDir));
    const engineOptions = { ...schedule, ...parallelOptions(options) };
    const isRank0 = (mpirunEnvironment().rank ?? 0) === 0;
    if (!isRank0 && hasMpiRanks(completeParallelOptions(engineOptions))) {
      await io.loadEngine(modelDir, engineOptions);
      return;
    }
    progress.show('reading weights');
    const server = await io.startServer(
      {
        modelDir,
        options: engineOptions,
        onProgress: (done, total) => progress.count(share('reading weights', done, total)),
      },
      {
        ...{ host, port, maxQueue, maxLogprobs },
        servedModelName: nameOf(options),
        rules: { apiKey, allowOrigin, requestTimeoutMs: options.requestTimeout },
        logFormat: log,
        log: (lines) => io.stderr.write(lines),
      },
    );
    progress.hide();
    const stopListening = onInterrupt(io.signals, () => void server.close(grace).catch(() => {}));
    const url = `${server.url}/v1`;
    const model = nameOf(options);
    io.stdout.write(log === 'json' ? `${JSON.stringify({ url, model })}\n` : `serving ${model} at ${url}\n`);
    await server.ended;
    stopListening();
  } finally {
    progress.hide();
  }
}

/** @throws UsageError if the key is missing where one is needed. */
function readApiKey({ apiKeyEnv, host, insecure }: ServeOptions, { env }: Io): string | undefined {
  if (apiKeyEnv !== undefined) {
    const key = env[apiKeyEnv];
    if (key) return key;
    throw new UsageError(`--api-key-env ${apiKeyEnv}: the environment variable is not set, or is empty`);
  }
  if (insecure || isLoopback(host)) return undefined;
  throw new UsageError(
    `--host ${host} is reached from other machines, and there is no API key: give --api-key-env or --insecure`,
  );
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(\.\d+){3}$/.test(host);
}

function nameOf({ servedModelName, model }: ServeOptions): string {
  return servedModelName ?? (existsSync(model) ? basename(resolve(model)) : model);
}

function tokenCount(text: string): number {
  if (text === '-1') return -1;
  try {
    return wholeNumber(text);
  } catch {
    throw new InvalidArgumentError('It must be a whole number, or -1.');
  }
}
