import { spawn } from "node:child_process";
import { once } from "node:events";
import { connect, createServer, type IncomingHttpHeaders } from "node:http2";
import { holdPorts } from "../../../src/acceptance/process-ports.ts";

/** `node no-reflection.ts PROGRAM…`: a Director whose gRPC does not tell its services; everything else passes through. */
const [program = "", ...args] = process.argv.slice(2);
const own = Number(process.env["GRPC_PORT"]);
const { ports } = await holdPorts(1);
const [elsewhere] = ports;
const node = spawn(program, args, {
  env: { ...process.env, GRPC_PORT: String(elsewhere) },
  stdio: "inherit",
});
process.on("SIGTERM", () => node.kill("SIGTERM"));

const server = createServer();
server.on("session", (session) => {
  const upstream = connect(`http://127.0.0.1:${elsewhere}`);
  upstream.on("error", () => session.destroy());
  upstream.on("close", () => session.close());
  session.on("error", () => upstream.destroy());
  session.on("close", () => upstream.close());
  session.on("stream", (stream, headers) => {
    stream.on("error", () => undefined);
    if (String(headers[":path"]).startsWith("/grpc.reflection."))
      return stream.respond(unimplemented, { endStream: true });
    const request = upstream.request(headers);
    let trailers: IncomingHttpHeaders = {};
    request.on("error", () => stream.close());
    request.on("trailers", (given) => {
      trailers = given;
    });
    request.on("response", (answer) => {
      stream.respond(answer, { waitForTrailers: true });
      stream.on("wantTrailers", () => stream.sendTrailers(trailers));
      request.pipe(stream);
    });
    stream.pipe(request);
  });
});
server.listen(own, "127.0.0.1");

const unimplemented = {
  ...{ ":status": 200, "content-type": "application/grpc" },
  ...{ "grpc-status": "12", "grpc-message": "no reflection here" },
};
const [code] = await once(node, "exit");
process.exit(code ?? 1);
