/** Every input of the action, which is also a flag of the command line: named once, with its default and its meaning. */
export interface Input {
  readonly default: string;
  readonly description: string;
  /** What stands behind the flag in the help, such as `FILE`; a choice is written `a|b`. */
  readonly value: string;
  /** Whether its value must never be printed. */
  readonly secret?: true;
  /** Whether it takes one value a line (the flag may be repeated). */
  readonly lines?: true;
}

/** Tools that are fetched where they are missing. */
export const pinned = { buildx: "0.36.1", trivy: "0.74.0" } as const;

const defaultTags = [
  "type=ref,event=branch",
  "type=ref,event=pr",
  "type=semver,pattern={{version}}",
  "type=semver,pattern={{major}}.{{minor}}",
  "type=sha",
  "type=schedule",
].join("\n");

export const stageNames = [
  "prepare",
  "models",
  "build",
  "scan",
  "assemble",
  "accept",
  "promote",
  "report",
] as const;
export type StageName = (typeof stageNames)[number];

const general = {
  stage: {
    default: "all",
    value: ["all", ...stageNames].join("|"),
    description: "Which part of the pipeline to run",
  },
  results: {
    default: "",
    value: "DIR",
    description:
      "Results folder that the stages write and read (default: $RUNNER_TEMP/director-image)",
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
} as const satisfies Record<string, Input>;

const building = {
  context: { default: ".", value: "DIR", description: "What BuildKit builds" },
  file: {
    default: "Dockerfile.director",
    value: "FILE",
    description: "The Dockerfile; where the workspace has none, the action's own",
  },
  target: {
    default: "",
    value: "STAGE",
    description: "Stage to build (default: runtime, where the file has it)",
  },
  "build-args": { default: "", value: "NAME=VALUE", lines: true, description: "Build arguments" },
  "build-contexts": {
    default: "",
    value: "NAME=CONTEXT",
    lines: true,
    description: "Named contexts, such as another base image",
  },
  secrets: {
    default: "",
    value: "ID=VALUE",
    lines: true,
    secret: true,
    description: "Secrets for RUN --mount=type=secret",
  },
  "secret-files": {
    default: "",
    value: "ID=FILE",
    lines: true,
    description: "Secrets that are in files",
  },
  "secret-envs": {
    default: "",
    value: "ID=VARIABLE",
    lines: true,
    description: "Secrets that are in environment variables",
  },
  ssh: {
    default: "",
    value: "ID",
    lines: true,
    description: "SSH agents or keys for RUN --mount=type=ssh",
  },
  "no-cache": { default: "false", value: "true|false", description: "Build everything anew" },
  pull: { default: "false", value: "true|false", description: "Ask again for newer base images" },
  network: { default: "", value: "MODE", description: "Network of RUN steps" },
  "add-hosts": {
    default: "",
    value: "HOST:IP",
    lines: true,
    description: "Further entries of /etc/hosts in RUN steps",
  },
  allow: {
    default: "",
    value: "ENTITLEMENT",
    lines: true,
    description: "Entitlements of the build, such as network.host",
  },
  "shm-size": { default: "", value: "SIZE", description: "Size of /dev/shm in RUN steps" },
  "cache-from": { default: "", value: "CACHE", lines: true, description: "Further caches to read" },
  "cache-to": { default: "", value: "CACHE", lines: true, description: "Further caches to write" },
  cache: {
    default: "registry",
    value: "registry|gha|none",
    description: "Where BuildKit's cache is kept between runs",
  },
  builder: { default: "", value: "NAME", description: "An existing builder" },
  driver: {
    default: "docker-container",
    value: "docker-container|docker|remote|kubernetes",
    description: "Driver of the builder to make",
  },
  "driver-opts": {
    default: "",
    value: "NAME=VALUE",
    lines: true,
    description: "Options of that driver",
  },
  "buildkitd-config": {
    default: "",
    value: "FILE",
    description: "Configuration of the BuildKit to start",
  },
  "buildx-version": {
    default: pinned.buildx,
    value: "VERSION",
    description: "Buildx to install where there is none",
  },
  provenance: {
    default: "auto",
    value: "auto|true|false",
    description: "SLSA provenance of the build",
  },
  sbom: {
    default: "auto",
    value: "auto|true|false",
    description: "Software bill of materials of the final image",
  },
  sign: {
    default: "auto",
    value: "auto|true|false",
    description: "Keyless signature of the final image",
  },
} as const satisfies Record<string, Input>;

const judging = {
  "fail-on": {
    default: "critical",
    value: "critical|high|medium|low|unknown|none",
    description: "Lowest severity that fails the scan",
  },
  "ignore-unfixed": {
    default: "false",
    value: "true|false",
    description: "Leave out what no version fixes",
  },
  "scan-policy": {
    default: "",
    value: "FILE",
    description: "Accepted risks: [{ id, package, reason, expires }]",
  },
  "trivy-db": {
    default: "",
    value: "PLACE",
    description: "Vulnerability database: a folder or an OCI reference (default: its mirrors)",
  },
  "trivy-db-max-age": {
    default: "72h",
    value: "TIME",
    description: "An older database is refused",
  },
  "trivy-version": {
    default: pinned.trivy,
    value: "VERSION",
    description: "Trivy to install where there is none",
  },
  "min-packages": {
    default: "10",
    value: "N",
    description: "Fewer packages found is a failed scan",
  },
  "sarif-upload": {
    default: "auto",
    value: "auto|always|never",
    description: "Whether findings go to code scanning",
  },
  "sarif-file": {
    default: "trivy-results.sarif",
    value: "FILE",
    description: "Where the findings are written",
  },
  acceptance: {
    default: "auto",
    value: "auto|required|off",
    description: "Whether the candidate is started and checked",
  },
  gpu: {
    default: "auto",
    value: "auto|required|off",
    description: "required: no GPU is a failure",
  },
  "startup-timeout": { default: "60s", value: "TIME", description: "From start to healthy" },
  "shutdown-timeout": { default: "30s", value: "TIME", description: "From SIGTERM to exit" },
  "max-vram": { default: "11.8GB", value: "SIZE", description: "Peak memory on the GPU" },
  "max-image-size": {
    default: "10GB",
    value: "SIZE",
    description: "Size of the image without models",
  },
  "min-driver": { default: "535", value: "VERSION", description: "Oldest NVIDIA driver" },
  "acceptance-memory": {
    default: "16g",
    value: "SIZE",
    description: "Memory of the container under test",
  },
  "acceptance-cpus": { default: "4", value: "N", description: "CPUs of the container under test" },
  "acceptance-slots": { default: "5", value: "N", description: "Slots to generate under load" },
  "chain-url": {
    default: "",
    value: "URL",
    description: "A chain endpoint (default: a small one of its own)",
  },
  "allow-untested": {
    default: "",
    value: "REASON",
    description: "Publish without a scan or acceptance; the reason is recorded",
  },
  force: {
    default: "false",
    value: "true|false",
    description: "Let tags move back to an older image",
  },
} as const satisfies Record<string, Input>;

export const inputs = { ...general, ...building, ...judging };
export type InputName = keyof typeof inputs;
