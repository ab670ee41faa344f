import { GroupError } from '../../errors.ts';
import type { Library } from './library.ts';

/** A message that has gone out or come in. Of one that was sent, tag and bytes mean nothing. */
export interface Arrival {
  readonly tag: number;
  readonly bytes: number;
}

/** The functions of MPI that a group needs, for bytes over MPI_COMM_WORLD. Those that report an error throw it. */
export interface MpiCalls {
  /** "MPICH" (or another of its ABI) or "Open MPI". */
  readonly name: string;
  readonly rank: number;
  readonly size: number;
  /** The library and its version in its own words. */
  readonly version: string;
  /** Starts to send; the bytes must stay as they are until `test` says so. @returns the request. */
  startSend(bytes: Uint8Array, to: number, tag: number): Uint8Array;
  /** Starts to receive a message of any tag and at most that many bytes. @returns the request. */
  startReceive(bytes: Uint8Array, from: number): Uint8Array;
  /** Undefined while it is under way. */
  test(request: Uint8Array): Arrival | undefined;
  /** The message that comes next from a rank, which remains to be received; undefined if there is none. */
  probe(from: number): Arrival | undefined;
  /** Ends MPI, which can be done once; waits for the other ranks, and ends this process if they take longer. */
  finalize(withinMs: number): void;
  /** Ends all processes of the group that the launcher can reach, this one in any case. */
  abort(exitCode: number): void;
}

/** Handles as MPICH's mpi.h defines them; Intel MPI, MVAPICH and others have the same. */
const MPICH_HANDLES = { world: 0x44000000, byte: 0x4c00010d, errorsReturn: 0x54000001 };
/** Where the tag is in a status, in int32: MPICH has the count in front of it, Open MPI behind. */
const MPICH_TAG = 3;
const OPEN_MPI_TAG = 1;

/** An int in MPICH, a pointer in Open MPI. */
const REQUEST_BYTES = 8;
/** At least what a status has in either. */
const STATUS_INTS = 8;
/** At least what an error's text or a version's may take: MPI_MAX_LIBRARY_VERSION_STRING of MPICH. */
const MAX_TEXT = 8192;
/** Equal in both. */
const ANY_TAG = -1;

/** What the launcher may take to end the group: it may be on the far side of a link that is cut. In seconds. */
const ABORT_S = 2;

/**
 * Binds the functions of an MPI library and initialises MPI, which can be done once in a process.
 *
 * @throws GroupError if the library is none of MPI.
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
  const textOf = (tell: (text: Uint8Array, length: Int32Array) => void): string => {
    const [text, length] = [new Uint8Array(MAX_TEXT), new Int32Array(1)];
    tell(text, length);
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
  // Both wait for the launcher without a limit; the system's alarm ends a process whatever it waits for. MPI's library
  // leads to the C library, on which it depends.
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
