import { describe, expect, it } from "@jest/globals";
import { type Format, parseExposition } from "../../src/acceptance/exposition.ts";

const page = (...lines: readonly string[]) => `${lines.join("\n")}\n`;
const histogram = [
  "# TYPE h histogram",
  'h_bucket{le="0.5"} 1',
  'h_bucket{le="+Inf"} 3',
  "h_sum 4.5",
  "h_count 3",
];

describe("a page of metrics", () => {
  it("in Prometheus text is read with its families, types, labels and values", () => {
    const text = page(
      ...[
        "# HELP a_total Help.",
        "# TYPE a_total counter",
        'a_total{b="c \\"d\\"\\n"} 1 1700000000',
      ],
      ...["", "# a comment", "# TYPE g gauge", "g -1.5e3", ...histogram],
    );
    expect(parseExposition(text, "prometheus")).toEqual([
      {
        ...{ name: "a_total", type: "counter" },
        samples: [{ name: "a_total", labels: { b: 'c "d"\n' }, value: 1 }],
      },
      { name: "g", type: "gauge", samples: [{ name: "g", labels: {}, value: -1500 }] },
      expect.objectContaining({ name: "h", type: "histogram" }),
    ]);
  });

  it("in OpenMetrics is read with totals, infos, exemplars and its end", () => {
    const text = page(
      ...["# TYPE a counter", 'a_total 2 # {trace="x"} 0.5', "# TYPE i info", 'i_info{v="1"} 1'],
      ...[...histogram, "# EOF"],
    );
    expect(parseExposition(text, "openmetrics").map(({ name, type }) => [name, type])).toEqual([
      ["a", "counter"],
      ["i", "info"],
      ["h", "histogram"],
    ]);
  });

  it.each<[string, Format, string, RegExp]>([
    ["that is cut off", "prometheus", "# TYPE a gauge\na 1", /no line feed/],
    ["without an end", "openmetrics", page("# TYPE a gauge", "a 1"), /ends with # EOF/],
    ["with an empty line", "openmetrics", page("", "# EOF"), /empty lines/],
    ["with a comment of its own", "openmetrics", page("# hello", "# EOF"), /may be commented/],
    ["with a sample of no family", "prometheus", page("a 1"), /no family was declared/],
    [
      "whose counter has no _total",
      "openmetrics",
      page("# TYPE a counter", "a 1", "# EOF"),
      /no sample of the counter a/,
    ],
    [
      "whose gauge has a suffix",
      "prometheus",
      page("# TYPE a gauge", "a_total 1"),
      /no sample of the gauge a/,
    ],
    [
      "whose families interleave",
      "prometheus",
      page("# TYPE a gauge", "a 1", "# TYPE b gauge", "b 1", "# HELP a again"),
      /not together/,
    ],
    [
      "whose type comes late",
      "prometheus",
      page("# HELP a A.", "a 1", "# TYPE a gauge"),
      /TYPE comes after a sample/,
    ],
    ["with a type of its own", "prometheus", page("# TYPE a meter"), /no type "meter"/],
    ["with a sample twice", "prometheus", page("# TYPE a gauge", "a 1", "a 2"), /twice/],
    ["with labels that never end", "prometheus", page("# TYPE a gauge", 'a{b="c} 1'), /line 2/],
    ["with a label twice", "prometheus", page("# TYPE a gauge", 'a{b="1",b="2"} 1'), /label b/],
    ["with a word for a value", "prometheus", page("# TYPE a gauge", "a many"), /no number/],
    ["with a name that is none", "prometheus", page("# TYPE 1a gauge"), /no name of a metric/],
    [
      "whose buckets fall",
      "prometheus",
      page("# TYPE h histogram", 'h_bucket{le="1"} 3', 'h_bucket{le="+Inf"} 2', "h_count 2"),
      /not cumulative/,
    ],
    [
      "whose buckets have no end",
      "prometheus",
      page("# TYPE h histogram", 'h_bucket{le="1"} 3', "h_count 3"),
      /do not rise to le="\+Inf"/,
    ],
    [
      "whose count is another",
      "prometheus",
      page("# TYPE h histogram", 'h_bucket{le="+Inf"} 2', "h_count 3"),
      /not its last bucket/,
    ],
    [
      "whose counter is below zero",
      "prometheus",
      page("# TYPE a counter", "a -1"),
      /counter a has a value/,
    ],
  ])("%s (%s) is refused", (_, format, text, message) => {
    expect(() => parseExposition(text, format)).toThrow(message);
  });
});
