import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { compileCacheFolder } from '../../../engine/checkpoint/cache-folder.ts';
import type { SamplingOptions } from '../../../engine/serving/sampling-params.ts';
import type { Arrival } from '../workload.ts';
import { peerEntry } from './catalogue.ts';
import type { HostCall, HostReply, LoadedPeer } from './host.ts';
import { type PeerSettings, PeerUnavailable } from './peer.ts';
import type { BatchTiming, ServiceTiming } from './timing.ts';

const HOST = fileURLToPath(new URL('host.ts', import.meta.url));
/** What is kept of a peer's complaints, in characters. */
const KEPT_OUTPUT = 2000;

/**
 * A peer in a process of its own, so that its memory can be measured, its threads end with it, and its crash
 * does not end the bench. One call at a time.
 */
export class PeerProcess {
  readonly id: string;
  readonly title: string;
  readonly #child: ChildProcess;
  #complaints = '';

  private constructor(id: string, child: ChildProcess) {
    this.id = id;
    this.title = peerEntry(id).title;
    this.#child = child;
    const end = () => child.kill('SIGKILL');
    process.once('exit', end);
    child.once('exit', () => process.off('exit', end));
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#complaints = (this.#complaints + text).slice(-KEPT_OUTPUT);
    });
  }

  /**
   * Starts a process and loads the peer in it.
   * @throws PeerUnavailable, Error if that fails; the process is ended.
   */
  static async start(id: string, settings: PeerSettings): Promise<{ peer: PeerProcess; loaded: LoadedPeer }> {
    // Libraries may print what they like: only the channel is listened to.
    const child = fork(HOST, [], {
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      serialization: 'advanced',
      // A peer counts no coverage: that would be in its times.
      env: { ...process.env, NODE_V8_COVERAGE: undefined, NODE_COMPILE_CACHE: compileCacheFolder() },
    });
    const peer = new PeerProcess(id, child);
    try {
      return { peer, loaded: (await peer.#ask({ call: 'load', peer: id, settings })) as LoadedPeer };
    } catch (error) {
      await peer.kill();
      throw error;
    }
  }

  /** @param sampling only our engine looks at it. Default: greedy. */
  async batch(
    prompts: readonly (readonly number[])[],
    maxNewTokens: number,
    sampling?: SamplingOptions,
  ): Promise<BatchTiming> {
    return (await this.#ask({ call: 'batch', prompts, maxNewTokens, sampling })) as BatchTiming;
  }

  async service(arrivals: readonly Arrival[]): Promise<ServiceTiming> {
    return (await this.#ask({ call: 'service', arrivals })) as ServiceTiming;
  }

  /** The most memory that the process ever had, in bytes. */
  async peakMemory(): Promise<number> {
    return (await this.#ask({ call: 'memory' })) as number;
  }

  /** The same of every rank, by rank. */
  async rankMemory(): Promise<number[]> {
    return (await this.#ask({ call: 'rankMemory' })) as number[];
  }

  /** Ends the peer and its process. */
  async close(): Promise<void> {
    try {
      if (this.#isRunning) await this.#ask({ call: 'close' });
    } finally {
      await this.kill();
    }
  }

  /** Ends the process, whatever it is at. */
  async kill(): Promise<void> {
    if (!this.#isRunning) return;
    const gone = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await gone;
  }

  get #isRunning(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  async #ask(call: HostCall): Promise<unknown> {
    const controller = new AbortController();
    const { signal } = controller;
    try {
      // After `exit` standard error may still hold what the process said last; at `close` all of it has come.
      const died = once(this.#child, 'close', { signal }).then(() => {
        const { exitCode, signalCode, spawnargs } = this.#child;
        throw new Error(
          `${this.title}: its process ended with ${signalCode ?? exitCode} at "${call.call}" (${spawnargs.join(' ')}): ${this.#complaints.trim()}`,
        );
      });
      const answered = once(this.#child, 'message', { signal });
      // Whichever comes second is aborted.
      died.catch(() => {});
      answered.catch(() => {});
      if (this.#isRunning) this.#child.send(call);
      else throw new Error(`${this.title}: its process has ended`);
      const [reply] = (await Promise.race([answered, died])) as unknown as [HostReply];
      if ('result' in reply) return reply.result;
      const message = `${this.title}: ${reply.error}`;
      throw reply.unavailable ? new PeerUnavailable(message) : new Error(message);
    } finally {
      controller.abort();
    }
  }
}
