/** A `.npy` file as `numpy.save` writes it. @param fields override those of the header. */
export function npyFile(
  values: ArrayBufferView,
  {
    descr,
    shape,
    order = 'False',
    version = 1,
  }: { descr: string; shape: string; order?: string; version?: number },
): Buffer {
  const text = `{'descr': '${descr}', 'fortran_order': ${order}, 'shape': ${shape}, }`;
  const prefix = version === 1 ? 10 : 12;
  const length = Math.ceil((prefix + text.length + 1) / 64) * 64 - prefix;
  const header = Buffer.alloc(prefix, 0);
  header.write('\x93NUMPY', 'latin1');
  header[6] = version;
  if (version === 1) header.writeUInt16LE(length, 8);
  else header.writeUInt32LE(length, 8);
  const { buffer, byteOffset, byteLength } = values;
  return Buffer.concat([
    header,
    Buffer.from(`${text.padEnd(length - 1)}\n`),
    Buffer.from(buffer, byteOffset, byteLength),
  ]);
}
