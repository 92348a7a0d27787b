import { basename, join } from "node:path";
import { UsageError } from "../errors.ts";
import type { Files } from "../ports/files.ts";

export interface Login {
  /** Host and port, `docker.io` for Docker's own. */
  readonly registry: string;
  readonly username: string;
  readonly password: string;
}

export interface FolderRequest {
  /** The folder that docker would use: `$DOCKER_CONFIG`, or `~/.docker`. */
  readonly original: string;
  /** A private folder to fill, for this run alone. */
  readonly folder: string;
  readonly login: Login | undefined;
  /** Path of a `docker-buildx` to use in place of any other. */
  readonly plugin: string | undefined;
}

type FolderFiles = Pick<Files, "mkdir" | "readdir" | "readFile" | "symlink" | "writeFile">;

/**
 * Makes a private docker configuration that loses nothing of the original: its log-ins are copied, and its contexts, builders and plug-ins
 * linked. One registry's log-in is added, and the plug-in. Returns the variables that point there.
 */
export async function fillDockerFolder(
  { original, folder, login, plugin }: FolderRequest,
  files: FolderFiles,
): Promise<Readonly<Record<string, string>>> {
  await files.mkdir(folder, { recursive: true, mode: 0o700 });
  await linkAll(original, folder, ["config.json", "cli-plugins", "buildx"], files);
  const plugins = join(folder, "cli-plugins");
  await files.mkdir(plugins);
  await linkAll(
    join(original, "cli-plugins"),
    plugins,
    plugin === undefined ? [] : [basename(plugin)],
    files,
  );
  if (plugin !== undefined) await files.symlink(plugin, join(plugins, basename(plugin)));
  const config = withLogin(await readConfig(join(original, "config.json"), files), login);
  await files.writeFile(join(folder, "config.json"), JSON.stringify(config), { mode: 0o600 });
  return { DOCKER_CONFIG: folder, BUILDX_CONFIG: join(original, "buildx") };
}

type Config = Readonly<Record<string, unknown>>;

/** A log-in for one registry: an empty credential helper for it makes docker read it from the file. Pure. */
export function withLogin(config: Config, login: Login | undefined): Config {
  if (login === undefined) return config;
  const { registry, username, password } = login;
  const host = registry === "docker.io" ? "https://index.docker.io/v1/" : registry;
  const auth = Buffer.from(`${username}:${password}`).toString("base64");
  return {
    ...config,
    auths: { ...section(config, "auths"), [host]: { auth } },
    credHelpers: { ...section(config, "credHelpers"), [host]: "" },
  };
}

function section(config: Config, name: string): object {
  const value = config[name];
  return typeof value === "object" && value !== null ? value : {};
}

async function readConfig(path: string, files: FolderFiles): Promise<Config> {
  const text = await files.readFile(path, "utf8").catch(ifMissing("{}"));
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === "object" && value !== null && !Array.isArray(value))
      return value as Config;
  } catch (cause) {
    throw new UsageError(`${path}: this is not JSON.`, { cause });
  }
  throw new UsageError(`${path}: this is not a JSON object.`);
}

async function linkAll(
  from: string,
  to: string,
  without: readonly string[],
  files: FolderFiles,
): Promise<void> {
  const names = await files.readdir(from).catch(ifMissing([] as string[]));
  for (const name of names)
    if (!without.includes(name)) await files.symlink(join(from, name), join(to, name));
}

function ifMissing<T>(instead: T): (error: unknown) => T {
  return (error) => {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return instead;
    throw error;
  };
}
