import { isIPv4 } from "node:net";

/** Where a registry answers: `docker.io` at registry-1.docker.io; plain HTTP on loopback only, or where asked for. */
export function registryOrigin(registry: string, plainHttp = false): URL {
  if (registry === "docker.io") return new URL("https://registry-1.docker.io");
  const secure = new URL(`https://${registry}`);
  return plainHttp || isLoopback(secure) ? new URL(`http://${registry}`) : secure;
}

/** 127.0.0.0/8, ::1 and localhost. */
export function isLoopback({ hostname }: URL): boolean {
  return (
    hostname === "localhost" ||
    hostname === "[::1]" ||
    (isIPv4(hostname) && hostname.startsWith("127."))
  );
}

/** Whether a secret may travel there: over HTTPS, or without leaving the machine. */
export function isPrivate(url: URL): boolean {
  return url.protocol === "https:" || isLoopback(url);
}
