import { setTimeout as sleep } from "node:timers/promises";
import postgres from "postgres";
import { afterAll, beforeAll, expect, it } from "vitest";
import { makePlace, type Place, type Running, startInPlace } from "../support/running-platform.ts";

const SPEED = 60;
/** While a busy machine lets a tick's stop of the clock wait, another reader may read on. */
const TOLERANCE_MS = SPEED * 500;

let place: Place;
let platform: Running | undefined;
beforeAll(async () => {
  place = await makePlace();
});
afterAll(async () => {
  platform?.child.kill("SIGINT");
  await platform?.ended;
  place.remove();
});

/** Reads the clock as often as it can from before the database is there, over all starts, and keeps every reading in order. */
function pollClock() {
  const readings: number[] = [];
  let isOver = false;
  const polling = (async () => {
    while (!isOver) {
      const sql = postgres(place.databaseUrl, { max: 1, connect_timeout: 2, onnotice: () => {}, backoff: () => 0.01 });
      try {
        while (!isOver) {
          const [row] = await sql<{ now: Date }[]>`select private.clock() as now`;
          readings.push(row?.now.getTime() ?? Number.NaN);
          await sleep(5);
        }
      } catch {
        await sleep(5); // not there yet, or not set yet
      } finally {
        await sql.end({ timeout: 0 });
      }
    }
  })();
  const end = async () => {
    isOver = true;
    await polling;
    return readings;
  };
  return { readings, end };
}

const ABOUT =
  "a replay's clock never runs backwards, from the first moment at which anybody can connect, over a restart";
it(ABOUT, { timeout: 600_000 }, async () => {
  const poll = pollClock();
  const lives: number[] = [];
  for (let life = 0; life < 2; life += 1) {
    platform = startInPlace(place, ["--simulate", "7", "--start", "2017-09-03", "--speed", String(SPEED)]);
    await platform.says("Zoe runs");
    await sleep(3000);
    platform.child.kill("SIGINT");
    expect(await platform.ended).toBe(0);
    lives.push(poll.readings.length);
  }
  const readings = await poll.end();
  expect(lives[0]).toBeGreaterThan(20);
  expect((lives[1] ?? 0) - (lives[0] ?? 0)).toBeGreaterThan(20);
  expect(readings[0]).toBe(Date.parse("2017-09-03"));
  let latest = 0;
  const backwards = readings.filter((reading) => {
    const isBack = reading < latest - TOLERANCE_MS;
    latest = Math.max(latest, reading);
    return isBack;
  });
  expect(backwards.map((ms) => new Date(ms).toISOString())).toEqual([]);
  // The time between the two lives, when nothing ran, is not counted.
  const [last = Number.NaN, next = Number.NaN] = readings.slice((lives[0] ?? 0) - 1);
  expect(next - last).toBeLessThan(60_000);
});

it("the rows of the migrations bear the replay's time", { timeout: 300_000 }, async () => {
  platform = startInPlace(place, []);
  await platform.says("Zoe runs");
  const sql = postgres(place.databaseUrl, { max: 1, onnotice: () => {} });
  const [row] = await sql<{ latest: Date }[]>`select max(updated_at) as latest from public.config`;
  await sql.end();
  expect(row?.latest).toEqual(new Date("2017-09-03"));
});
