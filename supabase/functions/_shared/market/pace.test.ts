import { expect, it } from "vitest";
import { paced } from "./pace.ts";

const waitsOf = async (requests: readonly number[], burst: number, perSecond: number) => {
  const waits: number[] = [];
  let now = 0;
  let waited = 0;
  const pace = paced(
    burst,
    perSecond,
    () => now,
    async (ms) => {
      waited = ms;
    },
  );
  for (const at of requests) {
    now = at;
    waited = 0;
    await pace();
    waits.push(waited);
  }
  return waits;
};

it("lets a burst through at once and then one request every interval", async () => {
  expect(await waitsOf([0, 0, 0, 0, 0], 3, 10)).toEqual([0, 0, 0, 100, 200]);
});

it("gives the burst back after a pause", async () => {
  expect(await waitsOf([0, 0, 0, 10_000, 10_000, 10_000], 2, 10)).toEqual([0, 0, 100, 0, 0, 100]);
});
