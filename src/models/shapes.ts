import { fileURLToPath } from "node:url";
import { z } from "zod";
import { isLoopback } from "../images/loopback.ts";

/** The parts that spec and lock have in common; every complaint names what was wanted. */
const unprintable = /[\p{Cc}\p{Cs}]/u;

/** Why a path cannot be one below a folder, or undefined if it can. */
export function pathProblem(path: string): string | undefined {
  if (path === "") return "wanted a path, this is empty";
  if (path.startsWith("/") || /^[A-Za-z]:/.test(path)) return `"${path}" is absolute`;
  if (path.includes("\\")) return `"${path}" has a backslash; wanted /`;
  if (unprintable.test(path)) return `${JSON.stringify(path)} has characters that no path may have`;
  const parts = path.split("/");
  if (parts.includes("..")) return `"${path}" leads out of its folder`;
  if (parts.some((part) => part === "" || part === "."))
    return `"${path}" is not in its plain form (no //, ./ or / at the end)`;
  if (parts.some((part) => part.startsWith(".wh.")))
    return `"${path}" would be a whiteout in a layer`;
  if (parts.some((part) => Buffer.byteLength(part) > 255))
    return `"${path}" has a part of more than 255 bytes`;
  return undefined;
}

/** Why an address cannot be a source, or undefined if it can. */
function addressProblem(text: string): string | undefined {
  if (!URL.canParse(text)) return `"${text}" is not an address`;
  const url = new URL(text);
  if (url.username !== "" || url.password !== "") return "an address must not carry a password";
  if (url.search !== "" || url.hash !== "") return `"${text}" must end with its path`;
  if (url.protocol === "https:") return undefined;
  if (url.protocol === "file:") return fileProblem(url, text);
  if (url.protocol === "http:")
    return isLoopback(url.hostname)
      ? undefined
      : `"${text}" is plain HTTP, which is for loopback only; wanted https:`;
  return `"${text}" is neither https: nor file:`;
}

/** Why a `file:` address is that of no path of this machine. */
function fileProblem(url: URL, text: string): string | undefined {
  if (url.hostname !== "")
    return `"${text}" names the host ${url.hostname}; wanted file:/// and an absolute path`;
  try {
    if (!unprintable.test(fileURLToPath(url))) return undefined;
  } catch {
    // An escaped slash, or an escape that is none.
  }
  return `"${text}" has escapes that no path may have, such as %2F`;
}

const checked = (problem: (text: string) => string | undefined) =>
  z.string().check((context) => {
    const message = problem(context.value);
    if (message !== undefined)
      context.issues.push({ code: "custom", message, input: context.value });
  });

export const filePath = checked(pathProblem);
export const address = checked(addressProblem);

export const modelName = z.string().regex(/^[a-z0-9]+(?:[._-]+[a-z0-9]+)*$/, {
  error: 'wanted lower-case letters and digits, with ".", "_" and "-" between them',
});

export const root = checked((text) => {
  if (!text.startsWith("/") || text === "/")
    return `"${text}" is not an absolute path below /, such as /models`;
  return pathProblem(text.slice(1));
});

export const title = z
  .string()
  .regex(/^[^\p{Cc}]{1,128}$/u, { error: "wanted a name of one line" });

export const delivery = z.enum(["bake", "mount"], { error: 'wanted "bake" or "mount"' });

const repository = z
  .string()
  .regex(/^[A-Za-z0-9][\w.-]*(?:\/[A-Za-z0-9][\w.-]*)?$/, { error: "wanted OWNER/NAME" });

/** A hub's repository at a revision of the given shape, or the address of a folder; the complaint is that of the kind that was meant. */
export function sourceShape(revision: z.ZodType<string>) {
  const hub = z.strictObject({ huggingface: repository, revision });
  const folder = z.strictObject({ url: address });
  return z.union([hub, folder], { error: ({ input }) => complaint(input, { hub, folder }) });
}

/** The same, or a sentence that says what is still to be chosen. */
export function openSourceShape(revision: z.ZodType<string>) {
  const hub = z.strictObject({ huggingface: repository, revision });
  const folder = z.strictObject({ url: address });
  const unset = z.strictObject({ unset: z.string().min(1) });
  return z.union([hub, folder, unset], { error: ({ input }) => complaint(input, { hub, folder }) });
}

function complaint(input: unknown, { hub, folder }: { hub: z.ZodType; folder: z.ZodType }): string {
  const meant = typeof input === "object" && input !== null && "url" in input ? folder : hub;
  const { path = [], message = "" } = meant.safeParse(input).error?.issues[0] ?? {};
  const place = path.length === 0 ? "" : `${path.join(".")}: `;
  return `wanted { "huggingface": "OWNER/NAME", "revision": … } or { "url": … }; ${place}${message}`;
}
