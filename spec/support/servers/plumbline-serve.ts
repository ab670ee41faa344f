import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { type Ended, ended, startCli } from '../processes/processes.ts';

/** A `plumbline serve` that is ready. */
export interface ServeProcess {
  /** With `/v1` at its end. */
  readonly url: string;
  /** Ends the server as Ctrl-C does. */
  end(): Promise<Ended>;
}

/**
 * Starts `plumbline serve` on a free port, and waits until it is ready. It ends with this thread at the
 * latest.
 */
export async function startServe(modelDir: string, ...argv: string[]): Promise<ServeProcess> {
  const child = startCli(['serve', '--model', modelDir, '--port', '0', '--log', 'json', ...argv]);
  const kill = () => child.kill('SIGKILL');
  process.once('exit', kill);
  const end = ended(child, false).finally(() => process.off('exit', kill));
  const lines = createInterface({ input: child.stdout! });
  const ready = once(lines, 'line') as Promise<[string]>;
  const first = await Promise.race([ready, end]);
  if (!Array.isArray(first)) throw new Error(`plumbline serve has ended early: ${first.err}`);
  const { url } = JSON.parse(first[0]) as { url: string };
  return {
    url,
    end: () => {
      child.kill('SIGINT');
      return end;
    },
  };
}
