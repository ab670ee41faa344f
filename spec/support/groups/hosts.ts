import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ExecutionContext } from 'ava';
import { temporaryFolder } from '../processes/cleanup.ts';
import { type Backend, GroupRun, launcherOf } from './groups.ts';

/** The network device of either host. */
const DEVICE = 'veth0';
const UP_WITHIN_MS = 5000;

/** Why hosts cannot be made on this system; undefined if they can. */
export function whyNoHosts(): string | undefined {
  if (process.platform !== 'linux') return 'no network namespaces: this is not Linux';
  if (process.getuid?.() !== 0) return 'network namespaces need root';
  if (spawnSync('ip', ['-V']).error) return 'no ip: apt install iproute2';
  const { status, stderr, error } = spawnSync('unshare', ['--net', '--uts', '--mount', 'true'], {
    encoding: 'utf8',
  });
  return status === 0 ? undefined : `no network namespaces: ${error?.message ?? stderr.trim()}`;
}

/**
 * A host within this machine: namespaces for network and host name, and a view of `/sys`. They exist as long
 * as a process whose standard input is a pipe from this one, so they end with this process, however it ends.
 */
class Host {
  readonly address: string;
  readonly #holder: ChildProcess;

  constructor(name: string, address: string) {
    this.address = address;
    const script = `hostname ${name} && mount -t sysfs sysfs /sys && ip link set lo up && echo ready && exec cat`;
    const args = ['--net', '--uts', '--mount', 'sh', '-c', script];
    this.#holder = spawn('unshare', args, { stdio: ['pipe', 'pipe', 'inherit'] });
  }

  async ready(): Promise<void> {
    const [begun] = await Promise.race([once(this.#holder.stdout!, 'data'), once(this.#holder, 'exit')]);
    if (String(begun) !== 'ready\n')
      throw new Error(`cannot start the host ${this.address}: unshare printed no "ready"`);
  }

  get pid(): number {
    return this.#holder.pid ?? 0;
  }

  /** Prefix of a command, to run it on this host. */
  get inside(): string[] {
    return ['nsenter', '--target', String(this.pid), '--net', '--uts', '--mount', '--'];
  }

  run(...command: string[]): string {
    const [first, ...rest] = [...this.inside, ...command];
    const { status, stdout, stderr } = spawnSync(first, rest, { encoding: 'utf8' });
    if (status !== 0) throw new Error(`${command.join(' ')} on ${this.address}: ${stderr}`);
    return stdout;
  }

  /** Bytes sent through the device. */
  get sentBytes(): number {
    const line = readFileSync(`/proc/${this.pid}/net/dev`, 'utf8')
      .split('\n')
      .find((text) => text.trim().startsWith(`${DEVICE}:`));
    // The name, eight numbers for receiving, then the bytes sent.
    return Number(line?.trim().split(/\s+/)[9]);
  }

  get isUp(): boolean {
    return this.run('cat', `/sys/class/net/${DEVICE}/operstate`).trim() === 'up';
  }

  async end(): Promise<void> {
    if (this.#holder.exitCode !== null) return;
    this.#holder.stdin?.end();
    await once(this.#holder, 'exit');
  }
}

/** Two hosts and a link between them. */
export class Hosts {
  readonly all: readonly [Host, Host];
  readonly #folder: string;

  private constructor(all: readonly [Host, Host], folder: string) {
    this.all = all;
    this.#folder = folder;
  }

  /** Makes hosts that are removed when the test ends. */
  static async make(t: ExecutionContext): Promise<Hosts> {
    const folder = temporaryFolder(t);
    const [one, other] = [new Host('plumbline-one', '10.77.0.1'), new Host('plumbline-other', '10.77.0.2')];
    for (const host of [one, other]) t.teardown(() => host.end());
    await Promise.all([one.ready(), other.ready()]);
    const peer = ['peer', 'name', DEVICE, 'netns', String(other.pid)];
    one.run('ip', 'link', 'add', DEVICE, 'type', 'veth', ...peer);
    for (const host of [one, other]) {
      host.run('ip', 'address', 'add', `${host.address}/24`, 'dev', DEVICE);
      host.run('ip', 'link', 'set', DEVICE, 'up');
    }
    const deadline = Date.now() + UP_WITHIN_MS;
    while (!(one.isUp && other.isUp)) {
      if (Date.now() > deadline) throw new Error(`cannot bring up ${DEVICE} within ${UP_WITHIN_MS} ms`);
      await sleep(10);
    }
    return new Hosts([one, other], folder);
  }

  /** Bytes that each host has sent over the link. */
  get sentBytes(): number[] {
    return this.all.map((host) => host.sentBytes);
  }

  /** Takes the link down. */
  cut(): void {
    this.all[1].run('ip', 'link', 'set', DEVICE, 'down');
  }

  /** A script in place of ssh, as mpirun calls it: options, host, command. */
  #remoteShell(): string {
    const cases = this.all.map(({ address, inside }) => `${address}) enter="${inside.join(' ')}";;`);
    const script = [
      '#!/bin/sh',
      // Skip the options.
      `while ! case $1 in -*) false;; esac; do shift; done`,
      `case $1 in ${cases.join(' ')} *) echo "no host $1" >&2; exit 1;; esac`,
      'shift',
      'exec $enter sh -c "exec $*"',
    ];
    const path = join(this.#folder, 'remote-shell');
    writeFileSync(path, `${script.join('\n')}\n`, { mode: 0o700 });
    return path;
  }

  /** Standard error of a rank of the last start, kept in a file, because mpirun may drop it. */
  stderrOf(rank: number): string {
    const path = this.#stderrPath(rank);
    return existsSync(path) ? readFileSync(path, 'utf8') : '';
  }

  #stderrPath(rank: number): string {
    return join(this.#folder, `${rank}.log`);
  }

  /** Standard error of both ranks. */
  get stderr(): string {
    return [0, 1].map((rank) => `\nrank ${rank}: ${this.stderrOf(rank)}`).join('');
  }

  /** Starts a program with one rank on each host, by an mpirun on the first; killed when the test ends. */
  start(t: ExecutionContext, mpi: Exclude<Backend, 'fork'>, program: readonly string[]): GroupRun {
    for (const path of [0, 1].map((rank) => this.#stderrPath(rank))) rmSync(path, { force: true });
    const rank = mpi === 'MPICH' ? '$PMI_RANK' : '$OMPI_COMM_WORLD_RANK';
    const redirected = ['sh', '-c', `exec "$0" "$@" 2> ${this.#folder}/${rank}.log`, ...program];
    const command = [
      // TCP only: the hosts share a machine, so MPI could use shared memory.
      ...['env', 'UCX_TLS=tcp,self', 'FI_PROVIDER=tcp', 'OMPI_MCA_pml=ob1', 'OMPI_MCA_btl=tcp,self'],
      ...[`OMPI_MCA_btl_tcp_if_include=${DEVICE}`, `OMPI_MCA_oob_tcp_if_include=${DEVICE}`],
      ...this.all[0].inside,
      launcherOf(mpi) ?? 'mpirun',
      ...(mpi === 'MPICH'
        ? ['-launcher', 'rsh', '-launcher-exec', this.#remoteShell(), '-ppn', '1', '-hosts']
        : ['--bind-to', 'none', '--mca', 'plm_rsh_agent', this.#remoteShell(), '-host']),
      this.all.map(({ address }) => address).join(','),
      ...['-n', '2', ...redirected],
    ];
    const run = new GroupRun(command[0], command.slice(1), temporaryFolder(t));
    t.teardown(() => run.killAll());
    return run;
  }
}
