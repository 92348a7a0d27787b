import { isIPv4 } from "node:net";

/** Whether a host, as a URL writes it and without its port, is this machine: where plain HTTP and secrets may meet. */
export function isLoopback(host: string): boolean {
  return host === "localhost" || host === "[::1]" || (isIPv4(host) && host.startsWith("127."));
}
