// One after the other: modules that are imported at once need a descriptor each, and one may be all there is.
const { formatDiagnostic } = await import('./diagnostic.ts');
const { namedShortage } = await import('./shortage.ts');
const { PlumblineError } = await import('../errors.ts');

/** What {@link importModules} uses of this process. */
export interface ImportingProcess {
  readonly stderr: { write(text: string): unknown };
  exit(exitCode: number): never;
}

/**
 * Imports the modules that a command consists of. Where the system has too little for that, as when the
 * process may open no more files, the process ends with one line on standard error: what prints the errors
 * of the command is not there yet.
 *
 * @param name of the command.
 * @param exitCode of an error that is no wrong usage.
 * @throws what `load` throws for any other reason.
 */
export async function importModules<T>(
  name: string,
  exitCode: number,
  load: () => Promise<T>,
  host: ImportingProcess = process,
): Promise<T> {
  try {
    return await load();
  } catch (error) {
    const named = namedShortage(error);
    if (!(named instanceof PlumblineError)) throw error;
    host.stderr.write(
      formatDiagnostic({ level: 'error', message: `cannot start: ${named.message}`, prefix: `${name}: ` }),
    );
    return host.exit(exitCode);
  }
}
