import { createServer, request as send } from "node:http";
import { type Fault, intercept } from "./faults.ts";
import { listen, stop } from "./registry-state.ts";

/** Stands between a client and a real registry, and goes wrong where told to. */
export async function startProxy(
  target: string,
  faults: readonly Fault[],
): Promise<{ readonly host: string; close(): Promise<void> }> {
  const [hostname, port] = target.split(":");
  const server = createServer(
    intercept(faults)((incoming, outgoing) => {
      const { method, url, headers } = incoming;
      const onward = send({ hostname, port, method, path: url, headers }, (answer) => {
        outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(outgoing);
      });
      onward.on("error", () => outgoing.destroy());
      incoming.on("close", () => {
        if (!incoming.complete) onward.destroy();
      });
      incoming.pipe(onward);
    }),
  );
  return { host: await listen(server), close: () => stop(server) };
}
