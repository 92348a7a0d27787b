import { describe, expect, it } from "@jest/globals";
import { UsageError } from "../../../src/errors.ts";
import { stranger, type TrustFlags, trusted } from "../../../src/pipeline/verify/identity.ts";

const issuer = "https://token.actions.githubusercontent.com";
const own = "https://github.com/nsn/nsn";
const workflow = `${own}/.github/workflows/docker-director.yml`;
const shared =
  "https://github.com/nsn/director-image-action/.github/workflows/director-image.yml@refs/tags/v1.2.3";
const trust = (identity: string | undefined, more: Partial<TrustFlags> = {}) =>
  trusted({ identity, issuer, repository: undefined, ref: undefined, ...more });
const signer = (subject: string, sourceRepositoryURI = own, by = issuer) => ({
  ...{ subject, issuer: by },
  extensions: { sourceRepositoryURI },
});

describe("whom an operator trusts", () => {
  it.each([
    ["the very workflow", `${workflow}@refs/tags/v1.2.3`, `${workflow}@refs/tags/v1.2.3`],
    ["a tag by its pattern", `${workflow}@refs/tags/v*`, `${workflow}@refs/tags/v1.2.3`],
    ["any branch without a slash", `${workflow}@refs/heads/*`, `${workflow}@refs/heads/main`],
    ["two patterns", `${workflow}@refs/tags/v*-rc*`, `${workflow}@refs/tags/v1.0.0-rc1`],
  ])("is %s", (_, wanted, subject) => {
    expect(stranger(signer(subject), trust(wanted))).toBeUndefined();
  });

  it.each([
    ["another tag", `${workflow}@refs/tags/v1.2.3`, `${workflow}@refs/tags/v1.2.30`],
    [
      "a text that only contains it",
      `${workflow}@refs/tags/v1`,
      `https://evil/${workflow}@refs/tags/v1`,
    ],
    [
      "another character for a dot",
      `${workflow}@refs/tags/v*`,
      `${workflow.replace(".yml", "xyml")}@refs/tags/v1`,
    ],
    ["a branch for a tag", `${workflow}@refs/tags/v*`, `${workflow}@refs/heads/v1`],
    ["a slash for a star", `${workflow}@refs/heads/*`, `${workflow}@refs/heads/x/y`],
    ["a line more", `${workflow}@refs/heads/*`, `${workflow}@refs/heads/main\nx`],
    [
      "another case",
      `${workflow}@refs/heads/main`,
      `${workflow.replace("nsn/nsn", "NSN/nsn")}@refs/heads/main`,
    ],
  ])("is not %s", (_, wanted, subject) => {
    expect(stranger(signer(subject), trust(wanted))).toContain("signed it, not");
  });

  it("is not who is vouched for by another issuer", () => {
    const seen = signer(`${workflow}@refs/heads/main`, own, "https://gitlab.example");
    expect(stranger(seen, trust(`${workflow}@refs/heads/main`))).toBe(
      `https://gitlab.example vouches for its signer ${workflow}@refs/heads/main, not ${issuer}`,
    );
  });

  it("is not a stranger who calls the trusted reusable workflow", () => {
    const called = trust(shared, { repository: "nsn/nsn" });
    expect(stranger(signer(shared), called)).toBeUndefined();
    const evil = signer(shared, "https://github.com/evil/nsn");
    expect(stranger(evil, called)).toBe(
      `a run of https://github.com/evil/nsn signed it (by ${shared}), not one of ${own}`,
    );
    expect(stranger(signer(shared), trust(shared))).toContain("not one of");
    expect(stranger({ ...evil, extensions: {} }, called)).toContain("a run of no repository");
  });

  it.each(["build+push.yml", "build push.yml", "über.yml", "v1@2.yaml", "x.yml@refs"])(
    "is held to the workflow's own repository where its file is called %s",
    (file) => {
      const subject = `${own}/.github/workflows/${file}@refs/heads/main`;
      expect(stranger(signer(subject), trust(subject))).toBeUndefined();
      expect(stranger(signer(subject, "https://github.com/evil/x"), trust(subject))).toContain(
        "a run of https://github.com/evil/x signed it",
      );
    },
  );

  it("is asked for a repository where its workflow does not tell", () => {
    const odd = "https://gitlab.example/a/b/c/.github/workflows/x.yml@refs/heads/main";
    expect(() => trust(odd)).toThrow(UsageError);
    expect(() => trust(odd)).toThrow("does not say whose run it must be");
    expect(trust(odd, { repository: own }).repository).toBe(own);
  });

  it("is not asked for a repository where it is no workflow", () => {
    const person = trust("ops@nsn.example", { issuer: "https://accounts.example" });
    const seen = { subject: "ops@nsn.example", issuer: "https://accounts.example", extensions: {} };
    expect(stranger(seen, person)).toBeUndefined();
  });
});

describe("the run", () => {
  const called = (sourceRepositoryRef: string) => ({
    ...{ subject: shared, issuer },
    extensions: { sourceRepositoryURI: own, sourceRepositoryRef },
  });
  it.each([
    ["may be of any branch", "refs/heads/main", undefined, undefined],
    ["may be of the tags that are asked for", "refs/tags/v2.0.0", "refs/tags/v*", undefined],
    [
      "may not be of a branch where a tag is asked for",
      "refs/heads/v2",
      "refs/tags/v*",
      "a run of refs/heads/v2 signed it, not one of refs/tags/v*",
    ],
    [
      "is never a pull request's",
      "refs/pull/7/merge",
      undefined,
      "a run for a pull request signed it (refs/pull/7/merge)",
    ],
    [
      "must say what it is of",
      "",
      "refs/tags/v*",
      "a run of no branch or tag signed it, not one of refs/tags/v*",
    ],
  ])("%s", (_, seen, ref, said) => {
    expect(stranger(called(seen), trust(shared, { repository: "nsn/nsn", ref }))).toBe(said);
  });
});

it.each(["pull_request", "pull_request_target", "pull_request_review"])(
  "a run of %s never counts, whatever branch it is of",
  (buildTrigger) => {
    const sourceRepositoryRef = "refs/heads/main";
    const extensions = { sourceRepositoryURI: own, sourceRepositoryRef, buildTrigger };
    const subject = `${workflow}@refs/heads/main`;
    expect(stranger({ subject, issuer, extensions }, trust(subject))).toBe(
      `a run for a pull request signed it (${buildTrigger})`,
    );
    const pushed = { ...extensions, buildTrigger: "push" };
    expect(stranger({ subject, issuer, extensions: pushed }, trust(subject))).toBeUndefined();
  },
);

it.each<[string, string | undefined, Partial<TrustFlags>, string]>([
  ["nobody", undefined, {}, "whom do you trust?"],
  ["an empty text", " ", {}, "whom do you trust?"],
  ["any owner", `${workflow.replace("nsn/nsn", "*/nsn")}@refs/tags/v1`, {}, "a * elsewhere"],
  ["any file", `${workflow.replace("docker-director", "*")}@refs/tags/v1`, {}, "a * elsewhere"],
  ["any ref", `${workflow}@*`, {}, "a * elsewhere"],
  [
    "any file before what looks like a ref",
    `${own}/.github/workflows/*@refs/tags/v*`,
    {},
    "a * else",
  ],
  ["any kind of ref", `${workflow}@refs/*/v1`, {}, "a * elsewhere"],
  ["a star for everything", "*", {}, "a * elsewhere"],
  ["an issuer that is no address", `${workflow}@refs/tags/v1`, { issuer: "github" }, "--issuer"],
  [
    "a repository that is none",
    `${workflow}@refs/tags/v1`,
    { repository: "nsn" },
    "not OWNER/REPO",
  ],
  ["a ref that is none", `${workflow}@refs/tags/v1`, { ref: "main" }, "--ref"],
])("refuses to trust %s", (_, identity, more, said) => {
  expect(() => trust(identity, more)).toThrow(UsageError);
  expect(() => trust(identity, more)).toThrow(said);
});
