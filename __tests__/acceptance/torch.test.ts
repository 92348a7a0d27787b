import { describe, expect, it } from "@jest/globals";
import { cudaComplaint, parseTorch, torchComplaints } from "../../src/acceptance/checks/gpu.ts";

describe("torch", () => {
  it.each([
    ["True 1 12.6\n", { available: true, count: 1, cuda: "12.6" }],
    ["False 0 None\n", { available: false, count: 0, cuda: undefined }],
    ["", { available: false, count: 0, cuda: undefined }],
  ])("that prints %j is read", (text, torch) => expect(parseTorch(text)).toEqual(torch));

  it.each<[string, string, string, number, readonly string[]]>([
    ["sees the cards", "True 2 12.6", "550.54.15", 2, []],
    ["runs under a newer driver", "True 1 12.6", "580.65.06", 1, []],
    [
      "finds none",
      "False 0 12.6",
      "550.54.15",
      1,
      ["torch finds no GPU (torch.cuda.is_available())"],
    ],
    ["misses one", "True 1 12.6", "550.1", 2, ["torch sees 1 cards, this machine has 2"]],
    [
      "is too new for the driver",
      "True 1 13.0",
      "550.54.15",
      1,
      ["torch is built for CUDA 13.0, the driver 550.54.15 runs CUDA 12 at most"],
    ],
  ])("that %s is judged", (_, printed, driver, cards, complaints) => {
    expect(torchComplaints(parseTorch(printed), driver, Array(cards).fill({ mig: false }))).toEqual(
      complaints,
    );
  });

  it("that sees one instance of cards that are cut into several has what there is for it", () => {
    const cut = [{ mig: true }, { mig: true }];
    expect(torchComplaints(parseTorch("True 1 12.6"), "550.1", cut)).toEqual([]);
  });

  it("and the image's CUDA are held to what the driver runs, as far as that is known", () => {
    expect(cudaComplaint("the image", "13.0.1\n", "550.1")).toEqual([
      "the image is built for CUDA 13.0.1, the driver 550.1 runs CUDA 12 at most",
    ]);
    expect(cudaComplaint("the image", "", "550.1")).toEqual([]);
    expect(cudaComplaint("the image", "14.0", "610.2")).toEqual([]);
  });
});
