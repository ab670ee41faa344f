/** The memory of kernels, shared by their threads. */
export interface SharedMemory {
  readonly buffer: SharedArrayBuffer;
  grow(pages: number): number;
}

/** Compiled kernels; a module can be sent to threads. */
export interface KernelModule {
  readonly [Symbol.toStringTag]: 'WebAssembly.Module';
}

interface WebAssemblyUsed {
  validate(bytes: Uint8Array): boolean;
  readonly Memory: new (limits: { initial: number; maximum: number; shared: true }) => SharedMemory;
  readonly Module: {
    new (bytes: Uint8Array): KernelModule;
    customSections(module: KernelModule, name: string): ArrayBuffer[];
  };
  readonly Instance: new (
    module: KernelModule,
    imports: { env: { memory: SharedMemory } },
  ) => { readonly exports: Record<string, unknown> };
}

/** As far as it is used here: TypeScript declares it only as part of the DOM. */
export const { WebAssembly } = globalThis as unknown as { readonly WebAssembly: WebAssemblyUsed };
