import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

/** A cold build compiles two hundred crates on a busy machine. */
export const buildTimeout = 1_500_000;

/** Compiles quickly instead of small. The program and the files are the same. */
export const quickly: readonly string[] = [
  ...["--build-arg", "CARGO_PROFILE_RELEASE_LTO=false"],
  ...["--build-arg", "CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16"],
];

/** The same, and without torch. */
export const quick: readonly string[] = [...quickly, "--build-arg", "VORTEX_EXTRAS="];

/** Standard output of a docker command; the error of one that failed ends with what it said. */
export async function docker(...args: readonly string[]): Promise<string> {
  try {
    const { stdout } = await run("docker", args, { maxBuffer: 1 << 28 });
    return stdout.trim();
  } catch (error) {
    const { stdout = "", stderr = "" } = error as { stdout?: string; stderr?: string };
    throw new Error(
      `docker ${args.join(" ")} failed:\n${stdout.slice(-1000)}\n${stderr.slice(-4000)}`,
      { cause: error },
    );
  }
}

/** The exit code of a docker command, and all that it said. */
export async function attempt(
  ...args: readonly string[]
): Promise<{ readonly code: number; readonly said: string }> {
  try {
    const { stdout, stderr } = await run("docker", args);
    return { code: 0, said: stdout + stderr };
  } catch (error) {
    const failed = error as { code?: number; stdout?: string; stderr?: string };
    return { code: failed.code ?? -1, said: `${failed.stdout ?? ""}${failed.stderr ?? ""}` };
  }
}

/** What a build needs on a machine that cannot pull the bases: arguments of docker build. */
export async function localInputs(): Promise<readonly string[]> {
  const { stdout } = await run(join("scripts", "setup", "local-build-inputs.sh"));
  return stdout.split("\n").filter((line) => line !== "");
}

/** The secrets among them, for a build whose bases are local images of the right name. */
export async function localSecrets(): Promise<readonly string[]> {
  const inputs = await localInputs();
  return inputs.flatMap((value, at) => (inputs[at - 1] === "--secret" ? ["--secret", value] : []));
}

/** Builds Dockerfile.director with this machine's inputs and the quick profile. */
export async function build(context: string, ...args: readonly string[]): Promise<void> {
  const inputs = await localInputs();
  await docker(
    "buildx",
    "build",
    "--file",
    "Dockerfile.director",
    ...inputs,
    ...quick,
    ...args,
    context,
  );
}
