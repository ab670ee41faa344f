import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, constants, openSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { GroupError } from '../../errors.ts';
import { describeShortage } from '../../terminal/shortage.ts';

/**
 * A FIFO from one rank to another, as file descriptors. Both ranks have both ends open, so that a rank can
 * interrupt its own wait. A rank's death therefore does not close the FIFO; the launcher sees its children
 * exit.
 */
export interface Fifo {
  /** For the main thread: reads and writes block. */
  readonly blocking: number;
  /** For the thread beside it: reads and writes never block (O_NONBLOCK). */
  readonly nonBlocking: number;
}

/** The FIFOs of one rank, by peer; undefined at the rank's own index. */
export interface Links {
  readonly incoming: readonly (Fifo | undefined)[];
  readonly outgoing: readonly (Fifo | undefined)[];
}

/** The first descriptor of a rank's FIFOs, after stdin, stdout, stderr and the control socket. */
const FIRST_DESCRIPTOR = 4;
const DESCRIPTORS_PER_PEER = 4;

/**
 * Makes a FIFO for each of its arguments in a new folder and prints the folder's path. Removes the folder
 * when its standard input ends, which also happens when the launcher is killed; signals of the terminal are
 * left to the launcher.
 */
const MAKER = `
trap '' HUP INT PIPE TERM
folder=$(mktemp -d "$0/plumbline-group-XXXXXX") || exit
trap 'rm -rf "$folder"' EXIT
cd "$folder" && mkfifo -m 600 "$@" && echo "$folder" && read -r end
`;

/**
 * Makes a FIFO from every rank to every other and removes the files again: open descriptors are enough.
 *
 * @returns [sender][receiver].
 * @throws GroupError if the system has no mkfifo, or the temporary folder cannot be written.
 */
export async function openFifos(size: number): Promise<(Fifo | undefined)[][]> {
  const failed = `${size} ranks on this machine need FIFOs between them, made by mkfifo`;
  const ranks = [...Array(size).keys()];
  const name = (from: number, to: number) => `${from}-${to}`;
  const names = ranks.flatMap((from) => ranks.filter((to) => to !== from).map((to) => name(from, to)));
  const maker = spawn('sh', ['-c', MAKER, tmpdir(), ...names]);
  if (maker.pid === undefined) {
    const [cause] = await once(maker, 'error');
    throw new GroupError(`${failed}: ${describeShortage(cause)}`, [], { cause });
  }
  // EPIPE if it has ended early; its exit code is reported below.
  maker.stdin.on('error', () => {});
  const ended = Promise.all([text(maker.stderr), once(maker, 'close')]);
  const opened: number[] = [];
  const open = (file: string, flags: number) => {
    opened.push(openSync(file, constants.O_RDWR | flags));
    return opened[opened.length - 1];
  };
  try {
    const endedEarly = ended.then(([stderr, [exitCode, signal]]) => {
      const message = stderr.trim() || `it ended with ${signal ?? exitCode}`;
      const isFolder = /^(mktemp|mkfifo): /.test(message);
      throw new Error(isFolder ? `${message}; set TMPDIR to a folder that can be written` : message);
    });
    const [folder]: string[] = await Promise.race([once(createInterface(maker.stdout), 'line'), endedEarly]);
    const fifo = (file: string) => ({
      blocking: open(file, 0),
      nonBlocking: open(file, constants.O_NONBLOCK),
    });
    const between = (from: number, to: number) =>
      to === from ? undefined : fifo(join(folder, name(from, to)));
    return ranks.map((from) => ranks.map((to) => between(from, to)));
  } catch (cause) {
    opened.forEach(closeSync);
    throw new GroupError(`${failed}: ${describeShortage(cause)}`, [], { cause });
  } finally {
    maker.stdin.end();
    await ended.catch(() => {});
  }
}

/** The FIFOs of one rank. @param fifos [sender][receiver]. */
export function linksOf(rank: number, fifos: readonly (readonly (Fifo | undefined)[])[]): Links {
  return { incoming: fifos.map((row) => row[rank]), outgoing: fifos[rank] };
}

/** The file descriptors of a rank's FIFOs, in the order in which a child process inherits them. */
export function descriptorsOf({ incoming, outgoing }: Links): number[] {
  return incoming.flatMap((fifo, peer) => {
    const pair = [fifo, outgoing[peer]];
    return pair.flatMap((one) => (one ? [one.blocking, one.nonBlocking] : []));
  });
}

/**
 * The FIFOs of a rank in its own process, where the descriptors of {@link descriptorsOf} are numbered from
 * 4.
 */
export function inheritedLinks(rank: number, size: number): Links {
  const fifo = (peer: number, offset: number): Fifo | undefined => {
    if (peer === rank) return undefined;
    const first = FIRST_DESCRIPTOR + DESCRIPTORS_PER_PEER * (peer < rank ? peer : peer - 1) + offset;
    return { blocking: first, nonBlocking: first + 1 };
  };
  const peers = [...Array(size).keys()];
  return { incoming: peers.map((peer) => fifo(peer, 0)), outgoing: peers.map((peer) => fifo(peer, 2)) };
}

/** Closes the FIFOs for which `condition` holds. */
export function closeFifos(
  fifos: readonly (readonly (Fifo | undefined)[])[],
  condition: (from: number, to: number) => boolean,
): void {
  for (const [from, row] of fifos.entries()) {
    for (const [to, fifo] of row.entries()) {
      if (!fifo || !condition(from, to)) continue;
      closeSync(fifo.blocking);
      closeSync(fifo.nonBlocking);
    }
  }
}
