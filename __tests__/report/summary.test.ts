import { describe, expect, it } from "@jest/globals";
import { summary } from "../../src/report/summary.ts";
import { digests, results } from "./results.ts";

describe("the job summary", () => {
  const text = summary(results);

  it("says what was built, what moved and how to pull it", () => {
    expect(text).toMatch(/^## Director image `ghcr\.io\/nsn\/director` `1\.2\.3`\n/);
    expect(text).toContain(`Digest: \`${digests.image}\``);
    expect(text).toContain("| models | 1 layers | 5.0 MB | 2 min 5 s |");
    expect(text).toContain("| build | linux/amd64 (all from the cache) |  | 3.0 s |");
    expect(text).toContain(`| one/a\\|b.bin | 5.0 MB | uploaded | \`${digests.layer}\` |`);
    expect(text).toContain("| `1.2.3` | moved | new |");
    expect(text).toContain(`docker pull ghcr.io/nsn/director:1.2.3@${digests.image}\n`);
  });

  it("says aloud what was published untested", () => {
    expect(text).toContain("> Published without the acceptance: first \\| try");
  });

  it("lets no text leave its cell or bring HTML", () => {
    expect(text).toContain("| points at # a newer &lt;b>image&lt;/b> |");
    expect(text).not.toContain("\r");
    const tables = text.split("\n").filter((line) => line.startsWith("|"));
    for (const line of tables) expect(line.endsWith("|")).toBe(true);
  });

  it("says why nothing was pushed, and which weights are not there", () => {
    const { prepare, assemble, promote: _, ...rest } = results;
    if (prepare === undefined || assemble === undefined) throw new Error("incomplete");
    const shown = summary({
      ...rest,
      prepare: { ...prepare, push: false, pushReason: "this is a pull request", target: "oci:out" },
      assemble: { ...assemble, repository: "oci:out", absent: [digests.layer] },
    });
    expect(shown).toContain("Nothing was pushed: this is a pull request.");
    expect(shown).toContain("1 model layers are not in `oci:out`");
    expect(shown).not.toContain("docker pull");
    expect(shown).not.toContain("### Tags");
  });

  it("says which weights were not checked", () => {
    const { models } = results;
    if (models === undefined) throw new Error("incomplete");
    const layers = models.layers.map((layer) => ({ ...layer, state: "gated" as const }));
    const shown = summary({ ...results, models: { ...models, layers, bytesUploaded: 0 } });
    expect(shown).toContain("| one/a\\|b.bin | 5.0 MB | gated, not checked |");
    expect(shown).toContain("1 of them were not checked: the hub wants a token for them (gated)");
    expect(text).not.toContain("gated");
  });

  it("is a heading alone where nothing ran", () => {
    expect(summary({ build: [], scan: [], accept: [] })).toBe("## Director image\n");
  });
});
