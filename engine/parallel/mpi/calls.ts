import { GroupError } from '../../errors.ts';
import type { Library } from './library.ts';

/** A message that was sent or received. Tag and bytes are meaningless for one that was sent. */
export interface Arrival {
  readonly tag: number;
  readonly bytes: number;
}

/**
 * The functions of MPI that a group needs, for bytes over MPI_COMM_WORLD. They throw GroupError if MPI
 * fails.
 */
export interface MpiCalls {
  /** "MPICH" (also for other libraries of its ABI) or "Open MPI". */
  readonly name: string;
  readonly rank: number;
  readonly size: number;
  /** As MPI_Get_library_version returns it. */
  readonly version: string;
  /** MPI_Isend. The bytes must not change until `test` returns an arrival. @returns the request. */
  startSend(bytes: Uint8Array, to: number, tag: number): Uint8Array;
  /** MPI_Irecv of a message of any tag and at most `bytes.length` bytes. @returns the request. */
  startReceive(bytes: Uint8Array, from: number): Uint8Array;
  /** MPI_Test. @returns undefined while the message is under way. */
  test(request: Uint8Array): Arrival | undefined;
  /**
   * MPI_Iprobe: the next message from a rank, which remains to be received; undefined if there is no
   * message.
   */
  probe(from: number): Arrival | undefined;
  /**
   * MPI_Finalize, once: waits for the other ranks, and kills this process if they take longer than
   * `withinMs`.
   */
  finalize(withinMs: number): void;
  /** MPI_Abort: ends this process and all others of the group that the launcher can reach. */
  abort(exitCode: number): void;
}

/** Handles as MPICH's mpi.h defines them; Intel MPI, MVAPICH and others share its ABI. */
const MPICH_HANDLES = { world: 0x44000000, byte: 0x4c00010d, errorsReturn: 0x54000001 };
/** Index of the tag in a status, in int32: MPICH's begins with the count, Open MPI's with source and tag. */
const MPICH_TAG = 3;
const OPEN_MPI_TAG = 1;

/** An int in MPICH, a pointer in Open MPI. */
const REQUEST_BYTES = 8;
/** At least the length of a status in either. */
const STATUS_INTS = 8;
/** At least the length of any error's text or version: MPICH's MPI_MAX_LIBRARY_VERSION_STRING. */
const MAX_TEXT = 8192;
/** The same number in both. */
const ANY_TAG = -1;

/** How long the launcher may take to end the group, in seconds: the link to it may be cut. */
const ABORT_S = 2;

/**
 * Binds the functions of an MPI library and initialises MPI, which works once in a process.
 *
 * @throws GroupError if MPI fails; Error if the library lacks a function.
 */
export function openMpi(library: Library): MpiCalls {
  const openMpi = has(library, 'ompi_mpi_comm_world');
  const handle = openMpi ? 'void *' : 'int';
  const { world, byte, errorsReturn } = openMpi
    ? {
        world: library.symbol('ompi_mpi_comm_world'),
        byte: library.symbol('ompi_mpi_byte'),
        errorsReturn: library.symbol('ompi_mpi_errors_return'),
      }
    : MPICH_HANDLES;
  const tagPlace = openMpi ? OPEN_MPI_TAG : MPICH_TAG;

  const errorString = library.func('int MPI_Error_string(int, void *, void *)');
  const call = (name: string, parameters: string) => {
    const raw = library.func(`int MPI_${name}(${parameters})`);
    return (...args: unknown[]): void => {
      const code = raw(...args) as number;
      if (code !== 0) throw new GroupError(`MPI_${name} failed: ${describe(code)}`);
    };
  };
  const textOf = (write: (text: Uint8Array, length: Int32Array) => void): string => {
    const [text, length] = [new Uint8Array(MAX_TEXT), new Int32Array(1)];
    write(text, length);
    return Buffer.from(text.subarray(0, length[0])).toString();
  };
  const describe = (code: number): string => textOf((text, length) => errorString(code, text, length));

  const message = `void *, int, ${handle}, int, int, ${handle}, void *`;
  const isend = call('Isend', message);
  const irecv = call('Irecv', message);
  const testRequest = call('Test', 'void *, void *, void *');
  const iprobe = call('Iprobe', `int, int, ${handle}, void *, void *`);
  const getCount = call('Get_count', `void *, ${handle}, void *`);
  const setErrorHandler = call('Comm_set_errhandler', `${handle}, ${handle}`);
  const [commRank, commSize] = ['Comm_rank', 'Comm_size'].map((name) => call(name, `${handle}, void *`));
  const libraryVersion = call('Get_library_version', 'void *, void *');
  const finalize = call('Finalize', '');
  const abort = call('Abort', `${handle}, int`);
  // Finalize and Abort wait without a limit; SIGALRM ends a process that is blocked in them. The MPI library
  // links to the C library, so its functions are found through it.
  const alarm = library.func('unsigned int alarm(unsigned int)');

  call('Init', 'void *, void *')(null, null);
  setErrorHandler(world, errorsReturn);
  const [flag, count, status] = [new Int32Array(1), new Int32Array(1), new Int32Array(STATUS_INTS)];
  const ask = (question: (...args: unknown[]) => void): number => {
    question(world, count);
    return count[0];
  };
  const arrival = (): Arrival | undefined => {
    if (flag[0] === 0) return undefined;
    getCount(status, byte, count);
    return { tag: status[tagPlace], bytes: count[0] };
  };
  return {
    name: openMpi ? 'Open MPI' : 'MPICH',
    rank: ask(commRank),
    size: ask(commSize),
    version: textOf(libraryVersion),
    startSend(bytes, to, tag) {
      const request = new Uint8Array(REQUEST_BYTES);
      isend(bytes, bytes.length, byte, to, tag, world, request);
      return request;
    },
    startReceive(bytes, from) {
      const request = new Uint8Array(REQUEST_BYTES);
      irecv(bytes, bytes.length, byte, from, ANY_TAG, world, request);
      return request;
    },
    test(request) {
      testRequest(request, flag, status);
      return arrival();
    },
    probe(from) {
      iprobe(from, ANY_TAG, world, flag, status);
      return arrival();
    },
    finalize(withinMs) {
      alarm(Math.ceil(withinMs / 1000));
      finalize();
      alarm(0);
    },
    abort(exitCode) {
      alarm(ABORT_S);
      abort(world, exitCode);
    },
  };
}

function has(library: Library, symbol: string): boolean {
  try {
    library.symbol(symbol);
    return true;
  } catch {
    return false;
  }
}
