import { afterAll, beforeAll, expect, it } from "@jest/globals";
import type { Builder } from "../../src/buildx/builder.ts";
import { entries } from "../../src/config/entries.ts";
import { digestOf } from "../../src/images/digest.ts";
import { service } from "../fakes/service.ts";
import { builderOf, openYard, run, type Yard } from "./requests.ts";
import { recorder } from "./services.ts";

const minutes = 60_000;
const key = '-----BEGIN KEY-----\nhunter2, "hunter3"\n-----END KEY-----';

let yard: Yard;
let builder: Builder;
beforeAll(async () => {
  yard = await openYard();
  builder = await builderOf(yard, "remote", [`endpoint=${service("TEST_BUILDKIT_ADDR")}`]);
}, minutes);
afterAll(async () => {
  await builder?.remove();
  await yard?.close();
});

it(
  "a secret of several lines comes to the RUN step as it is, and no line of it is shown",
  async () => {
    const log = recorder();
    const check = `echo "${digestOf(key).slice("sha256:".length)}  /run/secrets/key" | sha256sum -c`;
    const wanted = await yard.request(
      `FROM ubuntu:22.04\nRUN --mount=type=secret,id=key ${check}\n`,
      { platforms: ["linux/amd64"] },
      {
        secrets: entries("secrets", `"key=${key.replaceAll('"', '""')}"`),
        noCache: true,
      },
    );
    expect((await run(builder, wanted, log)).platforms).toHaveLength(1);
    expect(log.masked).toEqual([key, ...key.split("\n")]);
    expect(log.lines.filter((line) => line.includes("hunter"))).toEqual([]);
  },
  minutes,
);
