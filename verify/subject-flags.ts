import type { Command } from 'commander';
import { InvalidArgumentError, Option } from 'commander';
import { UsageError } from '../engine/errors.ts';
import { Engine } from '../engine/index.ts';
import { MAX_TIMER_MS } from '../engine/options.ts';
import { dumpCases } from '../golden/dump-layout.ts';
import type { VerifyCase } from '../golden/verify-case.ts';
import { commandSubject } from './adapters/command/command-subject.ts';
import { dumpSubject } from './adapters/dump/dump-subject.ts';
import { engineSubject } from './adapters/engine.ts';
import type { ApiName } from './adapters/http/dialect.ts';
import { API_NAMES } from './adapters/http/dialects.ts';
import { httpSubject } from './adapters/http/http-subject.ts';
import { loadModule } from './adapters/module.ts';
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
      new Option('--api <name>', 'use this API of the server (default: auto)').choices([...API_NAMES]),
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
  return namedEngines(flags).map(([name, value]) => `--${name} ${value}`)[0] ?? 'in process';
}

/** What an engine is called before it has said its name. */
export function nameOf(flags: SubjectFlags): string {
  return namedEngines(flags)[0]?.[1] ?? 'plumbline';
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
  const { module, command, dump, url, timeout } = flags;
  const given = namedEngines(flags);
  if (given.length > 1) {
    throw new UsageError(
      `${given.map(([name]) => `--${name}`).join(' and ')} name several engines; give one`,
    );
  }
  refuseServerFlags(flags);
  const adapter = adapterOf(flags);
  const close = async () => {};
  if (command !== undefined) {
    const limits = timeout === undefined ? {} : { requestMs: timeout };
    const subject = await commandSubject(command, { limits, signal: options.signal });
    return { subject, adapter, close: () => subject.close() };
  }
  if (url !== undefined) return { subject: serverOf(url, flags, options), adapter, close };
  if (module !== undefined) return { subject: await loadModule(module), adapter, close };
  if (dump !== undefined) {
    return { subject: dumpSubject(dump, dumpCases(options.model, options.cases)), adapter, close };
  }
  return { subject: engineSubject('plumbline', Engine), adapter, close };
}

function refuseServerFlags({ url, api, servedModel, apiKeyEnv }: SubjectFlags): void {
  const lost = Object.entries({ '--api': api, '--served-model': servedModel, '--api-key-env': apiKeyEnv })
    .filter(([, value]) => value !== undefined)
    .map(([name]) => name);
  if (url === undefined && lost.length > 0) {
    throw new UsageError(`${lost.join(', ')} describe a server; give its --url`);
  }
}

function serverOf(
  url: string,
  flags: SubjectFlags,
  { signal, env = process.env, onNote }: OpenSubjectOptions,
): Subject {
  const { api, servedModel, apiKeyEnv, concurrency, timeout } = flags;
  const apiKey = apiKeyEnv === undefined ? undefined : env[apiKeyEnv];
  if (apiKeyEnv !== undefined && !apiKey) {
    throw new UsageError(`--api-key-env ${apiKeyEnv}: the environment has no such variable; set it`);
  }
  return httpSubject({
    ...{ url, signal },
    ...(api ? { api } : {}),
    ...(servedModel ? { servedModel } : {}),
    ...(apiKey ? { apiKey } : {}),
    ...(concurrency ? { concurrency } : {}),
    ...(timeout ? { timeoutMs: timeout } : {}),
    ...(onNote ? { onNote } : {}),
  });
}
