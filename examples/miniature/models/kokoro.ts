import { json } from "../json.ts";
import type { StateDict } from "../pickle.ts";
import { pytorchZip } from "../pytorch-zip.ts";
import { randomTensor } from "../tensor.ts";

const seed = "kokoro-82m";

/** A text-to-speech model: five networks in one PyTorch file, a configuration and a voice. */
export function kokoro(): Map<string, Buffer> {
  return new Map([
    ["config.json", json(config)],
    ["kokoro-v1_0.pth", pytorchZip(networks())],
    ["voices/af_heart.pt", pytorchZip(randomTensor(seed, "F32", "af_heart", [510, 1, 256]))],
  ]);
}

function networks(): StateDict {
  const network = (name: string, shapes: Readonly<Record<string, readonly number[]>>): StateDict =>
    new Map(
      Object.entries(shapes).map(([tensor, shape]) => [
        `module.${tensor}`,
        randomTensor(`${seed}/${name}`, "F32", tensor, shape),
      ]),
    );
  return new Map([
    [
      "bert",
      network("bert", {
        "embeddings.word_embeddings.weight": [178, 128],
        "pooler.weight": [256, 256],
      }),
    ],
    ["bert_encoder", network("bert_encoder", { weight: [512, 256], bias: [512] })],
    [
      "predictor",
      network("predictor", {
        "duration_proj.linear_layer.weight": [50, 512],
        "lstm.weight_ih_l0": [512, 640],
      }),
    ],
    [
      "text_encoder",
      network("text_encoder", {
        "embedding.weight": [178, 512],
        "cnn.0.0.weight_v": [128, 128, 5],
      }),
    ],
    [
      "decoder",
      network("decoder", {
        "encode.conv1.weight_v": [128, 514, 3],
        "asr_res.0.weight_v": [64, 512, 1],
      }),
    ],
  ]);
}

const config = {
  hidden_dim: 512,
  n_token: 178,
  n_mels: 80,
  style_dim: 128,
  plbert: { hidden_size: 256, num_hidden_layers: 1 },
  vocab: Object.fromEntries(
    [...";:,.!? abcdefghijklmnopqrstuvwxyz"].map((symbol, id) => [symbol, id + 1]),
  ),
};
