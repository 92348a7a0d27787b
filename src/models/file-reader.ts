import type { Clock } from "../ports/clock.ts";
import type { Log } from "../ports/log.ts";
import { imagePath, type ModelFile } from "./lock.ts";
import { CheckedFile } from "./sources/checked-file.ts";
import type { NewHash } from "./sources/file-hash.ts";
import type { WantedFile } from "./sources/place.ts";
import { type PlacePorts, placesOf } from "./sources/places.ts";
import { Sources } from "./sources/resume.ts";

/** What reading weights needs: the network, the file system, time, and where the hub is. */
export interface SourcePorts extends PlacePorts {
  readonly clock: Clock;
  readonly log: Pick<Log, "info">;
  /** Where files are hashed; by default in this thread. */
  readonly newHash?: NewHash | undefined;
}

/** Where a file of the lock may be had. */
export function sourcesOf(
  root: string,
  { id, model, file }: ModelFile,
  ports: SourcePorts,
): Sources {
  const wanted = wantedOf(root, id, file);
  return new Sources(wanted, placesOf(model, file.path, wanted, ports), ports);
}

/** A file of the lock as its source or a mirror gives it, checked while it passes. */
export function sourceReader(
  root: string,
  file: ModelFile,
  ports: SourcePorts,
  onRead?: (bytes: number) => void,
  sources: Sources = sourcesOf(root, file, ports),
): CheckedFile {
  return fileReader(file.id, wantedOf(root, file.id, file.file), sources, ports, onRead);
}

/** A file as its sources give it. */
export function fileReader(
  id: string,
  wanted: WantedFile,
  sources: Sources,
  { newHash }: Pick<SourcePorts, "newHash">,
  onRead: (bytes: number) => void = () => undefined,
): CheckedFile {
  return new CheckedFile({
    ...wanted,
    id,
    read: (from, signal) => sources.read(from, signal),
    refused: (why) => sources.refused(why),
    onRead,
    newHash,
  });
}

function wantedOf(root: string, id: string, file: ModelFile["file"]): WantedFile {
  return { name: imagePath(root, id), ...file };
}
