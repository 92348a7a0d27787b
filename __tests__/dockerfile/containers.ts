import { setTimeout } from "node:timers/promises";
import { attempt, docker } from "./docker.ts";

/** What a node says when it has the miniature's models, and nothing in between that begins like it. */
export const loadingLines = [
  "Loading Flux-Schnell...",
  "Loading LivePortrait...",
  "Loading Kokoro-82M...",
  "Loading CLIP-ViT-B-32...",
  "Loading CLIP-ViT-L-14...",
  "All models loaded. VRAM: 0.0 GB",
];

/** Those of a container's lines that speak of models, once the last of them is there. */
export async function loadingOf(id: string): Promise<readonly string[]> {
  const said = await eventually(
    async () => (await attempt("logs", id)).said,
    (log) => log.includes("All models loaded"),
  );
  const lines = said.match(/^(Loading |All models loaded).*$/gm);
  if (lines === null) throw new Error(`The container spoke of no model:\n${said}`);
  return lines;
}

/** The value of `look`, once it is as wanted or a minute has passed. */
export async function eventually<T>(
  look: () => Promise<T>,
  wanted: (value: T) => boolean,
): Promise<T> {
  for (const deadline = Date.now() + 60_000; ; ) {
    const value = await look();
    if (wanted(value) || Date.now() > deadline) return value;
    await setTimeout(250);
  }
}

export interface Health {
  readonly status: string;
  readonly checks: Readonly<Record<string, { readonly ok: boolean; readonly detail: string }>>;
}

/** What curl in the container gets from the Director: the HTTP status and the body, once it listens. */
export async function healthOf(
  id: string,
): Promise<{ readonly code: number; readonly body: Health }> {
  const curl = ["curl", "--silent", "--write-out", "\n%{http_code}"];
  const look = () => attempt("exec", id, ...curl, "http://localhost:9100/health");
  const { said } = await eventually(look, ({ code }) => code === 0);
  const [body = "", code] = said.split("\n");
  return { code: Number(code), body: JSON.parse(body) };
}

/** Names of the checks that failed, sorted. */
export const failedChecks = ({ checks }: Health): readonly string[] =>
  Object.keys(checks)
    .filter((name) => checks[name]?.ok === false)
    .sort();

/** Stops a container as people do; gives its exit code and the seconds that it took. */
export async function stop(
  id: string,
): Promise<{ readonly code: number; readonly seconds: number }> {
  const begun = Date.now();
  await docker("stop", id);
  const seconds = (Date.now() - begun) / 1000;
  return { code: Number(await docker("inspect", "--format", "{{.State.ExitCode}}", id)), seconds };
}
