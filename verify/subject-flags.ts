import type { Command } from 'commander';
import { InvalidArgumentError, Option } from 'commander';
import { UsageError } from '../engine/errors.ts';
import { MAX_TIMER_MS } from '../engine/options.ts';
import { dumpCases } from '../golden/dump-layout.ts';
import type { VerifyCase } from '../golden/verify-case.ts';
import { API_NAMES, type ApiName } from './adapters/http/dialect.ts';
import type { HttpSubjectOptions } from './adapters/http/http-subject.ts';
import type { Subject } from './subject.ts';

/** The flags that say how the engine is reached; at most one of module, command, dump and url. */
export interface SubjectFlags {
  readonly module?: string;
  readonly command?: string;
  readonly dump?: string;
  readonly url?: string;
  readonly api?: ApiName | 'auto';
  readonly servedModel?: string;
  readonly apiKeyEnv?: string;
  readonly concurrency?: number;
  /** In ms. */
  readonly timeout?: number;
}

/** A subject, and how it is reached as a report says it. */
export interface OpenSubject {
  readonly subject: Subject;
  readonly adapter: string;
  /** Ends what was started and never loaded. */
  close(): Promise<void>;
}

/** What opening a subject needs beside its flags. */
export interface OpenSubjectOptions {
  readonly model: string;
  readonly cases: readonly VerifyCase[];
  readonly signal: AbortSignal;
  readonly env?: NodeJS.ProcessEnv;
  /** Called with what was found out about a server. */
  readonly onNote?: (note: string) => void;
}

export function addSubjectFlags(command: Command): Command {
  return command
    .option('--module <file>', 'reach the engine as a module, .ts or .js, whose default export is a subject')
    .option('--command <program>', 'reach it as a program that speaks JSON lines (docs/protocol.md)')
    .option('--dump <folder>', 'read the answers that it has written to files (plumbline-goldens export)')
    .option('--url <url>', 'reach it over HTTP (docs/servers.md)')
    .addOption(
      new Option('--api <name>', 'use this API of the server (default: auto)').choices([
        'auto',
        ...API_NAMES,
      ]),
    )
    .option('--served-model <name>', 'ask the server for this model (default: the only one it has)')
    .option('--api-key-env <variable>', 'send the key in this environment variable to the server')
    .option('--concurrency <n>', 'ask this many requests at a time (default: what the engine takes)', count)
    .option('--timeout <seconds>', 'wait this long for an answer (default: 600; of a server 120)', seconds);
}

/** @returns ms: whole ones, as Node's timers and signals take them. */
function seconds(text: string): number {
  const ms = Math.ceil(1000 * Number(text));
  if (ms >= 1 && ms <= MAX_TIMER_MS) return ms;
  const most = Math.floor(MAX_TIMER_MS / 1000);
  throw new InvalidArgumentError(`It must be a number of seconds above 0 and at most ${most} (24.8 days).`);
}

function count(text: string): number {
  if (/^[1-9]\d{0,3}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('It must be a whole number from 1 to 9999.');
}

/** How the flags reach an engine, as a report says it: `--command ./my-engine`. */
export function adapterOf(flags: SubjectFlags): string {
  return namedEngines(flags).map(([name, value]) => `--${name} ${withoutPassword(value)}`)[0] ?? 'in process';
}

/** A report is shown to others. */
function withoutPassword(value: string): string {
  return value.replace(/^(https?:\/\/)[^/?#]*@/i, '$1');
}

/** What an engine is called before it has said its name. */
export function nameOf(flags: SubjectFlags): string {
  return withoutPassword(namedEngines(flags)[0]?.[1] ?? 'plumbline');
}

/** The flags that name an engine, with their values. */
export function namedEngines({ module, command, dump, url }: SubjectFlags): [string, string][] {
  return Object.entries({ module, command, dump, url }).filter((named) => named[1] !== undefined) as [
    string,
    string,
  ][];
}

/**
 * @throws UsageError if several flags name an engine, or a flag does not fit to it.
 * @throws SubjectError, NoAnswerError as the adapters do.
 */
export async function openSubject(flags: SubjectFlags, options: OpenSubjectOptions): Promise<OpenSubject> {
  const given = namedEngines(flags);
  if (given.length > 1) {
    throw new UsageError(`give one engine; ${given.map(([name]) => `--${name}`).join(' and ')} name several`);
  }
  refuseServerFlags(flags);
  const { command, timeout } = flags;
  const adapter = adapterOf(flags);
  if (command === undefined) {
    return { subject: await subjectOf(flags, options), adapter, close: async () => {} };
  }
  const limits = timeout === undefined ? {} : { requestMs: timeout };
  const { commandSubject } = await import('./adapters/command/command-subject.ts');
  const subject = await commandSubject(command, { limits, signal: options.signal });
  return { subject, adapter, close: () => subject.close() };
}

/** A subject that starts nothing before it is loaded. Adapters are imported only here: help needs none. */
async function subjectOf(flags: SubjectFlags, options: OpenSubjectOptions): Promise<Subject> {
  const { module, dump, url } = flags;
  if (url !== undefined) {
    const { httpSubject } = await import('./adapters/http/http-subject.ts');
    return httpSubject(serverOptions(url, flags, options));
  }
  if (module !== undefined) return await (await import('./adapters/module.ts')).loadModule(module);
  if (dump !== undefined) {
    const { dumpSubject } = await import('./adapters/dump/dump-subject.ts');
    return dumpSubject(dump, dumpCases(options.model, options.cases));
  }
  const [{ engineSubject }, { Engine }] = await Promise.all([
    import('./adapters/engine.ts'),
    import('../engine/index.ts'),
  ]);
  return engineSubject('plumbline', Engine);
}

function refuseServerFlags({ url, api, servedModel, apiKeyEnv }: SubjectFlags): void {
  const lost = Object.entries({ '--api': api, '--served-model': servedModel, '--api-key-env': apiKeyEnv })
    .filter(([, value]) => value !== undefined)
    .map(([name]) => name);
  if (url === undefined && lost.length > 0) {
    throw new UsageError(`give the --url of the server that ${lost.join(', ')} describe`);
  }
}

function serverOptions(
  url: string,
  flags: SubjectFlags,
  { signal, env = process.env, onNote }: OpenSubjectOptions,
): HttpSubjectOptions {
  const { api, servedModel, apiKeyEnv, concurrency, timeout } = flags;
  const apiKey = apiKeyEnv === undefined ? undefined : env[apiKeyEnv];
  if (apiKeyEnv !== undefined && !apiKey) {
    throw new UsageError(`set the environment variable that --api-key-env names; ${apiKeyEnv} is not set`);
  }
  return {
    ...{ url, signal },
    ...(api ? { api } : {}),
    ...(servedModel ? { servedModel } : {}),
    ...(apiKey ? { apiKey } : {}),
    ...(concurrency ? { concurrency } : {}),
    ...(timeout ? { timeoutMs: timeout } : {}),
    ...(onNote ? { onNote } : {}),
  };
}
