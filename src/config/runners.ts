import { UsageError } from "../errors.ts";
import { type Platform, parsePlatform, platformName } from "../images/platform.ts";
import type { RunnerLabels } from "./config.ts";
import { wrong } from "./values.ts";

const wantedMap = 'a JSON object, such as {"linux/amd64":"ubuntu-24.04"}';
const wantedLabels = 'a label, or labels as JSON, such as ["self-hosted","gpu"]';

/** Labels by platform; undefined where nothing was given. */
export function runnersOf(
  name: string,
  text: string,
): Readonly<Record<Platform, RunnerLabels>> | undefined {
  if (text === "") return undefined;
  const value = parsed(text);
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw wrong(name, text, wantedMap);
  const entries = Object.entries(value).map(([platform, labels]): [Platform, RunnerLabels] => {
    if (!areLabels(labels))
      throw wrong(`${name}: ${platform}`, JSON.stringify(labels), wantedLabels);
    return [platformIn(name, platform), labels];
  });
  return Object.fromEntries(entries);
}

/** One label, or labels as JSON; undefined where nothing was given. */
export function labelsOf(name: string, text: string): RunnerLabels | undefined {
  if (text === "") return undefined;
  const labels = /^[["]/.test(text) ? parsed(text) : text;
  if (!areLabels(labels)) throw wrong(name, text, wantedLabels);
  return labels;
}

function platformIn(name: string, text: string): Platform {
  try {
    return platformName(parsePlatform(text));
  } catch (cause) {
    throw new UsageError(`${name}: "${text}" is not a platform, such as linux/amd64.`, { cause });
  }
}

function areLabels(value: unknown): value is RunnerLabels {
  const isLabel = (one: unknown) => typeof one === "string" && one.trim() !== "";
  return isLabel(value) || (Array.isArray(value) && value.length > 0 && value.every(isLabel));
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
