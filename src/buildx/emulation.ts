import { CommandError } from "../errors.ts";
import { type Platform, parsePlatform, platformName } from "../images/platform.ts";

/** What a machine without the means for a foreign platform can do. */
export const howToEmulate =
  "Emulate: docker run --privileged --rm tonistiigi/binfmt --install all (or docker/setup-qemu-action before this step); or build each platform on a native runner (platforms: one a job).";

/** A CommandError where the builder can run one of the platforms neither natively nor by emulation: the last stage's RUN steps need it. */
export function checkPlatforms(
  wanted: readonly Platform[],
  builder: { readonly name: string; readonly platforms: readonly Platform[] },
): void {
  const there = new Set(builder.platforms.map(normal));
  const missing = wanted.filter((platform) => !there.has(normal(platform)));
  if (missing.length === 0) return;
  throw new CommandError(
    `platforms: the builder ${builder.name} cannot run ${missing.join(", ")}; it has ${builder.platforms.join(", ") || "none"}.`,
    { todo: howToEmulate },
  );
}

function normal(platform: Platform): Platform {
  return platformName(parsePlatform(platform));
}
