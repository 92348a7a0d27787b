/** Label and annotation names of a final image (design: "The final image"). */
export const names = {
  models: "network.nsn.director.models",
  root: "network.nsn.director.models.root",
  /** Whose the root is, and by which runtime layer. */
  owner: "network.nsn.director.models.owner",
  /** On a layer of the models image: the weights gate's verdict and the version of its rules, as JSON. */
  gate: "network.nsn.director.models.gate",
  refresh: "network.nsn.director.refresh",
  /** The Dockerfile's base. */
  base: { name: "network.nsn.director.base.name", digest: "network.nsn.director.base.digest" },
  /** The image that shares the lowest layers (OCI image specification, annotations.md): the models image. */
  lowest: {
    name: "org.opencontainers.image.base.name",
    digest: "org.opencontainers.image.base.digest",
  },
  created: "org.opencontainers.image.created",
} as const;
