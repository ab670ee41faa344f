import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, constants, openSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { GroupError } from '../../errors.ts';

/**
 * One direction between two ranks, as file descriptors. Both ends are open in both ranks, so that each can wake itself;
 * that a rank has died is told by the launcher, which sees its children end.
 */
export interface Fifo {
  /** For the main thread: reads and writes wait. */
  readonly blocking: number;
  /** For the thread beside it: reads and writes never wait. */
  readonly prompt: number;
}

/** The FIFOs of one rank by peer; none at the rank's own place. */
export interface Links {
  readonly incoming: readonly (Fifo | undefined)[];
  readonly outgoing: readonly (Fifo | undefined)[];
}

/** File descriptors of a rank before its FIFOs: stdin, stdout, stderr, control. */
const FIRST_DESCRIPTOR = 4;
const DESCRIPTORS_PER_PEER = 4;

/**
 * Makes FIFOs of the names it is given in a new folder, and tells which. It removes them when its input ends, which is
 * also when the launcher is killed; Ctrl-C, which reaches both, is the launcher's to hear.
 */
const MAKER = `
trap '' HUP INT PIPE TERM
folder=$(mktemp -d "$0/plumbline-group-XXXXXX") || exit
trap 'rm -rf "$folder"' EXIT
cd "$folder" && mkfifo -m 600 "$@" && echo "$folder" && read -r end
`;

/**
 * Makes a FIFO from every rank to every other. Their files are gone when this is done: what the launcher and its
 * children have open is all there is of them.
 *
 * @returns by sender, by receiver.
 * @throws GroupError where the system has no FIFOs.
 */
export async function openFifos(size: number): Promise<(Fifo | undefined)[][]> {
  const ranks = [...Array(size).keys()];
  const name = (from: number, to: number) => `${from}-${to}`;
  const names = ranks.flatMap((from) => ranks.filter((to) => to !== from).map((to) => name(from, to)));
  const maker = spawn('sh', ['-c', MAKER, tmpdir(), ...names]);
  // If it ends early there is nobody to listen.
  maker.stdin.on('error', () => {});
  const ended = Promise.all([text(maker.stderr), once(maker, 'close')]);
  const opened: number[] = [];
  const open = (file: string, flags: number) => {
    opened.push(openSync(file, constants.O_RDWR | flags));
    return opened[opened.length - 1];
  };
  try {
    const failed = ended.then(([stderr, [exitCode, signal]]) => {
      throw new Error(stderr.trim() || `it ended with ${signal ?? exitCode}`);
    });
    const [folder]: string[] = await Promise.race([once(createInterface(maker.stdout), 'line'), failed]);
    const fifo = (file: string) => ({ blocking: open(file, 0), prompt: open(file, constants.O_NONBLOCK) });
    const between = (from: number, to: number) =>
      to === from ? undefined : fifo(join(folder, name(from, to)));
    return ranks.map((from) => ranks.map((to) => between(from, to)));
  } catch (cause) {
    opened.forEach(closeSync);
    const reason = (cause as Error).message;
    const message = `${size} ranks on this machine need FIFOs between them, made by mkfifo: ${reason}`;
    throw new GroupError(message, [], { cause });
  } finally {
    maker.stdin.end();
    await ended.catch(() => {});
  }
}

/** The FIFOs of one rank, out of all. */
export function linksOf(rank: number, fifos: readonly (readonly (Fifo | undefined)[])[]): Links {
  return { incoming: fifos.map((row) => row[rank]), outgoing: fifos[rank] };
}

/** The file descriptors of a rank's FIFOs, in the order in which a child gets them. */
export function descriptorsOf({ incoming, outgoing }: Links): number[] {
  return incoming.flatMap((fifo, peer) => {
    const pair = [fifo, outgoing[peer]];
    return pair.flatMap((one) => (one ? [one.blocking, one.prompt] : []));
  });
}

/** The FIFOs of a child, by the numbers that {@link descriptorsOf} leads to there. */
export function inheritedLinks(rank: number, size: number): Links {
  const fifo = (peer: number, offset: number): Fifo | undefined => {
    if (peer === rank) return undefined;
    const first = FIRST_DESCRIPTOR + DESCRIPTORS_PER_PEER * (peer < rank ? peer : peer - 1) + offset;
    return { blocking: first, prompt: first + 1 };
  };
  const peers = [...Array(size).keys()];
  return { incoming: peers.map((peer) => fifo(peer, 0)), outgoing: peers.map((peer) => fifo(peer, 2)) };
}

/** Closes the FIFOs that satisfy a condition. */
export function closeFifos(
  fifos: readonly (readonly (Fifo | undefined)[])[],
  condition: (from: number, to: number) => boolean,
): void {
  for (const [from, row] of fifos.entries()) {
    for (const [to, fifo] of row.entries()) {
      if (!fifo || !condition(from, to)) continue;
      closeSync(fifo.blocking);
      closeSync(fifo.prompt);
    }
  }
}
