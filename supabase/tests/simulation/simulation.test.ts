import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { type Arena, openArena } from "./arena.ts";
import { simulateSeed } from "./simulate-seed.ts";

let arena: Arena;
beforeAll(async () => {
  arena = await openArena(inject("zoeCluster"));
});
afterAll(() => arena.close());

const storyOf = async (seed: number, where: Arena): Promise<string[]> => {
  const lines: string[] = [];
  const result = await simulateSeed(where, seed, (line) => lines.push(line));
  return [...lines, JSON.stringify({ ...result, faults: [...result.faults] })];
};

test("a seed tells the same story twice, in a fresh arena and after other seeds", async () => {
  const first = await storyOf(11, arena);
  await storyOf(12, arena);
  const again = await storyOf(11, arena);
  const fresh = await openArena(inject("zoeCluster"));
  const elsewhere = await storyOf(11, fresh).finally(fresh.close);
  expect(first.length).toBeGreaterThan(100);
  expect(again).toEqual(first);
  expect(elsewhere).toEqual(first);
});

test("two seeds tell different stories", async () => {
  expect(await storyOf(13, arena)).not.toEqual(await storyOf(14, arena));
});
