import { UsageError } from "../errors.ts";
import type { PlatformFields } from "./descriptor.ts";

/** `os/architecture[/variant]`, as in `docker build --platform`. */
export type Platform = string;

/** Reads `linux/arm64/v8`; a UsageError for anything else. `arm64/v8` is `arm64`: Docker treats both as one. */
export function parsePlatform(text: Platform): PlatformFields {
  const [os, architecture, variant, ...rest] = text.trim().toLowerCase().split("/");
  if (
    !os ||
    !architecture ||
    rest.length > 0 ||
    !/^[a-z0-9._/-]+$/.test(text.trim().toLowerCase())
  ) {
    throw new UsageError(
      `platforms: "${text}" is not a platform; wanted os/architecture, such as linux/amd64.`,
    );
  }
  if (variant === undefined || (architecture === "arm64" && variant === "v8"))
    return { os, architecture };
  return { os, architecture, variant };
}

/** Whether a name that a stranger wrote is one as `platformName` gives them. */
export function isPlatform(name: string): boolean {
  try {
    return platformName(parsePlatform(name)) === name;
  } catch (error) {
    if (error instanceof UsageError) return false;
    throw error;
  }
}

export function platformName({ os, architecture, variant }: PlatformFields): Platform {
  return variant === undefined || (architecture === "arm64" && variant === "v8")
    ? `${os}/${architecture}`
    : `${os}/${architecture}/${variant}`;
}

/** Platforms in a file's or an artifact's name: `linux-amd64-linux-arm64`. */
export function platformsInName(platforms: readonly Platform[]): string {
  return platforms.join("-").replaceAll("/", "-");
}
