import { execFileSync } from "node:child_process";

const { GITHUB_WORKSPACE: workspace = ".", INPUT_REF: ref = "", ORIGIN: origin = "" } = process.env;
const git = (...args) =>
  execFileSync("git", ["-C", workspace, ...args], { stdio: ["ignore", "inherit", "inherit"] });
git("clone", "--quiet", "--no-checkout", origin, ".");
git("checkout", "--quiet", "--detach", ref === "" ? "HEAD" : ref);
