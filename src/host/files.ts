import * as promises from "node:fs/promises";
import type { Files } from "../ports/files.ts";

/** The file system of this machine. */
export const files: Files = promises;
