import { describe, expect, it } from "vitest";
import { parseFlags } from "./flags.ts";

const NONE = { replay: null, simulate: null, speed: null, start: null, dashboard: true, verbose: false, help: false };

describe("the command line of npm start", () => {
  it("means live market data when it is empty", () => {
    expect(parseFlags([], "/here")).toEqual(NONE);
  });

  it("takes files from where the person stands, joined by commas", () => {
    const flags = parseFlags(["--replay", "a.csv,/data/b.csv", "--speed", "60", "--start", "2017-09-03"], "/here");
    expect(flags).toEqual({ ...NONE, replay: ["/here/a.csv", "/data/b.csv"], speed: 60, start: "2017-09-03" });
  });

  it.each([
    [["--replay", "a.csv", "--simulate", "1"], "exclude each other"],
    [["--replay", ","], "at least one file"],
    [["--simulate", "-1"], "argument"],
    [["--simulate=-1"], "is not a seed"],
    [["--simulate", "1", "--speed", "0"], "is not a speed"],
    [["--simulate", "1", "--speed", "fast"], "is not a speed"],
    [["--start", "2017-09-03"], "need --replay or --simulate"],
    [["--wat"], "Unknown option '--wat'"],
    [["file.csv"], "file.csv"],
  ])("refuses %j with a sentence", (args, sentence) => {
    expect(() => parseFlags(args)).toThrow(sentence);
  });
});
