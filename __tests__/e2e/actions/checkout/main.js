import { execFileSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";

const {
  GITHUB_WORKSPACE: workspace = ".",
  INPUT_REF: ref = "",
  INPUT_PATH: path = ".",
  ORIGIN: origin = "",
} = process.env;
const folder = join(workspace, path);
mkdirSync(folder, { recursive: true });
const git = (...args) =>
  execFileSync("git", ["-C", folder, ...args], { stdio: ["ignore", "inherit", "inherit"] });
git("clone", "--quiet", "--no-checkout", origin, ".");
git("checkout", "--quiet", "--detach", ref === "" ? "HEAD" : ref);
