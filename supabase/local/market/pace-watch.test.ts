import { describe, expect, it } from "vitest";
import { PaceWatch } from "./pace-watch.ts";

/** What is said while the clock runs at these speeds for half a minute each, looked at every second, where `asked` is the aim. */
function said(asked: number, ...speeds: number[]): string[] {
  const watch = new PaceWatch();
  const lines: string[] = [];
  let [clockMs, realMs] = [0, 0];
  for (const speed of speeds) {
    for (let second = 0; second < 30; second += 1) {
      const line = watch.look({ clockMs, realMs, speed: asked });
      if (line !== null) lines.push(line);
      clockMs += speed * 1000;
      realMs += 1000;
    }
  }
  return lines;
}

describe("a replay that can't keep the speed asked for", () => {
  it("says the speed that it reaches, once", () => {
    expect(said(40, 7, 7, 7)).toEqual([
      "the replay runs at 7 x real time where 40 was asked: this machine is too busy for more, and nothing is skipped",
    ]);
  });

  it("says so when it is as fast as asked again", () => {
    expect(said(40, 7, 40, 40).at(-1)).toBe("the replay runs at 40 x real time again, as asked");
  });

  it("says nothing when it keeps it, or stands still because nothing runs yet", () => {
    expect(said(40, 40, 38)).toEqual([]);
    expect(said(0, 0, 0)).toEqual([]);
  });
});
