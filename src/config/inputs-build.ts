import { type Input, pinned } from "./input.ts";

/** How the runtime is built. */
export const building = {
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
  "no-cache-filters": {
    default: "",
    value: "STAGE",
    lines: true,
    description: "Stages of the Dockerfile to build anew, whatever the cache has",
  },
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
    description:
      "SLSA provenance of the build (true: with every step) and of the assembly; false: neither",
  },
} as const satisfies Record<string, Input>;
