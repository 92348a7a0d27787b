import { type Check, failed, judged, skipped } from "../check.ts";
import { isUserOnly } from "../proc.ts";

/** Every process is user 1000 and cannot gain privileges, in a container that was hardened as operators are told to. */
export const user: Check = {
  name: "user",
  after: ["startup"],
  seconds: () => 60,
  run: async ({ nodes, target }) => {
    if (target.kind === "process") return skipped("a process runs as whoever started it");
    if (nodes.hardening !== undefined)
      return failed(
        `it runs only without --read-only --tmpfs /tmp --cap-drop ALL --security-opt no-new-privileges: ${nodes.hardening}`,
      );
    const processes = await nodes.main.processes();
    const name = (one: { name: string; pid: number }) => `${one.name} (${one.pid})`;
    const others = processes.filter((one) => !isUserOnly(one, 1000));
    const gaining = processes.filter((one) => !one.noNewPrivileges);
    return judged(
      [
        ...(processes.length === 0 ? ["no process can be seen"] : []),
        ...others.map(
          (one) => `${name(one)} runs as user ${[...new Set(one.users)].join(" and ")}`,
        ),
        ...gaining.map((one) => `${name(one)} may gain privileges (NoNewPrivs: 0)`),
      ],
      { processes: processes.map(name) },
    );
  },
};
