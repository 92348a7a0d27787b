import { json } from "../json.ts";
import { pytorchZip } from "../pytorch-zip.ts";
import { safetensors } from "../safetensors.ts";
import { randomTensor, type Tensor } from "../tensor.ts";
import { clipTokenizer } from "../tokenizer.ts";

interface Tower {
  readonly width: number;
  readonly layers: number;
}

interface Clip {
  readonly text: Tower;
  readonly vision: Tower;
  /** Pixels of a patch's side. */
  readonly patch: number;
  readonly projection: number;
}

/** The smaller CLIP, in PyTorch's format. */
export function clipVitB32(): Map<string, Buffer> {
  const shape = { text: tower(128, 1), vision: tower(192, 1), patch: 32, projection: 128 };
  const tensors = clipTensors("clip-vit-b-32", shape);
  const saved = new Map(tensors.map((tensor) => [tensor.name, tensor]));
  return new Map([["pytorch_model.bin", pytorchZip(saved)], ...documents(shape)]);
}

/** The larger CLIP, as safetensors. */
export function clipVitL14(): Map<string, Buffer> {
  const shape = { text: tower(192, 1), vision: tower(256, 1), patch: 14, projection: 192 };
  const tensors = clipTensors("clip-vit-l-14", shape);
  return new Map([["model.safetensors", safetensors(tensors)], ...documents(shape)]);
}

const tower = (width: number, layers: number): Tower => ({ width, layers });
const imageSide = 224;
const textLength = 77;
const vocabulary = 522;

function clipTensors(seed: string, { text, vision, patch, projection }: Clip): Tensor[] {
  const float = (name: string, ...sides: number[]) => randomTensor(seed, "F32", name, sides);
  const patches = (imageSide / patch) ** 2;
  return [
    float("logit_scale"),
    positions("text_model.embeddings.position_ids", textLength),
    float("text_model.embeddings.token_embedding.weight", vocabulary, text.width),
    float("text_model.embeddings.position_embedding.weight", textLength, text.width),
    ...encoder(float, "text_model", text),
    float("vision_model.embeddings.class_embedding", vision.width),
    float("vision_model.embeddings.patch_embedding.weight", vision.width, 3, patch, patch),
    positions("vision_model.embeddings.position_ids", patches + 1),
    float("vision_model.embeddings.position_embedding.weight", patches + 1, vision.width),
    ...encoder(float, "vision_model", vision),
    float("text_projection.weight", projection, text.width),
    float("visual_projection.weight", projection, vision.width),
  ];
}

type Float = (name: string, ...sides: number[]) => Tensor;

function encoder(float: Float, model: string, { width, layers }: Tower): Tensor[] {
  return Array.from({ length: layers }, (_, layer) => `${model}.encoder.layers.${layer}`).flatMap(
    (at) => [
      ...["q_proj", "k_proj", "v_proj", "out_proj"].flatMap((projection) => [
        float(`${at}.self_attn.${projection}.weight`, width, width),
        float(`${at}.self_attn.${projection}.bias`, width),
      ]),
      float(`${at}.layer_norm1.weight`, width),
      float(`${at}.layer_norm1.bias`, width),
      float(`${at}.mlp.fc1.weight`, 4 * width, width),
      float(`${at}.mlp.fc1.bias`, 4 * width),
      float(`${at}.mlp.fc2.weight`, width, 4 * width),
      float(`${at}.mlp.fc2.bias`, width),
    ],
  );
}

/** The integers from 0, as the real files keep them. */
function positions(name: string, count: number): Tensor {
  const data = Buffer.alloc(8 * count);
  for (let index = 0; index < count; index += 1) data.writeBigInt64LE(BigInt(index), 8 * index);
  return { name, dtype: "I64", shape: [1, count], data };
}

function documents({ text, vision, patch, projection }: Clip): Map<string, Buffer> {
  const towerConfig = ({ width, layers }: Tower) => ({
    hidden_size: width,
    intermediate_size: 4 * width,
    num_attention_heads: width / 64,
    num_hidden_layers: layers,
  });
  const config = {
    architectures: ["CLIPModel"],
    model_type: "clip",
    projection_dim: projection,
    text_config: {
      ...towerConfig(text),
      vocab_size: vocabulary,
      max_position_embeddings: textLength,
    },
    vision_config: { ...towerConfig(vision), image_size: imageSide, patch_size: patch },
  };
  const preprocessor = { crop_size: imageSide, do_center_crop: true, size: imageSide };
  return new Map([
    ["config.json", json(config)],
    ["preprocessor_config.json", json(preprocessor)],
    ...clipTokenizer(),
  ]);
}
