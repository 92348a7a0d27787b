import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { startBuildkit } from "../buildkit.ts";
import { root } from "../director.ts";
import { startRegistry } from "../registry.ts";
import { compared, measurement, type Row } from "../row.ts";
import { withScratch } from "../scratch.ts";

const limit = 30 * 60;

export const cleanBuildRow: Row = {
  name: "clean-build",
  about: "Dockerfile.director for both platforms by a BuildKit without any cache, with push",
  onDemand: true,
  measure: (bench) =>
    withScratch(async (scratch) => {
      const registry = await startRegistry(scratch);
      const { build } = await startBuildkit(scratch);
      bench.say("building; this takes its time");
      const inputs = execFileSync(join(root, "scripts/setup/local-build-inputs.sh"), {
        encoding: "utf8",
      });
      const usage = await build(
        ...["--file", join(root, "Dockerfile.director"), "--target", "runtime"],
        ...["--platform", "linux/amd64,linux/arm64"],
        ...inputs.split("\n").filter((line) => line !== ""),
        ...["--output", `type=image,name=${registry.address}/clean:v1,push=true`, root],
      );
      const { seconds, written } = usage;
      return [
        {
          row: "clean-build",
          title: "Clean build of both platforms, without any cache",
          measurements: compared([measurement("Dockerfile.director", [{ seconds, written }])]),
          goals: [
            {
              goal: "below 30 minutes",
              seen: `${(seconds / 60).toFixed(1)} minutes`,
              met: seconds < limit,
            },
          ],
        },
      ];
    }),
};
