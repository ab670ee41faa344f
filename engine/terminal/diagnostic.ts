/** How warnings and errors are written: `text`, `json` (an object each), `none` (errors alone, as text). */
const VARIABLE = 'PLUMBLINE_LOG';

/** Sets the format for this process, its threads that start later, and nothing else. */
export function setDiagnosticFormat(format: 'text' | 'json' | 'none', env: NodeJS.ProcessEnv): void {
  env[VARIABLE] = format;
}

/** The environment of a child whose standard error is made into diagnostics line by line. */
export function withTextDiagnostics(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return { ...env, [VARIABLE]: undefined };
}

/** A warning, or the error that ends a command. */
export interface Diagnostic {
  readonly level: 'warning' | 'error';
  readonly message: string;
  /** Stands before the message of a text. */
  readonly prefix?: string;
}

/**
 * What standard error is sent of a diagnostic.
 *
 * @returns with its line break; '' if nothing is written.
 */
export function formatDiagnostic(
  { level, message, prefix = '' }: Diagnostic,
  env: NodeJS.ProcessEnv = process.env,
): string {
  const format = env[VARIABLE];
  if (format === 'json') return `${JSON.stringify({ time: new Date(), level, message })}\n`;
  return format === 'none' && level === 'warning' ? '' : `${prefix}${message}\n`;
}
