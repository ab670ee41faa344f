/** The public API of the judge: what `plumbline-verify` does, as functions. */

export { commandSubject } from './adapters/command/command-subject.ts';
export { engineSubject } from './adapters/engine.ts';
export { httpSubject } from './adapters/http/http-subject.ts';
export { loadModule } from './adapters/module.ts';
export { CHECKS, type Check } from './checks.ts';
export * from './errors.ts';
export type { PrecisionClass } from './precision.ts';
export { EXPORTERS, type ReportFormat } from './report/exporters.ts';
export { readVerdict } from './report/read-verdict.ts';
export type * from './subject.ts';
export { VERDICT_FORMAT, type Verdict } from './verdict.ts';
export {
  type LoadCasesOptions,
  loadCases,
  type VerifyCases,
  type VerifyModel,
  type VerifyOptions,
  verify,
} from './verify.ts';
