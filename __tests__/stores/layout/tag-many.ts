import { layoutStore } from "../../../src/stores/layout/layout-store.ts";
import { putImage, testPorts } from "../ports.ts";

/** A process that writes ten tagged images into a layout: `node tag-many.ts FOLDER NAME`. */
const [folder = "", name = ""] = process.argv.slice(2);
const ports = testPorts();
const store = layoutStore(folder, ports);
for (let at = 0; at < 10; at += 1) await putImage(store, [], `${name}${at}`);
