import { afterAll, beforeAll, expect, it } from "@jest/globals";
import { build } from "../../src/buildx/build.ts";
import { useBuilder } from "../../src/buildx/builder.ts";
import type { Docker } from "../../src/buildx/docker.ts";
import type { Login } from "../../src/buildx/docker-folder.ts";
import { setUpDocker } from "../../src/buildx/set-up.ts";
import { RemoteError } from "../../src/errors.ts";
import { clock } from "../../src/host/clock.ts";
import { exec } from "../../src/host/exec.ts";
import { httpFetch } from "../../src/host/fetch.ts";
import { files } from "../../src/host/files.ts";
import { folderToolCache } from "../../src/terminal/tool-cache.ts";
import { type RegistryProcess, startRegistryProcess } from "../fakes/registry-process.ts";
import { service } from "../fakes/service.ts";
import { fromScratch, openYard, type Yard } from "./requests.ts";
import { docker, recorder, storeAt } from "./services.ts";

const minute = 60_000;
const login = { username: "me", password: "hunter2" };
/** That password, as a registry keeps it (bcrypt). */
const passwords = "me:$2b$04$YSi/E5rpk.lK4Cw6K762tOY7wLI6lthd7cWekfNXtGvJY33bCjIZC";
let yard: Yard;
let locked: RegistryProcess;

beforeAll(async () => {
  yard = await openYard();
  locked = await startRegistryProcess({ htpasswd: passwords });
}, minute);

afterAll(async () => {
  await locked?.close();
  await yard?.close();
});

/** Pushes to the locked registry; `read` says whether what was pushed could be read back. */
async function push(given: Login | undefined) {
  const { docker: logged, remove } = await setUpDocker(
    {
      env: docker().env,
      login: given,
      buildxVersion: "0.36.1",
      downloadMirror: undefined,
      machine: { os: "linux", architecture: "x64" },
      scratch: yard.folder,
    },
    { exec, files, fetch: httpFetch(), tools: folderToolCache(yard.folder), log: recorder() },
  );
  try {
    return await buildAs(logged, given);
  } finally {
    await remove();
  }
}

async function buildAs(logged: Docker, given: Login | undefined) {
  const wanted = {
    builder: undefined,
    driver: "remote",
    driverOpts: [`endpoint=${service("TEST_BUILDKIT_ADDR")}`],
    buildkitdConfig: undefined,
    registry: locked.host,
    keep: false,
  } as const;
  const builder = await useBuilder(wanted, { docker: logged, clock });
  try {
    const request = await yard.request(fromScratch, {
      repository: `${locked.host}/nsn/director`,
    });
    const open = (place: string) => storeAt(place, given);
    return await build(builder, request, {
      docker: logged,
      files,
      clock,
      log: recorder(),
      storeAt: open,
    });
  } finally {
    await builder.remove();
  }
}

it(
  "BuildKit pushes with the log-in of the inputs",
  async () => {
    expect((await push({ registry: locked.host, ...login })).platforms).toHaveLength(2);
  },
  minute,
);

it.each([
  ["without a log-in", () => undefined],
  [
    "with a log-in that is for another registry",
    () => ({ registry: yard.registry.host, ...login }),
  ],
  ["with a wrong password", () => ({ registry: locked.host, username: "me", password: "wrong" })],
])(
  "%s the registry's refusal is a RemoteError that names the inputs",
  async (_, given) => {
    const failed = await push(given()).catch((error: unknown) => error);
    expect(failed).toBeInstanceOf(RemoteError);
    expect(failed).toMatchObject({
      message: expect.stringContaining("The registry did not take the image"),
      todo: expect.stringContaining("registry-password"),
    });
  },
  minute,
);
