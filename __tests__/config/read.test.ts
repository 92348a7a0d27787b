import { describe, expect, it } from "@jest/globals";
import { readEnvironment } from "../../src/config/environment.ts";
import { readConfig } from "../../src/config/read.ts";
import { placeName } from "../../src/images/reference.ts";

const environment = readEnvironment(
  { GITHUB_REPOSITORY_OWNER: "NSN", GITHUB_ACTOR: "alice" },
  "/work",
);
const read = (given: Record<string, string> = {}) => readConfig((name) => given[name], environment);

describe("the configuration", () => {
  it("has the documented defaults", () => {
    const config = read();
    expect(config).toMatchObject({
      stage: "all",
      platforms: ["linux/amd64", "linux/arm64"],
      push: "auto",
      models: { lock: "models.lock.json", delivery: "hybrid" },
    });
    expect(placeName(config.image)).toBe("ghcr.io/nsn/director");
    expect(config.hub.endpoint.href).toBe("https://huggingface.co/");
    expect(Object.isFrozen(config.acceptance)).toBe(true);
  });

  it("keeps models and image in the same repository unless told", () => {
    expect(placeName(read({ image: "REG.example:5000/A/B" }).models.repository)).toBe(
      "reg.example:5000/a/b",
    );
    expect(placeName(read({ "models-repository": "ghcr.io/nsn/models" }).models.repository)).toBe(
      "ghcr.io/nsn/models",
    );
  });

  it("gives an empty input its default, as an unset variable of a workflow makes it", () => {
    expect(read({ push: "", platforms: "", cache: " " })).toMatchObject({
      push: "auto",
      platforms: ["linux/amd64", "linux/arm64"],
    });
  });

  it("takes an empty models input for an image without weights", () => {
    expect(read({ models: "" }).models.lock).toBeUndefined();
  });

  it("sends the workflow's token to ghcr.io and to no other registry", () => {
    expect(read({ "github-token": "t" }).registry).toEqual({ username: "alice", password: "t" });
    expect(read({ "github-token": "t", image: "registry.example/x" }).registry).toBeUndefined();
    expect(
      read({ "github-token": "t", image: "registry.example/x", "registry-password": "p" }).registry,
    ).toEqual({ username: "alice", password: "p" });
  });

  it.each([
    [{ stage: "deploy" }, 'stage: "deploy" is not what was wanted: one of all, prepare'],
    [{ push: "yes" }, 'push: "yes"'],
    [{ platforms: "," }, "platforms"],
    [{ platforms: "linux" }, 'platforms: "linux" is not a platform'],
    [{ platforms: "linux/arm64,linux/arm64/v8" }, "linux/arm64 is there twice"],
    [{ image: "ghcr.io/nsn/director:latest" }, "image:"],
    [{ "models-delivery": "both" }, "models-delivery"],
    [{ "startup-timeout": "soon" }, "startup-timeout"],
    [{ "max-vram": "12 apples" }, "max-vram"],
    [{ "build-args": "NAME" }, "build-args"],
    [{ force: "1" }, "force"],
    [{ "acceptance-slots": "0" }, "acceptance-slots"],
    [{ "registry-username": "alice" }, "registry-password"],
    [{ cache: "disk" }, "cache"],
    [{ builder: "mine", driver: "remote" }, "builder and driver contradict each other"],
    [{ builder: "mine", "driver-opts": "image=x" }, "builder and driver-opts"],
    [{ builder: "mine", "buildkitd-config": "x.toml" }, "builder and buildkitd-config"],
    [{ driver: "docker", "driver-opts": "image=x" }, "driver: docker and driver-opts"],
    [{ acceptance: "off", gpu: "required" }, "acceptance: off and gpu: required"],
    [{ sign: "true" }, 'sign: "true" is not what was wanted: one of auto, required, off'],
    [{ sign: "off", sbom: "true" }, "sign: off and sbom: true contradict each other"],
  ])("refuses %j and names the input", (given, message) =>
    expect(() => read(given as Record<string, string>)).toThrow(message),
  );

  it("takes a builder beside the defaults that a runner fills in", () => {
    const given = { builder: "mine", driver: "docker-container", "driver-opts": "" };
    expect(read(given).build.builder).toBe("mine");
  });

  it("refuses a hub that is no address", () => {
    expect(() => readConfig(() => undefined, { ...environment, hubEndpoint: "hub" })).toThrow(
      "HF_ENDPOINT",
    );
  });

  it("asks for an image where no owner is known", () => {
    expect(() => readConfig(() => undefined, readEnvironment({}, "/work"))).toThrow(
      "image: nothing was given",
    );
  });
});
