import { type Command, Option } from 'commander';
import { UsageError } from '../../engine/errors.ts';
import { resolveModel } from '../../engine/hub/resolve-model.ts';
import { onInterrupt } from '../../engine/terminal/interrupt.ts';
import { createProgress, share } from '../../engine/terminal/progress.ts';
import { TEMPLATE_FILES } from '../../engine/text/tokenizer-files.ts';
import { GOLDEN_FOLDER, readPromptsFile } from '../../golden/goldens.ts';
import type { GoldensIo } from '../command-io.ts';
import { withFixtures } from '../fixtures/resolve-fixture.ts';
import { goldenName } from '../golden-name.ts';
import { MODEL_FILES, TEXT_FILES } from './copy-model.ts';
import { EXPORT_FORMATS, type ExportFormat, exportModel } from './export-model.ts';
import { GGUF_WEIGHT_TYPES, type GgufWeightType } from './gguf/tensors.ts';

interface Options {
  model: string;
  out: string;
  format: ExportFormat;
  type?: GgufWeightType;
  prompts?: string;
  folder: string;
  json?: boolean;
}

/** Adds `export` to a program. */
export function addExportCommand(program: Command, io: GoldensIo): void {
  program
    .command('export')
    .description('Write a model and what the judge asks of it, for an engine that writes files.')
    .requiredOption('--model <model>', 'required: export this fixture, model directory or hub id')
    .requiredOption('--out <folder>', 'required: write into this folder, a new or empty one')
    .addOption(
      new Option('--format <format>', "write HuggingFace's layout, or a file for llama.cpp")
        .choices(EXPORT_FORMATS)
        .default('hf'),
    )
    .addOption(
      new Option(
        '--type <type>',
        'with --format gguf: store matrices in this type (default: as they are)',
      ).choices(GGUF_WEIGHT_TYPES),
    )
    .option('--prompts <file>', 'export cases of these prompts, in the form of golden/prompts.json')
    .option('--json', 'print what was written as JSON')
    .option('--folder <folder>', 'read goldens from this folder', GOLDEN_FOLDER)
    .option('--debug', 'print stack traces of errors')
    .on('option:debug', () => program.setOptionValue('debug', true))
    .addHelpText(
      'after',
      `
The folder gets the model, cases.json (what to compute) and README.md (what to write where).
What your engine writes beside them is judged by: plumbline-verify --model MODEL --dump FOLDER
Without --prompts the cases are those of the model's goldens. A model without goldens gets cases
of the project's prompts, which our engine continues; texts need a tokenizer in the model's directory.

Exit codes: 0 done, 1 a failure, 2 wrong usage, 130 or 143 interrupted.

Examples:
  plumbline-goldens export --model dense --out dense
  plumbline-goldens export --model moe --format gguf --out moe
  plumbline-goldens export --model dense-bf16 --format gguf --type q8_0 --out q8
  plumbline-goldens export --model ./mine --prompts mine.json --out mine`,
    )
    .action((options: Options) => run(options, io));
}

async function run(options: Options, io: GoldensIo): Promise<void> {
  const { model, out, format, type, prompts: promptsFile, folder, json } = options;
  if (type !== undefined && format !== 'gguf') {
    throw new UsageError(`--type ${type} is for --format gguf; --format hf copies the weights as they are`);
  }
  const prompts = promptsFile === undefined ? undefined : readPromptsFile(promptsFile);
  const progress = await createProgress(io.stderr);
  // Temporary files are removed when the process exits.
  const stopListening = onInterrupt(io.signals, ({ exitCode }) => {
    progress.hide();
    io.exit(exitCode);
  });
  try {
    const warn = (line: string) => io.stderr.write(`plumbline-goldens: ${line}\n`);
    const modelDir = await withFixtures(resolveModel, warn)(model, {
      ...{
        files: MODEL_FILES.slice(0, 1),
        optional: [...MODEL_FILES.slice(1), ...TEXT_FILES, ...TEMPLATE_FILES],
        weights: true,
      },
      onProgress: (file, done, total) => progress.count(share(`fetching ${file}`, done, total)),
      onWait: (file) => progress.show(`waiting for another process to fetch ${file}`),
    });
    const written = await exportModel({
      ...{ model, modelDir, name: goldenName(model), folder, out, format, type },
      ...{ promptsFile, prompts, promptCases: io.promptCases },
      onCase: (id) => progress.show(`continuing ${id} by our engine`),
      onProgress: (done, total) => progress.count(share(`writing ${model}`, done, total)),
    });
    progress.hide();
    io.stdout.write(
      json
        ? `${JSON.stringify(written)}\n`
        : `${written.out}: ${written.model}, and ${written.cases} cases; README.md says what to write\n`,
    );
  } finally {
    progress.hide();
    stopListening();
  }
}
