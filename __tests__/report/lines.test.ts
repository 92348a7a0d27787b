import { describe, expect, it } from "@jest/globals";
import { lines } from "../../src/report/lines.ts";
import { digests, results } from "./results.ts";

describe("the lines at the end of a run", () => {
  const text = lines(results).join("\n");

  it("name the image, its tags, what was sent and how long each stage took", () => {
    expect(text).toContain(`Image      ghcr.io/nsn/director@${digests.image}`);
    expect(text).toMatch(/^Tags {7}1\.2\.3, latest \(points at/m);
    expect(text).toMatch(/^Uploaded {3}weights 5\.0 MB/m);
    expect(text).toContain("prepare 0.1 s, models 125.0 s, build 3.0 s, assemble 1.0 s");
  });

  it("say how to run it: by tag and digest, by the name it was loaded under, or by copying a layout", () => {
    expect(text).toMatch(/docker run --rm .* ghcr\.io\/nsn\/director:1\.2\.3@sha256:[0-9a-f]{64}/);
    expect(lines(results, "nsn-director:test").join("\n")).toMatch(
      /docker run .* nsn-director:test /,
    );
    const { assemble } = results;
    if (assemble === undefined) throw new Error("incomplete");
    const layout = lines({ ...results, assemble: { ...assemble, repository: "oci:out" } });
    expect(layout.join("\n")).toContain("skopeo copy --preserve-digests oci:out:1.2.3 docker://");
  });

  it("name the image that is published, where the run changed nothing", () => {
    const { promote, assemble } = results;
    if (promote === undefined || assemble === undefined) throw new Error("incomplete");
    const published = digests.runtime;
    const told = lines({ ...results, promote: { ...promote, published } }).join("\n");
    expect(told).toContain(`Image      ghcr.io/nsn/director@${published}`);
    expect(told).toContain(`:1.2.3@${published}`);
    expect(told).not.toContain(assemble.digest);
  });

  it("say what a scan found, and no more than why where it was skipped", () => {
    const scanned = (verdict: "passed" | "skipped", reason?: string) =>
      lines({
        ...results,
        scan: [{ verdict, reason, platforms: [], outdated: [] }],
      }).find((line) => line.startsWith("Scanned"));
    expect(scanned("passed")).toBe("Scanned    passed; nothing found");
    expect(scanned("skipped", "fail-on: none and no database")).toBe(
      "Scanned    skipped: fail-on: none and no database",
    );
  });

  it("are none where nothing was put together", () => {
    expect(lines({ build: [], scan: [], accept: [] })).toEqual([]);
  });
});
