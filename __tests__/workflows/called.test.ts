import { readFileSync } from "node:fs";
import { describe, expect, it } from "@jest/globals";
import { type InputName, inputs } from "../../src/config/inputs.ts";
import { outputs } from "../../src/config/outputs.ts";
import { calledOf, readWorkflow, stagesOf, workflowText } from "./workflows.ts";

const { version } = JSON.parse(readFileSync("package.json", "utf8")) as { version: string };
const names = ["director-image.yml", "director-image-check.yml"] as const;

/** What the workflows have beside the action's inputs. */
const own = ["environment", "timeout-minutes", "rebuild", "rebuild-tags", "registry-read-username"];

/** Inputs of the action that neither workflow has, and why. Who needs one of them writes a job of stages (docs/usage.md). */
const left: Readonly<Record<string, string>> = {
  results: "results go from job to job by the workflow's own hand",
  push: "each of the two workflows is one answer to it",
  layout: "only where nothing is pushed, in the runner's own folder",
  "github-token": "the job's own",
  "workflow-sha": "the workflow's own knowledge",
  "expected-digest": "the workflow's own knowledge",
  gpu: "follows from gpu-runner",
  "sarif-file": "findings go by the API, not by a later step",
  "secret-envs": "a called workflow has no variables of its caller",
  ssh: "a hosted runner has no agent; build-secrets bring a key",
  builder: "a job on a fresh machine has none",
  network: "a setting of one builder: driver-opts and buildkitd-config say it",
  allow: "entitlements take away what keeps a build apart from its machine",
  "add-hosts": "names belong to the network of the runner, or to a build argument",
  "shm-size": "no RUN of a runtime image computes",
};
const leftByCheck: Readonly<Record<string, string>> = {
  ...{ tags: "nothing is published", flavor: "nothing is published" },
  ...{ "only-changed": "nothing is published", force: "nothing is published" },
  ...{ sign: "nothing is published", sigstore: "nothing is published" },
  ...{ sbom: "nothing is published", provenance: "nothing is published" },
  "allow-untested": "nothing is published",
  "cache-to": "nothing is written",
  stage: "it goes as far as nothing is published",
  ...{ "registry-username": "no password", "registry-password": "a pull request's code is run" },
  secrets: "a pull request's code is run",
};

describe.each(names)("%s", (name) => {
  const workflow = readWorkflow(name);
  const called = calledOf(workflow);
  const jobs = Object.entries(workflow.jobs);
  const steps = jobs.flatMap(([, job]) => [...stagesOf(job).values()]);

  it("runs the action of its own version, and nothing else of this repository", () => {
    expect(steps.length).toBeGreaterThan(4);
    for (const { uses } of steps) expect(uses).toBe(`nsn/director-image-action@v${version}`);
    expect(workflowText(name)).not.toMatch(/uses: \.\//);
  });

  it("has only inputs that the action has, and a few of its own", () => {
    const unknown = Object.keys(called.inputs).filter(
      (input) => !own.includes(input) && !(input in inputs),
    );
    expect(unknown).toEqual([]);
  });

  it("gives the action only inputs that it has", () => {
    for (const { with: given = {} } of steps)
      expect(Object.keys(given).filter((input) => !(input in inputs))).toEqual([]);
  });

  it("leaves no input unused, and asks for none that it has not", () => {
    const used = new Set(
      [...workflowText(name).matchAll(/inputs\.([a-z-]+)/g)].map(([, input]) => input),
    );
    expect([...used].sort()).toEqual(Object.keys(called.inputs).sort());
  });

  it("has the action's own default, or none, for what both have", () => {
    for (const [input, { default: value }] of Object.entries(called.inputs)) {
      if (own.includes(input) || value === "" || ["runners", "sarif-upload"].includes(input))
        continue;
      expect(`${input}: ${value}`).toBe(`${input}: ${inputs[input as InputName].default}`);
    }
  });

  it("asks the steps before for outputs that the action has", () => {
    const asked = [...workflowText(name).matchAll(/steps\.([a-z]+)\.outputs\.([a-z-]+)/g)];
    for (const [, step = "", output = ""] of asked)
      if (!["where", "release"].includes(step)) expect(Object.keys(outputs)).toContain(output);
  });

  it("names each platform's runner by what prepare planned, never by the input", () => {
    expect(workflow.jobs["build"]?.["runs-on"]).toBe(
      `\${{ fromJSON(needs.prepare.outputs.runners)[matrix.platform] }}`,
    );
    expect(workflow.jobs["accept"]?.["runs-on"]).toBe(
      `\${{ fromJSON(needs.prepare.outputs.accept-runner) }}`,
    );
  });

  it("gives prepare every input, so that what is wrong with one is said before hours of work", () => {
    const given = stagesOf(workflow.jobs["prepare"]).get("prepare")?.with ?? {};
    const all = Object.keys(called.inputs).filter((one) => ![...own, "stage"].includes(one));
    expect(Object.keys(given)).toEqual(expect.arrayContaining(all));
    for (const input of all) expect(String(given[input])).toContain(`inputs.${input}`);
  });

  it("gives each stage its inputs, and each input to a stage", () => {
    const stages = new Map(jobs.flatMap(([, job]) => [...stagesOf(job)]));
    for (const input of ["file", "context", "target"] as const)
      expect(stages.get("scan")?.with?.[input]).toBe(`\${{ inputs.${input} }}`);
    stages.delete("prepare");
    const given = [...stages.values()].flatMap(({ with: inputsOf = {} }) => Object.keys(inputsOf));
    const ofPrepare = ["runners", "gpu-runner", "tags", "flavor", "labels", "annotations"];
    ofPrepare.push("models", "models-delivery", "models-repository");
    for (const input of Object.keys(called.inputs))
      if (![...own, ...ofPrepare].includes(input)) expect(given).toContain(input);
  });

  it("lets a runner of another architecture emulate, by packages of its distribution alone", () => {
    const { steps: ofBuild = [] } = workflow.jobs["build"] ?? {};
    const at = ofBuild.findIndex(({ run = "" }) => run.includes("qemu-user-static"));
    expect(ofBuild[at + 1]?.with?.["stage"]).toBe("build");
    expect(ofBuild[at]?.if).toContain(
      "!startsWith(matrix.platform, runner.arch == 'ARM64' && 'linux/arm64' || 'linux/amd64')",
    );
  });

  it("leaves out what has a reason, and nothing else", () => {
    const { "build-secrets": secrets, ...others } = called.secrets;
    const there = [...Object.keys(called.inputs), ...Object.keys(others)];
    if (secrets !== undefined) there.push("secrets");
    const missing = Object.keys(inputs).filter((input) => !there.includes(input));
    const reasons = { ...left, ...(name === "director-image-check.yml" ? leftByCheck : {}) };
    expect(missing.sort()).toEqual(Object.keys(reasons).sort());
  });
});

describe("director-image-check.yml", () => {
  it("pushes nothing, in any stage", () => {
    for (const [, job] of Object.entries(readWorkflow("director-image-check.yml").jobs))
      for (const [stage, { with: given }] of stagesOf(job))
        expect(`${stage}: ${given?.["push"]}`).toBe(`${stage}: false`);
  });
});

describe("director-image.yml", () => {
  const { jobs, on } = readWorkflow("director-image.yml");

  it("gives what its callers need", () => {
    const { outputs } = calledOf({ jobs, on });
    expect(Object.keys(outputs)).toEqual(["digest", "ref", "tags", "acceptance", "report"]);
    for (const name of ["digest", "ref"])
      expect(outputs[name]?.value).toBe(
        `\${{ jobs.promote.outputs.${name} || jobs.assemble.outputs.${name} }}`,
      );
    expect(outputs["tags"]?.value).toBe(`\${{ jobs.promote.outputs.tags }}`);
  });

  it("promotes one after the other, by image, and never gives way", () => {
    const groups = Object.entries(jobs).filter(([, job]) => job.concurrency !== undefined);
    expect(groups.map(([id]) => id)).toEqual(["promote"]);
    expect(jobs["promote"]?.concurrency).toEqual({
      group: `director-image-promote-\${{ needs.prepare.outputs.image }}`,
      queue: "max",
    });
  });

  it("knows all Git tags where a version is built, for which one is the newest", () => {
    const isTag = "inputs.rebuild || startsWith(github.ref, 'refs/tags/')";
    const checkout = jobs["prepare"]?.steps?.find(({ uses }) => uses?.includes("checkout"));
    expect(checkout?.with).toMatchObject({
      "fetch-depth": `\${{ (${isTag}) && '0' || '1' }}`,
      "fetch-tags": `\${{ ${isTag} }}`,
    });
  });

  it("holds what artifacts say of the image against what the job assemble told", () => {
    const told = `\${{ needs.assemble.outputs.digest }}`;
    for (const [id, job] of Object.entries(jobs)) {
      const { with: given } = stagesOf(job).get(id) ?? {};
      const expected = ["accept", "promote"].includes(id) ? told : undefined;
      expect([id, given?.["expected-digest"]]).toEqual([id, expected]);
    }
  });

  it("waits for the environment in promote alone", () => {
    const waiting = Object.entries(jobs).filter(([, job]) => job.environment !== undefined);
    expect(waiting.map(([id]) => id)).toEqual(["promote"]);
  });
});

describe("docker-director.yml", () => {
  const { jobs, on, concurrency } = readWorkflow("docker-director.yml");

  it("runs when the image may have changed, once a month, and when asked", () => {
    expect(on).toEqual({
      push: { branches: ["main", "develop"], tags: ["v*"] },
      pull_request: {
        paths: [
          ...["Dockerfile.director", ".dockerignore", "director/**", "nsn-nodes/director/**"],
          ...["vortex/**", "proto/**", "models*.json", ".github/workflows/**"],
          ...["action.yml", "dist/**"],
        ],
      },
      schedule: [{ cron: "17 4 1 * *" }],
      workflow_dispatch: {
        inputs: {
          stage: expect.objectContaining({ type: "choice" }),
          rebuild: expect.objectContaining({ type: "boolean", default: false }),
        },
      },
    });
  });

  it("offers the stages that the workflow takes", () => {
    const offered = on["workflow_dispatch"] as { inputs: { stage: { options: string[] } } };
    const [, taken = ""] = /^ +(all \| .*)\) ;;$/m.exec(workflowText("director-image.yml")) ?? [];
    expect(offered.inputs.stage.options).toEqual(taken.split(" | "));
  });

  it("calls the workflows by their repository and the tag that follows the newest 1.x, as every user does", () => {
    expect(Object.values(jobs).map(({ uses }) => uses)).toEqual(
      names.map((name) => `nsn/director-image-action/.github/workflows/${name}@v1`),
    );
  });

  it("rebuilds by the schedule and when asked, and then moves tags only where something changed", () => {
    const asked = `\${{ github.event_name == 'schedule' || inputs.rebuild == true }}`;
    expect(jobs["publish"]?.with).toMatchObject({ rebuild: asked, "only-changed": asked });
    const { "rebuild-tags": rules } = calledOf(readWorkflow("director-image.yml")).inputs;
    expect(rules?.default).toBe("type=raw,value=monthly\ntype=raw,value=latest");
  });

  it("gives pull requests no machine of the repository's own", () => {
    expect(jobs["check"]?.with).toBeUndefined();
  });

  it("gives only inputs and secrets that they take", () => {
    for (const [at, { with: given = {}, secrets = {} }] of Object.values(jobs).entries()) {
      const called = calledOf(readWorkflow(names[at] ?? ""));
      expect(Object.keys(called.inputs)).toEqual(expect.arrayContaining(Object.keys(given)));
      expect(Object.keys(called.secrets)).toEqual(expect.arrayContaining(Object.keys(secrets)));
    }
  });

  it("lets a pull request's older run give way, and no other", () => {
    expect(concurrency).toEqual({
      group: `docker-director-\${{ github.event.pull_request.number || github.run_id }}`,
      "cancel-in-progress": `\${{ github.event_name == 'pull_request' }}`,
    });
  });
});
