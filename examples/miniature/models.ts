import { clipVitB32, clipVitL14 } from "./models/clip.ts";
import { fluxSchnell } from "./models/flux-schnell.ts";
import { kokoro } from "./models/kokoro.ts";
import { livePortrait } from "./models/live-portrait.ts";

/** The owner of the miniature's repositories on its hub. */
export const owner = "nsn-miniature";

interface Model {
  readonly license: string;
  /** Makes the model's files, by path. */
  files(): Map<string, Buffer>;
}

/** The models by name: those of the real ones. */
const models: Readonly<Record<string, Model>> = {
  "flux-schnell-nf4": { license: "apache-2.0", files: fluxSchnell },
  "live-portrait-fp16": { license: "mit", files: livePortrait },
  "kokoro-82m": { license: "apache-2.0", files: kokoro },
  "clip-vit-b-32": { license: "mit", files: clipVitB32 },
  "clip-vit-l-14": { license: "mit", files: clipVitL14 },
};

/** Every file of the miniature by its path below the hub's root, one repository after the other. */
export function* miniatureFiles(): Generator<readonly [path: string, data: Buffer]> {
  for (const [name, { license, files }] of Object.entries(models)) {
    const card = `---\nlicense: ${license}\n---\n# ${name}, in miniature\n\nRandom numbers in the real model's formats.\n`;
    yield [`${owner}/${name}/.gitattributes`, Buffer.from(attributes)];
    yield [`${owner}/${name}/README.md`, Buffer.from(card)];
    for (const [path, data] of files()) yield [`${owner}/${name}/${path}`, data];
  }
}

/** Large files are Git LFS objects by these endings, as the hub's new repositories have it. */
export const lfsEndings = [".bin", ".onnx", ".pt", ".pth", ".safetensors"];
const attributes = lfsEndings
  .map((end) => `*${end} filter=lfs diff=lfs merge=lfs -text\n`)
  .join("");
