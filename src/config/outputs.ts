/** What a step leaves for later ones. */
export const outputs = {
  digest:
    "Digest of the final image's index; after promote, where nothing changed (only-changed), of the published one",
  ref: "The image by digest: repository@digest",
  version: "The main tag",
  tags: "Tags, one a line; after promote those that point at the image now",
  platforms: "Platforms (JSON list)",
  runners: "Runner of each platform (JSON object)",
  "gpu-runner": "The runner with a GPU (JSON), where it may be used",
  "accept-runner":
    "The runner that starts the image (JSON): the one with a GPU, else GitHub's of a planned platform",
  image: "Repository of the final image",
  push: "Whether anything is pushed",
  revision: "Commit that is built",
  "models-digest": "Digest of the models image",
  "runtime-digests": "Digest of each platform's runtime manifest (JSON object)",
  "sarif-file": "Path of the findings",
  scan: "Result of the scan (JSON)",
  acceptance: "Result of the acceptance (JSON)",
  report: "Path of the report",
  "bytes-uploaded":
    "Bytes: { models, runtime, manifests } (JSON); runtime is of layers that no image published before had, the others were sent",
} as const;
