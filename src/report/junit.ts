import type { AcceptResult } from "../results/stages.ts";

/** An acceptance as JUnit XML: `<testsuites>` at the root, one case a check (the schema that CI servers share), and one for a run that was none. Pure. */
export function junit(result: AcceptResult): string {
  const { platform, target, verdict, reason } = result;
  const checks = result.checks.length > 0 ? result.checks : [{ name: "accept", verdict, reason }];
  const count = (wanted: string) => checks.filter((check) => check.verdict === wanted).length;
  const seconds = checks.reduce((sum, check) => sum + (check.seconds ?? 0), 0).toFixed(3);
  const counts = `tests="${checks.length}" failures="${count("failed")}" errors="0" time="${seconds}"`;
  const skipped = count("skipped") + count("inconclusive");
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites name="director-image accept" ${counts}>`,
    `  <testsuite name="${attribute(`accept ${target} ${platform}`.trim())}" ${counts} skipped="${skipped}">`,
    `    <properties><property name="verdict" value="${attribute(verdict)}"/></properties>`,
    ...checks.flatMap(testcase),
    "  </testsuite>",
    "</testsuites>",
    "",
  ].join("\n");
}

function testcase(check: AcceptResult["checks"][number]): readonly string[] {
  const { name, verdict, reason = "", seconds = 0, measured } = check;
  const head = `    <testcase classname="director-image.accept" name="${attribute(name)}" time="${seconds.toFixed(3)}"`;
  const inside = [
    ...(verdict === "failed"
      ? [`      <failure message="${attribute(reason)}" type="failed"/>`]
      : []),
    ...(verdict === "skipped" || verdict === "inconclusive"
      ? [
          `      <skipped message="${attribute(verdict === "skipped" ? reason : `inconclusive: ${reason}`)}"/>`,
        ]
      : []),
    ...(measured === undefined
      ? []
      : [`      <system-out>${text(JSON.stringify(measured))}</system-out>`]),
  ];
  return inside.length === 0 ? [`${head}/>`] : [`${head}>`, ...inside, "    </testcase>"];
}

function attribute(value: string): string {
  return text(value)
    .replaceAll('"', "&quot;")
    .replaceAll(/[\r\n\t]+/g, " ");
}

/** Without what XML 1.0 (section 2.2) does not allow. */
function text(value: string): string {
  return value
    .replaceAll(/[^\t\n\r\x20-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu, "")
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;");
}
