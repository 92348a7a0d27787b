/** Looks at a registry on loopback by plain HTTP requests of its own, not by the client that is under test. */

interface Manifest {
  readonly digest: string;
  readonly document: {
    readonly manifests?: readonly {
      readonly digest: string;
      readonly platform?: { readonly os: string; readonly architecture: string };
    }[];
    readonly layers?: readonly { readonly digest: string; readonly size: number }[];
  };
}

/** Every tag of a repository with its digest; none where there is no such repository. `login`: NAME:PASSWORD, where it asks for one. */
export async function tagsOf(
  repository: string,
  login?: string,
): Promise<Readonly<Record<string, string>>> {
  const headers = login === undefined ? {} : { authorization: `Basic ${btoa(login)}` };
  const response = await fetch(url(repository, "tags/list"), { headers });
  if (response.status === 404) return {};
  const { tags } = (await response.json()) as { readonly tags: readonly string[] | null };
  const pairs = (tags ?? []).map(
    async (tag) => [tag, (await readManifest(repository, tag, headers)).digest] as const,
  );
  return Object.fromEntries(await Promise.all(pairs));
}

export interface PublishedPlatform {
  readonly platform: string;
  readonly digest: string;
  readonly layers: readonly { readonly digest: string; readonly size: number }[];
}

/** The platforms behind `host:port/name:tag`. */
export async function readIndex(reference: string): Promise<readonly PublishedPlatform[]> {
  const colon = reference.lastIndexOf(":");
  const repository = reference.slice(0, colon);
  const { document } = await readManifest(repository, reference.slice(colon + 1));
  const platforms = (document.manifests ?? []).map(async ({ digest, platform }) => ({
    platform: `${platform?.os}/${platform?.architecture}`,
    digest,
    layers: (await readManifest(repository, digest)).document.layers ?? [],
  }));
  return Promise.all(platforms);
}

async function readManifest(
  repository: string,
  reference: string,
  more: Readonly<Record<string, string>> = {},
): Promise<Manifest> {
  const response = await fetch(url(repository, `manifests/${reference}`), {
    headers: {
      ...more,
      accept: "application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json",
    },
  });
  if (response.status !== 200) throw new Error(`${repository} ${reference}: ${response.status}`);
  return {
    digest: response.headers.get("docker-content-digest") ?? "",
    document: (await response.json()) as Manifest["document"],
  };
}

function url(repository: string, rest: string): string {
  const slash = repository.indexOf("/");
  return `http://${repository.slice(0, slash)}/v2/${repository.slice(slash + 1)}/${rest}`;
}
