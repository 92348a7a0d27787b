import { describe, expect, it } from "@jest/globals";
import { UsageError } from "../../src/errors.ts";
import type { Context } from "../../src/metadata/context.ts";
import { annotationsAt, annotationsFor, labelsFor } from "../../src/metadata/labels.ts";

const context: Context = {
  event: "push",
  ref: "refs/tags/v1.2.3",
  sha: "90dd6032fac8bda1b6c4436a2e65de27961ed071",
  commitTime: Date.UTC(2020, 0, 10, 0, 30) / 1000,
  now: Date.UTC(2026, 0, 1),
  defaultBranch: "main",
  repository: {
    name: "Hello-World",
    description: "This your first repo!",
    url: "https://github.com/octocat/Hello-World",
    license: "MIT",
  },
};
const title = "org.opencontainers.image.title";

describe("labels", () => {
  it("are the repository's facts, created at the commit's time", () => {
    expect(labelsFor([], context, "1.2.3")).toEqual({
      "org.opencontainers.image.title": "Hello-World",
      "org.opencontainers.image.description": "This your first repo!",
      "org.opencontainers.image.url": "https://github.com/octocat/Hello-World",
      "org.opencontainers.image.source": "https://github.com/octocat/Hello-World",
      "org.opencontainers.image.version": "1.2.3",
      "org.opencontainers.image.created": "2020-01-10T00:30:00.000Z",
      "org.opencontainers.image.revision": "90dd6032fac8bda1b6c4436a2e65de27961ed071",
      "org.opencontainers.image.licenses": "MIT",
    });
  });

  it("leave out what is not known", () => {
    const { license: _, description: __, ...repository } = context.repository;
    const labels = labelsFor([], { ...context, repository }, undefined);
    expect(Object.keys(labels).map((key) => key.split(".").at(-1))).toEqual([
      "title",
      "url",
      "source",
      "created",
      "revision",
    ]);
  });

  it("give way to the caller's lines, which may hold equals signs, commas, quotes and expressions", () => {
    const lines = [
      "maintainer=CrazyMax",
      `${title}=MyCustomTitle`,
      "formula=a=b,c",
      'quoted=say "hi" # here',
      "# maintainer=nobody",
      "lines=one\n# two",
      "at={{commit_date 'YYYY-MM-DDTHH:mm:ss.SSS[Z]'}}",
      "",
    ];
    expect(labelsFor(lines, context, "1.2.3")).toMatchObject({
      maintainer: "CrazyMax",
      [title]: "MyCustomTitle",
      formula: "a=b,c",
      quoted: 'say "hi" # here',
      lines: "one\n# two",
      at: "2020-01-10T00:30:00.000Z",
    });
  });

  it.each(["no equals sign", "=value", "key={{nothing}}"])("refuse %s by its line", (line) => {
    expect(() => labelsFor([line], context, undefined)).toThrow(UsageError);
    expect(() => labelsFor([line], context, undefined)).toThrow(`labels: "${line}"`);
  });
});

describe("annotations", () => {
  const all = annotationsFor(
    [
      `index:${title}=of the index`,
      "plain=both",
      "manifest[linux/arm64]:plain=of arm64",
      "index,manifest-descriptor:shared=two places",
      "acme:key=a colon of its own",
      "index:issue=fixes #7, and #8",
    ],
    context,
    "1.2.3",
  );

  it.each([
    [
      "the index",
      annotationsAt(all, "index"),
      {
        [title]: "of the index",
        plain: "both",
        shared: "two places",
        "acme:key": "a colon of its own",
        issue: "fixes #7, and #8",
      },
    ],
    [
      "a manifest",
      annotationsAt(all, "manifest", "linux/amd64"),
      { [title]: "Hello-World", plain: "both", "acme:key": "a colon of its own" },
    ],
    [
      "a manifest with annotations of its own",
      annotationsAt(all, "manifest", "linux/arm64"),
      { plain: "of arm64" },
    ],
    [
      "a manifest's descriptor",
      annotationsAt(all, "manifest-descriptor"),
      { shared: "two places" },
    ],
  ])("of %s", (_, found, expected) => expect(found).toMatchObject(expected));

  it("do not reach places that they were not written for", () => {
    expect(annotationsAt(all, "manifest", "linux/amd64")).not.toHaveProperty("shared");
    expect(annotationsAt(all, "index-descriptor")).toEqual({});
  });
});
