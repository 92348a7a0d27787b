import { type Input, pinned } from "./input.ts";

/** How the image is scanned, accepted and promoted. */
export const judging = {
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
  sbom: {
    default: "auto",
    value: "auto|true|false",
    description:
      "Attach the bills of materials that the scan made; true: refuse to publish without them",
  },
  sign: {
    default: "auto",
    value: "auto|required|off",
    description:
      "Sign what is said of the image as this workflow; auto: where the job has id-token: write and the repository is public",
  },
  sigstore: {
    default: "",
    value: "FILE",
    description:
      "A Sigstore of one's own: { fulcio, rekor, trustedRoot } (default: the public good instance)",
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
  "only-changed": {
    default: "false",
    value: "true|false",
    description:
      "Move tags only if the image differs from the published one, and report what changed",
  },
} as const satisfies Record<string, Input>;
