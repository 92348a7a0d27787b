import { IntegrityError, RemoteError } from "../../errors.ts";
import { type Descriptor, mediaTypes } from "../../images/descriptor.ts";
import { type Digest, digestOf } from "../../images/digest.ts";
import { type Document, document, parseIndex } from "../../images/manifest.ts";
import { listedIn, referrerDescriptor, referrersTag, subjectOf } from "../../images/referrer.ts";
import { refusal } from "./answer.ts";
import type { RegistryClient } from "./client.ts";
import { getManifest, putManifest } from "./manifests.ts";
import { nextPage, type Page, readPages } from "./pages.ts";

/** Each is read by whoever verifies; a run attaches seven. */
const mostReferrers = 10_000;
/** How often the tag's list is written anew where somebody else wrote it at the same time. */
const rounds = 5;
/** Milliseconds after which somebody who read the list before it was written has written it, too. */
const settled = 400;

/** What is attached to a manifest: by the API (distribution specification 1.1, "Listing Referrers"), else, or where that knows nothing, by the tag. */
export async function listReferrers(
  client: RegistryClient,
  digest: Digest,
): Promise<readonly Descriptor[]> {
  const listed = (await byApi(client, digest)) ?? [];
  return listed.length > 0 ? listed : await byTag(client, digest);
}

/** PUT of a manifest with a subject; where the registry does not say that it lists it (`OCI-Subject`), the list under the tag is kept. */
export async function putReferrer(client: RegistryClient, manifest: Document): Promise<void> {
  const subject = subjectOf(manifest);
  if (subject === undefined)
    throw new IntegrityError(`${manifest.digest} has no subject, and is attached to nothing.`);
  await putManifest(client, manifest, undefined);
  const listed = await byApi(client, subject);
  if (listed?.some(({ digest }) => digest === manifest.digest)) return;
  const isListed = async () => {
    const list = await byTag(client, subject);
    return { list, done: list.some(({ digest }) => digest === manifest.digest) };
  };
  const entry = referrerDescriptor(manifest);
  for (let round = 0; round < rounds; round++) {
    const { list, done } = await isListed();
    if (done) return;
    const index = { schemaVersion: 2, mediaType: mediaTypes.index, manifests: [...list, entry] };
    await putManifest(client, document(mediaTypes.index, index), referrersTag(subject));
    const { clock } = client.ports;
    await clock.sleep(Math.round(settled * (1 + clock.random())));
  }
  if ((await isListed()).done) return;
  throw new RemoteError(
    `${client.url(`manifests/${referrersTag(subject)}`).href}: somebody else writes this list at the same time, so that ${manifest.digest} is not in it.`,
    { todo: "Let one run at a time publish an image, and run this again." },
  );
}

/** Undefined where the registry has no such API. */
async function byApi(
  client: RegistryClient,
  digest: Digest,
): Promise<readonly Descriptor[] | undefined> {
  const first = client.url(`referrers/${digest}`);
  return await readPages(client, first, (url) => getPage(client, url), mostReferrers);
}

async function getPage(client: RegistryClient, url: URL): Promise<Page<Descriptor> | undefined> {
  const headers = { accept: mediaTypes.index };
  const response = await client.send({ method: "GET", to: url, access: "pull", headers });
  const isIndex = response.headers["content-type"]?.split(";")[0]?.trim() === mediaTypes.index;
  // A registry without this API may answer anything to an address that it does not know, a page for people too.
  if ([400, 404, 405, 501].includes(response.status) || (response.status === 200 && !isIndex))
    return await response.discard().then(() => undefined);
  if (response.status !== 200) throw await refusal({ method: "GET", url }, response);
  const bytes = new TextEncoder().encode(await response.text());
  const { manifests } = parseIndex({ mediaType: mediaTypes.index, digest: digestOf(bytes), bytes });
  return { entries: manifests, next: nextPage(response, url, manifests.length) };
}

async function byTag(client: RegistryClient, digest: Digest): Promise<readonly Descriptor[]> {
  const list = await getManifest(client, referrersTag(digest));
  return list === undefined ? [] : listedIn(list);
}
