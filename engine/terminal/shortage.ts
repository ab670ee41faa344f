import { PlumblineError, ResourceError } from '../errors.ts';

/** What the system may have too little of: how errors and crashes name it, and what to do. */
const SHORTAGES: readonly { readonly named: RegExp; readonly remedy: string }[] = [
  {
    // Node's reader of package.json has no code in its errors.
    named: /\bEMFILE\b|too many open files/,
    remedy: 'this process may open no more files; raise the limit: ulimit -n',
  },
  {
    named: /\bENFILE\b/,
    remedy: 'the system may open no more files; close some, or raise fs.file-max',
  },
  {
    // libuv, Node's own checks, and sh.
    named: /\bEAGAIN\b|pthread_create|uv_thread_create|\bCannot fork\b/,
    remedy: 'this user may start no more processes and threads; raise the limit: ulimit -u',
  },
  {
    named: /heap out of memory/,
    remedy:
      "JavaScript's heap can grow no more; raise NODE_OPTIONS=--max-old-space-size=MEGABYTES, or ulimit -v if there is one",
  },
  {
    // V8 as it aborts, and V8 as it throws.
    named: /\bENOMEM\b|out of memory|Array buffer allocation failed/,
    remedy: 'there is too little memory; free some, or raise the limit: ulimit -v',
  },
];

/** What to do about the shortage that a text names; undefined if it names none. */
export function shortageIn(text: string): string | undefined {
  return SHORTAGES.find(({ named }) => named.test(text))?.remedy;
}

/** The message of an error of a process, a thread or a file that could not be made, with what was short. */
export function describeShortage(error: unknown): string {
  const { message } = error as Error;
  const remedy = remedyFor(error as Error);
  return remedy === undefined ? message : `${message.replace(/\.$/, '')}: ${remedy}`;
}

/**
 * The code of an error of the file system, as a message has it in parentheses, with what was short:
 * `EMFILE: this process may open no more files; …`.
 */
export function describeCode(error: unknown): string {
  const { code = 'unknown error' } = error as NodeJS.ErrnoException;
  const remedy = shortageIn(code);
  return remedy === undefined ? code : `${code}: ${remedy}`;
}

/**
 * Names the class of an unexpected error where it arises, as of a module that cannot be imported:
 * every import, thread and process needs files and memory.
 *
 * @returns a ResourceError if a shortage is the reason; any other error as it is.
 */
export function namedShortage(error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof PlumblineError) return error;
  const { code, syscall } = error as NodeJS.ErrnoException;
  // A pipe that is not ready says EAGAIN too; and a thread's own limit is its caller's affair.
  if (syscall === 'read' || syscall === 'write' || code === 'ERR_WORKER_OUT_OF_MEMORY') return error;
  if (remedyFor(error) === undefined) return error;
  return new ResourceError(describeShortage(error), { cause: error });
}

/** An error of a worker has the name of the system's error in its message only. */
function remedyFor({ code = '', message }: NodeJS.ErrnoException): string | undefined {
  return shortageIn(code) ?? shortageIn(message);
}
