import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

/** Sets a whole number as an option of a socket, as C's setsockopt does. */
export type SetOption = (descriptor: number, level: number, option: number, value: number) => void;

/** Of Linux. */
const SOL_SOCKET = 1;
const SO_KEEPALIVE = 9;
const IPPROTO_TCP = 6;
const TCP_KEEPIDLE = 4;
const TCP_KEEPINTVL = 5;
const TCP_USER_TIMEOUT = 18;

/** As /proc/net/tcp has it. */
const ESTABLISHED = '01';
/**
 * The TCP connections to other hosts that an MPI library has opened in this process. A rank that idles sends nothing,
 * and the library itself does not tell that a link is cut: the system finds out, being asked to look after them.
 */
export class Connections {
  readonly #setOption: SetOption;
  readonly #timeoutMs: number;
  /** Sockets that are others'. */
  readonly #foreign: ReadonlySet<string>;
  /** Sockets that have been seen connected. */
  readonly #known = new Set<string>();

  /**
   * To be made before the library is initialised.
   *
   * @param timeoutMs how long another host may be silent, in ms; the system counts in seconds.
   */
  constructor(setOption: SetOption, timeoutMs: number) {
    this.#setOption = setOption;
    this.#timeoutMs = timeoutMs;
    this.#foreign = new Set(sockets().keys());
  }

  /** Whether a connection is lost that was seen by an earlier look. */
  look(): boolean {
    const open = sockets();
    const connected = connectedSockets();
    for (const [socket, descriptor] of open) {
      if (!connected.has(socket) || this.#foreign.has(socket) || this.#known.has(socket)) continue;
      this.#known.add(socket);
      this.#watch(descriptor);
    }
    return [...this.#known].some((socket) => !connected.has(socket));
  }

  #watch(descriptor: number): void {
    const seconds = Math.max(1, Math.round(this.#timeoutMs / 2000));
    this.#setOption(descriptor, SOL_SOCKET, SO_KEEPALIVE, 1);
    this.#setOption(descriptor, IPPROTO_TCP, TCP_KEEPIDLE, seconds);
    this.#setOption(descriptor, IPPROTO_TCP, TCP_KEEPINTVL, seconds);
    this.#setOption(descriptor, IPPROTO_TCP, TCP_USER_TIMEOUT, this.#timeoutMs);
  }
}

/** The sockets of this process, by the number that the system gives them, with their descriptors. */
function sockets(): Map<string, number> {
  const found = new Map<string, number>();
  if (process.platform !== 'linux') return found;
  for (const descriptor of readdirSync('/proc/self/fd')) {
    const [, socket] = /^socket:\[(\d+)\]$/.exec(targetOf(descriptor)) ?? [];
    if (socket) found.set(socket, Number(descriptor));
  }
  return found;
}

function targetOf(descriptor: string): string {
  try {
    return readlinkSync(`/proc/self/fd/${descriptor}`);
  } catch {
    // The one that listed them is closed.
    return '';
  }
}

/** The TCP sockets on this host's network that are connected to another. */
function connectedSockets(): Set<string> {
  const connected = new Set<string>();
  if (process.platform !== 'linux') return connected;
  for (const table of ['tcp', 'tcp6']) {
    for (const line of readTable(`/proc/self/net/${table}`)) {
      const [, local, remote, state, , , , , , socket] = line.trim().split(/\s+/);
      if (state === ESTABLISHED && hostOf(remote) !== hostOf(local)) connected.add(socket);
    }
  }
  return connected;
}

/** The lines of a table of the system but its heading; none where there is no such table. */
function readTable(path: string): string[] {
  try {
    return readFileSync(path, 'utf8').trimEnd().split('\n').slice(1);
  } catch {
    // A system without IPv6.
    return [];
  }
}

function hostOf(address: string): string {
  return address.slice(0, address.indexOf(':'));
}
