import { create, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import {
  AttributeProto_AttributeType as AttributeType,
  TensorProto_DataLocation as DataLocation,
  TensorProto_DataType as DataType,
  ModelProtoSchema,
  type NodeProtoSchema,
  type TensorProtoSchema,
  type ValueInfoProtoSchema,
} from 'onnx-buf';

/**
 * The floating-point type of a graph. The float64 twin of a float32 graph measures that graph's error.
 */
export type Precision = 'float32' | 'float64';

/** The name of a value in the graph: of an input, an initializer, or an output of a node. */
export type Value = string;

/** A size, or the name of one that is known only when the graph runs. */
export type Dimension = number | string;

/** Attributes of a node; the operators used here take whole numbers and lists of them only. */
export type Attributes = Readonly<Record<string, number | readonly number[]>>;

/** The place of an initializer outside the ONNX file. */
export interface ExternalLocation {
  /** File name, in the same folder as the ONNX file. */
  file: string;
  /** In bytes. */
  offset: number;
  /** In bytes. */
  length: number;
}

const OPSET = 17;
/** The version of the file format that came with opset 17. */
const IR_VERSION = 8;

/**
 * Collects nodes, initializers, inputs and outputs of an ONNX graph and gives every node a name of its own.
 */
export class GraphBuilder {
  readonly precision: Precision;
  /** The ONNX type of {@link precision}. */
  readonly floatType: DataType;
  readonly #nodes: MessageInitShape<typeof NodeProtoSchema>[] = [];
  readonly #initializers = new Map<string, MessageInitShape<typeof TensorProtoSchema>>();
  readonly #inputs: MessageInitShape<typeof ValueInfoProtoSchema>[] = [];
  readonly #outputs: MessageInitShape<typeof ValueInfoProtoSchema>[] = [];
  #scope = '';

  constructor(precision: Precision) {
    this.precision = precision;
    this.floatType = precision === 'float64' ? DataType.DOUBLE : DataType.FLOAT;
  }

  input(name: string, type: DataType, shape: readonly Dimension[]): Value {
    this.#inputs.push(valueInfo(name, type, shape));
    return name;
  }

  /** Makes a value an output of the graph, under a name of its own. */
  output(name: string, value: Value, shape: readonly Dimension[]): void {
    this.#nodes.push({ opType: 'Identity', name: `output/${name}`, input: [value], output: [name] });
    this.#outputs.push(valueInfo(name, this.floatType, shape));
  }

  /** Adds a node with one output. */
  node(opType: string, input: readonly Value[], attributes: Attributes = {}): Value {
    return this.nodeWithOutputs(opType, input, 1, attributes)[0];
  }

  /** Adds a node with `count` outputs. */
  nodeWithOutputs(
    opType: string,
    input: readonly Value[],
    count: number,
    attributes: Attributes = {},
  ): Value[] {
    const name = `${this.#scope}${opType}_${this.#nodes.length}`;
    const output = count === 1 ? [name] : Array.from({ length: count }, (_, i) => `${name}:${i}`);
    this.#nodes.push({
      opType,
      name,
      input: [...input],
      output,
      attribute: Object.entries(attributes).map(([key, value]) =>
        typeof value === 'number'
          ? { name: key, type: AttributeType.INT, i: BigInt(value) }
          : { name: key, type: AttributeType.INTS, ints: value.map(BigInt) },
      ),
    });
    return output;
  }

  /**
   * Prefixes the names of the nodes that `build` adds with a part of the model; ORT's errors have these
   * names.
   */
  scoped<T>(name: string, build: () => T): T {
    const outer = this.#scope;
    this.#scope = `${outer}${name}/`;
    const result = build();
    this.#scope = outer;
    return result;
  }

  cast(value: Value, to: DataType): Value {
    return this.node('Cast', [value], { to });
  }

  /** A scalar in the graph's precision. */
  float(value: number): Value {
    const bytes = this.precision === 'float64' ? new Float64Array([value]) : new Float32Array([value]);
    return this.constant(`float/${value}`, this.floatType, [], bytes);
  }

  /** A scalar int64. */
  int(value: number): Value {
    return this.constant(`int/${value}`, DataType.INT64, [], BigInt64Array.of(BigInt(value)));
  }

  /** An int64 vector: a shape, axes, indices. */
  ints(...values: number[]): Value {
    const data = BigInt64Array.from(values, BigInt);
    return this.constant(`ints/${values.join(',')}`, DataType.INT64, [values.length], data);
  }

  /** An initializer stored in the ONNX file itself. A name used twice is the same initializer. */
  constant(
    name: string,
    dataType: DataType,
    shape: readonly number[],
    data: ArrayBufferView<ArrayBuffer>,
  ): Value {
    const rawData = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    return this.#initializer(name, { dataType, dims: shape.map(BigInt), rawData });
  }

  /** An initializer whose bytes lie in another file. */
  external(
    name: string,
    dataType: DataType,
    shape: readonly number[],
    { file, offset, length }: ExternalLocation,
  ): Value {
    const externalData = Object.entries({ location: file, offset: `${offset}`, length: `${length}` });
    return this.#initializer(name, {
      dataType,
      dims: shape.map(BigInt),
      dataLocation: DataLocation.EXTERNAL,
      externalData: externalData.map(([key, value]) => ({ key, value })),
    });
  }

  /** @returns the bytes of an ONNX file. */
  toBytes(): Uint8Array {
    const model = create(ModelProtoSchema, {
      irVersion: BigInt(IR_VERSION),
      opsetImport: [{ domain: '', version: BigInt(OPSET) }],
      producerName: 'plumbline',
      graph: {
        name: 'decoder',
        node: this.#nodes,
        initializer: [...this.#initializers.values()],
        input: this.#inputs,
        output: this.#outputs,
      },
    });
    return toBinary(ModelProtoSchema, model);
  }

  #initializer(name: string, init: MessageInitShape<typeof TensorProtoSchema>): Value {
    if (!this.#initializers.has(name)) this.#initializers.set(name, { name, ...init });
    return name;
  }
}

function valueInfo(
  name: string,
  elemType: DataType,
  shape: readonly Dimension[],
): MessageInitShape<typeof ValueInfoProtoSchema> {
  const dim = shape.map((size) => ({
    value:
      typeof size === 'number'
        ? ({ case: 'dimValue', value: BigInt(size) } as const)
        : ({ case: 'dimParam', value: size } as const),
  }));
  return { name, type: { value: { case: 'tensorType', value: { elemType, shape: { dim } } } } };
}
