import type { Clock } from "../ports/clock.ts";
import type { Log } from "../ports/log.ts";
import { imagePath, type ModelFile } from "./lock.ts";
import { CheckedFile } from "./sources/checked-file.ts";
import type { NewHash } from "./sources/file-hash.ts";
import type { Place, WantedFile } from "./sources/place.ts";
import { type PlacePorts, placesOf } from "./sources/places.ts";
import { readResumed } from "./sources/resume.ts";

/** What reading weights needs: the network, the file system, time, and where the hub is. */
export interface SourcePorts extends PlacePorts {
  readonly clock: Clock;
  readonly log: Pick<Log, "info">;
  /** Where files are hashed; by default in this thread. */
  readonly newHash?: NewHash | undefined;
}

/** A file of the lock as its source or a mirror gives it, checked while it passes. */
export function sourceReader(
  root: string,
  { id, model, file }: ModelFile,
  ports: SourcePorts,
  onRead?: (bytes: number) => void,
): CheckedFile {
  const wanted = { name: imagePath(root, id), ...file };
  return placeReader(id, wanted, placesOf(model, file.path, wanted, ports), ports, onRead);
}

/** A file as one of these places gives it. */
export function placeReader(
  id: string,
  wanted: WantedFile,
  places: readonly Place[],
  ports: Pick<SourcePorts, "clock" | "log" | "newHash">,
  onRead: (bytes: number) => void = () => undefined,
): CheckedFile {
  return new CheckedFile({
    ...wanted,
    id,
    from: places.map(({ name }) => name).join(" or "),
    read: (from, signal) => readResumed(places, wanted, from, ports, signal),
    onRead,
    newHash: ports.newHash,
  });
}
