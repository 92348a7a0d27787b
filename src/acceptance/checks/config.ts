import { gigabytes } from "../../amount.ts";
import { type Check, judged, skipped } from "../check.ts";
import type { ImageFacts } from "../node.ts";
import type { Expected } from "../world.ts";

/** What an image promises to whoever runs it (design: "The reference node"; Dockerfile.director). */
export const config: Check = {
  name: "config",
  after: [],
  seconds: () => 60,
  run: async ({ target, expected, limits }) => {
    const image = await target.image();
    if (image === undefined) return skipped("a process has no image");
    const { user, bytesWithoutModels: bytes } = image;
    const tooLarge =
      bytes !== undefined && bytes >= limits.imageBytes
        ? [
            `without models it has ${gigabytes(bytes)}, ${gigabytes(limits.imageBytes)} are the limit`,
          ]
        : [];
    return judged(
      [...complaintsOf(image, expected), ...tooLarge],
      { user, ...(bytes === undefined ? {} : { bytesWithoutModels: bytes }) },
      { bytesWithoutModels: limits.imageBytes },
    );
  },
};

const ports = ["9000/udp", "9000/tcp", "9100/tcp", "50051/tcp"];
const secret = /(TOKEN|SECRET|PASSWORD|PRIVATE_KEY)$/i;

/** What is not as promised, in words. Pure. */
export function complaintsOf(
  image: ImageFacts,
  { labels, annotations }: Pick<Expected, "labels" | "annotations">,
): readonly string[] {
  const { user, env, entrypoint, exposedPorts, healthcheck, stopSignal, volumes } = image;
  const secrets = Object.keys(env).filter((name) => secret.test(name) && env[name] !== "");
  const missing = ports.filter((port) => !exposedPorts.includes(port));
  const without = (wanted: readonly string[], there: Readonly<Record<string, string>>) =>
    wanted.filter((name) => (there[name] ?? "") === "");
  return [
    ...(/^(1000|nsn)(:.*)?$/.test(user)
      ? []
      : [`its user is ${user === "" ? "root" : user}, not nsn (1000)`]),
    ...secrets.map((name) => `the variable ${name} carries a value in the image`),
    ...(healthcheck.length > 0 && healthcheck[0] !== "NONE" ? [] : ["it has no health check"]),
    ...(missing.length === 0 ? [] : [`it does not expose ${missing.join(", ")}`]),
    ...(entrypoint.length > 0 ? [] : ["it has no entrypoint, so that arguments are no flags"]),
    ...(stopSignal === "SIGTERM" || stopSignal === "" || stopSignal === "15"
      ? []
      : [`its stop signal is ${stopSignal}, not SIGTERM`]),
    ...(volumes.length === 0
      ? []
      : [`it declares volumes (${volumes.join(", ")}), which are copied at every start`]),
    ...without(labels, image.labels).map((name) => `it has no label ${name}`),
    ...without(annotations.wanted, annotations.there).map(
      (name) => `its manifest has no annotation ${name}`,
    ),
  ];
}
