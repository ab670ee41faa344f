/** Innermost loops of a WebAssembly module, by the instructions that they execute. */

import { CODE_SECTION, type Reader, sectionOf } from './reader.ts';

/** Counts of a loop's instructions that matter to its speed. */
export interface LoopCounts {
  /** Index of the function in the code section. */
  readonly func: number;
  /** `f32x4.relaxed_madd` */
  fused: number;
  /** `f32x4.mul` and `f32x4.add` */
  separate: number;
  /** `v128.load` of every kind. */
  loads: number;
  stores: number;
}

/** Opcodes (WebAssembly core specification 3.0, appendix "Index of Instructions"). */
const BLOCK = 0x02;
const LOOP = 0x03;
const IF = 0x04;
const END = 0x0b;
const BR_TABLE = 0x0e;
const CALL_INDIRECT = 0x11;
const SELECT_TYPED = 0x1c;
const MEMORY = { first: 0x28, last: 0x3e };
const F32_CONST = 0x43;
const F64_CONST = 0x44;
const BULK = 0xfc;
const VECTOR = 0xfd;
const ATOMIC = 0xfe;
/** One immediate in LEB128: branches, calls, locals, globals, tables, memory.size and integer constants. */
const ONE_IMMEDIATE: ReadonlySet<number> = new Set([
  ...[0x0c, 0x0d, 0x10, 0x20, 0x21, 0x22, 0x23, 0x24, 0x25, 0x26, 0x3f, 0x40, 0x41, 0x42, 0xd0, 0xd2],
]);
const V128 = { lastLoad: 10, store: 11, constant: 12, shuffle: 13, firstLane: 21, lastLane: 34 };
const LANE_MEMORY = { first: 84, last: 91 };
const LOAD_ZERO = { first: 92, last: 93 };
const F32X4_ADD = 228;
const F32X4_MUL = 230;
const RELAXED_MADD = 0x105;

/** @param wasm a module of core instructions, SIMD, relaxed SIMD and threads. */
export function innermostLoops(wasm: Uint8Array): LoopCounts[] {
  const reader = sectionOf(wasm, CODE_SECTION);
  const numFunctions = reader.number();
  return Array.from({ length: numFunctions }, (_, func) => loopsOf(reader, func)).flat();
}

function loopsOf(reader: Reader, func: number): LoopCounts[] {
  const end = reader.number() + reader.at;
  for (let groups = reader.number(); groups > 0; groups--) {
    reader.number();
    reader.byte();
  }
  const loops: LoopCounts[] = [];
  /** Of the open blocks, the counts of those that are loops without a loop in them. */
  const open: (LoopCounts | undefined)[] = [];
  while (reader.at < end) {
    const opcode = reader.byte();
    if (opcode === BLOCK || opcode === IF) {
      reader.number();
      open.push(undefined);
    } else if (opcode === LOOP) {
      reader.number();
      open.fill(undefined);
      open.push({ func, fused: 0, separate: 0, loads: 0, stores: 0 });
    } else if (opcode === END) {
      const loop = open.pop();
      if (loop) loops.push(loop);
    } else if (opcode === VECTOR) {
      const vector = reader.number();
      skipVectorImmediates(reader, vector);
      for (const loop of open) if (loop) count(loop, vector);
    } else skipImmediates(reader, opcode);
  }
  return loops;
}

function count(loop: LoopCounts, vector: number): void {
  if (vector === RELAXED_MADD) loop.fused++;
  else if (vector === F32X4_ADD || vector === F32X4_MUL) loop.separate++;
  else if (vector <= V128.lastLoad || (vector >= LOAD_ZERO.first && vector <= LOAD_ZERO.last)) loop.loads++;
  else if (vector === V128.store) loop.stores++;
}

function skipVectorImmediates(reader: Reader, vector: number): void {
  const isLaneMemory = vector >= LANE_MEMORY.first && vector <= LANE_MEMORY.last;
  const isLoadZero = vector >= LOAD_ZERO.first && vector <= LOAD_ZERO.last;
  if (vector <= V128.store || isLaneMemory || isLoadZero) {
    reader.number();
    reader.number();
  }
  if (vector === V128.constant || vector === V128.shuffle) reader.at += 16;
  if (isLaneMemory || (vector >= V128.firstLane && vector <= V128.lastLane)) reader.at += 1;
}

function skipImmediates(reader: Reader, opcode: number): void {
  if (opcode === F32_CONST) reader.at += 4;
  else if (opcode === F64_CONST) reader.at += 8;
  else if (opcode === BR_TABLE || opcode === SELECT_TYPED) {
    for (let labels = reader.number() + Number(opcode === BR_TABLE); labels > 0; labels--) reader.number();
  } else if (opcode === CALL_INDIRECT || (opcode >= MEMORY.first && opcode <= MEMORY.last)) {
    reader.number();
    reader.number();
  } else if (opcode === ATOMIC) {
    // A fence has one byte, all others an alignment and an offset.
    if (reader.number() === 3) reader.at += 1;
    else {
      reader.number();
      reader.number();
    }
  } else if (opcode === BULK) {
    const bulk = reader.number();
    // Conversions have no immediates; copies two, fill and drop one.
    const numImmediates = bulk < 8 ? 0 : [8, 10, 12, 14].includes(bulk) ? 2 : 1;
    for (let i = 0; i < numImmediates; i++) reader.number();
  } else if (ONE_IMMEDIATE.has(opcode)) reader.number();
}
