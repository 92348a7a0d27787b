import { describe, expect, it } from "@jest/globals";
import { piping } from "./piping.ts";
import { dockerfile } from "./workspace.ts";

const given = piping();

describe("a runtime image that BuildKit made is refused", () => {
  it.each([
    ["with a file below the models' root", "RUN echo x > /models/x", "below the models' root"],
    [
      "with the models' root made anew",
      "RUN rm -rf /models && mkdir /models && chown 1000 /models",
      "",
    ],
    ["with the models' root taken away", "RUN rm -rf /models", "hides every weight"],
    [
      "with a symlink in the root's place",
      "RUN rm -rf /models && ln -s /mnt /models",
      "is no folder",
    ],
    ["with a root that others cannot traverse", "RUN chmod 700 /models", "others cannot reach"],
    ["with a VOLUME at the root", "VOLUME /models", "has VOLUME /models"],
    [
      "that says it carries weights",
      "LABEL network.nsn.director.models=x",
      "already carries the models image x",
    ],
  ])("%s", async (_, line, message) => {
    const tag = "type=raw,value=refused";
    await given.made.write("Dockerfile.director", dockerfile(line));
    const said = await given.run(
      "--platforms",
      "linux/amd64",
      "--tags",
      tag,
      "--results",
      `${given.made.folder}/refused`,
    );
    await given.made.write("Dockerfile.director", dockerfile());
    if (message === "") return expect(said.code).toBe(0);
    expect(said).toMatchObject({ code: 1, stderr: expect.stringContaining(message) });
    expect(said.stderr).toContain("Dockerfile");
  });
});
