import { existsSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, describe, expect, it } from "vitest";
import { makePlace, type Place, type Running, startInPlace } from "../support/running-platform.ts";
import { killEverything } from "./recovery-kill.ts";

let place: Place;
let second: Running | undefined;

afterEach(async () => {
  second?.child.kill("SIGINT");
  await second?.ended;
  place.remove();
});

describe("a platform whose every process is killed during its very first boot", () => {
  it.each([
    ["while the cluster is made", 100],
    ["while the cluster is made", 700],
    ["Postgres 17", 0],
    ["Postgres 17", 300],
    ["Postgres 17", 1000],
    ["Migrations", 100],
  ])("starts as if nothing had been (%s, %i ms later)", async (moment, milliseconds) => {
    place = await makePlace();
    const first = startInPlace(place, ["--simulate", "5"]);
    if (moment === "while the cluster is made") {
      const begun = join(place.dataDir, "postgres.unfinished");
      while (!existsSync(begun) && !existsSync(join(place.dataDir, "postgres"))) await sleep(5);
    } else await first.says(moment);
    await sleep(milliseconds);
    await killEverything(first);
    second = startInPlace(place, ["--simulate", "5"]);
    await second.says("Zoe runs");
    expect(second.output()).toContain("Scheduler");
    second.child.kill("SIGINT");
    expect(await second.ended).toBe(0);
  });
});
