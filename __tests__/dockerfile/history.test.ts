import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "@jest/globals";
import { service } from "../fakes/service.ts";
import { attempt, buildTimeout, docker } from "./docker.ts";

const histories = join(import.meta.dirname, "..", "sarif", "histories");

it(
  "BuildKit writes the history that layers are found by",
  async () => {
    const context = await mkdtemp(join(tmpdir(), "history-"));
    const image = `director-history-test:${process.pid}`;
    try {
      await mkdir(join(context, "world"));
      for (const name of ["one.txt", "world/w"]) await writeFile(join(context, name), "1\n");
      // An archive of nothing: two blocks of zeros.
      await writeFile(join(context, "t.tar"), new Uint8Array(1024));
      await copyFile(join(histories, "forms.Dockerfile"), join(context, "Dockerfile"));
      const base = `base:bookworm=docker-image://${service("TEST_BASES")}/base:bookworm`;
      await docker("buildx", "build", "--build-context", base, "--tag", image, context);
      const lines = await docker("history", "--no-trunc", "--format", "{{json .CreatedBy}}", image);
      const written = lines.split("\n").map((line) => JSON.parse(line) as string);
      const text = await readFile(join(histories, "forms.json"), "utf8");
      // `docker history` shows tabs as blanks.
      const wanted = (JSON.parse(text) as string[]).map((entry) => entry.replaceAll("\t", " "));
      expect(written.reverse()).toEqual(wanted);
    } finally {
      await attempt("image", "rm", image);
      await rm(context, { recursive: true, force: true });
    }
  },
  buildTimeout,
);
