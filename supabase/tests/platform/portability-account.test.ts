import { chownSync, readFileSync } from "node:fs";
import { userInfo } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { chooseAccount, isReachable } from "../../local/postgres/run-as.ts";
import { descendants, makePlace, type Place, type Running, runInPlace } from "../support/running-platform.ts";

/** When we are root, an account that is not; else it is our own, and nothing has to be changed. */
const account = chooseAccount();
const mayEnter = isReachable(import.meta.dirname, account);

/** A root whose checkout lies in a closed folder has nobody else who could start it. */
describe.runIf(mayEnter)(`npm start as an ordinary user (${account.uid ?? userInfo().uid})`, () => {
  let place: Place;
  let platform: Running;

  beforeAll(async () => {
    place = await makePlace();
    if (account.uid !== undefined && account.gid !== undefined)
      chownSync(dirname(place.dataDir), account.uid, account.gid);
    const args = ["--simulate", "5", "--no-dashboard"];
    platform = runInPlace(place, "supabase/local/launch.js", args, [], account);
    await platform.says("Zoe runs");
  });

  afterAll(() => place?.remove());

  it("runs every process as that user", () => {
    const pids = [platform.child.pid ?? 0, ...descendants(platform.child.pid ?? 0)];
    expect(pids.length).toBeGreaterThan(5);
    const uids = pids.map((pid) => /^Uid:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]);
    expect(new Set(uids)).toEqual(new Set([String(account.uid ?? userInfo().uid)]));
  });

  it("keeps everything in its data folder, and stops in order", async () => {
    const manual = runInPlace(place, "scripts/invoke.ts", ["trader-tick"], undefined, account);
    expect(await manual.ended).toBe(0);
    expect(readFileSync(join(place.dataDir, "postgres", "PG_VERSION"), "utf8").trim()).toBe("17");
    platform.child.kill("SIGINT");
    expect(await platform.ended).toBe(0);
    expect(platform.output()).toContain("Everything has stopped");
  });
});
