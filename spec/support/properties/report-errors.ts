import { registerHooks } from 'node:module';

const REPORTING = new URL('reporting-fast-check.ts', import.meta.url).href;

// AVA imports this file into every test process first. Whatever imports fast-check there gets the one that
// reports errors, and a process without properties does not pay for it.
registerHooks({
  resolve: (specifier, context, next) =>
    specifier === 'fast-check' && context.parentURL !== REPORTING
      ? next(REPORTING, context)
      : next(specifier, context),
});
