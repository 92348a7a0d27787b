/** Modules of Python 2 that the unpickler takes for those of Python 3. */
const builtins = ["builtins", "__builtin__"];
const numpyCores = ["numpy.core", "numpy._core"];

/** Bytes of one element of each storage. */
const storages: ReadonlyMap<string, number> = new Map(
  Object.entries({
    ...{ FloatStorage: 4, DoubleStorage: 8, HalfStorage: 2, BFloat16Storage: 2 },
    ...{ LongStorage: 8, IntStorage: 4, ShortStorage: 2, CharStorage: 1, ByteStorage: 1 },
    ...{ BoolStorage: 1, ComplexFloatStorage: 8, ComplexDoubleStorage: 16 },
    ...{ QInt8Storage: 1, QUInt8Storage: 1, QInt32Storage: 4 },
    ...{ QUInt4x2Storage: 1, QUInt2x4Storage: 1 },
  }),
);

const dtypes = [
  ...["uint8", "int8", "int16", "int32", "int64", "uint16", "uint32", "uint64", "bool"],
  ...["float16", "float32", "float64", "bfloat16", "half", "float", "double"],
  ...["complex32", "complex64", "complex128", "quint8", "qint8", "qint32", "quint4x2", "quint2x4"],
  ...["float8_e4m3fn", "float8_e5m2", "float8_e4m3fnuz", "float8_e5m2fnuz", "float8_e8m0fnu"],
];

const tensors = [
  ...["Tensor", "FloatTensor", "DoubleTensor", "HalfTensor", "BFloat16Tensor", "LongTensor"],
  ...["IntTensor", "ShortTensor", "CharTensor", "ByteTensor", "BoolTensor"],
];

const rebuilders = [
  ...["_rebuild_tensor", "_rebuild_tensor_v2", "_rebuild_tensor_v3", "_rebuild_parameter"],
  ...["_rebuild_parameter_with_state", "_rebuild_qtensor", "_rebuild_sparse_tensor"],
  ...["_rebuild_meta_tensor_no_storage", "_rebuild_nested_tensor"],
];

const schemes = [
  ...["per_tensor_affine", "per_tensor_symmetric", "per_channel_affine", "per_channel_symmetric"],
  "per_channel_affine_float_qparams",
];

/**
 * The globals that a model's pickle may name, as `module name`: what `torch.load(weights_only=True)` knows of tensors, plain containers, and
 * arrays of numpy. None of them runs what a file brings.
 */
const allowed: ReadonlySet<string> = new Set(
  [
    ...["OrderedDict", "Counter"].map((name) => ["collections", name]),
    ...builtins.flatMap((module) =>
      ["set", "frozenset", "bytes", "bytearray", "complex"].map((name) => [module, name]),
    ),
    ["_codecs", "encode"],
    ...[...storages.keys()].map((name) => ["torch", name]),
    ...[...dtypes, ...tensors, ...schemes, "Size", "device"].map((name) => ["torch", name]),
    ...["UntypedStorage", "TypedStorage"].map((name) => ["torch.storage", name]),
    ...rebuilders.map((name) => ["torch._utils", name]),
    ["torch._tensor", "_rebuild_from_type_v2"],
    ...["torch.nn.parameter", "torch.nn"].map((module) => [module, "Parameter"]),
    ["torch.serialization", "_get_layout"],
    ...["ndarray", "dtype"].map((name) => ["numpy", name]),
    ...numpyCores.flatMap((core) => [
      [`${core}.multiarray`, "_reconstruct"],
      [`${core}.multiarray`, "scalar"],
      [`${core}.numeric`, "_frombuffer"],
    ]),
  ].map(([module, name]) => `${module} ${name}`),
);

/** What a pickle names by module and name. */
export class Global {
  readonly module: string;
  readonly name: string;
  readonly allowed: boolean;

  constructor(module: string, name: string) {
    this.module = module;
    this.name = name;
    this.allowed = allowed.has(`${module} ${name}`);
  }

  /** Bytes of one element, where this is the class of a torch storage. */
  get elementSize(): number | undefined {
    if (this.module === "torch") return storages.get(this.name);
    return this.module === "torch.storage" && this.name === "UntypedStorage" ? 1 : undefined;
  }

  toString(): string {
    return `${this.module}.${this.name}`;
  }
}
