import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

/** Sets an int option of a socket, as C's setsockopt does. */
export type SetOption = (descriptor: number, level: number, option: number, value: number) => void;

/** Linux's numbers for setsockopt. */
const SOL_SOCKET = 1;
const SO_KEEPALIVE = 9;
const IPPROTO_TCP = 6;
const TCP_KEEPIDLE = 4;
const TCP_KEEPINTVL = 5;
const TCP_USER_TIMEOUT = 18;

/** A socket's state in /proc/net/tcp. */
const ESTABLISHED = '01';

/**
 * The TCP connections to other hosts that an MPI library has opened in this process. An idle rank sends
 * nothing, and the library does not report a cut link, so TCP keepalive is switched on and the sockets'
 * states are polled.
 */
export class Connections {
  readonly #setOption: SetOption;
  readonly #timeoutMs: number;
  /** Sockets that were open before the library was initialised. */
  readonly #preexisting: ReadonlySet<string>;
  /** Sockets that an earlier poll found connected. */
  readonly #connected = new Set<string>();

  /**
   * Must be constructed before the library is initialised.
   *
   * @param timeoutMs how long another host may be silent, in ms; keepalive counts in seconds.
   */
  constructor(setOption: SetOption, timeoutMs: number) {
    this.#setOption = setOption;
    this.#timeoutMs = timeoutMs;
    this.#preexisting = new Set(sockets().keys());
  }

  /** Registers new connections. @returns whether a connection that an earlier poll registered is lost. */
  poll(): boolean {
    const open = sockets();
    const connected = connectedSockets();
    for (const [socket, descriptor] of open) {
      if (!connected.has(socket) || this.#preexisting.has(socket) || this.#connected.has(socket)) continue;
      this.#connected.add(socket);
      this.#enableKeepalive(descriptor);
    }
    return [...this.#connected].some((socket) => !connected.has(socket));
  }

  #enableKeepalive(descriptor: number): void {
    const seconds = Math.max(1, Math.round(this.#timeoutMs / 2000));
    this.#setOption(descriptor, SOL_SOCKET, SO_KEEPALIVE, 1);
    this.#setOption(descriptor, IPPROTO_TCP, TCP_KEEPIDLE, seconds);
    this.#setOption(descriptor, IPPROTO_TCP, TCP_KEEPINTVL, seconds);
    this.#setOption(descriptor, IPPROTO_TCP, TCP_USER_TIMEOUT, this.#timeoutMs);
  }
}

/** The sockets of this process: descriptors by inode. */
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
    // The descriptor is closed, such as the one that readdir used.
    return '';
  }
}

/** Inodes of the TCP sockets of this network namespace that are connected to another address. */
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

/** The lines of a file in /proc without its heading; empty if there is no such file. */
function readTable(path: string): string[] {
  try {
    return readFileSync(path, 'utf8').trimEnd().split('\n').slice(1);
  } catch {
    // tcp6 is missing on a system without IPv6.
    return [];
  }
}

function hostOf(address: string): string {
  return address.slice(0, address.indexOf(':'));
}
