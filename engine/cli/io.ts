import type { LoadOptions } from '../distributed/load-model.ts';
import type { Engine } from '../engine.ts';
import type { resolveModel } from '../hub/resolve-model.ts';
import { startedByMpirun } from '../parallel/mpi/mpirun.ts';
import type { Server, ServerOptions } from '../server/server.ts';
import type { ModelThreadOptions } from '../server/start-threads.ts';
import type { SignalReceiver, Signals } from '../terminal/interrupt.ts';
import type { Output } from '../terminal/output.ts';
import type { ChatTemplate } from '../text/chat.ts';
import type { Tokenizer } from '../text/tokenizer.ts';

/** What the commands use of an engine. */
export type RunningEngine = Pick<Engine, 'forward' | 'generate' | 'close'>;

/** What the commands use of a tokenizer. */
export type LoadedTokenizer = Pick<Tokenizer, 'encode' | 'decode' | 'tokens' | 'createStream'>;

/** What the command uses of a server. */
export type RunningServer = Pick<Server, 'url' | 'ended' | 'close'>;

/** Everything that a command uses beside its arguments and the files they name; tests inject their own. */
export interface Io {
  readonly stdout: Output;
  readonly stderr: Output;
  readonly signals: Signals;
  resolveModel: typeof resolveModel;
  loadEngine(modelDir: string, options: LoadOptions): Promise<RunningEngine>;
  loadTokenizer(modelDir: string): Promise<LoadedTokenizer>;
  loadChatTemplate(modelDir: string): Promise<Pick<ChatTemplate, 'render'>>;
  /** Loads a model in threads of its own and serves it. */
  startServer(load: ModelThreadOptions, options: Omit<ServerOptions, 'handlers'>): Promise<RunningServer>;
  readonly env: NodeJS.ProcessEnv;
  /** Ends the other ranks of an mpirun job when this process fails; does nothing without mpirun. */
  failJob(reason: string): Promise<void>;
}

/**
 * This process and the real engine. Modules are imported when a command needs them, so that `--help` is
 * quick.
 */
export const createProcessIo = (signals: SignalReceiver): Io => ({
  stdout: process.stdout,
  stderr: process.stderr,
  signals,
  async resolveModel(model, options) {
    const hub = await import('../hub/resolve-model.ts');
    return await hub.resolveModel(model, options);
  },
  async loadEngine(modelDir, options) {
    const { Engine } = await import('../engine.ts');
    return await signals.whileBlocking(() => Engine.load(modelDir, options));
  },
  async loadTokenizer(modelDir) {
    const { Tokenizer } = await import('../text/tokenizer.ts');
    return await Tokenizer.load(modelDir);
  },
  async loadChatTemplate(modelDir) {
    const { ChatTemplate } = await import('../text/chat.ts');
    return await ChatTemplate.load(modelDir);
  },
  async startServer(load, options) {
    const [{ startThreads }, { Server }, { HANDLERS }] = await Promise.all([
      import('../server/start-threads.ts'),
      import('../server/server.ts'),
      import('../server/handlers.ts'),
    ]);
    return await Server.start(await startThreads(load), { ...options, handlers: HANDLERS });
  },
  env: process.env,
  async failJob(reason) {
    // Not imported in vain: the command may have failed because it may open no more files.
    if (!startedByMpirun()) return;
    const mpi = await import('../parallel/mpi/fail-job.ts');
    await mpi.failJob(reason);
  },
});
