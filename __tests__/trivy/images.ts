import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { service } from "../fakes/service.ts";
import { output } from "../integration/workspace.ts";

/** A package of Debian that no image has but by this file, as images without a package manager have them. */
const madeUp = (name: string, version: string) =>
  `RUN mkdir -p /var/lib/dpkg/status.d && printf 'Package: ${name}\\nStatus: install ok installed\\nVersion: ${version}\\nArchitecture: all\\nMaintainer: Nobody <nobody@example.com>\\nDescription: made up\\n' > /var/lib/dpkg/status.d/${name}`;

const base = "FROM clean AS";

/** A token of GitHub's kind that nobody ever had; written so that this file holds none. */
const token = `ghp_${"A1b2C3d4E5f6G7h8I9".repeat(2)}`;

/** What stands in each image's part of one Dockerfile, by its name. */
const stages = {
  clean: "USER 1000\nHEALTHCHECK CMD true",
  critical: `${base} critical\nUSER 0\n${madeUp("made-up-critical", "1.0-1")}\nUSER 1000`,
  unfixed: `${base} unfixed\nUSER 0\n${madeUp("made-up-unfixed", "1.0-1")}\nUSER 1000`,
  wheel: `${base} wheel\nUSER 0\nRUN mkdir -p /opt/app/made_up_wheel-1.0.dist-info && printf 'Metadata-Version: 2.1\\nName: made-up-wheel\\nVersion: 1.0\\nLicense: MIT\\n' > /opt/app/made_up_wheel-1.0.dist-info/METADATA\nUSER 1000`,
  secret: `${base} secret\nUSER 0\nRUN mkdir -p /srv && echo 'token = "${token}"' > /srv/settings.conf\nUSER 1000`,
  empty:
    "FROM scratch AS empty\nCOPY --from=clean /etc/debian_version /etc/os-release /etc/\nUSER 1000",
  scratch: "FROM scratch AS scratch\nCOPY --from=clean /etc/hostname /greeting\nUSER 1000",
  arm64: `${base} arm64\nUSER 0\nARG TARGETARCH\nRUN [ $TARGETARCH = amd64 ] || { ${madeUp("made-up-critical", "1.0-1").slice("RUN ".length)}; }\nUSER 1000`,
  unknown: `${base} renamed\nUSER 0\nRUN mkdir /renamed && printf 'ID=madeup\\nVERSION_ID=1\\n' > /renamed/os-release\nFROM scratch AS unknown\nCOPY --from=clean /var/lib/dpkg /var/lib/dpkg\nCOPY --from=renamed /renamed /etc/\nUSER 1000`,
  old: `${base} old\nUSER 0\nRUN rm -f /etc/os-release && printf 'ID=debian\\nVERSION_ID=9\\n' > /etc/os-release && echo 9.13 > /etc/debian_version\nUSER 1000`,
  broken: `${base} broken\nUSER 0\nRUN mkdir -p /var/lib/rpm && head -c 9000 /dev/zero | tr '\\0' x > /var/lib/rpm/rpmdb.sqlite\nUSER 1000`,
} as const;

export type ImageName = keyof typeof stages;

/** Images for both platforms, made by BuildKit with its attestations, as `HOST/NAME:1`. */
export async function pushImages(host: string, names: readonly ImageName[]): Promise<void> {
  const context = await mkdtemp(join(tmpdir(), "images-"));
  const others = names.filter((name) => name !== "clean").map((name) => stages[name]);
  const dockerfile = [
    `FROM ${service("TEST_BASES")}/base:bookworm AS clean\n${stages.clean}`,
    ...others,
  ].join("\n\n");
  const target = (name: ImageName) => ({
    ...{ context, target: name, "dockerfile-inline": dockerfile },
    platforms: name === "arm64" ? ["linux/amd64", "linux/arm64"] : ["linux/amd64"],
    tags: [`${host}/${name}:1`],
    output: ["type=image,push=true,oci-mediatypes=true"],
    attest: ["type=provenance,mode=min"],
  });
  const bake = {
    group: { default: { targets: names } },
    target: Object.fromEntries(names.map((name) => [name, target(name)])),
  };
  try {
    const file = join(context, "bake.json");
    await writeFile(file, JSON.stringify(bake));
    await output(
      "docker",
      "buildx",
      "bake",
      "--progress",
      "plain",
      "--allow",
      `fs.read=${context}`,
      "--file",
      file,
    );
  } finally {
    await rm(context, { recursive: true, force: true });
  }
}
