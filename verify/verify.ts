import { readModelConfig } from '../engine/index.ts';
import { readPackageJson } from '../engine/terminal/package-json.ts';
import { readPrompts } from '../golden/goldens.ts';
import type { Prompts } from '../golden/schema.ts';
import { type AskedCase, askCases } from './ask/ask-cases.ts';
import { promptCases } from './cases/prompt-cases.ts';
import { type CaseSelection, selectCases } from './cases/selection.ts';
import { storedCases, type VerifyCase } from './cases/verify-case.ts';
import { type Check, CHECKS } from './checks.ts';
import type { ModelSizes } from './compare/case.ts';
import { compareWithGoldens, type StoredGoldens } from './compare/stored-goldens.ts';
import { conclude } from './conclude.ts';
import type { FirstAnswer } from './consistency/checks.ts';
import { judgeConsistency } from './consistency/judge-consistency.ts';
import { judge } from './judge/judge.ts';
import type { Judgement, Reference, SubjectCase } from './judge/judgement.ts';
import type { PrecisionClass } from './precision.ts';
import { judgePrompts } from './prompts/judge-prompts.ts';
import { loadModelText } from './prompts/prompt-tools.ts';
import { loadReference } from './reference/load-reference.ts';
import type { Subject, SubjectModel } from './subject.ts';
import { VERDICT_FORMAT, type Verdict } from './verdict.ts';

/** A model whose engines are judged. */
export interface VerifyModel {
  /** As the user calls it. */
  readonly name: string;
  readonly source: Verdict['model']['source'];
  /** A directory in HuggingFace's layout. */
  readonly modelDir: string;
  /** Its goldens; undefined if it has none: then our engine computes what is right. */
  readonly golden?: StoredGoldens;
}

export interface VerifyOptions extends CaseSelection {
  readonly subject: Subject;
  /** How the subject is reached, for the report: `--command ./my-engine`. */
  readonly adapter: string;
  readonly model: VerifyModel;
  /** The user's own prompts. Default: the cases of the goldens, or the project's prompts if there are none. */
  readonly prompts?: Prompts;
  /** Ids of cases that are known to fail: they count only if they are right. Default: none. */
  readonly knownFailing?: ReadonlySet<string>;
  /** The class that the subject has to be in. Default: the class that holds. */
  readonly precision?: PrecisionClass;
  /** Default: all. */
  readonly checks?: readonly Check[];
  /** Requests at a time, at most. Default: as many as the subject takes. */
  readonly concurrency?: number;
  readonly signal?: AbortSignal;
  /** Told what is done next. */
  readonly onProgress?: (text: string) => void;
}

/**
 * Judges an engine.
 *
 * @throws UsageError if no case is selected; ConfigError, CheckpointError, TokenizerError, FileError as the readers of the
 * model and its goldens do; NoAnswerError, SubjectError if the subject cannot be loaded; the reason of `signal`.
 */
export async function verify(options: VerifyOptions): Promise<Verdict> {
  const { subject, adapter, model, precision, knownFailing = new Set(), signal } = options;
  const { checks = CHECKS, onProgress = () => {} } = options;
  const config = await readModelConfig(model.modelDir);
  const cases = selectCases(await casesOf(options, config.vocabSize), options);
  onProgress(`loading ${model.name} in ${subject.info.name}`);
  const loaded = await subject.load(model.modelDir);
  try {
    const prompt = await promptVerdict(options, loaded, cases);
    const asked = await ask(options, loaded, cases, config);
    const reference = await loadReference(model, cases, { onProgress, withSignatures: checks.includes('bugs') });
    const judgeSome = (known: boolean) =>
      judge(subjectCases(asked, checks).filter(({ id }) => knownFailing.has(id) === known), reference, { precision });
    const judgement = judgeSome(false);
    const isF32 = (precision ?? judgement.precision?.class) === 'f32';
    const differences =
      model.golden && !options.prompts && isF32 ? compareWithGoldens(model.golden, config, asked) : new Map();
    const consistent = checks.includes('consistency')
      ? await judgeConsistency(loaded, firstAnswers(asked), {
          allowed: allowedChange(judgement),
          signal,
          onCheck: (name) => onProgress(`consistency: ${name}`),
        })
      : { verdicts: [], unchecked: [] };
    const concluded = conclude({
      ...{ prompt, asked, judgement, differences },
      ...(knownFailing.size > 0 ? { known: judgeSome(true) } : {}),
      consistency: [...consistent.verdicts],
      unchecked: [...unchecked(loaded, checks, prompt, reference), ...consistent.unchecked],
    });
    return {
      format: VERDICT_FORMAT,
      subject: { ...subject.info, adapter },
      model: { name: model.name, source: model.source },
      reference: describeReference(model, options.prompts !== undefined),
      ...numbersOf(judgement),
      ...concluded,
      prompt,
      consistency: [...consistent.verdicts],
      versions: { plumbline: readPackageJson().version, node: process.version },
    };
  } finally {
    await loaded.close();
  }
}
