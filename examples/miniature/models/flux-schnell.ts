import { json } from "../json.ts";
import { safetensors, shardedSafetensors } from "../safetensors.ts";
import { elements, randomTensor, type Tensor } from "../tensor.ts";
import { clipTokenizer } from "../tokenizer.ts";

const seed = "flux-schnell-nf4";
const width = 1024;

/** A diffusers pipeline whose transformer is quantised to 4 bits (NF4) and split over files. */
export function fluxSchnell(): Map<string, Buffer> {
  const tokenizer = [...clipTokenizer()].map(
    ([path, data]) => [`tokenizer/${path}`, data] as const,
  );
  return new Map([
    ["model_index.json", json(pipeline)],
    ["scheduler/scheduler_config.json", json(scheduler)],
    ["text_encoder/config.json", json(textEncoderConfig)],
    ["text_encoder/model.safetensors", safetensors(textEncoder())],
    ...tokenizer,
    ["transformer/config.json", json(transformerConfig)],
    ...shardedSafetensors("transformer/diffusion_pytorch_model", transformer(), 3),
    ["vae/config.json", json(vaeConfig)],
    ["vae/diffusion_pytorch_model.safetensors", safetensors(vae())],
  ]);
}

function transformer(): Tensor[] {
  const attention = ["to_q", "to_k", "to_v", "to_out.0"];
  const double = [0].flatMap((index) => [
    ...attention.flatMap((name) =>
      nf4(`transformer_blocks.${index}.attn.${name}.weight`, width, width),
    ),
    ...nf4(`transformer_blocks.${index}.ff.net.0.proj.weight`, 4 * width, width),
    ...nf4(`transformer_blocks.${index}.ff.net.2.weight`, width, 4 * width),
  ]);
  const single = [0, 1].flatMap((index) => [
    ...nf4(`single_transformer_blocks.${index}.proj_mlp.weight`, 4 * width, width),
    ...nf4(`single_transformer_blocks.${index}.proj_out.weight`, width, 5 * width),
    randomTensor(seed, "BF16", `single_transformer_blocks.${index}.proj_out.bias`, [width]),
  ]);
  return [
    randomTensor(seed, "BF16", "x_embedder.weight", [width, 64]),
    ...double,
    ...single,
    randomTensor(seed, "BF16", "proj_out.weight", [64, width]),
  ];
}

/** The 16 levels of the NF4 data type (QLoRA, Dettmers et al. 2023, appendix E). */
const levels = [
  -1.0, -0.6961928009986877, -0.5250730514526367, -0.39491748809814453, -0.28444138169288635,
  -0.18477343022823334, -0.09105003625154495, 0.0, 0.07958029955625534, 0.16093020141124725,
  0.24611230194568634, 0.33791524171829224, 0.44070982933044434, 0.5626170039176941,
  0.7229568362236023, 1.0,
];
const blockSize = 64;

/** A weight as bitsandbytes saves it: two elements a byte, a scale per block, and how to read them. */
function nf4(name: string, rows: number, columns: number): Tensor[] {
  const count = elements([rows, columns]);
  const state = {
    quant_type: "nf4",
    blocksize: blockSize,
    dtype: "bfloat16",
    shape: [rows, columns],
  };
  const stateBytes = Buffer.from(JSON.stringify(state));
  return [
    randomTensor(seed, "U8", name, [count / 2, 1]),
    positive(randomTensor(seed, "F32", `${name}.absmax`, [count / blockSize])),
    { name: `${name}.quant_map`, dtype: "F32", shape: [16], data: floats(levels) },
    {
      name: `${name}.quant_state.bitsandbytes__nf4`,
      dtype: "U8",
      shape: [stateBytes.length],
      data: stateBytes,
    },
  ];
}

function positive({ data, ...tensor }: Tensor): Tensor {
  return {
    ...tensor,
    data: data.map((byte, index) => (index % 4 === 3 ? byte & 0x7f : byte)) as Buffer,
  };
}

function floats(values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(4 * values.length);
  for (const [index, value] of values.entries()) bytes.writeFloatLE(value, 4 * index);
  return bytes;
}

function textEncoder(): Tensor[] {
  const layer = "text_model.encoder.layers.0";
  return [
    randomTensor(seed, "BF16", "text_model.embeddings.token_embedding.weight", [522, 256]),
    ...["q_proj", "k_proj", "v_proj", "out_proj"].map((name) =>
      randomTensor(seed, "BF16", `${layer}.self_attn.${name}.weight`, [256, 256]),
    ),
  ];
}

function vae(): Tensor[] {
  return [
    randomTensor(seed, "BF16", "encoder.conv_in.weight", [128, 3, 3, 3]),
    randomTensor(seed, "BF16", "encoder.conv_out.weight", [32, 128, 3, 3]),
    randomTensor(seed, "BF16", "decoder.conv_in.weight", [128, 16, 3, 3]),
    randomTensor(seed, "BF16", "decoder.conv_out.weight", [3, 128, 3, 3]),
  ];
}

const pipeline = {
  _class_name: "FluxPipeline",
  scheduler: ["diffusers", "FlowMatchEulerDiscreteScheduler"],
  text_encoder: ["transformers", "CLIPTextModel"],
  tokenizer: ["transformers", "CLIPTokenizer"],
  transformer: ["diffusers", "FluxTransformer2DModel"],
  vae: ["diffusers", "AutoencoderKL"],
};
const scheduler = {
  _class_name: "FlowMatchEulerDiscreteScheduler",
  num_train_timesteps: 1000,
  shift: 1,
};
const textEncoderConfig = {
  architectures: ["CLIPTextModel"],
  model_type: "clip_text_model",
  hidden_size: 256,
  num_hidden_layers: 1,
  vocab_size: 522,
};
const transformerConfig = {
  _class_name: "FluxTransformer2DModel",
  in_channels: 64,
  num_layers: 1,
  num_single_layers: 2,
  quantization_config: {
    quant_method: "bitsandbytes",
    load_in_4bit: true,
    bnb_4bit_quant_type: "nf4",
    bnb_4bit_use_double_quant: false,
    bnb_4bit_compute_dtype: "bfloat16",
  },
};
const vaeConfig = {
  _class_name: "AutoencoderKL",
  in_channels: 3,
  latent_channels: 16,
  out_channels: 3,
};
