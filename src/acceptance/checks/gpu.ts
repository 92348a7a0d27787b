import { type Check, failed, judged, skipped } from "../check.ts";
import { cardQuery, cudaMajorOf, findGpus, type Gpu, isAtLeast, parseCards } from "../gpus.ts";

const program =
  "import torch; print(torch.cuda.is_available(), torch.cuda.device_count(), torch.version.cuda)";

/** The node sees this machine's cards, by a driver that is new enough for its CUDA. */
export const gpu: Check = {
  name: "gpu",
  after: ["startup"],
  seconds: () => 120,
  run: async ({ gpu: mode, gpus, nodes, limits, exec }) => {
    if (mode === "off") return skipped("gpu is off");
    if (gpus === undefined) {
      const { why } = await findGpus(exec);
      return mode === "required"
        ? failed(`this machine has no GPU: ${why}`)
        : skipped(`no GPU: ${why}`);
    }
    const node = nodes.main;
    const inside = await node.exec("nvidia-smi", ...cardQuery);
    if (inside.code !== 0)
      return failed(`nvidia-smi does not run in it: ${(inside.stderr || inside.stdout).trim()}`);
    const torch = await node.exec("python3", "-c", program);
    const driver = gpus.cards[0]?.driver ?? "";
    const seen = torch.code === 0 ? parseTorch(torch.stdout) : lastLine(torch.stderr);
    const cuda = typeof seen === "string" ? undefined : seen.cuda;
    return judged(
      [
        ...cardComplaints(parseCards(inside.stdout), gpus.cards),
        ...(isAtLeast(driver, limits.driver)
          ? []
          : [`the driver is ${driver}, ${limits.driver} or newer is wanted`]),
        ...(typeof seen === "string"
          ? [`torch does not run in it: ${seen}`]
          : torchComplaints(seen, driver, gpus.cards)),
        ...cudaComplaint("the image", (await node.exec("printenv", "CUDA_VERSION")).stdout, driver),
      ],
      { cards: gpus.cards.map(({ name }) => name), driver, cuda: cuda ?? "unknown" },
      { driver: limits.driver },
    );
  },
};

/** Whether the node sees the machine's cards, all of them and no others. Pure. */
function cardComplaints(seen: readonly Gpu[], wanted: readonly Gpu[]): readonly string[] {
  const names = (cards: readonly Gpu[]) =>
    cards
      .map(({ uuid }) => uuid)
      .toSorted()
      .join();
  return names(seen) === names(wanted)
    ? []
    : [`it sees ${seen.length} cards, this machine has ${wanted.length}`];
}

/** What torch lacks to use them. Pure. */
export function torchComplaints(
  { available, count, cuda }: Torch,
  driver: string,
  cards: readonly Pick<Gpu, "mig">[],
): readonly string[] {
  if (!available) return ["torch finds no GPU (torch.cuda.is_available())"];
  // Of cards that are cut into instances CUDA gives a program one instance.
  const isAll = count === cards.length || (count > 0 && cards.some(({ mig }) => mig));
  return [
    ...(isAll ? [] : [`torch sees ${count} cards, this machine has ${cards.length}`]),
    ...cudaComplaint("torch", cuda ?? "", driver),
  ];
}

/** Where something is made for a newer CUDA than the driver runs; nothing where it does not say. Pure. */
export function cudaComplaint(what: string, cuda: string, driver: string): readonly string[] {
  const [wanted, newest] = [Number.parseInt(cuda, 10), cudaMajorOf(driver)];
  return !(wanted > newest)
    ? []
    : [
        `${what} is built for CUDA ${cuda.trim()}, the driver ${driver} runs CUDA ${newest} at most`,
      ];
}

interface Torch {
  readonly available: boolean;
  readonly count: number;
  readonly cuda: string | undefined;
}

/** `True 1 12.6`. Pure. */
export function parseTorch(text: string): Torch {
  const [available, count, cuda] = text.trim().split(/\s+/);
  return {
    available: available === "True",
    count: Number(count ?? 0),
    cuda: cuda === undefined || cuda === "None" ? undefined : cuda,
  };
}

function lastLine(text: string): string {
  return text.trim().split("\n").at(-1) ?? "";
}
