import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";

/** Cargo's caches apart from those of the Director, which take long to fill. */
export const ownCache = ["--build-arg", "CARGO_CACHE=other-workspace"];

/** A workspace whose root is the Cargo workspace, with the Director and Vortex among other things. */
const workspace: Readonly<Record<string, string>> = {
  "Cargo.toml": `[workspace]
members = ["pallets/*", "off-chain/*", "nsn-nodes/director"]
resolver = "2"
`,
  "Cargo.lock": `version = 4

[[package]]
name = "nsn-director"
version = "9.8.7"
dependencies = ["off-chain-worker", "pallet-slots"]

[[package]]
name = "off-chain-worker"
version = "1.0.0"

[[package]]
name = "pallet-slots"
version = "1.0.0"
`,
  "pallets/slots/Cargo.toml": manifest("pallet-slots", "1.0.0"),
  "pallets/slots/src/lib.rs": "pub const SLOTS: u8 = 5;\n",
  "off-chain/worker/Cargo.toml": `${manifest("off-chain-worker", "1.0.0")}[[bin]]\nname = "worker"\npath = "src/bin/worker.rs"\n`,
  "off-chain/worker/src/lib.rs": 'pub const NAME: &str = "off-chain";\n',
  "off-chain/worker/src/bin/worker.rs": "fn main() {}\n",
  "nsn-nodes/director/Cargo.toml": `${manifest("nsn-director", "9.8.7")}[dependencies]
pallet-slots = { path = "../../pallets/slots" }
off-chain-worker = { path = "../../off-chain/worker" }
`,
  "nsn-nodes/director/src/main.rs":
    'fn main() { println!("{} {}", pallet_slots::SLOTS, off_chain_worker::NAME); }\n',
  "vortex/pyproject.toml": `[project]
name = "vortex"
version = "0.0.1"
requires-python = "==3.11.*"
`,
  "vortex/uv.lock": `version = 1
revision = 3
requires-python = "==3.11.*"

[[package]]
name = "vortex"
version = "0.0.1"
source = { virtual = "." }
`,
  "vortex/vortex/__init__.py": "",
  "vortex/vortex/__main__.py": 'print("another Vortex")\n',
};

function manifest(name: string, version: string): string {
  return `[package]\nname = "${name}"\nversion = "${version}"\nedition = "2021"\n\n`;
}

/** Writes it into a folder that is there. */
export async function writeWorkspace(folder: string): Promise<void> {
  for (const [path, text] of Object.entries(workspace)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), text);
  }
}
