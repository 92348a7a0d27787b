import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { httpFetch } from "../../src/host/fetch.ts";
import { files } from "../../src/host/files.ts";
import type { HttpRequest } from "../../src/ports/fetch.ts";
import { type Publication, publishSarif } from "../../src/sarif/publish.ts";
import { type CodeScanning, startCodeScanning, token } from "../fakes/code-scanning.ts";
import { answer, type Fault, intercept } from "../fakes/faults.ts";
import { finding, scan, subject } from "./scans.ts";

const opened: (() => Promise<void>)[] = [];

/** Ends the servers and takes the folders away that a test made. */
export async function closeAll(): Promise<void> {
  for (const close of opened.splice(0).reverse()) await close();
}

export async function codeScanning(
  settings?: Parameters<typeof startCodeScanning>[0],
): Promise<CodeScanning> {
  const server = await startCodeScanning(settings);
  opened.push(server.close);
  return server;
}

export const withFaults = (faults: readonly Fault[]) =>
  codeScanning({ intercept: intercept(faults) });

/** An answer as GitHub's errors are. */
export const says = (status: number, message: string, headers: Record<string, string> = {}) =>
  answer(status, { body: JSON.stringify({ message }), headers });

export const push = {
  event: "push",
  ref: "refs/heads/main",
  sha: "a".repeat(40),
  untrusted: undefined,
  repository: { url: "https://github.com/nsn/director" },
};

/** A folder for the file, and a clock that does not wait: it notes what was slept. */
export async function publisher(server: Pick<CodeScanning, "url">) {
  const folder = await mkdtemp(join(tmpdir(), "sarif-"));
  opened.push(() => rm(folder, { recursive: true, force: true }));
  const file = join(folder, "out", "trivy-results.sarif");
  const [infos, warnings, slept, asked]: [string[], string[], number[], HttpRequest[]] = [
    [],
    [],
    [],
    [],
  ];
  const stop = new AbortController();
  const fetch = httpFetch();
  let now = 1_700_000_000_000;
  const ports = {
    files,
    fetch: (request: HttpRequest) => {
      asked.push(request);
      return fetch(request);
    },
    clock: {
      now: () => now,
      random: () => 0.5,
      sleep: async (milliseconds: number) => {
        stop.signal.throwIfAborted();
        slept.push(milliseconds);
        now += milliseconds;
      },
    },
    log: {
      info: (message: string) => void infos.push(message),
      warning: (message: string) => void warnings.push(message),
    },
    signal: stop.signal,
  };
  const publication: Publication = {
    ...{ subject, file, upload: "auto", occasion: push, checkedOut: undefined },
    api: { url: server.url, token },
  };
  const publish = (
    more: Partial<Publication> = {},
    result = scan({ "linux/amd64": [finding()] }),
  ) => publishSarif(result, { ...publication, ...more }, ports);
  const written = async () => JSON.parse(await readFile(file, "utf8"));
  return { publish, written, file, infos, warnings, slept, asked, stop };
}
