/** A variable of scripts/services.sh; without it the test fails. */
export function service(name: string): string {
  const value = process.env[name];
  if (value !== undefined && value !== "") return value;
  throw new Error(`${name} is not set: run the tests by scripts/services.sh run npm test.`);
}
