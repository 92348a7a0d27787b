import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it, jest } from "@jest/globals";

jest.setTimeout(60_000);

const root = join(import.meta.dirname, "../..");
const file = join(root, "docs/deployment/director-node.md");
const page = readFileSync(file, "utf8");
const blocks = [...page.matchAll(/```(\w+)\n(.*?)```/gs)];
const scripts = blocks
  .filter(([, language]) => language === "sh")
  .map(([, , text = ""]) => text.replaceAll("…", "omitted"));

/** Each command of the page's scripts and sentences that begins with the given words, in one line. */
function commands(start: string): readonly string[] {
  const inline = [...page.matchAll(/`([^`\n]+)`/g)].map(([, text = ""]) => text);
  const lines = scripts.flatMap((script) => script.replace(/\\\n\s*/g, " ").split(/\n|&&/));
  return [...lines, ...inline].map((line) => line.trim()).filter((line) => line.startsWith(start));
}

/** The options that a command's words have up to the image, whose own come behind it. */
function options(command: string): readonly string[] {
  const words = command.split(/\s+(?:ghcr\.io|IMAGE)/)[0] ?? "";
  return [...words.matchAll(/(?<=\s)--([a-z][a-z-]*)/g)].map(([, name = ""]) => name);
}

const help = (program: string, ...args: readonly string[]) =>
  execFileSync(program, [...args, "--help"], { cwd: root, encoding: "utf8" });

describe("docs/deployment/director-node.md", () => {
  it("links to what is there", () => {
    const links = [...page.matchAll(/\]\(([^)]+)\)/g)].map(([, target = ""]) => target);
    expect(links.length).toBeGreaterThan(3);
    const anchors = [...page.matchAll(/^#+ (.+)$/gm)].map(
      ([, title = ""]) => `#${title.toLowerCase().replaceAll(" ", "-")}`,
    );
    for (const link of links) {
      if (link.startsWith("#")) expect(anchors).toContain(link);
      else expect([link, existsSync(join(dirname(file), link))]).toEqual([link, true]);
    }
  });

  it("has scripts that a shell reads", () => {
    expect(scripts.length).toBeGreaterThan(3);
    for (const script of scripts)
      expect(() => execFileSync("bash", ["-n"], { input: script })).not.toThrow();
  });

  it.each([
    ["docker run", 8],
    ["docker pull", 3],
    ["docker stop", 1],
    ["docker rm", 2],
    ["docker image inspect", 2],
    ["docker buildx imagetools inspect", 1],
  ])("uses options of %s that exist", (command, least) => {
    const [program = "", ...words] = command.split(" ");
    const known = help(program, ...words);
    const used = commands(command);
    expect(used.length).toBeGreaterThanOrEqual(least);
    const names = new Set(used.flatMap(options));
    expect([...names].filter((name) => !known.includes(`--${name}`))).toEqual([]);
  });

  it.each([
    ["models pull", 2],
    ["models verify", 1],
  ])("uses options of director-image %s that exist", (command, least) => {
    const known = help(
      join(root, "node_modules/.bin/node"),
      join(root, "src/cli.ts"),
      ...command.split(" "),
    );
    const used = commands(`director-image ${command}`);
    expect(used.length).toBeGreaterThanOrEqual(least);
    const names = new Set(
      used.flatMap((line) => [...line.matchAll(/--([a-z-]+)/g)]).map(([flag]) => flag),
    );
    expect([...names].filter((flag) => !known.includes(`${flag} `))).toEqual([]);
  });

  it("tells Docker, Compose and Kubernetes the same settings, ports and patience", () => {
    const yaml = blocks
      .filter(([, language]) => language === "yaml")
      .map(([, , text = ""]) => text);
    const [compose = "", kubernetes = ""] = yaml;
    for (const text of [scripts[0] ?? "", compose, kubernetes]) {
      for (const variable of ["SUBSTRATE_WS_URL", "P2P_BOOTSTRAP_PEERS", "P2P_EXTERNAL_ADDRESSES"])
        expect(text).toContain(variable);
      expect(text).toMatch(
        /(--stop-timeout |stop_grace_period: |terminationGracePeriodSeconds: )40/,
      );
      for (const port of ["9000", "9100", "50051"]) expect(text).toContain(port);
      expect(text).toMatch(/9000\/udp|protocol: UDP/);
    }
  });
});
