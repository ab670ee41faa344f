#!/usr/bin/env node
import { keepCompiledCode } from './checkpoint/cache-folder.ts';

keepCompiledCode();
// Dynamic, because modules imported before the cache is enabled are not cached.
const { importModules } = await import('./terminal/import-modules.ts');
const load = <T>(modules: () => Promise<T>) => importModules('plumbline', 1, modules);
const { SignalReceiver } = await load(() => import('./terminal/interrupt.ts'));
const signals = new SignalReceiver();
const [
  { createProcessIo },
  { run },
  { mpirunEnvironment },
  { exitOnOutputError },
  { formatDiagnostic },
  { withFixtures },
] = await load(() =>
  Promise.all([
    import('./cli/io.ts'),
    import('./cli/program.ts'),
    import('./parallel/mpi/mpirun.ts'),
    import('./terminal/output.ts'),
    import('./terminal/diagnostic.ts'),
    import('../generator/fixtures/resolve-fixture.ts'),
  ]),
);

exitOnOutputError('plumbline');
const processIo = createProcessIo(signals);
// The first rank of one mpirun warns for all.
const isFirst = (mpirunEnvironment().rank ?? 0) === 0;
const warn = (line: string) =>
  isFirst &&
  processIo.stderr.write(formatDiagnostic({ level: 'warning', message: line, prefix: 'plumbline: ' }));
const resolveModel = withFixtures(processIo.resolveModel, warn);
process.exitCode = await run(process.argv.slice(2), { ...processIo, resolveModel });
