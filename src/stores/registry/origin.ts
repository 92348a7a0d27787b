import { isLoopback } from "../../images/loopback.ts";

/** Where a registry answers: `docker.io` at registry-1.docker.io; plain HTTP on loopback only, or where asked for. */
export function registryOrigin(registry: string, plainHttp = false): URL {
  if (registry === "docker.io") return new URL("https://registry-1.docker.io");
  const secure = new URL(`https://${registry}`);
  return plainHttp || isLoopback(secure.hostname) ? new URL(`http://${registry}`) : secure;
}

/** Whether a secret may travel there: over HTTPS, or without leaving the machine. */
export function isPrivate(url: URL): boolean {
  return url.protocol === "https:" || isLoopback(url.hostname);
}
