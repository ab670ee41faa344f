import type { Implementation, TestFn } from 'ava';

type Run<Args extends unknown[]> = Implementation<Args, unknown>;
type Declare = <Args extends unknown[]>(title: string, run: Run<Args>, ...args: Args) => void;
type DeclareHook = (run: Run<[]>) => void;

/**
 * Collects the tests and hooks of the spec files that share a process, since AVA starts the tests of a
 * process right after the first declaration.
 */
export class Declarations {
  /**
   * What `import test from 'ava'` gives these files. Tests are serial: while one waits, no other file's tests
   * see what it did to the environment, the temporary folder or a port.
   */
  readonly test;
  readonly #declarations: (() => void)[] = [];
  #file = '';

  constructor({ serial, before, after }: Pick<TestFn, 'serial' | 'before' | 'after'>) {
    const always = this.#laterHook('after.always', after.always);
    this.test = Object.assign(this.#later(serial), {
      serial: this.#later(serial),
      only: this.#later(serial.only),
      skip: this.#later(serial.skip),
      failing: this.#later(serial.failing),
      before: this.#laterHook('before', before),
      after: Object.assign(this.#laterHook('after', after), { always }),
      beforeEach: () => this.#refuse('beforeEach'),
      afterEach: () => this.#refuse('afterEach'),
    });
  }

  /** Names the file whose declarations follow. */
  beginFile(name: string): void {
    this.#file = name;
  }

  /** Declares everything to AVA, at once. */
  declareAll(): void {
    for (const declare of this.#declarations.splice(0)) declare();
  }

  /** Like `declare`, but the declaration waits for {@link declareAll}, and its title begins with the file. */
  #later(declare: Declare): Declare {
    return (title, run, ...args) => {
      const titleInProcess = `${this.#file} › ${title}`;
      this.#declarations.push(() => declare(titleInProcess, run, ...args));
    };
  }

  /** The same for a hook, which may have no title. */
  #laterHook(name: string, declare: Declare): Declare & DeclareHook {
    const declareLater = this.#later(declare);
    return <Args extends unknown[]>(title: string | Run<[]>, run?: Run<Args>, ...args: Args) =>
      typeof title === 'string' ? declareLater(title, run as Run<Args>, ...args) : declareLater(name, title);
  }

  #refuse(name: string): never {
    throw new Error(
      `Call a function in each test of ${this.#file} instead of test.${name}, which would also run for the ` +
        'tests of the other files in its process',
    );
  }
}
