import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { AFFECTED, PRICES } from "./affected.ts";

const ROOT = join(import.meta.dirname, "../../..");
const MIGRATIONS = join(ROOT, "supabase/migrations");
const SOURCES = join(ROOT, "web/src");

const chapters = readdirSync(MIGRATIONS).map((name) => readFileSync(join(MIGRATIONS, name), "utf8"));
const published = chapters.flatMap((text) =>
  [...text.matchAll(/alter publication supabase_realtime add table([^;]+);/g)].flatMap(([, list]) =>
    [...(list ?? "").matchAll(/public\.(\w+)/g)].map(([, table]) => table),
  ),
);
const queried = new Set(
  readdirSync(SOURCES, { recursive: true, encoding: "utf8" })
    .filter((name) => /\.tsx?$/.test(name) && !name.includes(".test."))
    .flatMap((name) => [...readFileSync(join(SOURCES, name), "utf8").matchAll(/queryKey: \["(\w+)"/g)])
    .map(([, key]) => key),
);

describe("what is looked at again", () => {
  it("is decided for exactly the tables that the database publishes", () => {
    expect(Object.keys(AFFECTED).sort()).toEqual(published.sort());
  });

  it("are queries that exist, and every query is looked at again by some change", () => {
    const named = new Set<string>([...Object.values(AFFECTED).flat(), ...PRICES]);
    expect([...named].filter((key) => !queried.has(key))).toEqual([]);
    expect([...queried].filter((key) => key && !named.has(key))).toEqual([]);
  });
});
