import type { StoredDtype } from './numbers.ts';

/** NumPy's names of the dtypes that are read. */
const DTYPES: Readonly<Record<string, StoredDtype>> = {
  '<f2': 'F16',
  '<f4': 'F32',
  '<f8': 'F64',
  '<i4': 'I32',
  '<i8': 'I64',
};
const MAGIC = '\x93NUMPY';
/** Magic, version, and a header's length of 2 bytes (version 1) or 4 (versions 2 and 3). */
export const NPY_PREFIX_BYTES = 12;

/** The header of a `.npy` file. */
export interface NpyHeader {
  readonly dtype: StoredDtype;
  readonly shape: readonly number[];
  /** Where the elements begin, in bytes. */
  readonly begin: number;
}

/**
 * How many bytes the header of a `.npy` file takes.
 *
 * @param prefix the file's first {@link NPY_PREFIX_BYTES}.
 * @throws Error if it is not a `.npy` file of version 1, 2 or 3.
 */
export function npyHeaderBytes(prefix: Uint8Array): number {
  const view = new DataView(prefix.buffer, prefix.byteOffset, prefix.byteLength);
  if (prefix.byteLength < NPY_PREFIX_BYTES || String.fromCharCode(...prefix.subarray(0, 6)) !== MAGIC) {
    throw new Error('is not a .npy file: it does not begin with \\x93NUMPY');
  }
  const version = prefix[6];
  if (version === 1) return 10 + view.getUint16(8, true);
  if (version === 2 || version === 3) return 12 + view.getUint32(8, true);
  throw new Error(`is a .npy file of version ${version}; expected 1, 2 or 3`);
}

/**
 * Parses the header of a `.npy` file: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
 *
 * @param bytes the whole header, as many bytes as {@link npyHeaderBytes} says.
 * @throws Error if it cannot be read, the dtype is another, or the order is Fortran's.
 */
export function parseNpyHeader(bytes: Uint8Array): NpyHeader {
  const text = new TextDecoder('latin1').decode(bytes.subarray(bytes[6] === 1 ? 10 : 12));
  // A literal of Python: {'descr': '<f4', 'fortran_order': False, 'shape': (2, 384), }
  const descr = /'descr':\s*'([^']*)'/.exec(text)?.[1];
  const fortran = /'fortran_order':\s*(True|False)/.exec(text)?.[1];
  const sizes = /'shape':\s*\(([\d,\s]*)\)/.exec(text)?.[1];
  if (descr === undefined || fortran === undefined || sizes === undefined) {
    throw new Error(`has a header that cannot be read: ${text.slice(0, 80).trim()}`);
  }
  if (!Object.hasOwn(DTYPES, descr)) {
    throw new Error(`has elements "${descr}"; expected ${Object.keys(DTYPES).join(', ')} (use .astype)`);
  }
  if (fortran === 'True') {
    throw new Error('has its elements in the order of Fortran; use numpy.ascontiguousarray');
  }
  const shape = sizes
    .split(',')
    .map((size) => size.trim())
    .filter((size) => size !== '')
    .map(Number);
  return { dtype: DTYPES[descr], shape, begin: bytes.byteLength };
}
