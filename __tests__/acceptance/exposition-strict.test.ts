import { describe, expect, it } from "@jest/globals";
import { type Format, parseExposition } from "../../src/acceptance/exposition.ts";

const page = (...lines: readonly string[]) => `${lines.join("\n")}\n`;
const labelsOf = (text: string, format: Format = "prometheus") =>
  parseExposition(text, format)[0]?.samples.map(({ labels }) => labels);

describe("a valid page of metrics", () => {
  it.each<[string, string, Readonly<Record<string, string>>]>([
    ["escapes in labels", 'a{b="\\\\n \\" \\n"} 1', { b: '\\n " \n' }],
    ["braces in labels", 'a{path="/x/{id} y",c="}"} 1', { path: "/x/{id} y", c: "}" }],
    ["labels that objects have too", 'a{constructor="x"} 1', { constructor: "x" }],
    ["empty braces", "a{} 1", {}],
    ["a comma behind the last label", 'a{b="c",} 1', { b: "c" }],
    ["a time before 1970", 'a{b="c"} 1 -5', { b: "c" }],
  ])("may have %s", (_, sample, labels) => {
    expect(labelsOf(page("# TYPE a gauge", sample))).toEqual([labels]);
  });

  it.each([
    ["+Inf", Infinity],
    ["-Inf", -Infinity],
    ["NaN", Number.NaN],
    [".5", 0.5],
    ["2.", 2],
    ["1.2e-3", 0.0012],
  ])("may have the value %s", (text, value) => {
    const [family] = parseExposition(page("# TYPE a gauge", `a ${text}`), "prometheus");
    expect(family?.samples[0]?.value).toBe(value);
  });

  it.each([
    ["an exemplar on a bucket", "h_bucket", '{le="+Inf"} 1 # {trace="a} b"} 0.5 1700000000.25'],
    ["an exemplar without labels", "h_bucket", '{le="+Inf"} 1 # {} 0.5'],
    ["a time in parts of seconds", "h_bucket", '{le="+Inf"} 1 1700000000.25'],
    ["a time with an exponent", "h_bucket", '{le="+Inf"} 1 1.7e9'],
  ])("in OpenMetrics may have %s", (_, name, rest) => {
    const text = page("# TYPE h histogram", name + rest, "h_count 1", "h_sum 0.5", "# EOF");
    expect(labelsOf(text, "openmetrics")?.[0]).toEqual({ le: "+Inf" });
  });

  it("keeps a histogram's series apart by their labels", () => {
    const series = (by: string, count: number) => [
      `h_bucket{by="${by}",le="1"} 0`,
      `h_bucket{by="${by}",le="+Inf"} ${count}`,
      `h_count{by="${by}"} ${count}`,
    ];
    const text = page("# TYPE h histogram", ...series("x", 5), ...series("y", 2));
    expect(labelsOf(text)).toHaveLength(6);
  });

  it("in OpenMetrics tells units and times of making", () => {
    const text = page(
      ...["# TYPE a_seconds counter", "# UNIT a_seconds seconds", "# HELP a_seconds A."],
      ...["a_seconds_total 1", "a_seconds_created 1.7e9", "# EOF"],
    );
    expect(parseExposition(text, "openmetrics")).toHaveLength(1);
  });
});

describe("a broken page of metrics", () => {
  it.each<[string, Format, string, RegExp]>([
    [
      "whose type is what objects have too",
      "prometheus",
      page("# TYPE a constructor", "a 1"),
      /no type "constructor"/,
    ],
    [
      "whose histogram has a count and no bucket",
      "prometheus",
      page("# TYPE h histogram", "h_sum 1", "h_count 3"),
      /do not rise to le="\+Inf"/,
    ],
    [
      "whose bucket has no bound",
      "prometheus",
      page("# TYPE h histogram", "h_bucket 1", "h_count 1"),
      /do not rise to le="\+Inf"/,
    ],
    [
      "whose bounds fall",
      "prometheus",
      page("# TYPE h histogram", ...['{le="2"} 1', '{le="1"} 1'].map((one) => `h_bucket${one}`)),
      /do not rise/,
    ],
    [
      "whose histogram lacks its count",
      "prometheus",
      page("# TYPE h histogram", 'h_bucket{le="+Inf"} 1'),
      /count of h is not its last bucket/,
    ],
    [
      "with a word for a time",
      "openmetrics",
      page("# TYPE a gauge", "a 1 soon", "# EOF"),
      /no number/,
    ],
    [
      "with an exemplar in Prometheus text",
      "prometheus",
      page("# TYPE a counter", "a 1 # {} 1"),
      /no number/,
    ],
    [
      "whose counter is no number",
      "prometheus",
      page("# TYPE a counter", "a NaN"),
      /not 0 or more/,
    ],
    [
      "with labels that no comma parts",
      "prometheus",
      page("# TYPE a gauge", 'a{b="1"c="2"} 1'),
      /labels cannot be read/,
    ],
    [
      "with a label out of quotes",
      "prometheus",
      page("# TYPE a gauge", "a{b=1} 1"),
      /labels cannot/,
    ],
    [
      "with an escape of its own",
      "prometheus",
      page("# TYPE a gauge", 'a{b="\\t"} 1'),
      /labels cannot/,
    ],
    [
      "with lines of another family",
      "prometheus",
      page("# TYPE a gauge", "# TYPE b gauge", "a 1"),
      /no sample of the gauge b/,
    ],
    [
      "with a sample twice in another order of labels",
      "prometheus",
      page("# TYPE a gauge", 'a{b="1",c="2"} 1', 'a{c="2",b="1"} 2'),
      /twice/,
    ],
    ["with lines behind its end", "openmetrics", page("# EOF", "# EOF"), /may be commented/],
    ["with lines of Windows", "prometheus", "# TYPE a gauge\r\na 1\r\n", /line 2/],
    ["with a type of the other format", "prometheus", page("# TYPE a info"), /no type "info"/],
    ["with nothing but a name", "prometheus", page("# TYPE a gauge", "a"), /no sample/],
  ])("%s (%s) is refused", (_, format, text, message) => {
    expect(() => parseExposition(text, format)).toThrow(message);
  });
});
