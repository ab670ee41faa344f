import { equal } from './comparison.ts';
import { TemplateFailure } from './failure.ts';
import { Callable, Loop, Tuple, Undefined, type Value } from './values.ts';

/** The variable `loop`, which looks ahead only as far as it is asked to. */
export class LoopState extends Loop {
  readonly #items: Iterator<Value>;
  #ahead: Value[] = [];
  #index = -1;
  #previous: Value | undefined;
  #current: Value | undefined;
  #changed: Value | undefined;

  constructor(items: Iterator<Value>) {
    super();
    this.#items = items;
  }

  /** The next item; undefined after the last. */
  advance(): Value | undefined {
    const item = this.#peek();
    if (item === undefined) return undefined;
    this.#ahead.shift();
    this.#previous = this.#current;
    this.#current = item;
    this.#index++;
    return item;
  }

  attribute(name: string): Value | undefined {
    switch (name) {
      case 'index0':
        return BigInt(this.#index);
      case 'index':
        return BigInt(this.#index + 1);
      case 'revindex0':
        return BigInt(this.#length() - this.#index - 1);
      case 'revindex':
        return BigInt(this.#length() - this.#index);
      case 'length':
        return BigInt(this.#length());
      case 'first':
        return this.#index === 0;
      case 'last':
        return this.#peek() === undefined;
      // Only recursive loops are deeper.
      case 'depth':
        return 1n;
      case 'depth0':
        return 0n;
      case 'previtem':
        return this.#previous === undefined ? new Undefined('there is no previous item') : this.#previous;
      case 'nextitem': {
        const next = this.#peek();
        return next === undefined ? new Undefined('there is no next item') : next;
      }
      case 'cycle':
        return new Callable(name, (values) => {
          if (values.length === 0) throw new TemplateFailure('no items for cycling given');
          return values[this.#index % values.length];
        });
      case 'changed':
        return new Callable(name, (values) => this.#isChanged(new Tuple([...values])));
      default:
        return undefined;
    }
  }

  #isChanged(values: Tuple): boolean {
    if (this.#changed !== undefined && equal(this.#changed, values)) return false;
    this.#changed = values;
    return true;
  }

  #peek(): Value | undefined {
    if (this.#ahead.length === 0) this.#fetch();
    return this.#ahead[0];
  }

  #fetch(): boolean {
    const { done, value } = this.#items.next();
    if (!done) this.#ahead.push(value);
    return !done;
  }

  #length(): number {
    while (this.#fetch());
    // An item that was taken from the queue is counted by the index.
    return this.#index + 1 + this.#ahead.length;
  }
}
