/** One entry of a layer's tar, with its path as written there. */
export interface LayerEntry {
  readonly path: string;
  readonly type: "file" | "directory" | "symlink" | "link" | "other";
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly link?: string;
}

const whiteout = ".wh.";
const opaque = ".wh..wh..opq";

/**
 * Why a runtime layer with this entry cannot lie above the model layers under `root`, or undefined if it can.
 * Whiteouts as in the OCI image specification, layer.md.
 */
export function refusal(entry: LayerEntry, root: string): string | undefined {
  const [path, target] = [plain(entry.path), plain(root)];
  const folder = path.includes("/") ? path.slice(0, path.lastIndexOf("/")) : "";
  const name = path.slice(path.lastIndexOf("/") + 1);
  if (isWithin(path, target)) return `/${path} lies below the models' root`;
  if (name === opaque)
    return isAtOrAbove(folder, target)
      ? `/${path} (an opaque marker) hides every weight`
      : undefined;
  if (name.startsWith(whiteout)) {
    const hidden = plain(`${folder}/${name.slice(whiteout.length)}`);
    return isAtOrAbove(hidden, target)
      ? `/${path} (a whiteout of /${hidden}) hides every weight`
      : undefined;
  }
  if (entry.type === "link" && isWithin(plain(entry.link ?? ""), target))
    return `/${path} is a hard link to /${plain(entry.link ?? "")}, below the models' root`;
  if (!isAtOrAbove(path, target)) return undefined;
  if (entry.type !== "directory") return `/${path} is no folder, but the models' root is there`;
  return (entry.mode & 0o001) === 0
    ? `/${path} has mode ${(entry.mode & 0o7777).toString(8)}: others cannot reach the models through it`
    : undefined;
}

/** Whether the entry is the models' root itself. */
export function isRoot(entry: LayerEntry, root: string): boolean {
  return entry.type === "directory" && plain(entry.path) === plain(root);
}

/** Without leading `./` and `/`, doubled and trailing slashes. */
function plain(path: string): string {
  return path
    .split("/")
    .filter((part) => part !== "" && part !== ".")
    .join("/");
}

function isWithin(path: string, root: string): boolean {
  return path.startsWith(`${root}/`);
}

function isAtOrAbove(path: string, root: string): boolean {
  return path === "" || path === root || root.startsWith(`${path}/`);
}
