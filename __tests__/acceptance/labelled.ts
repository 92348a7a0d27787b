import { docker } from "../dockerfile/docker.ts";

/** What carries the label of a run, or of any. */
export async function leftOf(id?: string): Promise<readonly string[]> {
  const label = "label=network.nsn.director.acceptance";
  const filter = ["--filter", id === undefined ? label : `${label}=${id}`];
  const lists = await Promise.all([
    docker("ps", "--all", "--format", "{{.Names}}", ...filter),
    docker("volume", "ls", "--quiet", ...filter),
    docker("network", "ls", "--quiet", ...filter),
  ]);
  return lists.flatMap((list) => list.split("\n")).filter((name) => name !== "");
}
