import { describe, expect, it } from "@jest/globals";
import { entries, items, secretValues } from "../../src/config/entries.ts";
import { readEnvironment } from "../../src/config/environment.ts";
import { readConfig } from "../../src/config/read.ts";
import { explain, UsageError } from "../../src/errors.ts";
import { maskSecret } from "../../src/ports/log.ts";

const pem = "-----BEGIN KEY-----\nMIIB+/=\n# no comment\n\n-----END KEY-----";

describe("a list of whole entries, as docker/build-push-action reads it", () => {
  it.each([
    ["one a line", "A=1\nB=2", ["A=1", "B=2"]],
    ["blank lines and comments between", "\n A=1 \n\n  # B=2\nC=3\n", ["A=1", "C=3"]],
    ["a # that is part of a value", "A=1 # one\nB=#2", ["A=1 # one", "B=#2"]],
    ["line ends of Windows", "A=1\r\nB=2\r\n", ["A=1", "B=2"]],
    ["commas, which mean nothing here", "A=1,2\nB=x, y", ["A=1,2", "B=x, y"]],
    ["a value of several lines in quotes", `"KEY=${pem}"\nB=2`, [`KEY=${pem}`, "B=2"]],
    ["the same, indented", `  "KEY=a\nb"  \nB=2`, ["KEY=a\nb", "B=2"]],
    ["quotes in quotes, written twice", '"A={""k"": 1,\n""l"": 2}"', ['A={"k": 1,\n"l": 2}']],
    ["a quote that does not begin a field", 'A="1"\nB=a"b', ['A="1"', 'B=a"b']],
    ["JSON", 'A={"a":"b","c":"d"}\nB=["x","y","z"]', ['A={"a":"b","c":"d"}', 'B=["x","y","z"]']],
    [
      "buildx's own fields in quotes",
      'type=local,"src=/a,b"\n"type=local,""src=/a,b"""',
      ['type=local,"src=/a,b"', 'type=local,"src=/a,b"'],
    ],
    ["nothing", " \n# nothing", []],
  ])("%s", (_, text, expected) => expect(entries("input", text)).toEqual(expected));
});

describe("a list that is split at commas, too", () => {
  it.each([
    ["commas and lines", "a=A, b=B\nc=C,", ["a=A", "b=B", "c=C"]],
    ["a comma in quotes", 'default,"key=/a,/b"', ["default", "key=/a,/b"]],
    ["the same alone", '"key=/a,/b"', ["key=/a,/b"]],
  ])("%s", (_, text, expected) => expect(items("input", text)).toEqual(expected));
});

it("a quote that is not closed is refused without the text", () => {
  for (const text of ['A=1\n"KEY=hunter2\nB=2', '"A=1\n', 'A=1,"hunter2']) {
    expect(() => entries("secrets", text)).toThrow(UsageError);
    expect(() => entries("secrets", text)).toThrow(/^secrets: entry \d has a quote that is not/);
    expect(() => entries("secrets", text)).not.toThrow("hunter2");
  }
});

describe("the inputs", () => {
  const read = (given: Record<string, string>) =>
    readConfig((name) => given[name], readEnvironment({ GITHUB_REPOSITORY_OWNER: "nsn" }, "/work"));
  it("that are lists are read like that", () => {
    expect(
      read({
        secrets: `"KEY=${pem}"\nTOKEN=a,b`,
        "secret-envs": "a=A,b=B",
        "secret-files": "a=/x,y",
        ssh: "default,key=/k",
        "add-hosts": "a:1.1.1.1,b:2.2.2.2",
        allow: "network.host,security.insecure",
        "build-args": '"A=1\n2"\nB=x,y',
        "build-contexts": "base=docker-image://x",
        "cache-from": "type=gha,scope=a\ntype=local,src=/b",
        "cache-to": "type=gha,mode=max",
      }).build,
    ).toMatchObject({
      secrets: [`KEY=${pem}`, "TOKEN=a,b"],
      secretEnvs: ["a=A", "b=B"],
      secretFiles: ["a=/x,y"],
      ssh: ["default", "key=/k"],
      addHosts: ["a:1.1.1.1", "b:2.2.2.2"],
      allow: ["network.host", "security.insecure"],
      args: { A: "1\n2", B: "x,y" },
      contexts: { base: "docker-image://x" },
      cacheFrom: ["type=gha,scope=a", "type=local,src=/b"],
      cacheTo: ["type=gha,mode=max"],
    });
    expect(read({ labels: '"a=1\n2"\nb=3' }).labels).toEqual(["a=1\n2", "b=3"]);
  });

  it("that are wrong name themselves", () => {
    expect(() => read({ "secret-envs": "a=A,b" })).toThrow('secret-envs: "b" is not');
    const failed = (text: string) => {
      try {
        return read({ "build-args": text });
      } catch (error) {
        return explain(error);
      }
    };
    expect(failed('"A=1')).toContain('"ID=line 1⏎line 2"');
  });
});

describe("what is masked", () => {
  const masked = (text: string) => {
    const found: string[] = [];
    for (const secret of secretValues("secrets", text))
      maskSecret({ mask: (part) => found.push(part) }, secret);
    return found;
  };
  it("of a secret of several lines is the whole and each line that says something", () => {
    expect(masked(`"KEY=${pem}"\nTOKEN=x=y`)).toEqual([
      pem,
      ...["-----BEGIN KEY-----", "MIIB+/=", "# no comment", "-----END KEY-----"],
      "x=y",
    ]);
    expect(masked('"JSON={\n""a"": 1\n}"')).toEqual(['{\n"a": 1\n}', '"a": 1']);
  });

  it("of secrets that will be refused is every line", () => {
    expect(masked('A=hunter2\n"KEY=hunter3\nhunter4')).toEqual(["hunter2", "hunter3", "hunter4"]);
  });
});
