import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, jest } from "@jest/globals";
import type { Verdict } from "../../src/acceptance/check.ts";
import { type Expected, type Machine, machines } from "../acceptance/cards/machines.ts";
import { type Accepted, type Bench, bench } from "./accept-process.ts";
import { matching, sideBySide } from "./accepted.ts";

jest.setTimeout(600_000);

const tests = join(process.cwd(), "__tests__", "acceptance");
const ofCards = ["gpu", "vram"] as const;

describe("a machine with cards", () => {
  let made: Bench;
  let accepted: (name: string) => Promise<Accepted>;
  beforeAll(async () => {
    made = await bench();
    accepted = sideBySide(machines, 4, run);
  }, 900_000);
  afterAll(() => made.remove());

  function run({ smi, torch, own = 0, inputs = [] }: Machine): Promise<Accepted> {
    const vortex = join(process.cwd(), "vortex");
    return made.accept(
      `python3 -B ${join(tests, "broken", "broken.py")} on-a-card ${made.director}`,
      {
        inputs: inputs.includes("--gpu") ? inputs : ["--gpu", "auto", ...inputs],
        ...(smi === undefined ? {} : { path: join(tests, "cards", "bin") }),
        env: {
          ...(smi === undefined ? {} : { FAKE_CARDS: JSON.stringify(smi) }),
          FAKE_TORCH_CUDA: torch?.cuda ?? "",
          FAKE_TORCH_CARDS: String(torch?.cards ?? 0),
          BROKEN_VRAM_BYTES: String(own),
          PYTHONPATH: torch === undefined ? vortex : `${join(tests, "cards", "torch")}:${vortex}`,
          PYTHONDONTWRITEBYTECODE: "1",
        },
      },
    );
  }

  it.each(machines.map((machine) => [machine.name, machine] as const))(
    "%s",
    async (name, machine) => {
      const { result, failures, left } = await accepted(name);
      const { gpu: _, vram: __, ...others } = failures;
      const { resources } = machine;
      expect(others).toEqual(matching(resources === undefined ? {} : { resources }));
      for (const check of ofCards) {
        const [verdict, reason, measured] = machine[check];
        const seen = result.checks.find((one) => one.name === check);
        expect({ check, verdict: seen?.verdict }).toEqual({ check, verdict });
        expect(seen?.reason ?? "").toMatch(reason ?? /^$/);
        expect(seen?.measured ?? {}).toMatchObject(measured ?? {});
      }
      expect(result.verdict).toBe(worst(machine.gpu, machine.vram));
      expect(left).toEqual({ processes: [], files: [] });
    },
  );
});

function worst(...expected: readonly Expected[]): Verdict {
  const is = (verdict: Verdict) => expected.some(([one]) => one === verdict);
  if (is("failed")) return "failed";
  return is("inconclusive") ? "inconclusive" : "passed";
}
