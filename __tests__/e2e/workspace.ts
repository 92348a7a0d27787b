import { execFile } from "node:child_process";
import { cp, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { isComplete, type Lock } from "../../src/models/lock.ts";
import { caller } from "./caller.ts";

const run = promisify(execFile);

/** A caller's repository with one commit, made from texts and from the workflows beside this file. */
export interface Workspace {
  readonly folder: string;
  readonly commit: string;
  /** Writes a file and commits it at a time of its own; gives the commit. */
  commitFile(path: string, text: string): Promise<string>;
  tag(name: string): Promise<void>;
  /** Goes to a commit or a branch. */
  checkOut(name: string): Promise<void>;
}

/** An image without a RUN step, so that both platforms take a second. */
const dockerfile = `FROM scratch AS runtime
COPY greeting /app/greeting
WORKDIR /app
USER 1000
ENTRYPOINT ["/app/greeting"]
`;

export async function makeWorkspace(folder: string, lock: Lock): Promise<Workspace> {
  if (isComplete(lock))
    throw new Error("The trials want an open lock: the models stage completes it.");
  for (const part of ["workflows", "actions"])
    await cp(join("__tests__", "e2e", part), join(folder, ".github", part), { recursive: true });
  await writeFile(join(folder, ".github", "workflows", "docker-director.yml"), caller());
  const git = async (...args: readonly string[]) => {
    const date = `@${1_790_000_000 + commits} +0000`;
    const { stdout } = await run("git", ["-C", folder, ...args], {
      env: {
        PATH: process.env["PATH"],
        HOME: folder,
        ...{ GIT_AUTHOR_NAME: "Octo", GIT_AUTHOR_EMAIL: "octo@example.com" },
        ...{ GIT_COMMITTER_NAME: "Octo", GIT_COMMITTER_EMAIL: "octo@example.com" },
        ...{ GIT_AUTHOR_DATE: date, GIT_COMMITTER_DATE: date },
      },
    });
    return stdout.trim();
  };
  let commits = 0;
  const commitFile = async (path: string, text: string) => {
    commits += 1;
    await mkdir(join(folder, path, ".."), { recursive: true });
    await writeFile(join(folder, path), text);
    await git("add", "--all");
    await git("commit", "--quiet", "--message", `Change ${path}`);
    return git("rev-parse", "HEAD");
  };
  await git("init", "--quiet", "--initial-branch", "main");
  await git("remote", "add", "origin", "https://github.com/operator/node.git");
  await writeFile(join(folder, "Dockerfile.director"), dockerfile);
  await writeFile(join(folder, "models.lock.json"), JSON.stringify(lock));
  const commit = await commitFile("greeting", "hello\n");
  return {
    folder,
    commit,
    commitFile,
    tag: async (name) => {
      await git("tag", name);
    },
    checkOut: async (name) => {
      await git("checkout", "--quiet", name);
    },
  };
}

/** The action as a runner would check it out: everything that is, or may be, committed. */
export async function checkOutAction(folder: string): Promise<void> {
  await readFile(join("dist", "main", "index.js")).catch((cause: unknown) => {
    throw new Error("dist/main/index.js is not there: run scripts/package.sh.", { cause });
  });
  await mkdir(folder);
  const list = ["ls-files", "-z", "--cached", "--others", "--exclude-standard"];
  const { stdout } = await run("git", list, { maxBuffer: 2 ** 26 });
  const archive = join(folder, "..", "action.tar");
  const packing = run("tar", ["--null", "--files-from=-", "--ignore-failed-read", "-cf", archive]);
  packing.child.stdin?.end(stdout);
  await packing;
  await run("tar", ["-xf", archive, "-C", folder]);
  // act 0.2.87 refuses a workflow with `queue`, which GitHub has known since May 2026.
  const publishing = join(folder, ".github", "workflows", "director-image.yml");
  const text = await readFile(publishing, "utf8");
  await writeFile(publishing, text.replace(/^ +queue: max\n/m, ""));
}
