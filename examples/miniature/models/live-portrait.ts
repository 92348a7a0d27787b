import { onnx } from "../onnx.ts";
import type { StateDict } from "../pickle.ts";
import { pytorchZip } from "../pytorch-zip.ts";
import { randomTensor } from "../tensor.ts";

const seed = "live-portrait-fp16";

/** The repository's layout: base models and a retargeting model for PyTorch, landmarks as ONNX. */
export function livePortrait(): Map<string, Buffer> {
  const base = "liveportrait/base_models";
  return new Map([
    [`${base}/appearance_feature_extractor.pth`, pytorchZip(appearanceFeatureExtractor())],
    [`${base}/motion_extractor.pth`, pytorchZip(motionExtractor())],
    [`${base}/spade_generator.pth`, pytorchZip(spadeGenerator())],
    [`${base}/warping_module.pth`, pytorchZip(warpingModule())],
    ["liveportrait/landmark.onnx", landmark()],
    ["liveportrait/retargeting_models/stitching_retargeting_module.pth", pytorchZip(stitching())],
  ]);
}

/** Half-precision weights and biases by the names of their layers. */
function layers(model: string, shapes: Readonly<Record<string, readonly number[]>>): StateDict {
  const tensors = Object.entries(shapes).flatMap(([name, shape]) => [
    randomTensor(`${seed}/${model}`, "F16", `${name}.weight`, shape),
    randomTensor(`${seed}/${model}`, "F16", `${name}.bias`, shape.slice(0, 1)),
  ]);
  return new Map(tensors.map((tensor) => [tensor.name, tensor]));
}

const appearanceFeatureExtractor = () =>
  layers("appearance_feature_extractor", {
    "first.conv": [64, 3, 3, 3],
    "down_blocks.0.conv": [128, 64, 3, 3],
    second: [512, 128, 1, 1],
    "resblocks_3d.3dr0.conv1": [32, 32, 3, 3, 3],
  });

const motionExtractor = () =>
  layers("motion_extractor", {
    "detector.downsample_layers.0.0": [96, 3, 4, 4],
    "detector.stages.0.0.dwconv": [96, 1, 7, 7],
    "detector.stages.3.0.pwconv1": [1536, 384],
    "detector.fc_kp": [63, 384],
    "detector.fc_pitch": [66, 384],
  });

const spadeGenerator = () =>
  layers("spade_generator", {
    fc: [512, 256, 3, 3],
    "G_middle_0.conv_0": [128, 128, 3, 3],
    "up_0.norm_0.mlp_shared.0": [128, 128, 3, 3],
    "conv_img.0": [12, 64, 3, 3],
  });

const warpingModule = () =>
  layers("warping_module", {
    "dense_motion_network.mask": [22, 32, 7, 7, 7],
    "third.conv": [256, 512, 3, 3],
    fourth: [256, 256, 1, 1],
  });

/** Three small networks in one file, each a group of its own. */
function stitching(): StateDict {
  const network = (name: string, inputs: number, outputs: number) =>
    layers(name, { "mlp.0": [128, inputs], "mlp.2": [64, 128], "mlp.6": [outputs, 64] });
  return new Map([
    ["retarget_shoulder", network("retarget_shoulder", 126, 65)],
    ["retarget_mouth", network("retarget_mouth", 65, 63)],
    ["retarget_eye", network("retarget_eye", 66, 63)],
  ]);
}

/** Convolution, ReLU, pooling and a linear layer: 106 points of a face of 224 × 224 pixels. */
function landmark(): Buffer {
  const float = (name: string, ...shape: number[]) =>
    randomTensor(`${seed}/landmark`, "F32", name, shape);
  return onnx({
    name: "landmark",
    input: ["input", [1, 3, 224, 224]],
    output: ["points", [1, 212]],
    nodes: [
      { op: "Conv", inputs: ["input", "stem.weight", "stem.bias"], output: "stem" },
      { op: "Relu", inputs: ["stem"], output: "active" },
      { op: "GlobalAveragePool", inputs: ["active"], output: "pooled" },
      { op: "Flatten", inputs: ["pooled"], output: "features" },
      { op: "Gemm", inputs: ["features", "head.weight", "head.bias"], output: "points" },
    ],
    weights: [
      float("stem.weight", 512, 3, 7, 7),
      float("stem.bias", 512),
      float("head.weight", 512, 212),
      float("head.bias", 212),
    ],
  });
}
