import { readFileSync } from 'node:fs';

/**
 * mov ecx, 1; xgetbv; ret: which parts of the processor's state are in use (Intel, Software Developer's
 * Manual, XGETBV).
 */
const XINUSE = [0xb9, 1, 0, 0, 0, 0x0f, 0x01, 0xd0, 0xc3];
/** The part that is the upper halves of the 256-bit registers. */
const UPPER_HALVES = 4;

const PAGE = 4096;
const READ_WRITE_EXECUTE = 7;
const PRIVATE_ANONYMOUS = 0x22;

/**
 * Makes a function that asks the processor whether the upper halves of its 256-bit registers are in use.
 *
 * @returns undefined on other systems than Linux on x64, or if the processor lacks the instruction.
 */
export async function askUpperHalves(): Promise<(() => boolean) | undefined> {
  if (process.platform !== 'linux' || process.arch !== 'x64') return undefined;
  if (!/^flags.* xgetbv1 /m.test(readFileSync('/proc/cpuinfo', 'latin1'))) return undefined;
  const { default: koffi } = await import('koffi');
  const libc = koffi.load('libc.so.6');
  const mmap = libc.func(
    'void *mmap(void *address, size_t length, int protection, int flags, int file, long offset)',
  );
  const code = mmap(null, PAGE, READ_WRITE_EXECUTE, PRIVATE_ANONYMOUS, -1, 0);
  koffi.encode(code, koffi.array('uint8_t', XINUSE.length), XINUSE);
  const inUse = koffi.decode(code, koffi.proto('uint32_t inUse()')) as () => number;
  return () => (inUse() & UPPER_HALVES) !== 0;
}
