import { docker } from "../dockerfile/docker.ts";

/** What carries the label of a run. */
export async function leftOf(id: string): Promise<readonly string[]> {
  const filter = ["--filter", `label=network.nsn.director.acceptance=${id}`];
  const lists = await Promise.all([
    docker("ps", "--all", "--format", "{{.Names}}", ...filter),
    docker("volume", "ls", "--quiet", ...filter),
    docker("network", "ls", "--quiet", ...filter),
  ]);
  return lists.flatMap((list) => list.split("\n")).filter((name) => name !== "");
}
