import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const WEB = join(import.meta.dirname, "..");
const BUDGET_BYTES = 180 * 1024;
let out: string;
beforeAll(() => {
  out = mkdtempSync(join(tmpdir(), "zoe-bundle-"));
  const vite = join(WEB, "../node_modules/vite/bin/vite.js");
  execFileSync(process.execPath, [vite, "build", WEB, "--outDir", out, "--emptyOutDir", "--logLevel", "error"]);
}, 60_000);
afterAll(() => rmSync(out, { recursive: true, force: true }));

describe("the first load", () => {
  it("is less than 180 KB of gzipped JavaScript, and the chart is not part of it", () => {
    const html = readFileSync(join(out, "index.html"), "utf8");
    const first = [...html.matchAll(/(?:src|href)="\/(assets\/[^"]+\.js)"/g)].map(([, file]) => file ?? "");
    const bytes = first.reduce((sum, file) => sum + gzipSync(readFileSync(join(out, file))).length, 0);
    expect(first.length).toBeGreaterThan(0);
    expect(bytes).toBeLessThan(BUDGET_BYTES);
    expect(first.filter((file) => file.includes("chart"))).toEqual([]);
    expect(readdirSync(join(out, "assets")).filter((file) => /equity-chart.*\.js$/.test(file))).toHaveLength(1);
  });
});
