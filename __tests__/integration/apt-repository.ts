import { createHash } from "node:crypto";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { output } from "./workspace.ts";

/** A distribution's repository of packages with a file each, on loopback, that gets newer versions. */
export interface AptRepository {
  /** What stands in sources.list for it. */
  readonly source: string;
  /** Offers a package in this version, and no other version of it. */
  offer(name: string, version: string): Promise<void>;
  /** Answers nothing any more, or again. */
  fail(isDown: boolean): void;
  close(): Promise<void>;
}

interface Offered {
  readonly file: string;
  readonly control: string;
}

export async function aptRepository(): Promise<AptRepository> {
  const folder = await mkdtemp(join(tmpdir(), "apt-"));
  const packages = new Map<string, Offered>();
  let isDown = false;
  const server = createServer((request, response) => {
    const path = join(folder, new URL(request.url ?? "/", "http://x").pathname);
    if (isDown) return void response.writeHead(503).end();
    readFile(path).then(
      (bytes) => response.writeHead(200, { "content-length": bytes.length }).end(bytes),
      () => response.writeHead(404).end(),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("There is no port.");
  const offer: AptRepository["offer"] = async (name, version) => {
    packages.set(name, await makePackage(folder, name, version));
    await writeIndex(folder, [...packages.values()]);
  };
  return {
    source: `deb [trusted=yes] http://127.0.0.1:${address.port} ./`,
    offer,
    fail: (wanted) => {
      isDown = wanted;
    },
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await rm(folder, { recursive: true });
    },
  };
}

async function makePackage(folder: string, name: string, version: string): Promise<Offered> {
  const root = join(folder, `${name}-${version}`);
  await mkdir(join(root, "DEBIAN"), { recursive: true });
  await mkdir(join(root, "usr/share", name), { recursive: true });
  const control = [
    ...[`Package: ${name}`, `Version: ${version}`, "Architecture: all"],
    ...["Maintainer: Nobody <nobody@example.org>", "Description: made up for tests", ""],
  ].join("\n");
  await writeFile(join(root, "DEBIAN/control"), control);
  await writeFile(join(root, "usr/share", name, "version"), `${version}\n`);
  const file = `${name}_${version}_all.deb`;
  await output("dpkg-deb", "--root-owner-group", "--build", root, join(folder, file));
  return { file, control };
}

/** Debian's repository format, "Packages" and "Release", of a flat repository. */
async function writeIndex(folder: string, offered: readonly Offered[]): Promise<void> {
  const entries = offered.map(async ({ file, control }) => {
    const bytes = await readFile(join(folder, file));
    return `${control}Filename: ./${file}\nSize: ${bytes.length}\nSHA256: ${sha256(bytes)}\n`;
  });
  const packages = (await Promise.all(entries)).join("\n");
  const entry = `${sha256(packages)} ${packages.length} Packages`;
  await writeFile(join(folder, "Packages"), packages);
  const date = new Date().toUTCString();
  await writeFile(join(folder, "Release"), `Suite: made-up\nDate: ${date}\nSHA256:\n ${entry}\n`);
}

function sha256(content: string | Uint8Array): string {
  return createHash("sha256").update(content).digest("hex");
}
