import { addedEntry, type HistoryEntry } from "../../src/images/added-layers.ts";
import { mediaTypes } from "../../src/images/descriptor.ts";
import type { Image, PlatformImage } from "../../src/images/difference.ts";
import { digestOf } from "../../src/images/digest.ts";

export interface Layer {
  readonly what: string;
  readonly size: number;
  /** Whether assemble added it: a model layer, or the lock's. */
  readonly added: boolean;
}

export const model = (what: string, size = 1000): Layer => ({ what, size, added: true });
export const software = (what: string, size = 10): Layer => ({ what, size, added: false });
export const lock = model("models.lock.json", 1);

export interface Settings {
  readonly config?: Readonly<Record<string, unknown>>;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly platform?: string;
  readonly created?: string;
  /** What the history says before each software layer's name. */
  readonly step?: string;
}

/** A platform of a final image; software is compressed, so that its digest is not its diff_id. */
export function platformImage(layers: readonly Layer[], settings: Settings = {}): PlatformImage {
  const { platform = "linux/amd64", step = "COPY", created = "2026-11-01T00:00:00Z" } = settings;
  const [os = "", architecture = ""] = platform.split("/");
  const history = layers.map(
    ({ what, added }): HistoryEntry =>
      added ? addedEntry(what) : { created, created_by: `${step} ${what}` },
  );
  const image = {
    platform,
    manifest: {
      schemaVersion: 2 as const,
      config: { mediaType: mediaTypes.config, digest: digestOf(JSON.stringify(settings)), size: 1 },
      layers: layers.map(({ what, size, added }) => ({
        mediaType: added ? mediaTypes.tar : mediaTypes.tarGzip,
        digest: digestOf(added ? what : `gzip ${what}`),
        size,
      })),
      annotations: settings.annotations ?? {},
    },
    config: {
      ...{
        os,
        architecture,
        created,
        history: [...history, { created_by: "ENV", empty_layer: true }],
      },
      config: { ...settings.config, Labels: settings.labels ?? {} },
      rootfs: { type: "layers" as const, diff_ids: layers.map(({ what }) => digestOf(what)) },
    },
  };
  return { ...image, digest: digestOf(JSON.stringify(image)) };
}

export function imageOf(...platforms: readonly PlatformImage[]): Image {
  return { digest: digestOf(JSON.stringify(platforms)), platforms };
}
