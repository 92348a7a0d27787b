import { execFile } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { service } from "../fakes/service.ts";

const root = join(import.meta.dirname, "../..");

export interface Said {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A folder with a Dockerfile, a lock and a few tiny weights from `file:` sources. */
export interface Workspace {
  readonly folder: string;
  readonly write: (path: string, text: string) => Promise<void>;
  /** The command line, run by the Node.js of the runner, from its sources. */
  readonly cli: (...args: readonly string[]) => Promise<Said>;
  readonly remove: () => Promise<void>;
}

/** A stage `runtime` over the stand-in base, with a file that may change. */
export const dockerfile = (more = "") => `FROM ${service("TEST_BASES")}/base:bookworm AS runtime
RUN mkdir -p /models && chown 1000:1000 /models
COPY version /app/version
${more}
USER 1000
`;

export async function workspace(): Promise<Workspace> {
  const folder = await mkdtemp(join(tmpdir(), "workspace-"));
  const write = async (path: string, text: string) => {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), text);
  };
  await write("version", "1\n");
  await write("Dockerfile.director", dockerfile());
  await write(
    "models.json",
    JSON.stringify({
      version: 1,
      root: "/models",
      models: [
        {
          name: "one",
          title: "One",
          delivery: "bake",
          source: { url: `file://${folder}/weights/one/` },
          files: ["a.json", "b.txt"],
        },
        {
          name: "two",
          title: "Two",
          delivery: "mount",
          source: { url: `file://${folder}/weights/two/` },
          files: ["c.txt"],
        },
      ],
    }),
  );
  await write("weights/one/a.json", '{"a":1}\n');
  await write("weights/one/b.txt", "weights of one\n".repeat(1000));
  await write("weights/two/c.txt", "weights of two\n".repeat(500));
  const node = join(root, "node_modules/.bin/node");
  const cli = (...args: readonly string[]) =>
    run(node, [join(root, "src/cli.ts"), ...args], folder);
  return { folder, write, cli, remove: () => rm(folder, { recursive: true, force: true }) };
}

/** Flags of a scan that asks nobody for its database. */
export function scanning(): readonly string[] {
  return ["--trivy-db", service("TEST_TRIVY_DB")];
}

/** Runs a program; its exit code is part of the answer. */
export async function run(
  program: string,
  args: readonly string[],
  cwd = root,
  env: Readonly<Record<string, string>> = {},
): Promise<Said> {
  try {
    const { stdout, stderr } = await promisify(execFile)(program, args, {
      cwd,
      env: { ...process.env, ...env },
      maxBuffer: 2 ** 26,
    });
    return { code: 0, stdout, stderr };
  } catch (error) {
    const {
      code,
      stdout = "",
      stderr = "",
    } = error as { code?: number | string; stdout?: string; stderr?: string };
    if (typeof code !== "number") throw error;
    return { code, stdout, stderr };
  }
}

/** Runs a program that must succeed; its standard output without the line's end. */
export async function output(program: string, ...args: readonly string[]): Promise<string> {
  const said = await run(program, args);
  if (said.code !== 0)
    throw new Error(
      `${program} ${args.join(" ")}: exit ${said.code}\n${said.stdout}${said.stderr}`,
    );
  return said.stdout.trim();
}
