/** What to do about an error that means the system has too little of something. */
const REMEDIES: Readonly<Record<string, string>> = {
  EMFILE: 'this process may open no more files; raise the limit: ulimit -n',
  ENFILE: 'the system may open no more files; close some, or raise fs.file-max',
  EAGAIN: 'this user may start no more processes; raise the limit: ulimit -u',
  ENOMEM: 'there is too little memory',
};

/** The message of an error of a process, a thread or a file that could not be made, with what was short. */
export function describeShortage(error: unknown): string {
  const { message, code = '' } = error as NodeJS.ErrnoException;
  // An error of a worker has the name of the system's error in its message only.
  const name = code in REMEDIES ? code : Object.keys(REMEDIES).find((known) => message.includes(known));
  return name === undefined ? message : `${message}: ${REMEDIES[name]}`;
}
