import { filesOf, type Lock, type LockedLayer } from "./lock.ts";

/** What a new lock changes, for a person to look at before it is committed. */
export interface LockChanges {
  /** Repositories at another commit than before. */
  readonly revisions: readonly {
    readonly model: string;
    readonly from: string;
    readonly to: string;
  }[];
  readonly files: readonly FileChange[];
  readonly layers: {
    /** What an operator keeps. */
    readonly kept: number;
    readonly added: number;
    /** Bytes of the new ones. */
    readonly bytes: number;
  };
}

interface FileChange {
  readonly file: string;
  readonly change: "added" | "changed" | "removed";
  /** Bytes before and after. */
  readonly from: number | undefined;
  readonly to: number | undefined;
}

export function changesOf(before: Lock | undefined, after: Lock): LockChanges {
  const old = new Map(filesOf(before?.models ?? []).map((file) => [file.id, file.file]));
  const now = filesOf(after.models);
  const kept = new Set(now.map(({ id }) => id));
  const changed = now.flatMap(({ id, file }): FileChange[] => {
    const was = old.get(id);
    if (was?.sha256 === file.sha256) return [];
    return [
      { file: id, change: was === undefined ? "added" : "changed", from: was?.size, to: file.size },
    ];
  });
  const removed = [...old].flatMap(([file, { size }]): FileChange[] =>
    kept.has(file) ? [] : [{ file, change: "removed", from: size, to: undefined }],
  );
  return {
    revisions: revisions(before, after),
    files: [...changed, ...removed],
    layers: layerChanges(before?.layers ?? [], after.layers ?? []),
  };
}

function revisions(before: Lock | undefined, after: Lock): LockChanges["revisions"] {
  return after.models.flatMap(({ name, source }) => {
    const was = before?.models.find((model) => model.name === name)?.source;
    if (was === undefined || !("revision" in was) || !("revision" in source)) return [];
    return was.revision === source.revision
      ? []
      : [{ model: name, from: was.revision, to: source.revision }];
  });
}

function layerChanges(
  before: readonly LockedLayer[],
  after: readonly LockedLayer[],
): LockChanges["layers"] {
  const old = new Set(before.map(({ digest }) => digest));
  const added = after.filter(({ digest }) => !old.has(digest));
  return {
    kept: after.length - added.length,
    added: added.length,
    bytes: added.reduce((sum, { size }) => sum + size, 0),
  };
}
