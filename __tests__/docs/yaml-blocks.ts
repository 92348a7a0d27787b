import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** A block of YAML in a page of the documentation. */
export interface YamlBlock {
  /** Path of the page in the repository, and the line of its first line there. */
  readonly page: string;
  readonly line: number;
  /**
   * `workflow` where it begins with `name:` or `on:`, `steps` where with a step; otherwise what the comment above it says:
   * `<!-- yaml: with -->` (inputs of the action), `permissions FILE` (those that a caller of the reusable workflow FILE grants), `compose`, `kubernetes`.
   */
  readonly kind: string;
  readonly text: string;
}

const root = join(import.meta.dirname, "../..");

/** Every block of YAML in README.md, the other pages beside it, and docs/. A block of no kind is an error. */
export function yamlBlocks(): readonly YamlBlock[] {
  const beside = readdirSync(root).filter((name) => name.endsWith(".md"));
  const below = readdirSync(join(root, "docs"), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".md"))
    .map((name) => `docs/${name}`);
  return [...beside, ...below]
    .toSorted()
    .flatMap((page) => blocksOf(page, readFileSync(join(root, page), "utf8")));
}

/** The workflow of a page with this `name:`, to be run as it is documented. */
export function documentedWorkflow(page: string, name: string): string {
  const [block, ...others] = yamlBlocks().filter(
    (one) => one.page === page && one.kind === "workflow" && one.text.startsWith(`name: ${name}\n`),
  );
  if (block === undefined || others.length > 0)
    throw new Error(
      `${page} has ${others.length > 0 ? "several workflows" : "no workflow"} named ${name}`,
    );
  return block.text;
}

/** Blocks of a page's text, in their order. */
export function blocksOf(page: string, markdown: string): readonly YamlBlock[] {
  const found = markdown.matchAll(/^(.*)\n```ya?ml\n([\s\S]*?)^```$/gm);
  return [...found].map(({ index, 1: above = "", 2: text = "" }) => {
    const line = markdown.slice(0, index).split("\n").length + 2;
    const [, declared] = /^<!-- yaml: (.+) -->$/.exec(above) ?? [];
    const kind = kindOf(text) ?? declared;
    if (kind === undefined)
      throw new Error(
        `${page}:${line}: what YAML is this? A workflow begins with name:, another kind is said above: <!-- yaml: with -->`,
      );
    return { page, line, kind, text };
  });
}

function kindOf(text: string): string | undefined {
  if (/^(name|on):/.test(text)) return "workflow";
  return /^- (uses|name|id|run):/.test(text) ? "steps" : undefined;
}
