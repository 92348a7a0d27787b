import type * as promises from "node:fs/promises";

/** The file system: the functions of node:fs/promises that are used, so that a full disk can be tried. */
export type Files = Pick<
  typeof promises,
  | "access"
  | "chmod"
  | "link"
  | "lstat"
  | "mkdir"
  | "mkdtemp"
  | "open"
  | "readdir"
  | "readFile"
  | "readlink"
  | "rename"
  | "rm"
  | "stat"
  | "statfs"
  | "symlink"
  | "writeFile"
>;
