/** What BuildKit reports while it builds (`--progress=rawjson`: one JSON object a line, moby/buildkit client/graph.go, SolveStatus). */
export interface Step {
  /** Its number in the log: `#3`. */
  readonly number: number;
  /** `[linux/amd64 runtime 2/5] RUN make`. */
  readonly name: string;
  /** When, by BuildKit's clock; absent while it runs. */
  readonly completed: string | undefined;
  readonly cached: boolean;
  readonly error: string | undefined;
  /** The last lines that it printed. */
  readonly tail: readonly string[];
  /** What it printed of a line that has no end yet. */
  readonly begun: string;
}

export interface Progress {
  readonly steps: ReadonlyMap<string, Step>;
  /** What was not progress: buildx's own messages, such as why the build failed. */
  readonly messages: readonly string[];
}

interface Status {
  readonly vertexes?: readonly Vertex[];
  readonly logs?: readonly { readonly vertex: string; readonly data?: string }[];
  readonly warnings?: readonly { readonly short?: string }[];
}

interface Vertex {
  readonly digest: string;
  readonly name: string;
  readonly started?: string;
  readonly completed?: string;
  readonly cached?: boolean;
  readonly error?: string;
}

export const nothingYet: Progress = { steps: new Map(), messages: [] };

const tailLength = 20;
const noise = /\(\*service\)\.Write failed.* locked for /;

/** Takes one line in: the progress after it, and the lines that a log shows for it. Pure. */
export function follow(
  before: Progress,
  line: string,
): { readonly progress: Progress; readonly shown: readonly string[] } {
  const status = statusOf(line);
  if (status === undefined) {
    if (line.trim() === "" || noise.test(line)) return { progress: before, shown: [] };
    return { progress: { ...before, messages: [...before.messages, line] }, shown: [line] };
  }
  const steps = new Map(before.steps);
  const shown: string[] = [];
  for (const vertex of status.vertexes ?? []) shown.push(...take(steps, vertex));
  for (const { vertex, data } of status.logs ?? []) shown.push(...print(steps, vertex, data));
  for (const { short } of status.warnings ?? [])
    if (short !== undefined) shown.push(`warning: ${decoded(short)}`);
  return { progress: { ...before, steps }, shown };
}

/** Whether every instruction of the Dockerfile came from the cache. */
export function isCached({ steps }: Progress): boolean {
  return [...steps.values()].filter(isInstruction).every(({ cached }) => cached);
}

/** The step that broke the build. Those that were merely cancelled with it say so. */
export function failedStep({ steps }: Progress): Step | undefined {
  const failed = [...steps.values()].filter(
    ({ name, error }) => error !== undefined && !isCacheTransfer(name),
  );
  return failed.find(({ error }) => !/context canceled|: canceled$/.test(error ?? "")) ?? failed[0];
}

/** A cache that is not there yet, or cannot be written, does not fail a build. */
function isCacheTransfer(name: string): boolean {
  return /^(importing|exporting) cache /.test(name);
}

/** `[linux/amd64 runtime 2/5] COPY …`: an instruction that does something; FROM only names. */
function isInstruction({ name }: Step): boolean {
  return /^\[[^\]]*\d+\/\d+\] (?!FROM )/.test(name);
}

function take(steps: Map<string, Step>, vertex: Vertex): readonly string[] {
  const { digest, name, completed, error } = vertex;
  const known = steps.get(digest);
  const cached = vertex.cached === true || known?.cached === true;
  const { number = steps.size + 1, tail = [], begun = "" } = known ?? {};
  const isOver = completed !== undefined || (error ?? "") !== "";
  const rest = isOver && begun !== "" ? [begun] : [];
  steps.set(digest, {
    number,
    name,
    completed,
    cached,
    error: error || known?.error,
    tail: [...tail, ...rest].slice(-tailLength),
    begun: isOver ? "" : begun,
  });
  const shown = known === undefined ? [`#${number} ${name}`] : [];
  shown.push(...rest.map((line) => `#${number} ${line}`));
  if (completed !== undefined && completed !== known?.completed && isWorth(vertex))
    shown.push(`#${number} ${ending(vertex)}`);
  return shown;
}

/** BuildKit completes a vertex once to say that it is not cached, and then starts it again. */
function isWorth({ cached, error, started, completed }: Vertex): boolean {
  return cached === true || (error ?? "") !== "" || milliseconds(started, completed) > 0;
}

function ending({ name, cached = false, error = "", started, completed }: Vertex): string {
  if (error !== "") return isCacheTransfer(name) ? `without it: ${error}` : `ERROR: ${error}`;
  return cached ? "CACHED" : `DONE ${(milliseconds(started, completed) / 1000).toFixed(1)}s`;
}

function milliseconds(started: string | undefined, completed: string | undefined): number {
  return started === undefined || completed === undefined
    ? 0
    : Date.parse(completed) - Date.parse(started);
}

/** Programs write in pieces that are not lines: what has no end yet waits for its rest. */
function print(
  steps: Map<string, Step>,
  vertex: string,
  data: string | undefined,
): readonly string[] {
  const step = steps.get(vertex);
  if (step === undefined || data === undefined) return [];
  const lines = `${step.begun}${decoded(data)}`.split("\n");
  const last = lines.pop() ?? "";
  const begun = step.completed === undefined ? last : "";
  if (begun === "" && last !== "") lines.push(last);
  steps.set(vertex, { ...step, tail: [...step.tail, ...lines].slice(-tailLength), begun });
  return lines.map((line) => `#${step.number} ${line}`);
}

function statusOf(line: string): Status | undefined {
  if (!line.startsWith("{")) return undefined;
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === "object" && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}

function decoded(base64: string): string {
  return Buffer.from(base64, "base64").toString("utf8");
}
