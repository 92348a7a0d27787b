/** Environment variables as programs are given them: without those that are not set. */
export function definedVariables(variables: NodeJS.ProcessEnv): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(variables).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
}

/** With these a program could speak as this job (GitHub's documentation, "OpenID Connect"): only this process does. */
const identity: readonly string[] = [
  "ACTIONS_ID_TOKEN_REQUEST_URL",
  "ACTIONS_ID_TOKEN_REQUEST_TOKEN",
];

/** What started programs are given of an environment. A program of the same user could still look into this process's own. */
export function forPrograms(variables: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(variables).filter(([name]) => !identity.includes(name)));
}
