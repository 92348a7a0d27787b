import { type Input, stageNames } from "./input.ts";

const defaultTags = [
  "type=ref,event=branch",
  "type=ref,event=pr",
  "type=semver,pattern={{version}}",
  "type=semver,pattern={{major}}.{{minor}}",
  "type=sha",
  "type=schedule",
].join("\n");

/** Where things come from and go to. */
export const general = {
  stage: {
    default: "all",
    value: ["all", ...stageNames].join("|"),
    description: "Which part of the pipeline to run",
  },
  results: {
    default: "",
    value: "DIR",
    description:
      "Results folder that the stages write and read (default: $RUNNER_TEMP/director-image; one a checkout outside workflows)",
  },
  image: {
    default: "",
    value: "REPOSITORY",
    description: "Repository of the final image, or oci:DIR (default: ghcr.io/<owner>/director)",
  },
  platforms: {
    default: "linux/amd64,linux/arm64",
    value: "LIST",
    description: "Platforms to build",
  },
  models: {
    default: "models.lock.json",
    value: "LOCK",
    description: "The models lock; empty: an image without weights",
  },
  "models-delivery": {
    default: "hybrid",
    value: "hybrid|bake|mount",
    description: "bake weights into the image or mount them; hybrid: each model's own choice",
  },
  "models-repository": {
    default: "",
    value: "REPOSITORY",
    description: "Where model layers and the models image live (default: the image's)",
  },
  push: {
    default: "auto",
    value: "auto|true|false",
    description: "auto: not on pull requests; false: an OCI layout on disk",
  },
  layout: { default: "director-image", value: "DIR", description: "Folder of that layout" },
  tags: {
    default: defaultTags,
    value: "RULE",
    lines: true,
    description: "Tag rules, as in docker/metadata-action",
  },
  flavor: {
    default: "latest=auto",
    value: "RULE",
    lines: true,
    description: "What holds for all tags, as in docker/metadata-action",
  },
  labels: {
    default: "",
    value: "KEY=VALUE",
    lines: true,
    description: "Labels beside the derived ones",
  },
  annotations: {
    default: "",
    value: "KEY=VALUE",
    lines: true,
    description: "Annotations beside the derived ones",
  },
  "registry-username": {
    default: "",
    value: "NAME",
    description: "User at the image's registry (default: the workflow's actor)",
  },
  "registry-password": {
    default: "",
    value: "SECRET",
    secret: true,
    description:
      "Password or token there; sent to that registry only (default at ghcr.io: the workflow's token)",
  },
  "github-token": {
    default: "",
    value: "SECRET",
    secret: true,
    description: "Token for GitHub's own API, and for ghcr.io where no registry-password is given",
  },
  "hub-token": {
    default: "",
    value: "SECRET",
    secret: true,
    description: "Token for gated models; sent to the hub's own hosts only",
  },
  "download-mirror": {
    default: "",
    value: "URL",
    description: "Where tools are fetched from in closed networks",
  },
  runners: {
    default: "",
    value: "JSON",
    description:
      "Runner that builds each platform, where a stage has a job of its own: label, or labels, by platform",
  },
  "gpu-runner": {
    default: "",
    value: "LABEL",
    description: "Runner with a GPU for a job of the stage accept: a label, or labels as JSON",
  },
  "workflow-sha": {
    default: "",
    value: "COMMIT",
    description: "Commit of the reusable workflow that calls the action: must be the action's own",
  },
  "expected-digest": {
    default: "",
    value: "DIGEST",
    description:
      "Digest that the job assemble gave: accept and promote refuse artifacts that name another one",
  },
} as const satisfies Record<string, Input>;
