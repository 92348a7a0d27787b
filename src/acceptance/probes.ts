import { createSocket } from "node:dgram";
import { connect } from "node:net";

/** Milliseconds between two tries of a datagram, and how many there are. */
const again = 500;
const tries = 6;

/**
 * Whether QUIC answers there: a long-header packet of a version that nobody speaks makes every server send a Version Negotiation packet (RFC
 * 9000, sections 6 and 17.2.1). Gives the versions that it names; undefined where nothing answers.
 */
export async function probeQuic(
  host: string,
  port: number,
  signal: AbortSignal,
): Promise<readonly string[] | undefined> {
  signal.throwIfAborted();
  const socket = createSocket("udp4");
  let timer: NodeJS.Timeout | undefined;
  try {
    return await new Promise((resolve, reject) => {
      let sent = 0;
      const send = () => {
        if (sent === tries) return resolve(undefined);
        sent += 1;
        socket.send(unknownVersion(), port, host);
      };
      socket.on("message", (packet) => {
        const versions = negotiatedVersions(packet);
        if (versions !== undefined) resolve(versions);
      });
      socket.on("error", reject);
      signal.addEventListener("abort", () => reject(signal.reason), { once: true });
      timer = setInterval(send, again);
      send();
    });
  } finally {
    clearInterval(timer);
    socket.close();
  }
}

/** 1,200 bytes, the least that a server answers (RFC 9000, section 14.1); the version is of the pattern that is reserved for this (15). */
function unknownVersion(): Buffer {
  const packet = Buffer.alloc(1_200);
  packet[0] = 0xc0;
  packet.writeUInt32BE(0x1a2a3a4a, 1);
  packet[5] = 8;
  packet.write("director", 6, "latin1");
  packet[14] = 8;
  packet.write("accepted", 15, "latin1");
  return packet;
}

/** The versions of a Version Negotiation packet; undefined for any other. Pure. */
export function negotiatedVersions(packet: Uint8Array): readonly string[] | undefined {
  const view = Buffer.from(packet);
  if (view.length < 7 || ((view[0] ?? 0) & 0x80) === 0 || view.readUInt32BE(1) !== 0)
    return undefined;
  const ids = 5 + 1 + (view[5] ?? 0);
  const from = ids + 1 + (view[ids] ?? 0);
  const versions: string[] = [];
  for (let at = from; at + 4 <= view.length; at += 4)
    versions.push(`0x${view.readUInt32BE(at).toString(16).padStart(8, "0")}`);
  return versions.length === 0 ? undefined : versions;
}

/** Whether libp2p answers over TCP: both sides begin with `/multistream/1.0.0` (libp2p, "Connection establishment"). */
export function probeMultistream(
  host: string,
  port: number,
  signal: AbortSignal,
): Promise<string | undefined> {
  if (signal.aborted) return Promise.resolve(undefined);
  const hello = Buffer.from("\x13/multistream/1.0.0\n", "latin1");
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    const end = (answer: string | undefined) => {
      socket.destroy();
      resolve(answer);
    };
    let seen = Buffer.alloc(0);
    socket.setTimeout(3_000, () => end(undefined));
    socket.on("connect", () => socket.write(hello));
    socket.on("data", (bytes) => {
      seen = Buffer.concat([seen, bytes]);
      if (seen.length >= hello.length)
        end(seen.subarray(0, hello.length).equals(hello) ? "/multistream/1.0.0" : undefined);
    });
    socket.on("error", () => end(undefined));
    socket.on("close", () => end(undefined));
    signal.addEventListener("abort", () => end(undefined), { once: true });
  });
}
