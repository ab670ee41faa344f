import { type ModelConfig, readModelConfig } from '../engine/index.ts';
import { readManifest, readPrompts } from '../golden/goldens.ts';
import type { Prompts } from '../golden/schema.ts';
import { storedCases, type VerifyCase } from '../golden/verify-case.ts';
import { loadAbortable, unlessAborted, untilAborted } from './ask/abortable.ts';
import { type AskedCase, askCases } from './ask/ask-cases.ts';
import { promptCases } from './cases/prompt-cases.ts';
import { type CaseSelection, selectCases } from './cases/selection.ts';
import { checkLoadCases, checkVerifyOptions } from './check-options.ts';
import { CHECKS, type Check } from './checks.ts';
import type { Difference } from './compare/difference.ts';
import { compareWithGoldens, type StoredGoldens } from './compare/stored-goldens.ts';
import { conclude, concludeNothing } from './conclude.ts';
import { dependsOnOthers, judgeConsistency } from './consistency/judge-consistency.ts';
import {
  allowedChange,
  firstAnswers,
  numbersOf,
  stoppedRun,
  subjectCases,
  tooLongOf,
  uncheckedOf,
  unreachedOf,
} from './findings.ts';
import { hiddenMaps } from './hidden-map.ts';
import { foundBugs } from './judge/bug-verdicts.ts';
import { judge } from './judge/judge.ts';
import type { PrecisionClass } from './precision.ts';
import { judgePrompts } from './prompts/judge-prompts.ts';
import { loadModelText } from './prompts/prompt-tools.ts';
import { type LoadedReference, loadReference } from './reference/load-reference.ts';
import type { Subject, SubjectModel } from './subject.ts';
import { VERDICT_FORMAT, type Verdict, versionsHere } from './verdict.ts';

/** A model whose engines are judged. */
export interface VerifyModel {
  /** As the user calls it. */
  readonly name: string;
  readonly source: Verdict['model']['source'];
  /** A directory in HuggingFace's layout. */
  readonly modelDir: string;
  /** The model's goldens; undefined if it has none: then our engine computes what is right. */
  readonly golden?: StoredGoldens;
}

/** What a subject is asked. */
export interface VerifyCases {
  readonly cases: readonly VerifyCase[];
  /** Whether goldens are stored of them; otherwise our engine computes what is right. */
  readonly stored: boolean;
}

export interface LoadCasesOptions extends CaseSelection {
  /** The user's own prompts. Default: the cases of the goldens, or without goldens the project's prompts. */
  readonly prompts?: Prompts;
  /** Called with the prompt that our engine continues. */
  readonly onProgress?: (text: string) => void;
  readonly signal?: AbortSignal;
}

export interface VerifyOptions {
  readonly subject: Subject;
  /** How the subject is reached, for the report: `--command ./my-engine`. */
  readonly adapter: string;
  readonly model: VerifyModel;
  /** What is asked, see {@link loadCases}. */
  readonly cases: VerifyCases;
  /** Ids of cases that are known to fail: they count only if they are right. Default: none. */
  readonly knownFailing?: ReadonlySet<string>;
  /** The class that the subject has to be in. Default: the class that holds. */
  readonly precision?: PrecisionClass;
  /** Default: all. */
  readonly checks?: readonly Check[];
  /** Requests at a time, at most. Default: as many as the subject takes. */
  readonly concurrency?: number;
  readonly signal?: AbortSignal;
  /** Called with what is done next. */
  readonly onProgress?: (text: string) => void;
}

/**
 * Judges an engine.
 *
 * @returns the verdict. Once `signal` is aborted nothing more is asked: the verdict is "unknown", and says
 * what was found until then and what was not checked.
 * @throws OptionError if an option is wrong.
 * @throws ConfigError, CheckpointError, TokenizerError, FileError as the readers of the model and its
 * goldens do; NoAnswerError, SubjectError if the subject cannot be reached or loaded.
 */
export async function verify(options: VerifyOptions): Promise<Verdict> {
  checkVerifyOptions(options);
  const { subject, adapter, model, precision, signal } = options;
  const { checks = CHECKS, onProgress = () => {} } = options;
  const { cases, stored } = options.cases;
  const golden = stored ? model.golden : undefined;
  const config = await readModelConfig(model.modelDir);
  const reference = await unlessAborted(signal, async () => {
    onProgress(`asking ${subject.info.name}`);
    await untilAborted(signal, async () => subject.reach?.(model.modelDir));
    return await loadReference(model.modelDir, cases, {
      onProgress: (what) => onProgress(`computing what is right: ${what}`),
      withSignatures: checks.includes('bugs'),
      ...{ golden, signal },
    });
  });
  if (reference) onProgress(`loading ${model.name} in ${subject.info.name}`);
  const loaded =
    reference && (await unlessAborted(signal, () => loadAbortable(subject, model.modelDir, signal)));
  const about = {
    // A server's name is known when it is loaded.
    subject: { ...subject.info, adapter },
    model: { name: model.name, source: model.source },
    reference: describeReference(golden),
  };
  if (!loaded) {
    const { reason } = stoppedRun(signal?.reason, cases, []);
    const unchecked = [{ what: 'everything', why: 'the run was stopped before' }];
    return concludeNothing({ ...about, demanded: precision, reason, unchecked });
  }
  try {
    const concluded = await question(loaded, reference, { ...options, config });
    return {
      format: VERDICT_FORMAT,
      ...about,
      ...concluded,
      versions: versionsHere(),
    };
  } finally {
    await loaded.close();
  }
}

/** Asks a loaded subject what was chosen, and concludes from what it answers until the signal is aborted. */
async function question(
  loaded: SubjectModel,
  reference: LoadedReference,
  {
    model,
    config,
    precision,
    knownFailing = new Set(),
    signal,
    ...options
  }: VerifyOptions & { config: ModelConfig },
): Promise<Omit<Verdict, 'format' | 'subject' | 'model' | 'reference' | 'versions'>> {
  const { checks = CHECKS, onProgress = () => {} } = options;
  const { cases, stored } = options.cases;
  const golden = stored ? model.golden : undefined;
  const noPrompts = { verdict: 'unknown' as const, cases: [] };
  const text = await loadModelText(model.modelDir).catch(() => undefined);
  const prompt = checks.includes('prompt')
    ? ((await unlessAborted(signal, () => judgePrompts(loaded, cases, text, signal))) ?? noPrompts)
    : noPrompts;
  const done: AskedCase[] = [];
  const complete = await unlessAborted(signal, () =>
    askCases(loaded, cases, {
      sizes: config,
      concurrency: options.concurrency ?? loaded.capabilities.maxConcurrency,
      signal,
      onCase: (each, count) => {
        done.push(each);
        onProgress(`asked ${count} of ${cases.length} cases: ${each.case.id}`);
      },
    }),
  );
  const asked = complete ?? done;
  const judged = new Set(reference.cases.map(({ id }) => id));
  const answers = subjectCases(asked, checks).filter(({ id }) => judged.has(id));
  const judgeSome = (known: boolean, isUnstable = false) =>
    judge(
      answers.filter(({ id }) => knownFailing.has(id) === known),
      reference,
      { precision, isUnstable },
    );
  const first = judgeSome(false);
  const isF32 = (precision ?? first.precision?.class) === 'f32';
  const differences =
    golden && isF32 ? compareWithGoldens(golden, config, asked) : new Map<string, readonly Difference[]>();
  const about = first.precision?.about;
  const hidden =
    about &&
    (await unlessAborted(signal, () => {
      const withNumbers = asked.filter((each) => judged.has(each.case.id));
      return hiddenMaps(model.modelDir, {
        ...{ asked: withNumbers, precision: about, signal },
        onProgress: (what) => onProgress(`computing what is right: ${what}`),
      });
    }));
  const consistent = checks.includes('consistency')
    ? await unlessAborted(signal, () =>
        judgeConsistency(loaded, firstAnswers(asked), {
          allowed: allowedChange(first),
          concurrency: options.concurrency,
          signal,
          onCheck: (name) => onProgress(`consistency: ${name}`),
        }),
      )
    : undefined;
  const consistency = [...(consistent?.verdicts ?? [])];
  const isUnstable = dependsOnOthers(consistency) && foundBugs(first.bugs).length > 0;
  const judgement = isUnstable ? judgeSome(false, true) : first;
  const stopped = signal?.aborted ? stoppedRun(signal.reason, cases, asked) : undefined;
  const hasText = cases.some((each) => each.text !== undefined);
  const concluded = conclude({
    ...{ prompt, asked, judgement, differences, hidden, consistency },
    ...(knownFailing.size > 0 ? { known: { ids: knownFailing, judgement: judgeSome(true) } } : {}),
    ...(stopped ? { stopped: stopped.reason } : {}),
    unchecked: [
      ...uncheckedOf(loaded, { checks, judgement, prompt, hasText, stopped }),
      ...unreachedOf(asked),
      ...(consistent?.unchecked ?? []),
      ...reference.unchecked,
      ...tooLongOf(cases, (id) => judged.has(id) || differences.has(id)),
    ],
  });
  return { ...numbersOf(judgement), ...concluded, prompt, consistency };
}

/**
 * The cases that a model's engines are asked: those that are stored, or those that our engine makes of
 * prompts.
 *
 * @throws UsageError if no case is selected; FileError, ConfigError, CheckpointError, TokenizerError,
 * ChatTemplateError, PromptError as the readers of goldens, model and prompts do; the reason of `signal` if
 * it is aborted.
 */
export async function loadCases(model: VerifyModel, options: LoadCasesOptions = {}): Promise<VerifyCases> {
  checkLoadCases(model, options);
  const { golden, modelDir } = model;
  const { prompts, onProgress = () => {}, signal, ...selection } = options;
  if (golden && !prompts) {
    const { prompts: known } = readPrompts(golden.folder, golden.name);
    return { cases: selectCases(storedCases(golden.name, known, golden.folder), selection), stored: true };
  }
  const given = prompts ?? readPrompts();
  const some = { ...given, prompts: selectCases(given.prompts, selection) };
  const cases = await promptCases(modelDir, some, {
    signal,
    onProgress: (what) => onProgress(`computing what is right: ${what}`),
    onCase: (id, done, of) => onProgress(`our engine continued ${done} of ${of} prompts: ${id}`),
  });
  return { cases, stored: false };
}

function describeReference(golden: StoredGoldens | undefined): Verdict['reference'] {
  if (!golden) return { kind: 'engine', description: "Plumbline's own engine at f32; no goldens are stored" };
  const { versions } = readManifest(golden.name, golden.folder);
  const description = `goldens of transformers.js ${versions.transformersJs}, and Plumbline's engine, which they hold, between their positions`;
  return { kind: 'goldens', description };
}
