import { describe, expect, it } from "@jest/globals";
import { type BuildOptions, commandLine, type Invocation } from "../../src/buildx/arguments.ts";
import { UsageError } from "../../src/errors.ts";
import { options } from "./requests.ts";

const call: Invocation = {
  builder: "b",
  source: { file: "/w/Dockerfile", context: "/w", contexts: {}, target: undefined },
  platforms: ["linux/amd64", "linux/arm64"],
  options,
  labels: {},
  annotations: {},
  epoch: 1_700_000_000,
  output: { push: "ghcr.io/nsn/director" },
  cacheRepository: "ghcr.io/nsn/director",
  mayPush: true,
  metadataFile: "/t/metadata.json",
};
const argumentsOf = (more: Partial<Invocation>, moreOptions: Partial<BuildOptions> = {}) =>
  commandLine({ ...call, ...more, options: { ...options, ...moreOptions } }).args;

/** Values of a flag, in order. */
const values = (args: readonly string[], flag: string) =>
  args.flatMap((arg, at) => (args[at - 1] === flag ? [arg] : []));

it("without any input is one call that pushes by digest", () => {
  expect(commandLine(call)).toEqual({
    env: {},
    args: [
      ...["buildx", "build", "--builder", "b", "--progress", "rawjson"],
      ...["--file", "/w/Dockerfile", "--platform", "linux/amd64,linux/arm64"],
      ...["--build-arg", "SOURCE_DATE_EPOCH=1700000000"],
      ...["--provenance", "mode=min", "--sbom", "false", "--output"],
      "type=image,name=ghcr.io/nsn/director,push-by-digest=true,name-canonical=true,push=true,oci-mediatypes=true,rewrite-timestamp=true,source-date-epoch=315532800",
      ...["--metadata-file", "/t/metadata.json", "/w"],
    ],
  });
});

describe("an input becomes its flag", () => {
  it.each<[string, Partial<BuildOptions>, string, readonly string[]]>([
    [
      "build-args",
      { args: { A: "1", B: "x=y, z" } },
      "--build-arg",
      ["SOURCE_DATE_EPOCH=1700000000", "A=1", "B=x=y, z"],
    ],
    [
      "build-args with an epoch of its own",
      { args: { SOURCE_DATE_EPOCH: "5" } },
      "--build-arg",
      ["SOURCE_DATE_EPOCH=5"],
    ],
    [
      "secret-files",
      { secretFiles: ["key=/k", "odd=/a,b"] },
      "--secret",
      ["id=key,src=/k", 'id=odd,"src=/a,b"'],
    ],
    ["secret-envs", { secretEnvs: ["key=KEY"] }, "--secret", ["id=key,env=KEY"]],
    ["ssh", { ssh: ["default", "a=/a"] }, "--ssh", ["default", "a=/a"]],
    ["network", { network: "host" }, "--network", ["host"]],
    ["shm-size", { shmSize: "1g" }, "--shm-size", ["1g"]],
    [
      "add-hosts",
      { addHosts: ["a:127.0.0.1", "b:127.0.0.2"] },
      "--add-host",
      ["a:127.0.0.1", "b:127.0.0.2"],
    ],
    ["allow", { allow: ["network.host"] }, "--allow", ["network.host"]],
    [
      "no-cache-filters",
      { noCacheFilters: ["base", "runtime"] },
      "--no-cache-filter",
      ["base", "runtime"],
    ],
    ["provenance: true", { provenance: "true" }, "--provenance", ["mode=max"]],
    ["provenance: false", { provenance: "false" }, "--provenance", ["false"]],
  ])("%s", (_, given, flag, expected) => {
    expect(values(argumentsOf({}, given), flag)).toEqual(expected);
  });

  it.each<[string, Partial<BuildOptions>]>([
    ["--no-cache", { noCache: true }],
    ["--pull", { pull: true }],
  ])("%s stands alone", (flag, given) => {
    expect(argumentsOf({}, given)).toContain(flag);
    expect(argumentsOf({})).not.toContain(flag);
  });

  it("target, named contexts and labels", () => {
    const source = { ...call.source, target: "runtime", contexts: { base: "docker-image://a@b" } };
    const args = argumentsOf({ source, labels: { title: "A, b" } });
    expect(values(args, "--target")).toEqual(["runtime"]);
    expect(values(args, "--build-context")).toEqual(["base=docker-image://a@b"]);
    expect(values(args, "--label")).toEqual(["title=A, b"]);
  });

  it("annotations of manifests only: the final index is written later", () => {
    const annotations = {
      "manifest:a": "1",
      "manifest[linux/arm64]:a": "2",
      "index:a": "3",
      "manifest-descriptor:a": "4",
    };
    expect(values(argumentsOf({ annotations }), "--annotation")).toEqual([
      "manifest:a=1",
      "manifest[linux/arm64]:a=2",
    ]);
  });

  it("a layout is a folder of its own, its path quoted where buildx needs that", () => {
    expect(values(argumentsOf({ output: { layout: "/a,b" } }), "--output")).toEqual([
      'type=oci,"dest=/a,b",tar=false,oci-mediatypes=true,rewrite-timestamp=true,source-date-epoch=315532800',
    ]);
  });
});

describe("caches", () => {
  const registry = "type=registry,ref=ghcr.io/nsn/director:buildcache-linux-amd64-linux-arm64";
  const toRegistry = `${registry},mode=max,ignore-error=true,image-manifest=true,oci-mediatypes=true`;
  const gha = "type=gha,scope=director-image-linux-amd64-linux-arm64";
  it.each<[string, Partial<BuildOptions>, boolean, readonly string[], readonly string[]]>([
    ["registry", { cache: "registry" }, true, [registry], [toRegistry]],
    ["registry, where nothing may be pushed", { cache: "registry" }, false, [registry], []],
    ["gha", { cache: "gha" }, true, [gha], [`${gha},mode=max,ignore-error=true`]],
    ["none", { cache: "none" }, true, [], []],
    [
      "the caller's beside it",
      { cache: "gha", cacheFrom: ["a/b:c"], cacheTo: ["type=inline"] },
      true,
      [gha, "a/b:c"],
      [`${gha},mode=max,ignore-error=true`, "type=inline"],
    ],
    [
      "the caller's, where nothing may be pushed",
      { cacheFrom: ["a/b:c"], cacheTo: ["type=inline"] },
      false,
      ["a/b:c"],
      [],
    ],
  ])("%s", (_, given, mayPush, from, to) => {
    const args = argumentsOf({ mayPush }, given);
    expect(values(args, "--cache-from")).toEqual(from);
    expect(values(args, "--cache-to")).toEqual(to);
  });

  it("registry without a repository is none", () => {
    expect(argumentsOf({ cacheRepository: undefined }, { cache: "registry" })).not.toContain(
      "--cache-from",
    );
  });

  it("of one platform is that platform's own, so that jobs side by side do not overwrite each other", () => {
    const args = argumentsOf({ platforms: ["linux/arm64"] }, { cache: "gha" });
    expect(values(args, "--cache-from")).toEqual(["type=gha,scope=director-image-linux-arm64"]);
  });
});

describe("secrets", () => {
  it("travel in the environment, never as an argument", () => {
    const { args, env } = commandLine({
      ...call,
      options: { ...options, secrets: ["token=hunter2=", "b=x y"] },
    });
    expect(values(args, "--secret")).toEqual([
      "id=token,env=DIRECTOR_IMAGE_SECRET_0",
      "id=b,env=DIRECTOR_IMAGE_SECRET_1",
    ]);
    expect(env).toEqual({ DIRECTOR_IMAGE_SECRET_0: "hunter2=", DIRECTOR_IMAGE_SECRET_1: "x y" });
    expect(args.join(" ")).not.toContain("hunter2");
  });

  it("that cannot be read are refused without being shown", () => {
    const refused = () => argumentsOf({}, { secrets: ["a=1", "hunter2"] });
    expect(refused).toThrow(UsageError);
    expect(refused).toThrow("secrets: entry 2 is not of the form ID=");
    expect(refused).not.toThrow("hunter2");
  });
});
