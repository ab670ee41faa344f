/**
 * The URL of a module beside the caller, for a worker or a process that runs it. In the repository modules
 * are `.ts`; in the npm package they are compiled to `.js`, where tsc rewrites imports but not URLs.
 *
 * @param path of the source, such as `./pool-thread.ts`.
 * @param base `import.meta.url` of the caller.
 */
export function siblingModule(path: `./${string}.ts`, base: string): URL {
  return new URL(base.endsWith('.js') ? path.replace(/ts$/, 'js') : path, base);
}
