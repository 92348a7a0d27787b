import { describe, expect, it } from "@jest/globals";
import { type Job, readWorkflow, workflowText } from "./workflows.ts";

const names = ["director-image.yml", "director-image-check.yml", "docker-director.yml"] as const;

/** `job: scope level, …`, as a table's row; `the caller's` where a job has no permissions of its own. */
function rows(name: string): readonly string[] {
  return Object.entries(readWorkflow(name).jobs).map(([id, { permissions }]) => {
    if (permissions === undefined) return `${id}: the caller's`;
    const scopes = Object.entries(permissions).map(([scope, level]) => `${scope} ${level}`);
    return `${id}: ${scopes.sort().join(", ")}`;
  });
}

const jobsOf = (name: string): readonly (readonly [string, Job])[] =>
  Object.entries(readWorkflow(name).jobs);
const stepsOf = ({ steps = [] }: Job) => steps;

describe("what each job may do", () => {
  it("of the workflow that publishes: writes packages where something is pushed, findings where they are made, an identity in promote", () => {
    expect(rows("director-image.yml")).toEqual([
      "prepare: contents read",
      "models: contents read, packages write",
      "build: actions read, contents read, packages write, security-events write",
      "assemble: contents read, packages write",
      "accept: contents read, packages read",
      "promote: contents read, id-token write, packages write",
    ]);
  });

  it("of the check: nothing but reading, and in build what the caller grants", () => {
    expect(rows("director-image-check.yml")).toEqual([
      "prepare: contents read",
      "models: contents read, packages read",
      "build: the caller's",
      "accept: contents read, packages read",
    ]);
    expect(readWorkflow("director-image-check.yml").permissions).toBeUndefined();
    expect(workflowText("director-image-check.yml")).not.toMatch(/^\s+[a-z-]+: write$/m);
  });

  it("of the caller: the union of what it calls", () => {
    expect(rows("docker-director.yml")).toEqual([
      "publish: actions read, contents read, id-token write, packages write, security-events write",
      "check: contents read, packages read",
    ]);
  });

  it.each([
    ["publish", "director-image.yml"],
    ["check", "director-image-check.yml"],
  ])("%s grants exactly what %s asks for", (job, called) => {
    const wanted: Record<string, string> = {};
    for (const [, { permissions = {} }] of jobsOf(called))
      for (const [scope, level] of Object.entries(permissions))
        if (wanted[scope] !== "write") wanted[scope] = level;
    expect(readWorkflow("docker-director.yml").jobs[job]?.permissions).toEqual(wanted);
  });
});

describe.each(names)("%s", (name) => {
  it("never runs by pull_request_target", () => {
    expect(Object.keys(readWorkflow(name).on)).not.toContain("pull_request_target");
    expect(readWorkflow(name).on).not.toHaveProperty("workflow_run");
  });

  it("uses no third-party action but checkout, by its commit, without keeping its token", () => {
    for (const [, job] of jobsOf(name))
      for (const { uses, with: given } of stepsOf(job)) {
        if (uses === undefined || uses.startsWith("nsn/director-image-action@")) continue;
        expect(uses).toMatch(/^actions\/checkout@[0-9a-f]{40}$/);
        expect(given?.["persist-credentials"]).toBe(false);
      }
    for (const line of workflowText(name).match(/uses: actions\/.*/g) ?? [])
      expect(line).toMatch(/@[0-9a-f]{40} # v\d+\.\d+\.\d+$/);
  });

  it("has an end for every job", () => {
    for (const [, job] of jobsOf(name))
      if (job.uses === undefined) expect(job["timeout-minutes"]).toBeDefined();
  });

  it("puts nothing into a script: what a script needs comes by variables", () => {
    for (const [, job] of jobsOf(name))
      for (const { run = "" } of stepsOf(job)) expect(run).not.toContain("${{");
  });
});

describe("secrets", () => {
  /** Each value that names a secret, as `place key: secret, …`. */
  const named = (place: string, values: object) =>
    Object.entries(values).flatMap(([key, value]) => {
      const found = JSON.stringify(value).match(/\bsecrets\b[\w.'[\]-]*/g) ?? [];
      return found.length === 0 ? [] : [`${place} ${key}: ${[...new Set(found)].join(", ")}`];
    });
  /** By job and stage, into which input; what is no input of a step stands there by its own key. */
  const secretsIn = (name: string) =>
    jobsOf(name).flatMap(([id, { steps = [], ...others }]) => [
      ...named(id, others),
      ...steps.flatMap(({ with: given = {}, ...step }) =>
        named(`${id} ${given["stage"]}`, { ...step, ...given }),
      ),
    ]);
  const login = (place: string, passwords = "secrets.registry-password") => [
    `${place} registry-username: ${passwords}`,
    `${place} registry-password: ${passwords}`,
  ];

  it("of the workflow that publishes: the registry's in every stage, the hub's in models, the build's in build", () => {
    expect(secretsIn("director-image.yml")).toEqual([
      ...login("prepare prepare"),
      ...login("models models"),
      "models models hub-token: secrets.hub-token",
      ...login("build build"),
      "build build secrets: secrets.build-secrets",
      ...login("build scan"),
      ...login("assemble assemble"),
      ...login("accept accept", "secrets.registry-read-password, secrets.registry-password"),
      ...login("promote promote"),
    ]);
  });

  it("of the check are in no job that runs a pull request's code", () => {
    expect(secretsIn("director-image-check.yml")).toEqual([
      "models models hub-token: secrets.hub-token",
    ]);
  });

  it("that can write come to no runner with a GPU", () => {
    const accept = readWorkflow("director-image.yml").jobs["accept"];
    for (const step of accept?.steps ?? [])
      for (const [, value] of Object.entries(step.with ?? {})) {
        const guarded = "needs.prepare.outputs.gpu-runner == '' && secrets.registry-password";
        expect(String(value).replaceAll(guarded, "")).not.toContain("secrets.registry-password");
      }
  });
});
