/** One challenge of a `WWW-Authenticate` header (RFC 9110, 11.6.1); scheme and parameter names in lower case. */
export interface Challenge {
  readonly scheme: string;
  readonly parameters: Readonly<Record<string, string>>;
}

const token = /[!#$%&'*+.^_`|~0-9A-Za-z-]+/y;
const quoted = /"((?:[^"\\]|\\.)*)"/y;
const token68 = / +[A-Za-z0-9._~+/-]+=*(?=\s*(?:,|$))/y;

/** Reads every challenge of the header. What cannot be read ends the list. */
export function parseChallenges(header: string): readonly Challenge[] {
  const found: { scheme: string; parameters: Record<string, string> }[] = [];
  let at = 0;
  const take = (pattern: RegExp): RegExpExecArray | undefined => {
    pattern.lastIndex = at;
    const match = pattern.exec(header) ?? undefined;
    if (match !== undefined) at = pattern.lastIndex;
    return match;
  };
  for (;;) {
    take(/[\s,]*/y);
    const name = take(token)?.[0]?.toLowerCase();
    if (name === undefined) return found;
    if (take(/\s*=\s*/y) === undefined) {
      found.push({ scheme: name, parameters: {} });
      take(token68);
      continue;
    }
    const value = take(quoted)?.[1]?.replace(/\\(.)/g, "$1") ?? take(token)?.[0];
    const current = found.at(-1);
    if (value === undefined || current === undefined) return found;
    current.parameters[name] = value;
  }
}
